//! Properties of borrowing scans.

use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, Scope, Stamp};
use scrollback_source::{BorrowedItem, Source};

use super::{bytes, session_with_messages, sessions};
use crate::calls::scan;
use crate::{Content, Expectations};

/// An owned copy of a borrowed record.
struct Record {
    key: EntityKey,
    stamp: Stamp,
    is_copy: bool,
    bytes: Vec<u8>,
}

/// Copies the records of a borrowing scan, and returns whether the scan committed them.
fn scan_borrowed(store: &dyn Source, scope: &Scope) -> (Vec<Record>, bool) {
    let (mut records, mut is_committed) = (Vec::new(), false);
    let visitor = &mut |item: BorrowedItem<'_>| {
        match item {
            BorrowedItem::Record(record) => records.push(Record {
                key: record.key().unwrap(),
                stamp: record.stamp,
                is_copy: record.is_copy,
                bytes: record.bytes.to_vec(),
            }),
            BorrowedItem::Issue(key, issue) => panic!("{key:?}: {issue}"),
            BorrowedItem::Set(_) => {}
            BorrowedItem::Commit => is_committed = true,
            BorrowedItem::Rollback => panic!("nobody writes"),
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().scan_borrowed(scope, visitor).unwrap();
    (records, is_committed)
}

/// A borrowing scan passes the records of a scan; it may leave out the ids at the end of a span.
pub fn borrowed_records_equal_scanned_records(store: &dyn Source, _: &Expectations) {
    let messages = sessions(store).into_iter().map(Scope::Messages);
    for scope in messages.chain([Scope::AllParts]) {
        let (records, is_committed) = scan_borrowed(store, &scope);
        assert!(is_committed);
        let entries = scan(store, &scope).entries;
        assert_eq!(records.len(), entries.len());
        for (record, entry) in records.iter().zip(&entries) {
            let Record { key, stamp, is_copy, bytes: borrowed_bytes } = record;
            assert_eq!((key, stamp), (&entry.key, entry.span.as_ref().unwrap().stamp()));
            assert_eq!(*is_copy, entry.is_copy, "{key}");
            // The bytes are whole, or they lack the ids that a span has at its end. A damaged
            // record has no `}`.
            let borrowed_bytes = borrowed_bytes.strip_suffix(b"}").unwrap_or(borrowed_bytes);
            assert!(bytes(entry).starts_with(borrowed_bytes), "{key}");
        }
    }
}

/// A borrowing scan passes nothing after a break.
pub fn a_borrowed_scan_ends_at_a_break(store: &dyn Source, expected: &Expectations) {
    let messages = Scope::Messages(session_with_messages(store));
    let parts = expected.has(Content::Parts).then_some(Scope::AllParts);
    for scope in [messages].into_iter().chain(parts) {
        let mut visited = 0;
        let visitor = &mut |_: BorrowedItem<'_>| {
            visited += 1;
            ControlFlow::Break(())
        };
        store.open().unwrap().scan_borrowed(&scope, visitor).unwrap();
        assert_eq!(visited, 1, "{scope:?}");
    }
}
