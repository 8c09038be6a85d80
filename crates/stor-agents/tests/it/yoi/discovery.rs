//! Finds stores by yoi's own rules, and at paths that a user gives.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use scrollback_source::{Agent, StoreState};
use scrollback_stor_agents::engine::DialectAgent;
use scrollback_stor_agents::yoi::Yoi;
use scrollback_stor_path::Environment;

use super::copy_sound_sessions;
use crate::support::{self, fixture};

fn agent() -> DialectAgent<Yoi> {
    DialectAgent::default()
}

fn count_sessions(path: &Path) -> usize {
    support::count_sessions(&agent(), path)
}

fn roots(environment: &Environment) -> Vec<PathBuf> {
    agent().discover(environment).roots.into_iter().map(|root| root.path).collect()
}

#[test]
fn variables_replace_the_directories_of_their_version() {
    let home = tempfile::tempdir().unwrap();
    let sessions = home.path().join(".yoi/sessions");
    copy_sound_sessions("head", &sessions);
    let mut environment =
        Environment { home: Some(home.path().to_owned()), ..Environment::default() };
    let discovery = agent().discover(&environment);
    let present = discovery.roots.iter().find(|root| root.path == sessions).unwrap();
    assert_eq!(present.stores[0].state, StoreState::Present);
    environment.agent_variables.insert("YOI_HOME", OsString::from("/other/home"));
    environment.agent_variables.insert("INSOMNIA_DATA_DIR", OsString::from("/old/data"));
    environment.agent_variables.insert("INSOMNIA_HOME", OsString::from("/old/home"));
    let found = roots(&environment);
    assert!(found.contains(&PathBuf::from("/other/home/sessions")), "{found:?}");
    assert!(found.contains(&PathBuf::from("/old/data/sessions")), "{found:?}");
    assert!(!found.contains(&sessions) && found.len() == 3, "{found:?}");
}

#[test]
fn a_path_is_a_home_a_store_or_one_session() {
    let home = tempfile::tempdir().unwrap();
    let sessions = home.path().join(".yoi/sessions");
    copy_sound_sessions("head", &sessions);
    let all = count_sessions(&sessions);
    assert!(all > 10);
    assert_eq!(count_sessions(home.path()), all);
    assert_eq!(count_sessions(&home.path().join(".yoi")), all);
    let session = sessions.join("01a1fb77-ecc8-7143-aeb1-0bc7f4ad324d");
    assert_eq!(count_sessions(&session), 1);
    assert_eq!(count_sessions(&session.join("01a1fb77-ecc8-7143-aeb1-0bc8c4fe4f08.jsonl")), 1);
    assert_eq!(count_sessions(&fixture("yoi/head/root/aggregate")), 2);
}
