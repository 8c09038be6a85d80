//! Single calls: each returns one record, or a clear error.

use scrollback_core_id::{MessageKey, PartKey};
use scrollback_core_type::{Message, PartKind};
use scrollback_source::{Error, SourceExt};

use crate::calls::session_key;
use crate::support::store_from_text;

#[test]
fn single_records_are_read_and_owned() {
    let (dir, store) = store_from_text(
        r#"
        //- project/p.json
        {"id":"p","worktree":"/w"}
        //- session/p/ses_1.json
        {"id":"ses_1","title":"t"}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","role":"user"}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","type":"text","text":"x"}
        //- todo/ses_1.json
        [{"content":"c","status":"pending"}]
        //- session_diff/ses_1.json
        [{"file":"f"}]
        //- part/msg_1/prt_2.json
        {"id":
        "#,
    );
    let session = session_key("ses_1");
    let message =
        MessageKey { session: session.session.clone(), message: "msg_1".parse().unwrap() };
    let part = |id: &str| PartKey { message: "msg_1".parse().unwrap(), part: id.parse().unwrap() };
    let owned = (
        store.read_project(&"p".parse().unwrap()).unwrap().value,
        store.read_session(&session).unwrap().value,
        store.read_message(&message).unwrap().value,
        store.read_part(&part("prt_1")).unwrap().value,
        store.read_todo(&session).unwrap().value,
    );
    assert_eq!(&*store.read_diff_span(&session).unwrap(), br#"[{"file":"f"}]"#);
    assert!(matches!(store.read_part(&part("prt_2")), Err(Error::Entity(_))));
    assert!(matches!(store.read_part(&part("prt_3")), Err(Error::NotFound(_))));
    assert!(matches!(store.read_part(&part("../x")), Err(Error::Entity(_))));
    assert!(matches!(store.read_session(&session_key("ses_9")), Err(Error::NotFound(_))));
    assert_eq!(store.list_projects().unwrap().entries.len(), 1);
    assert_eq!(store.list_parts(&message).unwrap().entries.len(), 2);
    drop((dir, store));
    assert_eq!(owned.0.worktree.unwrap(), "/w");
    assert_eq!(owned.1.title.unwrap(), "t");
    assert!(matches!(owned.2, Message::User(_)));
    assert_eq!(owned.3.kind(), PartKind::Text);
    assert_eq!(owned.4[0].content.as_ref().unwrap(), &"c");
}
