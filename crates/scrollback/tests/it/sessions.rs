//! Tests of sessions: how a text names a session, and what a session contains.

use scrollback::{Error, Store};
use scrollback_fixtures::{Corpus, corpus};

fn open_corpus() -> Store {
    Store::builder().path(&corpus(Corpus::OpencodeJson).storage).without_cache().build().unwrap()
}

#[test]
fn a_session_is_found_by_id_prefix_or_age() {
    let store = open_corpus();
    let all = store.sessions().unwrap();
    let newest = all.iter().find(|session| !session.is_subagent()).unwrap();
    let id = newest.id();
    for text in ["latest", "last", "latest~0", id, &id[..id.len() - 3], &id[4..id.len() - 3]] {
        assert_eq!(store.session(text).unwrap().id(), id, "{text}");
    }
    let top: Vec<_> = all.iter().filter(|session| !session.is_subagent()).collect();
    assert_eq!(store.session("latest~2").unwrap().id(), top[2].id());
    let beyond = store.session("latest~1000").unwrap_err();
    let Error::NoSession { latest_count, .. } = beyond else { panic!("{beyond}") };
    assert_eq!(latest_count, Some(top.len()));
    let fresh = open_corpus();
    assert_eq!(fresh.session(id).unwrap().title(), newest.title(), "no list was read before");
    assert!(matches!(store.session("ses_"), Err(Error::Ambiguous { .. })));
    assert!(matches!(store.session("nobody"), Err(Error::NoSession { latest_count: None, .. })));
    assert!(matches!(store.session("latest~x"), Err(Error::BadSession { .. })));
    assert!(matches!(store.session("a\u{1b}b"), Err(Error::BadSession { .. })));
}

#[test]
fn a_session_equals_its_tree() {
    let store = open_corpus();
    let mut failed = 0;
    for session in store.sessions().unwrap() {
        let tree = session.tree().unwrap();
        let hydrated = tree.hydrate().value;
        let messages = session.messages().unwrap();
        assert_eq!(
            messages.len(),
            hydrated.messages.iter().filter(|it| it.message.is_some()).count()
        );
        let calls = session.tool_calls().unwrap();
        for call in calls.iter().filter(|call| call.failed()) {
            assert!(!call.error().unwrap().is_empty() && call.output().is_none());
            failed += 1;
        }
        assert_eq!(session.usage().unwrap().messages, hydrated.messages.len() as u64);
    }
    assert!(failed > 0, "the corpus has failed calls");
}
