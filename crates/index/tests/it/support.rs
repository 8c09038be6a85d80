//! Small test values, and the whole state that a view shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, PartId, ProjectId, SessionId, SessionKey, SourceId,
    Stamp, UnixNanos,
};
use scrollback_core_type::{
    Cost, PartKind, Provenance, RecordedTotals, Role, StepTotals, TokenCounts, Usage, UsageSum,
};
use scrollback_index::{
    EntityValue, MessageMeta, Name, ObservedStamp, PartList, PartRef, ProjectMeta, RefreshState,
    SessionMeta, SessionState, Snapshot, SnapshotError, View,
};

pub(crate) fn store() -> SourceId {
    SourceId::new("a store").unwrap()
}

pub(crate) fn session_key(n: u8) -> SessionKey {
    // Every fifth id is too long for the id field of a row.
    let tail = if n % 5 == 4 { "of a length that no other program chooses" } else { "" };
    SessionKey { session: SessionId::new(&format!("ses_{n}{tail}")).unwrap() }
}

pub(crate) fn message_key(session: u8, n: u8) -> MessageKey {
    MessageKey {
        session: session_key(session).session,
        message: MessageId::new(&format!("msg_{n}")).unwrap(),
    }
}

pub(crate) fn project_id(n: u8) -> ProjectId {
    ProjectId::new(&format!("{n:040}")).unwrap()
}

pub(crate) fn observed(n: i64) -> ObservedStamp {
    let stamp = Stamp { size: n.unsigned_abs(), mtime: UnixNanos(n), inode: 7 };
    ObservedStamp { stamp, clean: n % 2 == 0 }
}

pub(crate) fn project(n: u8, value: i64) -> ProjectMeta {
    let worktree = Some(Name::from(format!("/home/me/{value}").as_str()));
    ProjectMeta { id: project_id(n), worktree, observed: observed(value) }
}

fn provenance(value: i64) -> Provenance {
    let provenance = match value % 4 {
        0 => return Provenance::default(),
        1 => Provenance::new("an agent", "log").with_format("table"),
        n => Provenance::new("another", format!("format {n}")).with_also_in("log"),
    };
    let provenance = if value % 3 == 0 { provenance.with_migration("awaited") } else { provenance };
    provenance.with_complete_totals(value % 2 == 0)
}

/// Returns a session with fields that depend on `value`. Some values leave fields absent.
pub(crate) fn session(n: u8, value: i64) -> SessionState {
    let record = (value % 7 != 0).then(|| {
        Arc::new(SessionMeta {
            key: session_key(n),
            order: OrderKey(value % 3),
            project: (value % 2 == 0).then(|| project_id((value % 3) as u8)),
            parent: (value % 3 == 0).then(|| session_key((value % 4) as u8).session),
            forked_from: (value % 5 == 0).then(|| session_key((value % 3) as u8).session),
            provenance: provenance(value),
            recorded_totals: (value % 3 == 1).then(|| RecordedTotals {
                tokens: TokenCounts { input: value, cache_write: 2 * value, ..Default::default() },
                cost: Cost::from_dollars(value as f64 / 8.0),
            }),
            directory: Some(Name::from("/home/me")),
            title: (value % 5 != 0).then(|| format!("title {value}").into()),
            version: None,
            origin: (value % 4 == 0).then(|| Name::from("another store")),
            created: Some(value),
            updated: (value % 2 == 0).then_some(value),
            archived: None,
            damaged: value % 11 == 0,
            issues: (value % 13 == 0).then(|| Name::from("cost\ttype\ta number")),
            observed: observed(value),
        })
    });
    let refresh_state = RefreshState {
        message_set: (value % 4 != 0).then(|| observed(value)),
        checked_at: UnixNanos(value),
        newest_change: UnixNanos(value),
        unfinished_messages: (value % 2) as u32,
        unclean_messages: (value % 3) as u32,
        unlisted_messages: (value % 5) as u32,
        messages_with_issues: (value % 4) as u32,
        unsettled: value % 3 == 0,
    };
    let resume = (value % 4 == 1).then(|| value.to_le_bytes().into());
    SessionState { record, refresh_state, resume }
}

pub(crate) fn message(key: &MessageKey, value: i64) -> MessageMeta {
    let part = |n: i64| {
        let mut part = PartRef::from_id(PartId::new(&format!("prt_{n}")).unwrap());
        part.kind = match n % 3 {
            0 => None,
            1 => Some(PartKind::Tool),
            _ => Some(PartKind::Unknown),
        };
        part.observed = (n % 2 == 0).then(|| observed(n));
        part
    };
    MessageMeta {
        key: key.clone(),
        order: OrderKey(value % 4),
        is_copy: value % 7 == 0,
        is_recorded_copy: value % 14 == 0,
        role: [Role::User, Role::Assistant, Role::Unknown][(value % 3) as usize],
        created: Some(value),
        completed: (value % 2 == 0).then_some(-value),
        parent: (value % 3 == 0).then(|| MessageId::new("msg_0").unwrap()),
        agent: Some(Name::from(["build", "plan"][(value % 2) as usize])),
        provider: None,
        model: Some(Name::from(format!("model {value}").as_str())),
        tokens: (value % 3 != 0).then_some(TokenCounts {
            input: value,
            output: 2,
            reasoning: 3,
            cache_read: if value % 2 == 0 { i64::MIN } else { 4 },
            cache_write: i64::MAX,
        }),
        // Every fourth cost does not fit the eight bytes in a snapshot row.
        cost: (value % 3 != 0)
            .then(|| Cost::from_dollars([0.1, 0.2, 1e9, -0.3][(value % 4) as usize])),
        steps: (value % 5 == 2).then(|| {
            let tokens = TokenCounts { input: 2 * value, output: 1, ..Default::default() };
            Box::new(StepTotals { tokens, cost: Cost::from_dollars(1e9) })
        }),
        finish: None,
        error: (value % 5 == 0).then(|| Name::from("UnknownError")),
        summary: value % 4 == 0,
        damaged: value % 13 == 0,
        issues: (value % 6 == 0).then(|| Name::from("cost\timpossible\t-1")),
        observed: observed(value),
        parts: (value % 2 == 0).then(|| PartList {
            part_set: (value % 4 == 0).then(|| observed(value)),
            refs: (0..value % 5).map(part).collect(),
        }),
    }
}

/// The whole state that readers can see. Change numbers are left out: they differ in an index that was
/// built anew.
pub(crate) type State = BTreeMap<EntityKey, String>;

pub(crate) fn value_text(value: &EntityValue) -> String {
    match value {
        EntityValue::Project(meta) => project_text(meta),
        EntityValue::Session(meta) => session_text(meta),
        EntityValue::Message(meta) => message_text(meta),
    }
}

pub(crate) fn project_text(meta: &ProjectMeta) -> String {
    format!("{:?} {:?}", meta.worktree, meta.observed.stamp)
}

pub(crate) fn session_text(meta: &SessionMeta) -> String {
    let mut meta = meta.clone();
    meta.observed.clean = true;
    format!("{meta:?}")
}

pub(crate) fn message_text(meta: &MessageMeta) -> String {
    let mut meta = meta.clone();
    meta.observed.clean = true;
    let parts = meta.parts.take();
    let part = |part: &PartRef| {
        format!("{} {:?} {:?}", part.id, part.kind, part.observed.map(|observed| observed.stamp))
    };
    let parts = parts.map(|list| list.refs.iter().map(part).collect::<Vec<_>>());
    format!("{meta:?} {parts:?}")
}

/// Collects the state of a view through every query, and checks that the answers agree.
pub(crate) fn view_state(view: &View) -> State {
    let mut state = State::new();
    for project in view.projects() {
        assert_eq!(view.project(&project.id).unwrap(), project);
        state.insert(EntityKey::Project(project.id.clone()), project_text(&project));
    }
    let mut last = None;
    for session in view.sessions() {
        let sort_key = (std::cmp::Reverse(session.order), session.key.clone());
        assert!(last.replace(sort_key.clone()).is_none_or(|last| last < sort_key), "newest first");
        assert_eq!(view.session(&session.key.session).unwrap(), session);
        if let Some(project) = &session.project {
            assert!(view.by_project(project).contains(&session));
        }
        if let Some(parent) = &session.parent {
            assert!(view.children(parent).contains(&session));
        }
        state.insert(EntityKey::Session(session.key.clone()), session_text(&session));
    }
    for id in view.session_ids() {
        let session_state = view.session_state(&id).unwrap();
        let observed = session_state.record.as_ref().map(|record| record.observed);
        assert_eq!(view.refresh_state(&id), Some((observed, session_state.refresh_state)));
    }
    for n in 0..8 {
        let session = session_key(n).session;
        let messages = view.by_session(&session);
        let mut usage = UsageSum::default();
        let mut last = None;
        for message in &messages {
            let sort_key = (message.order, message.key.clone());
            assert!(last.replace(sort_key.clone()).is_none_or(|last| last < sort_key), "in order");
            assert_eq!(&view.message_by_key(&message.key).unwrap(), message);
            assert_eq!(
                view.message(&message.key.message).unwrap().key.message,
                message.key.message
            );
            for part in message.parts.iter().flat_map(|list| list.refs.iter()) {
                let (owner, part_ref) = view.part(&part.id).unwrap();
                assert!(view.by_message(&owner).unwrap().contains(&part_ref));
            }
            usage.add(&message.usage());
            state.insert(EntityKey::Message(message.key.clone()), message_text(message));
        }
        let mut totals = view.session(&session).and_then(|record| record.recorded_totals);
        for copy in view.by_session(&session).iter().filter(|message| message.is_recorded_copy) {
            totals = totals.map(|totals| totals.without_copy(&copy.recorded_steps()));
        }
        let usage: Usage = usage.usage().or_recorded_totals(totals);
        assert_eq!(view.usage(&session), usage);
    }
    state
}

/// Writes a snapshot to bytes, as for a file, and opens them.
pub(crate) fn reopen(snapshot: &Snapshot) -> Result<Snapshot, SnapshotError> {
    Snapshot::open(Arc::new(snapshot.to_header_and_body().concat()))
}
