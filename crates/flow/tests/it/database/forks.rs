//! What forks of 1.x copied counts once, after any number of refreshes: a state machine against a model
//! and against an index that is built from nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::{Connection, params};
use scrollback_flow::{
    Dirty, MergedSource, PartDetail, RefreshOptions, SessionMaterializer, Snapshots, build_index,
};
use scrollback_index::View;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;

use super::copies_world::go_on;
use super::world::SCHEMA;
use crate::calls::session_key;
use crate::support::{database_source, source_id};

const START: i64 = 1_790_000_000_000;
const SESSIONS: u8 = 5;

/// An answer. The clock of its id is later than `created` if a fork copied it or if the clock was wrong.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    session: u8,
    number: i64,
    id_time: i64,
    created: i64,
    tokens: i64,
    is_completed: bool,
}

impl Answer {
    fn id(&self) -> String {
        let ticks = (i128::from(self.id_time) * 4096 + 1) & ((1 << 48) - 1);
        format!("msg_{ticks:012x}{:014}", self.number)
    }
}

/// The rule: answers with equal content are one answer, which counts where it is oldest. Returns the tokens of each session.
fn tokens_by_model(answers: &[Answer]) -> BTreeMap<u8, i64> {
    let mut first: BTreeMap<(i64, i64, bool), &Answer> = BTreeMap::new();
    for answer in answers {
        let known =
            first.entry((answer.created, answer.tokens, answer.is_completed)).or_insert(answer);
        if (answer.id_time, answer.session) < (known.id_time, known.session) {
            *known = answer;
        }
    }
    let mut tokens = BTreeMap::new();
    for answer in first.into_values().filter(|answer| answer.tokens > 0) {
        *tokens.entry(answer.session).or_default() += answer.tokens;
    }
    tokens
}

struct World {
    dir: TempDir,
    answers: Vec<Answer>,
    removed: Vec<Answer>,
    now: i64,
    materializer: SessionMaterializer,
}

fn open(dir: &TempDir) -> SessionMaterializer {
    let snapshots = Snapshots::new(dir.path().join("cache"));
    let source = Arc::new(source(dir));
    let opened =
        SessionMaterializer::open(source, Some(snapshots), RefreshOptions::default(), &go_on);
    opened.unwrap().continue_value().unwrap().value
}

fn source(dir: &TempDir) -> MergedSource {
    MergedSource::new(source_id("merged"), database_source(&dir.path().join("opencode.db")))
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Connection::open(dir.path().join("opencode.db")).unwrap();
        database.execute_batch(SCHEMA).unwrap();
        let project = "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
                       VALUES ('p', '/w', 1, 1, '[]')";
        database.execute(project, []).unwrap();
        let materializer = open(&dir);
        Self { dir, answers: Vec::new(), removed: Vec::new(), now: 0, materializer }
    }

    fn tick(&mut self) -> i64 {
        self.now += 1000;
        START + self.now
    }

    /// Writes the rows of a session anew, as they are in `answers`, with its columns and an event.
    fn write(&mut self, session: u8, change: impl FnOnce(&mut Vec<Answer>)) {
        let before = self.answers.clone();
        change(&mut self.answers);
        let now = self.tick();
        let database = Connection::open(self.dir.path().join("opencode.db")).unwrap();
        database.execute_batch("PRAGMA synchronous = OFF; BEGIN IMMEDIATE").unwrap();
        let id = format!("ses_{session}");
        for gone in before.iter().filter(|it| !self.answers.contains(it)) {
            database.execute("DELETE FROM message WHERE id = ?1", [gone.id()]).unwrap();
        }
        let all = self.answers.iter().filter(|answer| answer.session == session);
        let sum: i64 = all.clone().map(|answer| answer.tokens).sum();
        if all.clone().next().is_none() {
            database.execute("DELETE FROM session WHERE id = ?1", [&id]).unwrap();
        } else {
            let put = "INSERT INTO session (id, project_id, slug, directory, title, version,
                    time_created, time_updated, tokens_input) VALUES (?1, 'p', 's', '/w', ?1, '1.18', 1, ?2, ?3)
                ON CONFLICT (id) DO UPDATE SET time_updated = ?2, tokens_input = ?3";
            database.execute(put, params![id, now, sum]).unwrap();
        }
        for new in all.filter(|it| !before.contains(it)) {
            let data = json!({
                "role": "assistant", "modelID": "m", "providerID": "p", "cost": 0,
                "time": {"created": new.created, "completed": new.is_completed.then_some(new.created)},
                "tokens": {"input": new.tokens, "output": 0, "reasoning": 0,
                    "cache": {"read": 0, "write": 0}},
            });
            let put = "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5)";
            let row = params![new.id(), id, new.created, now, data.to_string()];
            database.execute(put, row).unwrap();
        }
        let event = "INSERT INTO event_sequence (aggregate_id, seq) VALUES (?1, ?2)
            ON CONFLICT (aggregate_id) DO UPDATE SET seq = ?2";
        database.execute(event, params![id, now]).unwrap();
        let event = "INSERT INTO event (id, aggregate_id, seq, type, data)
            VALUES ('evt_' || ?2, ?1, ?2, 'message.updated.1', '{}')";
        database.execute(event, params![id, now]).unwrap();
        database.execute_batch("COMMIT").unwrap();
    }

    /// Adds an answer. The clock of its id is wrong by `delay`.
    fn add(&mut self, session: u8, tokens: i64, is_completed: bool, delay: i64) {
        let created = self.tick();
        let (number, id_time) = (self.now, created + delay);
        self.write(session, |all| {
            all.push(Answer { session, number, id_time, created, tokens, is_completed })
        });
    }

    fn fork(&mut self, from: u8, to: u8) {
        let id_time = self.tick();
        let copied: Vec<Answer> =
            self.answers.iter().filter(|it| it.session == from).cloned().collect();
        if from != to && !self.answers.iter().any(|it| it.session == to) {
            let number = self.now;
            let copy = |(at, it): (i64, Answer)| Answer {
                session: to,
                number: number + at,
                id_time: id_time + at,
                ..it
            };
            self.write(to, |all| all.extend((0..).zip(copied).map(copy)));
        }
    }

    /// Changes an answer: it is finished, or another program rewrites it.
    fn edit(&mut self, at: usize) {
        let tokens = self.tick() - START;
        if let Some(at) = at.checked_rem(self.answers.len()) {
            let session = self.answers[at].session;
            self.write(session, |all| (all[at].tokens, all[at].is_completed) = (tokens, true));
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(at) = at.checked_rem(self.answers.len()) {
            let answer = self.answers[at].clone();
            self.removed.push(answer.clone());
            self.write(answer.session, |all| all.retain(|it| *it != answer));
        }
    }

    fn delete_session(&mut self, session: u8) {
        self.removed.extend(self.answers.iter().filter(|it| it.session == session).cloned());
        self.write(session, |all| all.retain(|answer| answer.session != session));
    }

    /// Puts back all answers of a session that were removed, as an import or a copied file does.
    fn restore(&mut self, session: u8) {
        let (back, rest) =
            std::mem::take(&mut self.removed).into_iter().partition(|it: &Answer| {
                it.session == session && !self.answers.iter().any(|known| known.id() == it.id())
            });
        self.removed = rest;
        self.write(session, |all| all.extend::<Vec<Answer>>(back));
    }

    fn check(&self) {
        let view = self.materializer.view();
        let tokens = tokens(&view);
        assert_eq!(tokens, tokens_by_model(&self.answers), "{:#?}", self.answers);
        let built = build_index(&source(&self.dir), PartDetail::Later, &go_on).unwrap();
        let built = built.continue_value().unwrap().value.view();
        for session in 0..SESSIONS {
            let id = session_key(&format!("ses_{session}")).session;
            let marks = |view: &View| -> BTreeMap<String, bool> {
                let all = view.by_session(&id).into_iter();
                all.map(|it| (it.key.to_string(), it.is_recorded_copy)).collect()
            };
            assert_eq!(marks(&view), marks(&built), "{:#?}", self.answers);
            assert_eq!(view.usage(&id), built.usage(&id), "{:#?}", self.answers);
        }
    }
}

fn tokens(view: &View) -> BTreeMap<u8, i64> {
    let session = |number: u8| {
        let tokens = view.usage(&session_key(&format!("ses_{number}")).session).tokens.input;
        (tokens > 0).then_some((number, tokens))
    };
    (0..SESSIONS).filter_map(session).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Add {
        session: u8,
        has_tokens: bool,
        is_completed: bool,
        has_wrong_clock: bool,
    },
    Fork(u8, u8),
    Edit(usize),
    Remove(usize),
    DeleteSession(u8),
    Restore(u8),
    Refresh,
    /// Verifies these sessions alone, as a feed does that names files.
    RefreshDirty,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let session = 0..SESSIONS;
    prop_oneof![
        6 => (session.clone(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            |(session, has_tokens, is_completed, has_wrong_clock)| Step::Add { session, has_tokens, is_completed, has_wrong_clock }
        ),
        6 => (session.clone(), session.clone()).prop_map(|(from, to)| Step::Fork(from, to)),
        2 => any::<usize>().prop_map(Step::Edit),
        2 => any::<usize>().prop_map(Step::Remove),
        2 => session.clone().prop_map(Step::DeleteSession),
        2 => session.prop_map(Step::Restore),
        6 => Just(Step::Refresh),
        2 => Just(Step::RefreshDirty),
        1 => Just(Step::Restart),
    ]
}

fn run_steps(steps: Vec<Step>) {
    let mut world = World::new();
    for step in steps.into_iter().chain([Step::Refresh]) {
        match step {
            Step::Add { session, has_tokens, is_completed, has_wrong_clock } => {
                let tokens = if has_tokens { world.now + 1 } else { 0 };
                world.add(
                    session,
                    tokens,
                    is_completed,
                    if has_wrong_clock { 7_000_000 } else { 0 },
                );
            }
            Step::Fork(from, to) => world.fork(from, to),
            Step::Edit(at) => world.edit(at),
            Step::Remove(at) => world.remove(at),
            Step::DeleteSession(session) => world.delete_session(session),
            Step::Restore(session) => world.restore(session),
            Step::Refresh => {
                let options = RefreshOptions::default();
                assert!(world.materializer.refresh(&options, &go_on).unwrap().is_continue());
                world.check();
            }
            Step::RefreshDirty => {
                let sessions = (0..SESSIONS).map(|it| session_key(&format!("ses_{it}"))).collect();
                let dirty = Dirty { sessions, ..Dirty::default() };
                world.materializer.refresh_dirty(&dirty).unwrap();
                world.check();
            }
            Step::Restart => {
                world.materializer.save_cursors().unwrap();
                world.materializer = open(&world.dir);
                world.check();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn answers_that_forks_copied_count_once(steps in prop::collection::vec(step(), 1..40)) {
        run_steps(steps);
    }
}

/// The original is removed from a session that has other answers, and comes back.
#[test]
fn a_copy_counts_only_while_its_original_is_gone() {
    let add = |session| Step::Add {
        session,
        has_tokens: true,
        is_completed: true,
        has_wrong_clock: false,
    };
    let fork = [add(0), add(0), Step::Fork(0, 1), Step::Refresh];
    let change = [Step::Remove(0), Step::Refresh, Step::Restore(0), Step::Refresh];
    run_steps(fork.into_iter().chain(change).collect());
}

/// An answer that was never completed has tokens too, as after a crash of the agent.
#[test]
fn an_original_counts_that_was_never_completed() {
    let add = |session| Step::Add {
        session,
        has_tokens: true,
        is_completed: false,
        has_wrong_clock: false,
    };
    let fork = [add(0), Step::Fork(0, 1), Step::DeleteSession(0), Step::Refresh];
    run_steps(fork.into_iter().chain([Step::Restore(0), Step::Refresh]).collect());
}

/// The original comes back in a session that the index does not have. It counts nothing, and its copy is
/// one all the same.
#[test]
fn a_copy_of_an_answer_without_tokens_is_marked() {
    let add = |session| Step::Add {
        session,
        has_tokens: false,
        is_completed: false,
        has_wrong_clock: false,
    };
    let fork = [add(3), Step::Fork(3, 0), Step::DeleteSession(3), Step::Refresh];
    run_steps(fork.into_iter().chain([Step::Restore(3), Step::Refresh]).collect());
}
