//! Properties of scans, trees, spans and orphans.

use std::collections::HashSet;

use scrollback_core_id::{EntityKey, Scope};
use scrollback_source::{Entry, Source};

use super::{bytes, is_part, keys_orders_bytes, sessions};
use crate::calls::{count_until_break, orphans, scan, session_key, spans, tree};
use crate::{Content, Expectations};

/// A tree has the session, its messages with their parts, and its items, as the scans list them. Each
/// of these has the same bytes if it is read by its key.
pub fn a_tree_equals_its_scans(store: &dyn Source, expected: &Expectations) {
    let (mut parts_found, mut items_found) = (0, 0);
    let all = sessions(store);
    assert!(!all.is_empty());
    for session in all {
        let mut session_tree = tree(store, &session);
        assert!(session_tree.issues.is_empty());
        let is_item = |entry: &Entry| matches!(entry.key, EntityKey::Item(_));
        let items: Vec<Entry> =
            session_tree.entries.extract_if(.., |entry| is_item(entry)).collect();
        items_found += items.len();
        let listed = scan(store, &Scope::Items(session.clone())).entries;
        assert_eq!(keys_orders_bytes(&items), keys_orders_bytes(&listed));
        let single: Vec<EntityKey> = items.iter().map(|item| item.key.clone()).collect();
        assert!(spans(store, &single).entries.iter().map(bytes).eq(items.iter().map(bytes)));
        let mut listed = vec![EntityKey::Session(session.clone())];
        for message in scan(store, &Scope::Messages(session)).entries {
            let EntityKey::Message(key) = &message.key else { panic!("{}", message.key) };
            let parts = scan(store, &Scope::Parts(key.clone())).entries;
            assert!(parts.iter().all(|part| part.span.is_none()), "parts come as names");
            parts_found += parts.len();
            listed.push(message.key.clone());
            listed.extend(parts.into_iter().map(|part| part.key));
        }
        assert!(session_tree.entries.iter().map(|entry| &entry.key).eq(&listed));
        // Reading by key, in the same order, returns the same bytes.
        let single = spans(store, &listed);
        assert!(single.issues.is_empty());
        assert!(single.entries.iter().map(bytes).eq(session_tree.entries.iter().map(bytes)));
    }
    expected.check(Content::Parts, parts_found);
    expected.check(Content::Items, items_found);
}

/// A scan of message names lists the messages of the session, without spans.
pub fn message_names_come_without_spans(store: &dyn Source, _: &Expectations) {
    for session in sessions(store) {
        let names = scan(store, &Scope::MessageNames(session.clone())).entries;
        assert!(names.iter().all(|entry| entry.span.is_none()));
        let names: HashSet<EntityKey> = names.into_iter().map(|entry| entry.key).collect();
        let messages = scan(store, &Scope::Messages(session)).entries;
        assert_eq!(names, messages.into_iter().map(|entry| entry.key).collect());
    }
}

/// The sessions of all projects together are all sessions of the store.
pub fn projects_partition_the_sessions(store: &dyn Source, expected: &Expectations) {
    let all = scan(store, &Scope::Sessions).entries;
    let projects: HashSet<_> = all.iter().filter_map(|entry| entry.project.clone()).collect();
    expected.check(Content::Projects, projects.len());
    if projects.is_empty() {
        return;
    }
    let mut total = 0;
    for project in projects {
        let in_project = scan(store, &Scope::Project(project.clone())).entries;
        let expected = all.iter().filter(|entry| entry.project.as_ref() == Some(&project));
        assert!(
            in_project.iter().map(|entry| &entry.key).eq(expected.map(|entry| &entry.key)),
            "the same order"
        );
        total += in_project.len();
    }
    assert_eq!(total, all.len());
}

/// Sessions come newest first, messages come in order, and an old record is settled.
pub fn scans_are_ordered_and_spans_are_settled(store: &dyn Source, _: &Expectations) {
    let newest_first = scan(store, &Scope::Sessions).entries;
    assert!(newest_first.is_sorted_by(|a, b| (b.order, &a.key) <= (a.order, &b.key)));
    for session in sessions(store) {
        let messages = scan(store, &Scope::Messages(session.clone())).entries;
        assert!(messages.is_sorted_by_key(|entry| (entry.order, entry.key.clone())));
        let is_settled = |entry: &Entry| entry.span.as_ref().unwrap().is_settled();
        assert!(tree(store, &session).entries.iter().all(is_settled));
    }
}

/// Each orphan is listed once, and no tree contains it.
pub fn orphans_are_listed_once(store: &dyn Source, expected: &Expectations) {
    let orphan_list = orphans(store);
    assert!(orphan_list.issues.is_empty());
    let keys: HashSet<_> = orphan_list.entries.iter().map(|entry| entry.key.clone()).collect();
    assert_eq!(keys.len(), orphan_list.entries.len());
    expected.check(Content::Orphans, keys.len());
    for session in sessions(store) {
        assert!(tree(store, &session).entries.iter().all(|entry| !keys.contains(&entry.key)));
    }
}

/// A call passes nothing after a break.
pub fn calls_end_at_a_break(store: &dyn Source, expected: &Expectations) {
    let session = sessions(store).pop().unwrap();
    let mut reader = store.open().unwrap();
    for most in [1, 2] {
        assert_eq!(count_until_break(most, |visitor| reader.scan(&Scope::Sessions, visitor)), most);
    }
    assert_eq!(count_until_break(1, |visitor| reader.tree(&session, visitor)), 1);
    let orphans = usize::from(expected.has(Content::Orphans));
    assert_eq!(count_until_break(1, |visitor| reader.orphans(visitor)), orphans);
    assert_eq!(count_until_break(1, |visitor| reader.spans(&[session.clone().into()], visitor)), 1);
}

/// A missing session has no tree and no messages. Reading its record is an issue.
pub fn a_missing_session_is_empty_and_its_record_an_issue(store: &dyn Source, _: &Expectations) {
    let missing_session = session_key("ses_gone");
    assert!(tree(store, &missing_session).entries.is_empty());
    assert!(scan(store, &Scope::Messages(missing_session.clone())).entries.is_empty());
    let listing = spans(store, &[missing_session.clone().into(), EntityKey::Todo(missing_session)]);
    assert_eq!((listing.entries.len(), listing.issues.len()), (0, 2));
}

/// The parts of the store are the parts of all trees and the orphaned parts.
pub fn all_parts_equal_tree_parts_and_orphans(store: &dyn Source, _: &Expectations) {
    let scanned = scan(store, &Scope::AllParts);
    assert!(scanned.issues.is_empty());
    let all = sessions(store).into_iter().flat_map(|session| tree(store, &session).entries);
    let all = all.chain(orphans(store).entries).filter(is_part);
    let sorted = |entries: Vec<Entry>| {
        let mut all: Vec<_> =
            entries.iter().map(|entry| (entry.key.clone(), bytes(entry).to_vec())).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(sorted(scanned.entries), sorted(all.collect()));
}

/// `has_session` is true for each listed session, and false for a missing session.
pub fn has_session_agrees_with_the_session_list(store: &dyn Source, _: &Expectations) {
    let mut reader = store.open().unwrap();
    for session in sessions(store) {
        assert!(reader.has_session(&session).unwrap());
    }
    assert!(!reader.has_session(&session_key("ses_gone")).unwrap());
}
