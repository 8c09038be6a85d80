//! What every Source must do: its calls agree with each other. The tests of each Source bring it
//! in, and say in `support::on_all` which stores it is checked on.

use std::collections::HashSet;
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, OrderKey, Scope, SessionKey, Stamp};
use scrollback_source::{Below, DirtyScope, Entry, Lent, Probe, Seen, Source, Survey};
use scrollback_stor_mmap::Settled;

use crate::calls::{cut_short, key, orphans, scan, spans, tree};
use crate::support::on_all;

fn sessions(store: &dyn Source) -> Vec<SessionKey> {
    let keys = scan(store, &Scope::Sessions).entries.into_iter().map(|entry| match entry.key {
        EntityKey::Session(key) => key,
        other => panic!("{other} among sessions"),
    });
    keys.collect()
}

fn bytes(entry: &Entry) -> &[u8] {
    entry.span.as_deref().unwrap()
}

/// What entries are, where they stand, and what they say.
fn named(entries: &[Entry]) -> Vec<(&EntityKey, OrderKey, &[u8])> {
    entries.iter().map(|entry| (&entry.key, entry.order, bytes(entry))).collect()
}

#[test]
fn a_tree_is_what_the_scans_say() {
    on_all(|store| {
        let all = sessions(store);
        assert!(!all.is_empty());
        for session in all {
            let mut whole = tree(store, &session);
            assert!(whole.issues.is_empty());
            let is_item = |entry: &Entry| matches!(entry.key, EntityKey::Item(_));
            let items: Vec<Entry> = whole.entries.extract_if(.., |it| is_item(it)).collect();
            let listed = scan(store, &Scope::Items(session.clone())).entries;
            assert_eq!(named(&items), named(&listed));
            let single: Vec<EntityKey> = items.iter().map(|item| item.key.clone()).collect();
            assert!(spans(store, &single).entries.iter().map(bytes).eq(items.iter().map(bytes)));
            let mut expected = vec![EntityKey::Session(session.clone())];
            for message in scan(store, &Scope::Messages(session)).entries {
                let EntityKey::Message(key) = &message.key else { panic!("{}", message.key) };
                let parts = scan(store, &Scope::Parts(key.clone())).entries;
                assert!(parts.iter().all(|part| part.span.is_none()), "parts come as names");
                expected.push(message.key.clone());
                expected.extend(parts.into_iter().map(|part| part.key));
            }
            assert!(whole.entries.iter().map(|entry| &entry.key).eq(&expected));
            // And by key, one after the other, the bytes are the same.
            let single = spans(store, &expected);
            assert!(single.issues.is_empty());
            assert!(single.entries.iter().map(bytes).eq(whole.entries.iter().map(bytes)));
        }
    });
}

#[test]
fn messages_are_named_without_being_read() {
    on_all(|store| {
        for session in sessions(store) {
            let named = scan(store, &Scope::MessageNames(session.clone())).entries;
            assert!(named.iter().all(|entry| entry.span.is_none()));
            let named: HashSet<EntityKey> = named.into_iter().map(|entry| entry.key).collect();
            let read = scan(store, &Scope::Messages(session)).entries;
            assert_eq!(named, read.into_iter().map(|entry| entry.key).collect());
        }
    });
}

#[test]
fn the_projects_of_sessions_partition_them() {
    on_all(|store| {
        let all = scan(store, &Scope::Sessions).entries;
        let projects: HashSet<_> = all.iter().map(|it| it.project.clone().unwrap()).collect();
        let mut found = 0;
        for project in projects {
            let mine = scan(store, &Scope::Project(project.clone())).entries;
            let expected = all.iter().filter(|it| it.project.as_ref() == Some(&project));
            assert!(mine.iter().map(|it| &it.key).eq(expected.map(|it| &it.key)), "the same order");
            found += mine.len();
        }
        assert_eq!(found, all.len());
    });
}

#[test]
fn orders_rise_and_spans_are_settled() {
    on_all(|store| {
        let newest_first = scan(store, &Scope::Sessions).entries;
        assert!(newest_first.is_sorted_by(|a, b| (b.order, &a.key) <= (a.order, &b.key)));
        for session in sessions(store) {
            let messages = scan(store, &Scope::Messages(session.clone())).entries;
            assert!(messages.is_sorted_by_key(|it| (it.order, it.key.clone())));
            assert!(
                tree(store, &session).entries.iter().all(|it| it
                    .span
                    .as_ref()
                    .unwrap()
                    .is_settled())
            );
        }
    });
}

#[test]
fn what_belongs_to_nothing_is_found_once() {
    on_all(|store| {
        let lost = orphans(store);
        assert!(lost.issues.is_empty());
        let keys: HashSet<_> = lost.entries.iter().map(|entry| entry.key.clone()).collect();
        assert_eq!(keys.len(), lost.entries.len());
        assert!(!keys.is_empty());
        for session in sessions(store) {
            assert!(tree(store, &session).entries.iter().all(|entry| !keys.contains(&entry.key)));
        }
    });
}

#[test]
fn calls_end_when_they_are_told_to() {
    on_all(|store| {
        let session = sessions(store).pop().unwrap();
        let mut reader = store.open().unwrap();
        for most in [1, 2] {
            assert_eq!(cut_short(most, |each| reader.scan(&Scope::Sessions, each)), most);
        }
        assert_eq!(cut_short(1, |each| reader.tree(&session, each)), 1);
        assert_eq!(cut_short(1, |each| reader.orphans(each)), 1);
        assert_eq!(cut_short(1, |each| reader.spans(&[session.clone().into()], each)), 1);
    });
}

/// What a survey comes to, sorted.
fn survey(store: &dyn Source, what: &Survey<'_>) -> Vec<(EntityKey, Stamp)> {
    let mut seen = Vec::new();
    let mut reader = store.open().unwrap();
    let each = &mut |it| {
        match it {
            Seen::Sighting(it) => {
                assert_eq!(it.settled, Settled::Settled, "{} is old", it.key);
                seen.push((it.key, it.stamp));
            }
            Seen::Issue(key, issue) => panic!("{key:?}: {issue}"),
        }
        ControlFlow::Continue(())
    };
    reader.survey(what, each).unwrap();
    seen.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    seen
}

/// What a scan reads, and the set that it lists.
fn scanned(store: &dyn Source, scope: &Scope) -> Vec<(EntityKey, Stamp)> {
    let listing = scan(store, scope);
    let set = listing.set.map(|set| (set.key, set.stamp));
    let entry = |entry: Entry| (entry.key, *entry.span.unwrap().stamp());
    let mut all: Vec<_> = set.into_iter().chain(listing.entries.into_iter().map(entry)).collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn a_survey_sees_what_a_scan_reads() {
    on_all(|store| {
        assert_eq!(survey(store, &Survey::Projects), scanned(store, &Scope::Projects));
        assert_eq!(survey(store, &Survey::Sessions), scanned(store, &Scope::Sessions));
        let sets = survey(store, &Survey::MessageSets);
        for session in sessions(store) {
            let seen = survey(store, &Survey::Messages(&session));
            assert_eq!(seen, scanned(store, &Scope::Messages(session.clone())));
            let (owners, messages): (Vec<_>, Vec<_>) =
                seen.into_iter().partition(|it| matches!(it.0, EntityKey::Session(_)));
            assert_eq!(owners.is_empty(), messages.is_empty());
            assert!(owners.iter().all(|set| sets.contains(set)), "the same set");
            let mut keys = Vec::new();
            for (key, _) in messages {
                let EntityKey::Message(key) = key else { panic!("{key} among messages") };
                let parts = survey(store, &Survey::Parts(&key));
                let listing = scan(store, &Scope::Parts(key.clone()));
                let named = listing.set.map(|set| set.key).into_iter();
                let mut named: Vec<_> =
                    named.chain(listing.entries.into_iter().map(|it| it.key)).collect();
                named.sort_unstable();
                assert!(parts.iter().map(|it| &it.0).eq(&named));
                keys.push(key);
            }
            for (key, stamp) in survey(store, &Survey::PartSets(&keys)) {
                let EntityKey::Message(key) = key else { panic!("{key} among sets of parts") };
                let set = scan(store, &Scope::Parts(key.clone())).set.unwrap();
                assert_eq!((set.key, set.stamp), (key.into(), stamp));
            }
        }
    });
}

#[test]
fn a_survey_ends_when_it_is_told_to() {
    on_all(|store| {
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
    });
}

#[test]
fn what_is_not_there_is_nothing_or_an_issue() {
    on_all(|store| {
        let gone = key("ses_gone");
        assert!(tree(store, &gone).entries.is_empty());
        assert!(scan(store, &Scope::Messages(gone.clone())).entries.is_empty());
        let asked = spans(store, &[gone.clone().into(), EntityKey::Todo(gone)]);
        assert_eq!((asked.entries.len(), asked.issues.len()), (0, 2));
    });
}

#[test]
fn all_parts_are_those_of_all_messages_and_the_orphans() {
    on_all(|store| {
        let found = scan(store, &Scope::AllParts);
        assert!(found.issues.is_empty());
        let is_part = |entry: &Entry| matches!(entry.key, EntityKey::Part(_));
        let all = sessions(store).into_iter().flat_map(|session| tree(store, &session).entries);
        let all = all.chain(orphans(store).entries).filter(is_part);
        let sorted = |entries: Vec<Entry>| {
            let mut all: Vec<_> =
                entries.iter().map(|it| (it.key.clone(), bytes(it).to_vec())).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(sorted(found.entries), sorted(all.collect()));
    });
}

#[test]
fn a_store_holds_what_it_lists() {
    on_all(|store| {
        let mut reader = store.open().unwrap();
        for session in sessions(store) {
            assert!(reader.holds(&session).unwrap());
        }
        assert!(!reader.holds(&key("ses_gone")).unwrap());
    });
}

#[test]
fn a_plan_to_watch_names_directories() {
    on_all(|store| {
        let plan = store.watch_plan();
        assert!(plan.iter().any(|root| root.path.is_dir()));
        assert!(plan.iter().all(|root| root.path.is_absolute()));
    });
}

#[test]
fn a_probe_without_a_token_knows_nothing() {
    on_all(|store| {
        assert_eq!(store.probe(None).unwrap().probe, Probe::Rescan);
    });
}

/// What a reader lends, with whether it holds in the end.
fn lent(store: &dyn Source, scope: &Scope) -> (Vec<(EntityKey, Stamp, Vec<u8>)>, bool) {
    let (mut all, mut holds) = (Vec::new(), false);
    let each = &mut |it: Lent<'_>| {
        match it {
            Lent::Record(it) => all.push((it.key().unwrap(), it.stamp, it.bytes.to_vec())),
            Lent::Issue(key, issue) => panic!("{key:?}: {issue}"),
            Lent::Set(_) => {}
            Lent::Holds => holds = true,
            Lent::Forget => panic!("nobody writes"),
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().lend(scope, each).unwrap();
    (all, holds)
}

#[test]
fn what_is_lent_is_what_is_handed_out() {
    on_all(|store| {
        let messages = sessions(store).into_iter().map(Scope::Messages);
        for scope in messages.chain([Scope::AllParts]) {
            let (records, holds) = lent(store, &scope);
            assert!(holds);
            let entries = scan(store, &scope).entries;
            assert_eq!(records.len(), entries.len());
            for ((key, stamp, lent), entry) in records.iter().zip(&entries) {
                assert_eq!((key, stamp), (&entry.key, entry.span.as_ref().unwrap().stamp()));
                // Whole, or without the ids that a span has at its end.
                let lent = lent.strip_suffix(b"}").unwrap_or(lent); // one that is damaged
                assert!(bytes(entry).starts_with(lent), "{key}");
            }
        }
    });
}

#[test]
fn lending_ends_when_it_is_told_to() {
    on_all(|store| {
        let session = sessions(store)
            .into_iter()
            .find(|session| !scan(store, &Scope::Messages(session.clone())).entries.is_empty());
        for scope in [Scope::Messages(session.unwrap()), Scope::AllParts] {
            let mut lent = 0;
            let each = &mut |_: Lent<'_>| {
                lent += 1;
                ControlFlow::Break(())
            };
            store.open().unwrap().lend(&scope, each).unwrap();
            assert_eq!(lent, 1, "{scope:?}");
        }
    });
}

#[test]
fn lost_sets_are_those_of_sessions_without_a_record() {
    on_all(|store| {
        let recorded: HashSet<EntityKey> =
            sessions(store).into_iter().map(EntityKey::Session).collect();
        let mut expected = survey(store, &Survey::MessageSets);
        expected.retain(|(key, _)| !recorded.contains(key));
        assert_eq!(survey(store, &Survey::LostSets), expected);
    });
}

/// Whether a scope has an entity in it, as whoever follows a store takes it.
fn covers(scope: &DirtyScope, key: &EntityKey) -> bool {
    match (scope, key) {
        (DirtyScope::Store | DirtyScope::Records, _) => true, // the store says more by its probe
        (DirtyScope::Entity(of), key) => of == key,
        _ => false,
    }
}

#[test]
fn what_is_written_concerns_what_is_read_and_is_watched() {
    on_all(|store| {
        let plan = store.watch_plan();
        let mut keys: Vec<EntityKey> = Vec::new();
        for session in sessions(store) {
            keys.extend(tree(store, &session).entries.into_iter().map(|entry| entry.key));
        }
        let mut located = 0;
        for key in keys {
            // Where a record is, is said as it is shown: from the root of the store on.
            let Some(shown) = store.locate(&key) else { continue };
            let bases = plan.iter().flat_map(|root| [Some(&*root.path), root.path.parent()]);
            let mut paths = bases.flatten().map(|base| base.join(&shown));
            let path = paths.find(|path| path.exists()).unwrap();
            located += 1;
            let scope = store.concerns(&path);
            assert!(scope.as_ref().is_some_and(|it| covers(it, &key)), "{key}: {scope:?}");
            // The directory that it is in is watched, or in one that is.
            let dir = path.parent().unwrap();
            let root =
                plan.iter().find(|root| dir == root.path || dir.parent() == Some(&root.path));
            let root = root.unwrap_or_else(|| panic!("{} is not watched", path.display()));
            match root.below {
                Below::Nothing => assert_eq!(dir, root.path),
                // Where not all are watched, somebody can say which.
                Below::Hot => {
                    let EntityKey::Part(part) = &key else { panic!("{key} is hot") };
                    let owner = store.concerns(dir);
                    assert_eq!(owner, Some(DirtyScope::Message(part.message.clone())), "{key}");
                }
                _ => {}
            }
        }
        assert!(located > 0);
        // What is no file of the store concerns nobody.
        assert_eq!(store.concerns(std::path::Path::new("/somewhere/else.json")), None);
    });
}
