//! A state machine: random writes to a database, and processes that index it, stop and restart. After
//! each refresh the index is compared with a rebuilt index.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use scrollback_core_id::{Cursor, EntityKey, SessionId, SessionKey};
use scrollback_flow::{
    PartDetail, Progress, RefreshOptions, SessionMaterializer, Snapshots, Verify, build_index,
};
use scrollback_index::Delta;

use super::world::DbWorld;
use crate::index::state::State;

/// A step of the machine. Small numbers name projects, sessions, messages and parts.
#[derive(Debug, Clone)]
enum Step {
    PutProject(u8, u8),
    PutSession(u8, u8, u8),
    RemoveSession(u8),
    PutMessage(u8, u8, u8),
    RemoveMessage(u8, u8),
    PutPart(u8, u8, u8, u8),
    RemovePart(u8, u8, u8),
    /// Upgrades the agent to 2.x. The next two steps migrate a session and set the migration phase.
    Upgrade,
    Migrate(u8),
    Mark(bool),
    Checkpoint,
    Vacuum,
    Close,
    AdvanceClock(Duration),
    Fast(usize),
    Full(usize),
    Load(usize, u8),
    Keep(usize),
    Restart(usize),
    Follow(usize, usize),
}

/// Returns a strategy for steps; with `upgrades`, the steps of 2.x are included.
fn step(upgrades: bool) -> impl Strategy<Value = Step> {
    let (p, s, m, n, v) = (0..2_u8, 0..4_u8, 0..4_u8, 0..3_u8, 0..40_u8);
    let process = || 0..2_usize;
    let time = prop_oneof![
        Just(Duration::from_millis(1)),
        Just(Duration::from_millis(500)),
        Just(Duration::from_secs(2 * 60 * 60)),
        Just(Duration::from_secs(3 * 24 * 60 * 60)),
    ];
    prop_oneof![
        1 => (p.clone(), v.clone()).prop_map(|(p, v)| Step::PutProject(p, v)),
        6 => (p, s.clone(), v.clone()).prop_map(|(p, s, v)| Step::PutSession(p, s, v)),
        2 => s.clone().prop_map(Step::RemoveSession),
        12 => (s.clone(), m.clone(), v.clone()).prop_map(|(s, m, v)| Step::PutMessage(s, m, v)),
        2 => (s.clone(), m.clone()).prop_map(|(s, m)| Step::RemoveMessage(s, m)),
        6 => (s.clone(), m.clone(), n.clone(), v)
            .prop_map(|(s, m, n, v)| Step::PutPart(s, m, n, v)),
        2 => (s.clone(), m, n).prop_map(|(s, m, n)| Step::RemovePart(s, m, n)),
        2 => Just(if upgrades { Step::Upgrade } else { Step::Checkpoint }),
        4 => s.clone().prop_map(move |s| if upgrades { Step::Migrate(s) } else { Step::Close }),
        1 => any::<bool>().prop_map(move |done| if upgrades { Step::Mark(done) } else { Step::Vacuum }),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Vacuum),
        2 => Just(Step::Close),
        10 => time.prop_map(Step::AdvanceClock),
        8 => process().prop_map(Step::Fast),
        2 => process().prop_map(Step::Full),
        3 => (process(), s).prop_map(|(at, s)| Step::Load(at, s)),
        2 => process().prop_map(Step::Keep),
        2 => process().prop_map(Step::Restart),
        3 => (process(), 0..2_usize).prop_map(|(at, n)| Step::Follow(at, n)),
    ]
}

fn never_break(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn continue_value<T>(flow: ControlFlow<(), T>) -> T {
    flow.continue_value().unwrap()
}

fn open_materializer(world: &DbWorld) -> SessionMaterializer {
    let snapshots = Snapshots::new(world.snapshots());
    let source = Arc::new(world.source());
    let opened =
        SessionMaterializer::open(source, Some(snapshots), RefreshOptions::default(), &never_break);
    continue_value(opened.unwrap()).value
}

struct Machine {
    world: DbWorld,
    events: bool,
    processes: Vec<SessionMaterializer>,
    followers: Vec<(Option<Cursor>, State)>,
    /// For each process, the messages that were changed in place without an event since the process's
    /// last full refresh: a fast refresh may miss them.
    missable: Vec<HashSet<EntityKey>>,
}

impl Machine {
    fn new(events: bool) -> Self {
        let world = DbWorld::new(events);
        let processes = (0..2).map(|_| open_materializer(&world)).collect();
        let followers = vec![Default::default(); 2];
        Self { world, events, processes, followers, missable: vec![HashSet::new(); 2] }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::PutProject(p, v) => self.world.put_project(p, v),
            Step::PutSession(p, s, v) => self.world.put_session(p, s, v),
            Step::RemoveSession(s) => self.world.remove_session(s),
            Step::PutMessage(s, m, v) => {
                if self.world.put_message(s, m, v) {
                    self.note_missable(s, m);
                }
            }
            // The agent may put the message back, with the same id and time: a change in place.
            Step::RemoveMessage(s, m) => {
                self.world.remove_message(s, m);
                self.note_missable(s, m);
            }
            Step::PutPart(s, m, n, v) => self.world.put_part(s, m, n, v),
            Step::RemovePart(s, m, n) => self.world.remove_part(s, m, n),
            Step::Upgrade => self.world.upgrade(),
            Step::Migrate(s) => self.world.migrate(s),
            Step::Mark(done) => {
                self.world.set_migration_phase(["sessions", "completed"][usize::from(done)])
            }
            Step::Checkpoint => self.world.checkpoint(),
            Step::Vacuum => self.world.vacuum(),
            Step::Close => self.world.close(),
            Step::AdvanceClock(time) => self.world.advance_clock(time),
            Step::Fast(at) => self.refresh(at, Verify::Fast),
            Step::Full(at) => self.refresh(at, Verify::Full),
            Step::Load(at, s) => self.load(at, s),
            Step::Keep(at) => drop(self.processes[at].save_snapshot().unwrap()),
            Step::Restart(at) => {
                self.processes[at] = open_materializer(&self.world);
                if !self.events {
                    let all = self.rebuilt_state().entities.into_keys();
                    self.missable[at] =
                        all.filter(|key| matches!(key, EntityKey::Message(_))).collect();
                }
                self.check(at, Verify::Fast);
            }
            Step::Follow(at, n) => self.follow(at, n),
        }
    }

    fn note_missable(&mut self, s: u8, m: u8) {
        if self.events {
            return;
        }
        let key: EntityKey = scrollback_core_id::MessageKey {
            session: session_key(s).session,
            message: format!("msg_{s}{m}").parse().unwrap(),
        }
        .into();
        self.missable.iter_mut().for_each(|keys| {
            keys.insert(key.clone());
        });
    }

    fn rebuilt_state(&self) -> State {
        let built = build_index(&self.world.source(), PartDetail::Stamps, &never_break).unwrap();
        State::from_view(&continue_value(built).value.view())
    }

    fn refresh(&mut self, at: usize, verify: Verify) {
        let options = RefreshOptions { verify, ..RefreshOptions::default() };
        let refreshed = continue_value(self.processes[at].refresh(&options, &never_break).unwrap());
        assert!(refreshed.report.issues.is_empty(), "{:?}", refreshed.report.issues);
        self.check(at, verify);
    }

    fn check(&mut self, at: usize, verify: Verify) {
        let (now, rebuilt) = (State::from_view(&self.processes[at].view()), self.rebuilt_state());
        let keys = now.entities.keys().chain(rebuilt.entities.keys());
        for key in keys.collect::<HashSet<_>>() {
            let (now, then) = (now.entities.get(key), rebuilt.entities.get(key));
            if now != then {
                assert!(verify == Verify::Fast, "a full refresh is a rebuild: {now:?} {then:?}");
                assert!(self.missable[at].contains(key), "{key} was missed: {now:?} {then:?}");
                assert!(now.is_some() && then.is_some());
            }
        }
        if verify == Verify::Full {
            now.parts_agree_with(&rebuilt).unwrap();
            self.missable[at].clear();
        }
    }

    fn load(&mut self, at: usize, s: u8) {
        let exists = self.world.has_session(s);
        match self.processes[at].load_session_tree(&session_key(s)) {
            Ok(loaded) => {
                let fresh = scrollback_flow::SessionLoader::new(&self.world.source())
                    .load_session_tree(&session_key(s))
                    .unwrap();
                let texts = |tree: &scrollback_flow::SessionRefTree| -> Vec<Vec<u8>> {
                    tree.spans().map(|span| span.to_vec()).collect()
                };
                assert_eq!(texts(&loaded.tree), texts(&fresh.tree));
            }
            Err(error) => assert!(!exists, "{error}"),
        }
    }

    fn follow(&mut self, at: usize, n: usize) {
        let (cursor, state) = &mut self.followers[n];
        let answer = self.processes[at].index().changes(cursor.as_ref());
        match &answer.delta {
            Delta::Fresh => *state = State::from_view(&answer.view),
            Delta::Changed(changes) => changes.iter().for_each(|change| state.apply(change)),
        }
        assert_eq!(*state, State::from_view(&answer.view), "as of the cursor");
        *cursor = Some(answer.cursor);
    }
}

fn session_key(s: u8) -> SessionKey {
    SessionId::new(&format!("ses_{s}")).unwrap().into()
}

fn run_steps(events: bool, steps: Vec<Step>) {
    let mut machine = Machine::new(events);
    for step in steps {
        machine.apply(step);
    }
    for at in 0..2 {
        machine.refresh(at, Verify::Fast);
        machine.refresh(at, Verify::Full);
        machine.follow(at, at);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// With an event log, a fast refresh misses nothing.
    #[test]
    fn equals_a_rebuild(steps in prop::collection::vec(step(false), 1..60)) {
        run_steps(true, steps);
    }

    /// Without an event log, a fast refresh misses changes in place in cold sessions, and nothing else.
    #[test]
    fn equals_a_rebuild_without_events(steps in prop::collection::vec(step(false), 1..60)) {
        run_steps(false, steps);
    }
    /// In 2.x, the number of a session's last event shows every change of the session.
    #[test]
    fn equals_a_rebuild_across_an_upgrade(steps in prop::collection::vec(step(true), 1..80)) {
        run_steps(true, steps);
    }
}

/// The row of an answer does not name its prompt, and does not change when the prompt does.
#[test]
fn a_changed_prompt_changes_its_answer() {
    let (prompt, answer, item) = (14, 1, 5);
    for changed in [item, answer] {
        let steps = vec![
            Step::Upgrade,
            Step::PutSession(0, 2, 0),
            Step::PutMessage(2, 2, prompt),
            Step::PutMessage(2, 1, answer),
            Step::AdvanceClock(Duration::from_millis(500)),
            Step::Restart(0),
            Step::PutMessage(2, 2, changed),
        ];
        run_steps(true, steps);
    }
}
