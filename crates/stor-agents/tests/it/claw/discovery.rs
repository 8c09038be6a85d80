//! Finds stores by claw's own rules, and at paths that a user gives.

use std::fs;
use std::path::Path;

use scrollback_source::{Agent, StoreState};
use scrollback_stor_agents::claw::Claw;
use scrollback_stor_agents::engine::DialectAgent;
use scrollback_stor_path::Environment;

use super::copy_sound_sessions;
use crate::support;

fn agent() -> DialectAgent<Claw> {
    DialectAgent::default()
}

fn count_sessions(path: &Path) -> usize {
    support::count_sessions(&agent(), path)
}

#[test]
fn the_home_and_the_current_directory_have_stores() {
    let dir = tempfile::tempdir().unwrap();
    let (home, workspace, other) =
        (dir.path().join("home"), dir.path().join("work"), dir.path().join("other"));
    let mut environment = Environment {
        home: Some(home.clone()),
        current_dir: Some(workspace.clone()),
        ..Environment::default()
    };
    let paths = |environment: &Environment| -> Vec<_> {
        let roots = agent().discover(environment).roots;
        roots.into_iter().map(|root| (root.path, root.stores[0].state)).collect()
    };
    let of_home = home.join(".claw/sessions");
    let of_workspace = workspace.join(".claw/sessions");
    let expected = [(of_home, StoreState::Expected), (of_workspace.clone(), StoreState::Expected)];
    assert_eq!(paths(&environment), expected);
    environment.agent_variables.insert("CLAW_CONFIG_HOME", other.clone().into_os_string());
    copy_sound_sessions(&of_workspace);
    let expected =
        [(other.join("sessions"), StoreState::Expected), (of_workspace, StoreState::Present)];
    assert_eq!(paths(&environment), expected);
    environment.agent_variables.clear();
    environment.current_dir = Some(home);
    assert_eq!(paths(&environment).len(), 1, "one store, found by two rules");
}

#[test]
fn a_path_is_a_workspace_a_data_directory_a_store_or_one_session() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = dir.path().join(".claw/sessions");
    copy_sound_sessions(&sessions);
    let all = count_sessions(&sessions);
    assert!(all > 20);
    assert_eq!(count_sessions(dir.path()), all);
    assert_eq!(count_sessions(&dir.path().join(".claw")), all);
    let of_workspace = sessions.join("8d09d5bbd9c78a87");
    assert_eq!(count_sessions(&of_workspace), 12);
    for session in [
        of_workspace.join("session-1795220061141-0.jsonl"),
        sessions.join("ff7ecf4c091e7d63/session-1795220065972-13.json"),
        sessions.join("named-by-hand.jsonl"),
    ] {
        assert_eq!(count_sessions(&session), 1, "{}", session.display());
    }
}

#[test]
fn files_of_other_programs_are_no_store() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("package.json", "{\n  \"name\": \"x\",\n  \"version\": \"1.0.0\"\n}\n"),
        ("chat.json", "{\"sessionId\": \"x\", \"messages\": []}"),
        ("rollout.jsonl", "{\"type\":\"session_meta\",\"payload\":{\"id\":\"x\"}}\n"),
        ("pi.jsonl", "{\"type\":\"message\",\"message\":{\"role\":\"user\",\"content\":[]}}\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
        let found = agent().find(&dir.path().join(name));
        assert!(found.roots.is_empty() && found.problem.is_some(), "{name}");
    }
    assert!(agent().find(dir.path()).roots.is_empty());
}
