//! A state machine: random changes of a store, and processes that index it, stop and restart. After each
//! refresh the index is compared with a rebuilt index.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use scrollback_core_id::{Cursor, EntityKey, MessageKey, SessionId, SessionKey};
use scrollback_flow::{
    PartDetail, Progress, RefreshOptions, SessionMaterializer, Snapshots, Verify, build_index,
};
use scrollback_index::Delta;

use super::state::State;
use super::world::{self, World, path_of, spans};

/// A step of the machine. Small numbers name projects, sessions, messages and parts.
#[derive(Debug, Clone)]
enum Step {
    PutProject(u8, u8),
    RemoveProject(u8),
    PutSession(u8, u8, u8),
    ReplaceSession(u8, u8),
    RemoveSession(u8),
    /// Removes the record and all messages.
    RemoveAll(u8),
    MoveSession(u8, u8),
    PutMessage(u8, u8, u8),
    ReplaceMessage(u8, u8, u8),
    RemoveMessage(u8, u8),
    PutPart(u8, u8, u8),
    RemovePart(u8, u8),
    DamageSession(u8),
    DamageMessage(u8, u8),
    AdvanceClock(Duration),
    Fast(usize),
    Full(usize),
    Access(usize, u8),
    Load(usize, u8),
    Sweep(usize),
    Keep(usize),
    /// Ends the process, and starts another from the saved snapshot, or from nothing without one.
    Restart(usize),
    Follow(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (p, s, m, n, v) = (0..2_u8, 0..4_u8, 0..5_u8, 0..3_u8, 0..40_u8);
    let process = || 0..2_usize;
    let time = prop_oneof![
        Just(Duration::from_millis(3)),
        Just(Duration::from_millis(500)),
        Just(Duration::from_secs(30)),
        Just(Duration::from_secs(2 * 60 * 60)),
        Just(Duration::from_secs(3 * 24 * 60 * 60)),
    ];
    prop_oneof![
        1 => (p.clone(), v.clone()).prop_map(|(p, v)| Step::PutProject(p, v)),
        1 => p.clone().prop_map(Step::RemoveProject),
        6 => (p.clone(), s.clone(), v.clone()).prop_map(|(p, s, v)| Step::PutSession(p, s, v)),
        1 => (s.clone(), v.clone()).prop_map(|(s, v)| Step::ReplaceSession(s, v)),
        1 => s.clone().prop_map(Step::RemoveSession),
        1 => s.clone().prop_map(Step::RemoveAll),
        2 => (p, s.clone()).prop_map(|(p, s)| Step::MoveSession(p, s)),
        12 => (s.clone(), m.clone(), v.clone()).prop_map(|(s, m, v)| Step::PutMessage(s, m, v)),
        1 => (s.clone(), m.clone(), v.clone()).prop_map(|(s, m, v)| Step::ReplaceMessage(s, m, v)),
        2 => (s.clone(), m.clone()).prop_map(|(s, m)| Step::RemoveMessage(s, m)),
        6 => (m.clone(), n.clone(), v).prop_map(|(m, n, v)| Step::PutPart(m, n, v)),
        2 => (m.clone(), n).prop_map(|(m, n)| Step::RemovePart(m, n)),
        1 => s.clone().prop_map(Step::DamageSession),
        1 => (s.clone(), m).prop_map(|(s, m)| Step::DamageMessage(s, m)),
        12 => time.prop_map(Step::AdvanceClock),
        6 => process().prop_map(Step::Fast),
        3 => process().prop_map(Step::Full),
        3 => (process(), s.clone()).prop_map(|(at, s)| Step::Access(at, s)),
        3 => (process(), s).prop_map(|(at, s)| Step::Load(at, s)),
        1 => process().prop_map(Step::Sweep),
        2 => process().prop_map(Step::Keep),
        2 => process().prop_map(Step::Restart),
        4 => (process(), 0..3_usize).prop_map(|(at, n)| Step::Follow(at, n)),
    ]
}

fn never_break(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn continue_value<T>(flow: ControlFlow<(), T>) -> T {
    match flow {
        ControlFlow::Continue(value) => value,
        ControlFlow::Break(()) => panic!("nobody broke"),
    }
}

fn options(verify: Verify) -> RefreshOptions {
    RefreshOptions { verify, ..RefreshOptions::default() }
}

fn session_key(s: u8) -> SessionKey {
    SessionId::new(&format!("ses_{s}")).unwrap().into()
}

/// A follower: it applies the changes of one process or another, and keeps the resulting state.
#[derive(Clone, Default)]
struct Follower {
    cursor: Option<Cursor>,
    state: State,
}

struct Machine {
    world: World,
    processes: Vec<SessionMaterializer>,
    followers: Vec<Follower>,
    /// For each process, the messages that were rewritten in place since the process last verified
    /// their session file by file: a fast refresh may miss them.
    missable: Vec<HashSet<EntityKey>>,
    /// Whether a record was damaged just now, so that it may be in the middle of a write. The rebuild
    /// runs a little later than the refresh, and may then judge the record differently.
    torn: bool,
}

impl Machine {
    fn new() -> Self {
        let world = World::new();
        let processes = (0..2).map(|_| open_materializer(&world)).collect();
        let followers = vec![Follower::default(); 3];
        Self { world, processes, followers, missable: vec![HashSet::new(); 2], torn: false }
    }

    fn project_of(&self, s: u8) -> Option<u8> {
        (0..2).find(|p| self.world.exists(&format!("session/p{p}/ses_{s}.json")))
    }

    fn put_session(&self, p: u8, s: u8, v: u8) {
        let updated = self.world.clock_ms();
        let text = world::session(&format!("ses_{s}"), &format!("p{p}"), v, updated);
        self.world.write(&format!("session/p{p}/ses_{s}.json"), &text);
    }

    fn note_written_in_place(&mut self, path: &str, s: u8, m: u8) {
        if self.world.exists(path) {
            let key = message_key(s, m);
            self.missable.iter_mut().for_each(|keys| {
                keys.insert(key.clone());
            });
        }
    }

    fn note_verified(&mut self, at: usize, session: &SessionKey) {
        let is_in_session = |key: &EntityKey| matches!(key, EntityKey::Message(key) if key.session == session.session);
        self.missable[at].retain(|key| !is_in_session(key));
    }

    fn apply(&mut self, step: Step) {
        let message_path = |s: u8, m: u8| format!("message/ses_{s}/msg_{m}.json");
        match step {
            Step::PutProject(p, v) => {
                let text = format!(r#"{{"id": "p{p}", "worktree": "/w{v}"}}"#);
                self.world.write(&format!("project/p{p}.json"), &text);
            }
            Step::RemoveProject(p) => self.world.remove(&format!("project/p{p}.json")),
            Step::PutSession(p, s, v) => self.put_session(self.project_of(s).unwrap_or(p), s, v),
            Step::ReplaceSession(s, v) => {
                if let Some(p) = self.project_of(s) {
                    let text = world::session(&format!("ses_{s}"), &format!("p{p}"), v, 5);
                    self.world.replace(&format!("session/p{p}/ses_{s}.json"), &text);
                }
            }
            Step::RemoveSession(s) => {
                (0..2).for_each(|p| self.world.remove(&format!("session/p{p}/ses_{s}.json")));
            }
            Step::RemoveAll(s) => {
                (0..2).for_each(|p| self.world.remove(&format!("session/p{p}/ses_{s}.json")));
                self.world.remove_all(&format!("message/ses_{s}"));
            }
            Step::MoveSession(p, s) => {
                if let Some(from) = self.project_of(s) {
                    let path = |p| format!("session/p{p}/ses_{s}.json");
                    self.world.rename(&path(from), &path(p));
                }
            }
            Step::PutMessage(s, m, v) => {
                let path = message_path(s, m);
                self.note_written_in_place(&path, s, m);
                let text = world::message(&format!("msg_{m}"), &format!("ses_{s}"), v);
                self.world.write(&path, &text);
            }
            Step::ReplaceMessage(s, m, v) => {
                let text = world::message(&format!("msg_{m}"), &format!("ses_{s}"), v);
                self.world.replace(&message_path(s, m), &text);
            }
            Step::RemoveMessage(s, m) => self.world.remove(&message_path(s, m)),
            Step::PutPart(m, n, v) => {
                let text = world::part(&format!("prt_{n}"), &format!("msg_{m}"), v);
                self.world.write(&format!("part/msg_{m}/prt_{n}.json"), &text);
            }
            Step::RemovePart(m, n) => self.world.remove(&format!("part/msg_{m}/prt_{n}.json")),
            Step::DamageSession(s) => {
                if let Some(p) = self.project_of(s) {
                    self.world.write(&format!("session/p{p}/ses_{s}.json"), r#"{"id": "#);
                    self.torn = true;
                }
            }
            Step::DamageMessage(s, m) => {
                let path = message_path(s, m);
                if self.world.exists(&path) {
                    self.note_written_in_place(&path, s, m);
                    self.world.write(&path, "no JSON");
                    self.torn = true;
                }
            }
            Step::AdvanceClock(time) => self.world.advance_clock(time),
            Step::Fast(at) => self.refresh(at, Verify::Fast),
            Step::Full(at) => self.refresh(at, Verify::Full),
            Step::Access(at, s) => self.access(at, s),
            Step::Load(at, s) => self.load(at, s),
            Step::Sweep(at) => {
                self.settle();
                self.processes[at].sweep(Duration::ZERO).unwrap(); // begins a round
                self.world.advance_clock(Duration::from_millis(1));
                self.processes[at].sweep(Duration::from_nanos(1)).unwrap();
                self.check_full(at);
            }
            Step::Keep(at) => drop(self.processes[at].save_snapshot().unwrap()),
            Step::Restart(at) => {
                self.settle();
                self.processes[at] = open_materializer(&self.world);
                // A change that was missed before the snapshot is still missed.
                let all = (0..4).flat_map(|s| (0..5).map(move |m| message_key(s, m)));
                self.missable[at] = all.collect();
                self.check_fast(at);
            }
            Step::Follow(at, n) => self.follow(at, n),
        }
    }

    fn rebuilt_state(&self) -> State {
        let built = build_index(&self.world.source(), PartDetail::Stamps, &never_break).unwrap();
        State::from_view(&continue_value(built).value.view())
    }

    /// Waits until no record may be in the middle of a write. Returns whether it had to wait.
    fn settle(&mut self) -> bool {
        let torn = std::mem::take(&mut self.torn);
        if torn {
            self.world.advance_clock(Duration::from_secs(1));
        }
        torn
    }

    fn refresh(&mut self, at: usize, verify: Verify) {
        continue_value(self.processes[at].refresh(&options(verify), &never_break).unwrap());
        if self.settle() {
            continue_value(self.processes[at].refresh(&options(verify), &never_break).unwrap());
        }
        match verify {
            Verify::Fast => self.check_fast(at),
            Verify::Full => self.check_full(at),
        }
    }

    fn check_full(&mut self, at: usize) {
        let (now, rebuilt) = (State::from_view(&self.processes[at].view()), self.rebuilt_state());
        assert_eq!(now.entities, rebuilt.entities, "a full refresh is a rebuild");
        now.parts_agree_with(&rebuilt).unwrap();
        self.missable[at].clear();
    }

    fn check_fast(&self, at: usize) {
        let (now, rebuilt) = (State::from_view(&self.processes[at].view()), self.rebuilt_state());
        let keys = now.entities.keys().chain(rebuilt.entities.keys());
        for key in keys.collect::<HashSet<_>>() {
            if now.entities.get(key) != rebuilt.entities.get(key) {
                assert!(self.missable[at].contains(key), "a fast refresh missed {key}");
                assert!(now.entities.contains_key(key) && rebuilt.entities.contains_key(key));
            }
        }
    }

    fn access(&mut self, at: usize, s: u8) {
        let key = session_key(s);
        self.processes[at].verify_sessions(std::slice::from_ref(&key)).unwrap();
        if self.settle() {
            self.processes[at].verify_sessions(std::slice::from_ref(&key)).unwrap();
        }
        self.check_session(at, &key);
        self.note_verified(at, &key);
    }

    /// Checks that the index shows a session as a rebuilt index does.
    fn check_session(&self, at: usize, key: &SessionKey) {
        let view = self.processes[at].view();
        let rebuilt = continue_value(
            build_index(&self.world.source(), PartDetail::Stamps, &never_break).unwrap(),
        )
        .value;
        let state_of = |view: &scrollback_index::View| {
            let mut state = State::default();
            state.add_messages(view, key);
            let observed = view.session(&key.session).map(|meta| meta.observed.stamp);
            (state, observed, view.usage(&key.session))
        };
        let (now, then) = (state_of(&view), state_of(&rebuilt.view()));
        assert_eq!((&now.0.entities, now.1, now.2), (&then.0.entities, then.1, then.2));
        now.0.parts_agree_with(&then.0).unwrap();
    }

    fn load(&mut self, at: usize, s: u8) {
        self.settle();
        let key = session_key(s);
        let Ok(loaded) = self.processes[at].load_session_tree(&key) else {
            let exists =
                self.project_of(s).is_some() || self.world.exists(&format!("message/{key}"));
            let empty = !self.rebuilt_state().entities.keys().any(|entity| match entity {
                EntityKey::Session(session) => *session == key,
                EntityKey::Message(message) => message.session == key.session,
                _ => false,
            });
            assert!(!exists || empty, "{key} is there");
            return;
        };
        for (key, span) in spans(&loaded.tree) {
            let path = self.world.storage().join(path_of(&key, self.project_of(s)));
            assert_eq!(&**span, std::fs::read(&path).unwrap(), "{key}");
        }
        self.check_session(at, &key);
        self.note_verified(at, &key);
    }

    fn follow(&mut self, at: usize, n: usize) {
        let follower = &mut self.followers[n];
        let answer = self.processes[at].index().changes(follower.cursor.as_ref());
        match &answer.delta {
            Delta::Fresh => follower.state = State::from_view(&answer.view),
            Delta::Changed(changes) => {
                changes.iter().for_each(|change| follower.state.apply(change))
            }
        }
        assert_eq!(follower.state, State::from_view(&answer.view), "as of the cursor");
        follower.cursor = Some(answer.cursor);
    }
}

fn open_materializer(world: &World) -> SessionMaterializer {
    let snapshots = Snapshots::new(world.snapshots());
    let options = RefreshOptions::default();
    let source = Arc::new(world.source());
    continue_value(
        SessionMaterializer::open(source, Some(snapshots), options, &never_break).unwrap(),
    )
    .value
}

fn message_key(s: u8, m: u8) -> EntityKey {
    let message = scrollback_core_id::MessageId::new(&format!("msg_{m}")).unwrap();
    EntityKey::Message(MessageKey { session: session_key(s).session, message })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_rebuild(steps in prop::collection::vec(step(), 1..60)) {
        let mut machine = Machine::new();
        for step in steps {
            machine.apply(step);
        }
        for at in 0..2 {
            machine.refresh(at, Verify::Full);
            for n in 0..3 {
                machine.follow(at, n);
            }
        }
    }
}
