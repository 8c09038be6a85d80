//! Scans, trees, spans, orphans.

use std::collections::HashSet;

use scrollback_core_id::{EntityKey, Scope};
use scrollback_source::{Entry, Source};

use super::{bytes, is_part, keys_orders_bytes, sessions};
use crate::calls::{count_until_break, orphans, scan, session_key, spans, tree};
use crate::{Content, Expectations};

/// A tree is the session, its messages, each with its parts, and its items, as the scans list them.
/// By its key each of them is the same.
pub fn a_tree_is_what_the_scans_say(store: &dyn Source, expected: &Expectations) {
    let (mut parts_found, mut items_found) = (0, 0);
    let all = sessions(store);
    assert!(!all.is_empty());
    for session in all {
        let mut whole = tree(store, &session);
        assert!(whole.issues.is_empty());
        let is_item = |entry: &Entry| matches!(entry.key, EntityKey::Item(_));
        let items: Vec<Entry> = whole.entries.extract_if(.., |it| is_item(it)).collect();
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
        assert!(whole.entries.iter().map(|entry| &entry.key).eq(&listed));
        // And by key, one after the other, the bytes are the same.
        let single = spans(store, &listed);
        assert!(single.issues.is_empty());
        assert!(single.entries.iter().map(bytes).eq(whole.entries.iter().map(bytes)));
    }
    expected.check(Content::Parts, parts_found);
    expected.check(Content::Items, items_found);
}

/// The names of messages are those of the messages, without spans.
pub fn messages_are_named_without_being_read(store: &dyn Source, _: &Expectations) {
    for session in sessions(store) {
        let named = scan(store, &Scope::MessageNames(session.clone())).entries;
        assert!(named.iter().all(|entry| entry.span.is_none()));
        let named: HashSet<EntityKey> = named.into_iter().map(|entry| entry.key).collect();
        let read = scan(store, &Scope::Messages(session)).entries;
        assert_eq!(named, read.into_iter().map(|entry| entry.key).collect());
    }
}

/// The sessions of all projects together are all sessions.
pub fn the_projects_of_sessions_partition_them(store: &dyn Source, expected: &Expectations) {
    let all = scan(store, &Scope::Sessions).entries;
    let projects: HashSet<_> = all.iter().filter_map(|it| it.project.clone()).collect();
    expected.check(Content::Projects, projects.len());
    if projects.is_empty() {
        return;
    }
    let mut found = 0;
    for project in projects {
        let mine = scan(store, &Scope::Project(project.clone())).entries;
        let expected = all.iter().filter(|it| it.project.as_ref() == Some(&project));
        assert!(mine.iter().map(|it| &it.key).eq(expected.map(|it| &it.key)), "the same order");
        found += mine.len();
    }
    assert_eq!(found, all.len());
}

/// Sessions come newest first, messages in order, and an old record is settled.
pub fn orders_rise_and_spans_are_settled(store: &dyn Source, _: &Expectations) {
    let newest_first = scan(store, &Scope::Sessions).entries;
    assert!(newest_first.is_sorted_by(|a, b| (b.order, &a.key) <= (a.order, &b.key)));
    for session in sessions(store) {
        let messages = scan(store, &Scope::Messages(session.clone())).entries;
        assert!(messages.is_sorted_by_key(|it| (it.order, it.key.clone())));
        let is_settled = |it: &Entry| it.span.as_ref().unwrap().is_settled();
        assert!(tree(store, &session).entries.iter().all(is_settled));
    }
}

/// What belongs to nothing is found, once, and in no tree.
pub fn orphans_are_listed_once(store: &dyn Source, expected: &Expectations) {
    let lost = orphans(store);
    assert!(lost.issues.is_empty());
    let keys: HashSet<_> = lost.entries.iter().map(|entry| entry.key.clone()).collect();
    assert_eq!(keys.len(), lost.entries.len());
    expected.check(Content::Orphans, keys.len());
    for session in sessions(store) {
        assert!(tree(store, &session).entries.iter().all(|entry| !keys.contains(&entry.key)));
    }
}

/// A call hands out nothing more after a break.
pub fn calls_end_at_a_break(store: &dyn Source, expected: &Expectations) {
    let session = sessions(store).pop().unwrap();
    let mut reader = store.open().unwrap();
    for most in [1, 2] {
        assert_eq!(count_until_break(most, |each| reader.scan(&Scope::Sessions, each)), most);
    }
    assert_eq!(count_until_break(1, |each| reader.tree(&session, each)), 1);
    let orphans = usize::from(expected.has(Content::Orphans));
    assert_eq!(count_until_break(1, |each| reader.orphans(each)), orphans);
    assert_eq!(count_until_break(1, |each| reader.spans(&[session.clone().into()], each)), 1);
}

/// A session that is not there has no tree and no messages. Its record, asked for, is an issue.
pub fn a_missing_record_is_nothing_or_an_issue(store: &dyn Source, _: &Expectations) {
    let gone = session_key("ses_gone");
    assert!(tree(store, &gone).entries.is_empty());
    assert!(scan(store, &Scope::Messages(gone.clone())).entries.is_empty());
    let asked = spans(store, &[gone.clone().into(), EntityKey::Todo(gone)]);
    assert_eq!((asked.entries.len(), asked.issues.len()), (0, 2));
}

/// The parts of the store are those of all trees, and those that belong to nothing.
pub fn all_parts_are_those_of_all_messages_and_the_orphans(store: &dyn Source, _: &Expectations) {
    let found = scan(store, &Scope::AllParts);
    assert!(found.issues.is_empty());
    let all = sessions(store).into_iter().flat_map(|session| tree(store, &session).entries);
    let all = all.chain(orphans(store).entries).filter(is_part);
    let sorted = |entries: Vec<Entry>| {
        let mut all: Vec<_> =
            entries.iter().map(|it| (it.key.clone(), bytes(it).to_vec())).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(sorted(found.entries), sorted(all.collect()));
}

/// A store holds the sessions that it lists, and no other.
pub fn a_store_holds_what_it_lists(store: &dyn Source, _: &Expectations) {
    let mut reader = store.open().unwrap();
    for session in sessions(store) {
        assert!(reader.has_session(&session).unwrap());
    }
    assert!(!reader.has_session(&session_key("ses_gone")).unwrap());
}
