//! Tests `SessionLoader`.

use scrollback_core_id::{MessageId, MessageKey};
use scrollback_core_type::{Message, PartKind};
use scrollback_flow::{Error, SessionLoader};

use crate::store::{corpus_session, session_key, store_from_text};

#[test]
fn a_message_is_loaded_with_its_parts() {
    let (store, session) = corpus_session("fix");
    let loader = SessionLoader::new(&store);
    let listed = loader.list_messages(&session).unwrap();
    assert_eq!(listed.issues, []);
    let tree = loader.load_session_tree(&session).unwrap();
    assert_eq!(listed.entries.len(), tree.tree.messages.len());
    let hydrated = tree.hydrate().value;
    for (entry, whole) in listed.entries.iter().zip(&hydrated.messages) {
        let scrollback_core_id::EntityKey::Message(key) = &entry.key else { panic!("a message") };
        let loaded = loader.load_message_with_parts(key).unwrap();
        let one = loaded.hydrate();
        assert_eq!(one.report.issues, []);
        assert_eq!(one.value.message, whole.message);
        assert_eq!(one.value.parts.len(), whole.parts.len());
        let parts = loader.load_parts(key).unwrap();
        assert!(
            parts.entries.iter().map(|node| &node.key).eq(loader
                .list_parts(key)
                .unwrap()
                .entries
                .iter()
                .map(|node| &node.key))
        );
        assert!(parts.entries.iter().zip(&loaded.node().parts).all(|(entry, node)| {
            entry.key == node.key.clone().into()
                && *entry.span.as_deref().unwrap() == **node.span.as_ref().unwrap()
        }));
    }
    let missing =
        MessageKey { session: session.session, message: MessageId::new("msg_no").unwrap() };
    assert!(matches!(loader.load_message_with_parts(&missing), Err(Error::NotFound(_))));
}

#[test]
fn messages_come_without_parts() {
    let (store, session) = corpus_session("fix");
    let loaded = SessionLoader::new(&store).load_messages(&session).unwrap();
    assert_eq!(loaded.tree.part_count(), 0);
    assert!(loaded.hydrate().value.messages.iter().all(|node| node.message.is_some()));
}

#[test]
fn sessions_and_projects_are_listed() {
    let (store, session) = corpus_session("rust");
    let loader = SessionLoader::new(&store);
    assert_eq!(loader.list_sessions(None).unwrap().value.len(), 59);
    let loaded = loader.load_session(&session).unwrap();
    let project = loaded.session().unwrap().value.project_id.unwrap();
    let mine = loader.list_sessions(Some(&project)).unwrap().value;
    assert!(mine.len() < 59 && mine.iter().any(|node| node.key == session));
    assert!(mine.iter().all(|node| node.project.as_ref() == Some(&project)));
    assert!(loader.list_projects().unwrap().entries.len() >= 3);
    assert!(matches!(loader.load_session(&session_key("ses_no")), Err(Error::NotFound(_))));
}

#[test]
fn a_tree_owns_the_bytes_of_its_values() {
    let (_dir, store) = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1"}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","type":"step-start"}
        "#,
    );
    let tree = SessionLoader::new(&store).load_session_tree(&session_key("ses_1")).unwrap();
    drop((_dir, store));
    let hydrated = tree.hydrate().value;
    assert!(matches!(hydrated.messages[0].message, Some(Message::User(_))));
    assert_eq!(hydrated.messages[0].parts[0].part.as_ref().unwrap().kind(), PartKind::StepStart);
}
