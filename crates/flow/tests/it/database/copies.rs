//! The choice among copies of one session: a state machine against a model of the rule, and the memo.
//!
//! Sources: reports anomalyco/opencode#13636, #21790, #21059 and #2987 (cases
//! 01-interrupted-json-migration and 07-newer-copy-in-channel-database).

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use scrollback_core_id::Scope;
use scrollback_core_type::StageReport;
use scrollback_flow::{Dirty, RefreshOptions, SessionMaterializer};
use scrollback_source::{Listing, Source};

use super::copies_world::{FILES, STORES, World, go_on};
use crate::calls::session_key;
use crate::support::source_id;

/// A step of the machine. Small numbers name stores and messages.
#[derive(Debug, Clone)]
enum Step {
    PutSession(usize),
    PutMessage(usize, u8),
    RemoveMessage(usize, u8),
    RemoveSession(usize),
    LoseRecord(usize),
    /// Replaces a copy by a copy of another store, as a user or a migration does.
    Copy(usize, usize),
    Refresh,
    /// Refreshes the records that changed, and nothing else.
    RefreshDirty,
    Verify,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (at, message) = (0..4_usize, 0..6_u8);
    prop_oneof![
        2 => at.clone().prop_map(Step::PutSession),
        12 => (at.clone(), message.clone()).prop_map(|(at, m)| Step::PutMessage(at, m)),
        3 => (at.clone(), message).prop_map(|(at, m)| Step::RemoveMessage(at, m)),
        1 => at.clone().prop_map(Step::RemoveSession),
        2 => at.clone().prop_map(Step::LoseRecord),
        3 => (at.clone(), at).prop_map(|(from, to)| Step::Copy(from, to)),
        4 => Just(Step::Refresh),
        4 => Just(Step::RefreshDirty),
        2 => Just(Step::Verify),
        3 => Just(Step::Restart),
    ]
}

fn refresh(materializer: &SessionMaterializer, world: &mut World) {
    let refreshed = materializer.refresh(&RefreshOptions::default(), &go_on).unwrap();
    world.check(materializer, &refreshed.continue_value().unwrap().report);
    world.dirty.clear();
}

fn refresh_dirty(materializer: &SessionMaterializer, world: &mut World) {
    let records = std::mem::take(&mut world.dirty);
    materializer.refresh_dirty(&Dirty { records, ..Dirty::default() }).unwrap();
    world.check_index(materializer);
}

fn run_steps(has_files: bool, steps: Vec<Step>) {
    let mut world = World::new(has_files);
    let (mut materializer, _) = world.open();
    for step in steps {
        match step {
            Step::PutSession(at) => world.put_session(at),
            Step::PutMessage(at, message) => world.put_message(at, message),
            Step::RemoveMessage(at, message) => world.remove_message(at, message),
            Step::RemoveSession(at) => world.remove_session(at),
            Step::LoseRecord(at) => world.lose_record(at),
            Step::Copy(from, to) => {
                let messages = world.copies[from].clone().unwrap_or_default();
                let old = world.copies[to].clone().unwrap_or_default();
                messages.iter().for_each(|message| world.put_message(to, *message));
                old.difference(&messages).for_each(|message| world.remove_message(to, *message));
            }
            Step::Refresh => refresh(&materializer, &mut world),
            Step::RefreshDirty => refresh_dirty(&materializer, &mut world),
            // Without a survey: the session alone is verified.
            Step::Verify => {
                let report = materializer.verify_sessions(&[session_key("ses_1")]).unwrap();
                world.check(&materializer, &report);
                world.dirty.clear();
            }
            Step::Restart => {
                materializer.save_cursors().unwrap();
                drop(materializer);
                let (opened, report) = world.open();
                world.check(&opened, &report);
                world.check_rebuilt(&opened);
                world.dirty.clear();
                materializer = opened;
            }
        }
    }
    refresh(&materializer, &mut world);
    world.check_rebuilt(&materializer);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_chosen_copy_is_that_of_the_model(
        has_files in any::<bool>(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        run_steps(has_files, steps);
    }
}

/// Both copies are new since the snapshot, and one of them has no record: only the probe names them.
#[test]
fn a_new_copy_without_a_record_is_compared() {
    for without_record in [0, 1] {
        let steps = [
            Step::PutMessage(0, 0),
            Step::PutMessage(1, 1),
            Step::LoseRecord(without_record),
            Step::Restart,
        ];
        run_steps(false, steps.to_vec());
    }
}

/// A copy overtakes another one while a refresh reads one record that both have. The records have equal
/// stamps and other content.
#[test]
fn a_refresh_of_one_record_never_mixes_two_copies() {
    for reported in [0, 5] {
        let mut world = World::new(false);
        for (at, message) in [(0, 0), (0, 1), (1, 0)] {
            world.put_message(at, message);
        }
        let (materializer, report) = world.open();
        world.check(&materializer, &report);
        world.put_message(1, 5);
        world.dirty.retain(|key| key.to_string().contains(&format!("msg_{reported}")));
        refresh_dirty(&materializer, &mut world);
        // The other way: the first copy has the newest message again, and all others.
        world.put_message(0, 5);
        refresh_dirty(&materializer, &mut world);
        refresh(&materializer, &mut world);
    }
}

/// The probes of databases name the sessions that changed, and the sets of messages are not surveyed.
#[test]
fn a_refresh_by_a_probe_never_mixes_two_copies() {
    let mut world = World::new(false);
    for (at, message) in [(0, 0), (0, 1), (1, 0)] {
        world.put_message(at, message);
    }
    let (materializer, _) = world.open();
    refresh(&materializer, &mut world);
    for (at, message) in [(1, 5), (0, 5), (1, 2), (2, 0), (2, 5), (1, 3)] {
        world.put_message(at, message);
        refresh(&materializer, &mut world);
        world.check_rebuilt(&materializer);
    }
}

#[test]
fn a_warm_start_reads_no_message_of_an_unchanged_database() {
    let mut world = World::new(true);
    for (at, message) in [(0, 0), (0, 1), (1, 0), (1, 5), (FILES, 0), (FILES, 2)] {
        world.put_message(at, message);
    }
    let (first, report) = world.open();
    world.check(&first, &report);
    assert!(world.compared.load(Ordering::Relaxed) > 0);
    first.save_cursors().unwrap();
    drop(first);
    // The copies differ, which is an issue, so the session is verified; it is the only one. Make them
    // equal, so that nothing has to be verified.
    for (at, message) in [(0, 2), (0, 5)] {
        world.put_message(at, message);
    }
    let (second, report) = world.open();
    world.check(&second, &report);
    second.save_cursors().unwrap();
    drop(second);
    world.compared.store(0, Ordering::Relaxed);
    world.surveyed.store(0, Ordering::Relaxed);
    let (third, _) = world.open();
    assert_eq!(world.compared.load(Ordering::Relaxed), 0);
    assert_eq!(world.surveyed.load(Ordering::Relaxed), 0);
    world.check(&third, &StageReport::default());
    drop(third);
    // One of them changes.
    world.put_message(1, 3);
    let (fourth, report) = world.open();
    world.check(&fourth, &report);
    assert_eq!(world.surveyed.load(Ordering::Relaxed), 1);
}

#[test]
fn a_forced_member_supplies_what_it_has() {
    let mut world = World::new(true);
    for (at, message) in [(0, 0), (0, 1), (1, 0), (2, 3), (FILES, 0), (FILES, 2)] {
        world.put_message(at, message);
    }
    for (at, count) in [2, 1, 1, 2].into_iter().enumerate() {
        let source = world.source().with_forced_member(source_id(STORES[at]));
        let mut reader = source.open().unwrap();
        let scope = Scope::MessageNames(session_key("ses_1"));
        let names = Listing::collect(|visit| reader.scan(&scope, visit)).unwrap();
        assert_eq!(names.entries.len(), count, "{}", STORES[at]);
    }
}
