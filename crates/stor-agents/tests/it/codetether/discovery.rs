//! Finds stores by codetether's own rules, and at paths that a user gives.

use std::fs;
use std::path::{Path, PathBuf};

use scrollback_source::{Agent, StoreState};
use scrollback_stor_agents::codetether::Codetether;
use scrollback_stor_agents::engine::DialectAgent;
use scrollback_stor_path::Environment;

use super::copy_sound_sessions;
use crate::support;

fn agent() -> DialectAgent<Codetether> {
    DialectAgent::default()
}

fn environment(current: &Path, variable: Option<&str>) -> Environment {
    let variables = variable.map(|value| ("CODETETHER_DATA_DIR", value.into()));
    Environment {
        current_dir: Some(current.to_owned()),
        agent_variables: variables.into_iter().collect(),
        ..Environment::default()
    }
}

fn discovered(environment: &Environment) -> Vec<(PathBuf, StoreState)> {
    let roots = agent().discover(environment).roots;
    roots.into_iter().map(|root| (root.path, root.stores[0].state)).collect()
}

#[test]
fn the_store_is_in_the_workspace_or_where_the_variable_says() {
    let dir = tempfile::tempdir().unwrap();
    let (top, deep) = (dir.path().join("project"), dir.path().join("project/src/deep"));
    fs::create_dir_all(&deep).unwrap();
    let below = |dir: &Path| dir.join(".codetether-agent/sessions");
    let expected = |path: PathBuf| vec![(path, StoreState::Expected)];
    assert_eq!(discovered(&environment(&deep, None)), expected(below(&deep)));
    // A file `.git` is that of another working tree.
    fs::write(top.join(".git"), "gitdir: elsewhere").unwrap();
    assert_eq!(discovered(&environment(&deep, None)), expected(below(&top)));
    assert_eq!(discovered(&environment(&deep, Some("  "))), expected(below(&top)));
    let data = dir.path().join("data");
    let variable = format!(" {} ", data.display());
    let named = environment(&deep, Some(&variable));
    assert_eq!(discovered(&named), expected(data.join("sessions")));
    assert_eq!(discovered(&environment(&top, Some("src"))), expected(top.join("src/sessions")));
    copy_sound_sessions(&data.join("sessions"));
    assert_eq!(discovered(&named), [(data.join("sessions"), StoreState::Present)]);
    assert!(discovered(&Environment::default()).is_empty());
}

fn count_sessions(path: &Path) -> usize {
    support::count_sessions(&agent(), path)
}

#[test]
fn a_path_is_a_workspace_a_data_directory_a_store_or_one_session() {
    let workspace = tempfile::tempdir().unwrap();
    let data = workspace.path().join(".codetether-agent");
    let sessions = data.join("sessions");
    copy_sound_sessions(&sessions);
    for path in [workspace.path(), &data, &sessions] {
        assert_eq!(count_sessions(path), 8, "{}", path.display());
    }
    assert_eq!(count_sessions(&sessions.join("11111111-2222-4333-8444-555555555555.json")), 1);
    for other in [".workspace_index.json", "00000000-0000-4000-8000-000000000003.json.tmp", "gone"]
    {
        let found = agent().find(&sessions.join(other));
        assert!(found.roots.is_empty() && found.problem.is_some(), "{other}");
    }
}
