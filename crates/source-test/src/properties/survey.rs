//! Surveys.

use std::collections::HashSet;
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, MessageKey, OrderKey, Scope, Stamp};
use scrollback_source::{Entry, Observation, Source, Survey, SurveyItem};
use scrollback_stor_mmap::Settled;

use super::sessions;
use crate::Expectations;
use crate::calls::scan;

/// What a survey comes to, sorted.
fn survey_stamps(store: &dyn Source, what: &Survey<'_>) -> Vec<(EntityKey, Stamp)> {
    let mut seen = Vec::new();
    let mut reader = store.open().unwrap();
    let each = &mut |it| {
        match it {
            SurveyItem::Observation(it) => {
                assert_eq!(it.settled, Settled::Settled, "{} is old", it.key);
                seen.push((it.key, it.stamp));
            }
            SurveyItem::Issue(key, issue) => panic!("{key:?}: {issue}"),
        }
        ControlFlow::Continue(())
    };
    reader.survey(what, each).unwrap();
    seen.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    seen
}

/// The parts of a message as a survey comes to them, in the order that it says.
fn parts_in_order(store: &dyn Source, of: &MessageKey) -> Vec<(OrderKey, EntityKey)> {
    let mut parts = Vec::new();
    let each = &mut |it| {
        if let SurveyItem::Observation(Observation {
            key: key @ EntityKey::Part(_), order, ..
        }) = it
        {
            parts.push((order, key));
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().survey(&Survey::Parts(of), each).unwrap();
    parts.sort_unstable();
    parts
}

/// What a scan reads, and the set that it lists.
fn scan_stamps(store: &dyn Source, scope: &Scope) -> Vec<(EntityKey, Stamp)> {
    let listing = scan(store, scope);
    let set = listing.set.map(|set| (set.key, set.stamp));
    let entry = |entry: Entry| (entry.key, *entry.span.unwrap().stamp());
    let mut all: Vec<_> = set.into_iter().chain(listing.entries.into_iter().map(entry)).collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

/// A survey names the records and sets that a scan reads, with the same stamps, and parts with the
/// same order.
pub fn a_survey_agrees_with_a_scan(store: &dyn Source, _: &Expectations) {
    assert_eq!(survey_stamps(store, &Survey::Projects), scan_stamps(store, &Scope::Projects));
    assert_eq!(survey_stamps(store, &Survey::Sessions), scan_stamps(store, &Scope::Sessions));
    let sets = survey_stamps(store, &Survey::MessageSets);
    for session in sessions(store) {
        let seen = survey_stamps(store, &Survey::Messages(&session));
        assert_eq!(seen, scan_stamps(store, &Scope::Messages(session.clone())));
        let (owners, messages): (Vec<_>, Vec<_>) =
            seen.into_iter().partition(|it| matches!(it.0, EntityKey::Session(_)));
        assert!(messages.is_empty() || !owners.is_empty(), "messages are a set");
        assert!(owners.iter().all(|set| sets.contains(set)), "the same set");
        let mut keys = Vec::new();
        for (key, _) in messages {
            let EntityKey::Message(key) = key else { panic!("{key} among messages") };
            let parts = survey_stamps(store, &Survey::Parts(&key));
            let listing = scan(store, &Scope::Parts(key.clone()));
            let entries = listing.entries.iter().map(|it| (it.order, it.key.clone()));
            assert_eq!(parts_in_order(store, &key), entries.collect::<Vec<_>>());
            let named = listing.set.map(|set| set.key).into_iter();
            let mut named: Vec<_> =
                named.chain(listing.entries.into_iter().map(|it| it.key)).collect();
            named.sort_unstable();
            assert!(parts.iter().map(|it| &it.0).eq(&named));
            keys.push(key);
        }
        for (key, stamp) in survey_stamps(store, &Survey::PartSets(&keys)) {
            let EntityKey::Message(key) = key else { panic!("{key} among sets of parts") };
            let set = scan(store, &Scope::Parts(key.clone())).set.unwrap();
            assert_eq!((set.key, set.stamp), (key.into(), stamp));
        }
    }
}

/// A survey hands out nothing more after a break.
pub fn a_survey_ends_at_a_break(store: &dyn Source, _: &Expectations) {
    let session = sessions(store).pop().unwrap();
    for what in [Survey::Sessions, Survey::MessageSets, Survey::Messages(&session)] {
        let mut seen = 0;
        let each = &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        };
        store.open().unwrap().survey(&what, each).unwrap();
        assert!(seen <= 1, "{what:?}");
    }
}

/// Lost sets are the sets whose session has no record.
pub fn lost_sets_are_those_of_sessions_without_a_record(store: &dyn Source, _: &Expectations) {
    let recorded: HashSet<EntityKey> =
        sessions(store).into_iter().map(EntityKey::Session).collect();
    let mut expected = survey_stamps(store, &Survey::MessageSets);
    expected.retain(|(key, _)| !recorded.contains(key));
    assert_eq!(survey_stamps(store, &Survey::LostSets), expected);
}
