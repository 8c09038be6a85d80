//! Finds stores by crabtalk's own rule, and at paths that a user gives.

use std::path::Path;

use scrollback_source::{Agent, StoreState};
use scrollback_stor_agents::crabtalk::Crabtalk;
use scrollback_stor_agents::engine::DialectAgent;
use scrollback_stor_path::Environment;

use super::copy_sound_sessions;
use crate::support;

fn agent() -> DialectAgent<Crabtalk> {
    DialectAgent::default()
}

fn count_sessions(path: &Path) -> usize {
    support::count_sessions(&agent(), path)
}

#[test]
fn the_home_directory_has_the_store() {
    let home = tempfile::tempdir().unwrap();
    let environment = Environment { home: Some(home.path().to_owned()), ..Environment::default() };
    let expected = agent().discover(&environment);
    assert_eq!(expected.roots[0].stores[0].state, StoreState::Expected);
    copy_sound_sessions(&home.path().join(".crabtalk/sessions"));
    let present = agent().discover(&environment);
    assert_eq!(present.roots[0].stores[0].state, StoreState::Present);
    assert_eq!(present.roots[0].path, home.path().join(".crabtalk/sessions"));
}

#[test]
fn a_path_is_a_home_a_store_or_one_session() {
    let home = tempfile::tempdir().unwrap();
    let sessions = home.path().join(".crabtalk/sessions");
    copy_sound_sessions(&sessions);
    let all = count_sessions(&sessions);
    assert!(all > 5);
    assert_eq!(count_sessions(home.path()), all);
    assert_eq!(count_sessions(&home.path().join(".crabtalk")), all);
    assert_eq!(count_sessions(&sessions.join("crab_user_1")), 1);
    for other in ["not/there", ".crabtalk/sessions/crab_user_1/step-000001"] {
        let found = agent().find(&home.path().join(other));
        assert!(found.roots.is_empty() && found.problem.is_some(), "{other}");
    }
}
