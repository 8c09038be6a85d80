//! Marks of copies that a build adds last, against the same marks in a later batch.

use scrollback_index::{
    Batch, IndexBuilder, MessageMeta, SessionContents, SessionIndex, SessionMeta, SessionState,
    View,
};

use crate::support::{message, message_key, reopen, session_key, store, view_state};

/// Returns a builder with three sessions of four messages each, none of them a copy.
fn builder() -> IndexBuilder {
    let mut builder = IndexBuilder::new(store());
    for session in 1..4 {
        let original = |n| MessageMeta {
            is_copy: false,
            is_recorded_copy: false,
            ..message(&message_key(session, n), (10 * session + n).into())
        };
        builder.add_session(&mut SessionContents {
            key: session_key(session),
            state: SessionState::with_record(SessionMeta::new(session_key(session))),
            messages: (0..4).map(original).collect(),
        });
    }
    builder
}

fn copies(view: &View) -> Vec<MessageMeta> {
    let keys = [message_key(1, 0), message_key(3, 1), message_key(3, 2)];
    let messages = keys.iter().map(|key| MessageMeta::clone(&view.message_by_key(key).unwrap()));
    messages.map(|it| MessageMeta { is_copy: true, is_recorded_copy: true, ..it }).collect()
}

#[test]
fn a_build_marks_copies_as_a_batch_does() {
    let built = builder().finish_with_copies(copies);
    let index = builder().finish();
    let mut batch = Batch::new();
    copies(&index.view()).into_iter().for_each(|copy| batch.put_message(copy));
    index.commit(batch);
    assert_eq!(view_state(&built.view()), view_state(&index.view()));
    for session in 1..4 {
        let id = session_key(session).session;
        assert_eq!(built.view().usage(&id), index.view().usage(&id), "session {session}");
        let has_copies = session != 2;
        assert_eq!(built.view().session_has_recorded_copies(&id), has_copies);
    }
    let reopened = SessionIndex::from_snapshot(reopen(&built.snapshot()).unwrap());
    assert_eq!(view_state(&reopened.view()), view_state(&built.view()));
}
