//! An append log as a member of a merged store: its tokens go to the log, and its records come back
//! as records of the merged store.

use std::sync::Arc;

use scrollback_core_id::{EntityKey, Scope, SessionId, SessionKey, SystemClock};
use scrollback_fixtures::write_tree;
use scrollback_flow::MergedSource;
use scrollback_source::{Probe, ScanItem, Source, SourceChange};
use scrollback_source_test::jsonl::LogWriter;
use scrollback_stor_read::FileReader;

use super::{check_equals_rebuild, log_source, open, refresh};
use crate::calls::scan;
use crate::support::source_id;

#[test]
fn a_session_is_resumed_by_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (root, storage) = (dir.path().join("logs"), dir.path().join("storage"));
    let mut log = LogWriter::open(&root, "ses_log").unwrap();
    log.append_session("of a log").unwrap();
    let tree = r#"
        //- session/p/ses_tree.json
        {"id":"ses_tree","time":{"created":1,"updated":1}}
        //- message/ses_tree/msg_1.json
        {"id":"msg_1","role":"user","time":{"created":1}}
    "#;
    write_tree(&storage, tree).unwrap();
    let files = FileReader::new(&storage, source_id("files"), Arc::new(SystemClock));
    let merged = MergedSource::new(source_id("both"), Arc::new(files))
        .with_source(Arc::new(log_source(&root)));

    let session = SessionKey::from(SessionId::new("ses_log").unwrap());
    let token = scan(&merged, &Scope::Messages(session.clone())).set.unwrap().resume.unwrap();
    let from = log.append_user_message().unwrap();
    let mut entries = Vec::new();
    let resumed = merged.open().unwrap().resume(&session, &token, &mut |item| {
        if let ScanItem::Entry(entry) = item {
            entries.push(entry);
        }
        std::ops::ControlFlow::Continue(())
    });
    let change = SourceChange::Appended { session: session.clone(), offset: from };
    assert_eq!(resumed.unwrap().probe, Probe::Changed(vec![change]));
    let [record, message] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(record.origin, Some(source_id("logs")));
    assert!(matches!(message.key, EntityKey::Message(_)));
    // The other member refuses the token.
    let other = SessionKey::from(SessionId::new("ses_tree").unwrap());
    let refused =
        merged.open().unwrap().resume(&other, &token, &mut |_| panic!("nothing")).unwrap();
    assert_eq!(refused.probe, Probe::Rescan);

    let materializer = open(merged.clone(), None);
    for _ in 0..5 {
        log.append_user_message().unwrap();
        refresh(&materializer);
        check_equals_rebuild(&materializer, &merged);
    }
    assert_eq!(materializer.stats().counters.resumed, 5);
}
