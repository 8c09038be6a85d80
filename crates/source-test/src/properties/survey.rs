//! Properties of surveys.

use std::collections::HashSet;
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, MessageKey, OrderKey, Scope, Stamp};
use scrollback_source::{Entry, Observation, Source, Survey, SurveyItem};
use scrollback_stor_mmap::Settled;

use super::sessions;
use crate::Expectations;
use crate::calls::scan;

/// Returns the keys and stamps of a survey, sorted by key.
fn survey_stamps(store: &dyn Source, query: &Survey<'_>) -> Vec<(EntityKey, Stamp)> {
    let mut stamps = Vec::new();
    let mut reader = store.open().unwrap();
    let visitor = &mut |item| {
        match item {
            SurveyItem::Observation(item) => {
                assert_eq!(item.settled, Settled::Settled, "{} is old", item.key);
                stamps.push((item.key, item.stamp));
            }
            SurveyItem::Issue(key, issue) => panic!("{key:?}: {issue}"),
        }
        ControlFlow::Continue(())
    };
    reader.survey(query, visitor).unwrap();
    stamps.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    stamps
}

/// Returns the parts of a message from a survey, in the order that the survey reports.
fn parts_in_order(store: &dyn Source, message: &MessageKey) -> Vec<(OrderKey, EntityKey)> {
    let mut parts = Vec::new();
    let visitor = &mut |item| {
        if let SurveyItem::Observation(Observation {
            key: key @ EntityKey::Part(_), order, ..
        }) = item
        {
            parts.push((order, key));
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().survey(&Survey::Parts(message), visitor).unwrap();
    parts.sort_unstable();
    parts
}

/// Returns the keys and stamps of a scan and of the set that it lists.
fn scan_stamps(store: &dyn Source, scope: &Scope) -> Vec<(EntityKey, Stamp)> {
    let listing = scan(store, scope);
    let set = listing.set.map(|set| (set.key, set.stamp));
    let entry = |entry: Entry| (entry.key, *entry.span.unwrap().stamp());
    let mut all: Vec<_> = set.into_iter().chain(listing.entries.into_iter().map(entry)).collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

/// A survey observes the records and sets that a scan reads, with the same stamps, and parts with the
/// same order.
pub fn a_survey_agrees_with_a_scan(store: &dyn Source, _: &Expectations) {
    assert_eq!(survey_stamps(store, &Survey::Projects), scan_stamps(store, &Scope::Projects));
    assert_eq!(survey_stamps(store, &Survey::Sessions), scan_stamps(store, &Scope::Sessions));
    let sets = survey_stamps(store, &Survey::MessageSets);
    for session in sessions(store) {
        let surveyed = survey_stamps(store, &Survey::Messages(&session));
        assert_eq!(surveyed, scan_stamps(store, &Scope::Messages(session.clone())));
        let (owners, messages): (Vec<_>, Vec<_>) =
            surveyed.into_iter().partition(|record| matches!(record.0, EntityKey::Session(_)));
        assert!(messages.is_empty() || !owners.is_empty(), "messages are a set");
        assert!(owners.iter().all(|set| sets.contains(set)), "the same set");
        let mut message_keys = Vec::new();
        for (key, _) in messages {
            let EntityKey::Message(key) = key else { panic!("{key} among messages") };
            let parts = survey_stamps(store, &Survey::Parts(&key));
            let listing = scan(store, &Scope::Parts(key.clone()));
            let entries = listing.entries.iter().map(|part| (part.order, part.key.clone()));
            assert_eq!(parts_in_order(store, &key), entries.collect::<Vec<_>>());
            let keys_in_scan = listing.set.map(|set| set.key).into_iter();
            let mut keys_in_scan: Vec<_> =
                keys_in_scan.chain(listing.entries.into_iter().map(|part| part.key)).collect();
            keys_in_scan.sort_unstable();
            assert!(parts.iter().map(|part| &part.0).eq(&keys_in_scan));
            message_keys.push(key);
        }
        for (key, stamp) in survey_stamps(store, &Survey::PartSets(&message_keys)) {
            let EntityKey::Message(key) = key else { panic!("{key} among sets of parts") };
            let set = scan(store, &Scope::Parts(key.clone())).set.unwrap();
            assert_eq!((set.key, set.stamp), (key.into(), stamp));
        }
    }
}

/// A survey passes nothing after a break.
pub fn a_survey_ends_at_a_break(store: &dyn Source, _: &Expectations) {
    let session = sessions(store).pop().unwrap();
    for query in [Survey::Sessions, Survey::MessageSets, Survey::Messages(&session)] {
        let mut visited = 0;
        let visitor = &mut |_| {
            visited += 1;
            ControlFlow::Break(())
        };
        store.open().unwrap().survey(&query, visitor).unwrap();
        assert!(visited <= 1, "{query:?}");
    }
}

/// The lost sets are the message sets whose session has no record.
pub fn lost_sets_belong_to_sessions_without_a_record(store: &dyn Source, _: &Expectations) {
    let recorded: HashSet<EntityKey> =
        sessions(store).into_iter().map(EntityKey::Session).collect();
    let mut expected = survey_stamps(store, &Survey::MessageSets);
    expected.retain(|(key, _)| !recorded.contains(key));
    assert_eq!(survey_stamps(store, &Survey::LostSets), expected);
}
