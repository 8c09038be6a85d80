//! Lending.

use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, Scope, Stamp};
use scrollback_source::{BorrowedItem, Source};

use super::{bytes, session_with_messages, sessions};
use crate::calls::scan;
use crate::{Content, Expectations};

/// A record that was lent.
struct Record {
    key: EntityKey,
    stamp: Stamp,
    is_copy: bool,
    bytes: Vec<u8>,
}

/// What a reader lends, with whether it holds in the end.
fn scan_borrowed(store: &dyn Source, scope: &Scope) -> (Vec<Record>, bool) {
    let (mut all, mut holds) = (Vec::new(), false);
    let each = &mut |it: BorrowedItem<'_>| {
        match it {
            BorrowedItem::Record(it) => all.push(Record {
                key: it.key().unwrap(),
                stamp: it.stamp,
                is_copy: it.is_copy,
                bytes: it.bytes.to_vec(),
            }),
            BorrowedItem::Issue(key, issue) => panic!("{key:?}: {issue}"),
            BorrowedItem::Set(_) => {}
            BorrowedItem::Commit => holds = true,
            BorrowedItem::Rollback => panic!("nobody writes"),
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().scan_borrowed(scope, each).unwrap();
    (all, holds)
}

/// What is lent is what a scan hands out; the ids at the end of a span may be missing.
pub fn borrowed_records_equal_scanned_records(store: &dyn Source, _: &Expectations) {
    let messages = sessions(store).into_iter().map(Scope::Messages);
    for scope in messages.chain([Scope::AllParts]) {
        let (records, holds) = scan_borrowed(store, &scope);
        assert!(holds);
        let entries = scan(store, &scope).entries;
        assert_eq!(records.len(), entries.len());
        for (record, entry) in records.iter().zip(&entries) {
            let Record { key, stamp, is_copy, bytes: lent } = record;
            assert_eq!((key, stamp), (&entry.key, entry.span.as_ref().unwrap().stamp()));
            assert_eq!(*is_copy, entry.is_copy, "{key}");
            // Whole, or without the ids that a span has at its end.
            let lent = lent.strip_suffix(b"}").unwrap_or(lent); // one that is damaged
            assert!(bytes(entry).starts_with(lent), "{key}");
        }
    }
}

/// Nothing more is lent after a break.
pub fn a_borrowed_scan_ends_at_a_break(store: &dyn Source, expected: &Expectations) {
    let messages = Scope::Messages(session_with_messages(store));
    let parts = expected.has(Content::Parts).then_some(Scope::AllParts);
    for scope in [messages].into_iter().chain(parts) {
        let mut lent = 0;
        let each = &mut |_: BorrowedItem<'_>| {
            lent += 1;
            ControlFlow::Break(())
        };
        store.open().unwrap().scan_borrowed(&scope, each).unwrap();
        assert_eq!(lent, 1, "{scope:?}");
    }
}
