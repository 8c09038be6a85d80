//! The texts of keys, and the sizes of types that indexes hold in large numbers.

use std::mem::size_of;

use scrollback_core_id::{
    EntityKey, IdClock, MessageId, MessageKey, OrderKey, PartId, PartKey, ProjectId, SessionId,
    SessionKey, Stamp, UnixNanos,
};

#[test]
fn hot_types_stay_small() {
    assert_eq!(size_of::<SessionId>(), 32);
    assert_eq!(size_of::<Option<SessionId>>(), 32);
    assert_eq!(size_of::<SessionKey>(), 32);
    assert_eq!(size_of::<MessageKey>(), 64);
    assert_eq!(size_of::<PartKey>(), 64);
    assert_eq!(size_of::<EntityKey>(), 72);
    assert_eq!(size_of::<IdClock>(), 8);
    assert_eq!(size_of::<OrderKey>(), 8);
    assert_eq!(size_of::<UnixNanos>(), 8);
    assert_eq!(size_of::<Stamp>(), 24);
}

#[test]
fn keys_print_their_kind_and_ids() {
    let session = SessionId::new("ses_1").unwrap();
    let message = MessageId::new("msg_2").unwrap();
    let part = PartId::new("prt_3").unwrap();
    let session_key = SessionKey::from(session.clone());
    let keys = [
        (EntityKey::from(ProjectId::new("global").unwrap()), "project global"),
        (EntityKey::from(session_key.clone()), "session ses_1"),
        (MessageKey { session, message: message.clone() }.into(), "message ses_1/msg_2"),
        (PartKey { message, part }.into(), "part msg_2/prt_3"),
        (EntityKey::Diff(session_key.clone()), "diff ses_1"),
        (EntityKey::Todo(session_key.clone()), "todo ses_1"),
        (EntityKey::Share(session_key), "share ses_1"),
    ];
    for (key, text) in &keys {
        assert_eq!(key.to_string(), *text);
    }
    let distinct: std::collections::HashSet<_> = keys.iter().map(|(key, _)| key).collect();
    assert_eq!(distinct.len(), keys.len(), "the records of one session have different keys");
}
