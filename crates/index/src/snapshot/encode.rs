//! The encoder of a snapshot. It appends rows to their sections, and writes the tables and the header
//! last.

use std::cmp::Reverse;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, Epoch, Revision, SourceId};
use scrollback_core_type::{PartKind, Role, UsageSum};

use super::layout::{
    MAGIC, Section, TEXT_REF_LEN, VERSION, header, lineage, message, part, project, session,
    tombstone,
};
use super::name_table::NameTable;
use super::provenances::{self, ProvenanceTable};
use super::row::{Row, RowMut};
use super::table;
use crate::{MessageMeta, PartRef, ProjectMeta, SessionState};

/// The number of parts from which on a second thread saves time.
const MIN_PARALLEL_PARTS: usize = 10_000;

/// The description of a snapshot, from its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotInfo {
    /// The indexed store.
    pub(crate) store: SourceId,
    /// The epoch of the index that wrote the snapshot.
    pub(crate) epoch: Epoch,
    /// The revision of the state.
    pub(crate) revision: Revision,
    /// The revision from which on all removals are known.
    pub(crate) floor: Revision,
    /// The epochs that the state continues, each with its last revision.
    pub(crate) lineage: Vec<(Epoch, Revision)>,
    /// The token of the store; see [`SessionIndex::token`](crate::SessionIndex::token).
    pub(crate) token: Option<Arc<[u8]>>,
}

/// A builder that takes entities and makes a snapshot of them.
pub(crate) struct Encoder {
    /// Room for the header, and the rows of messages right behind it, so that they are not copied again.
    out: Vec<u8>,
    parts: Vec<u8>,
    sessions: Vec<u8>,
    projects: Vec<u8>,
    tombstones: Vec<u8>,
    texts: Vec<u8>,
    names: NameTable,
    provenances: ProvenanceTable,
    /// The usage of the messages of the current session, until `end_session` writes it.
    session_usage: Option<UsageSum>,
    /// The hashes of the message ids, for the hash table of messages.
    message_hashes: Vec<u64>,
    seed: u64,
}

impl Encoder {
    /// Returns an encoder with room for about this many rows. `seed` must be random: it keeps a hostile
    /// store from choosing ids that collide.
    pub(crate) fn new(messages: usize, parts: usize, seed: u64) -> Self {
        let mut out = Vec::with_capacity(header::LEN + messages * message::LEN);
        out.resize(header::LEN, 0);
        Self {
            out,
            parts: Vec::with_capacity(parts * part::LEN),
            sessions: Vec::new(),
            projects: Vec::new(),
            tombstones: Vec::new(),
            texts: Vec::new(),
            names: NameTable::default(),
            provenances: ProvenanceTable::default(),
            session_usage: None,
            message_hashes: Vec::with_capacity(messages),
            seed,
        }
    }

    fn message_count(&self) -> u32 {
        row_count(self.out.len() - header::LEN, message::LEN)
    }

    pub(crate) fn add_project(&mut self, meta: &ProjectMeta, sequence: u64) {
        let Self { projects, texts, names, .. } = self;
        let mut row = push_row(projects, project::LEN);
        row.id(project::ID, meta.id.as_bytes(), texts);
        row.stamp(project::STAMP, &meta.observed.stamp);
        row.u64(project::SEQUENCE, sequence);
        row.u32(project::WORKTREE, names.number_of(meta.worktree.as_ref()));
        row.u32(project::FLAGS, flag_if(meta.observed.clean, project::CLEAN));
    }

    /// Begins a session. The caller adds its messages next.
    pub(crate) fn begin_session(&mut self, id: &[u8], state: &SessionState, sequence: u64) {
        self.end_session();
        self.session_usage = Some(UsageSum::default());
        let first_message = self.message_count();
        let Self { sessions, texts, names, provenances, .. } = self;
        let mut row = push_row(sessions, session::LEN);
        row.id(session::ID, id, texts);
        row.u64(session::SEQUENCE, sequence);
        row.u32(session::FIRST_MESSAGE, first_message);
        let refresh_state = &state.refresh_state;
        let message_set = refresh_state.message_set.unwrap_or_default();
        row.stamp(session::MESSAGE_SET, &message_set.stamp);
        row.i64(session::CHECKED_AT, refresh_state.checked_at.0);
        row.i64(session::NEWEST_CHANGE, refresh_state.newest_change.0);
        row.u32(session::UNFINISHED_MESSAGES, refresh_state.unfinished_messages);
        row.u32(session::UNCLEAN_MESSAGES, refresh_state.unclean_messages);
        row.u32(session::UNLISTED_MESSAGES, refresh_state.unlisted_messages);
        row.u32(session::MESSAGES_WITH_ISSUES, refresh_state.messages_with_issues);
        if let Some(resume) = &state.resume {
            row.text(session::RESUME, resume, texts);
        }
        let mut flags = flag_if(refresh_state.message_set.is_some(), session::HAS_MESSAGE_SET)
            | flag_if(message_set.clean, session::MESSAGE_SET_CLEAN)
            | flag_if(state.resume.is_some(), session::HAS_RESUME)
            | flag_if(refresh_state.unsettled, session::UNSETTLED);
        if let Some(meta) = &state.record {
            flags |= session::HAS_RECORD
                | flag_if(meta.observed.clean, session::CLEAN)
                | flag_if(meta.damaged, session::DAMAGED)
                | flag_if(meta.title.is_some(), session::HAS_TITLE);
            if let Some(parent) = &meta.parent {
                row.id(session::PARENT, parent.as_bytes(), texts);
            }
            if let Some(source) = &meta.forked_from {
                row.id(session::FORKED_FROM, source.as_bytes(), texts);
            }
            if let Some(totals) = &meta.recorded_totals {
                flags |= session::HAS_TOTALS;
                row.tokens(session::TOKENS, &totals.tokens);
                row.cost(session::COST, totals.cost);
            }
            row.u32(session::PROVENANCE, provenances.number_of(&meta.provenance));
            row.i64(session::ORDER, meta.order.0);
            row.time(session::CREATED, meta.created);
            row.time(session::UPDATED, meta.updated);
            row.time(session::ARCHIVED, meta.archived);
            row.stamp(session::STAMP, &meta.observed.stamp);
            row.text(session::TITLE, meta.title.as_deref().unwrap_or_default().as_bytes(), texts);
            row.u32(
                session::PROJECT,
                meta.project.as_ref().map_or(0, |id| names.number_of_text(id.as_str())),
            );
            row.u32(session::DIRECTORY, names.number_of(meta.directory.as_ref()));
            row.u32(session::PROGRAM_VERSION, names.number_of(meta.version.as_ref()));
            row.u32(session::ISSUES, names.number_of(meta.issues.as_ref()));
            row.u32(session::ORIGIN, names.number_of(meta.origin.as_ref()));
        }
        row.u32(session::FLAGS, flags);
    }

    /// Adds a message to the current session. `part_sequence` returns the change number of a part.
    pub(crate) fn add_message(
        &mut self,
        meta: &MessageMeta,
        sequence: u64,
        part_sequence: impl Fn(&PartRef) -> u64,
    ) {
        let number = self.message_count();
        let owner = row_count(self.sessions.len(), session::LEN) - 1;
        let Self { out, parts, texts, names, .. } = self;
        let mut row = push_row(out, message::LEN);
        let id = meta.key.message.as_bytes();
        row.id(message::ID, id, texts);
        self.message_hashes.push(table::hash(id, self.seed));
        if let Some(parent) = &meta.parent {
            row.id(message::PARENT, parent.as_bytes(), texts);
        }
        row.u64(message::SEQUENCE, sequence);
        row.i64(message::ORDER, meta.order.0);
        row.time(message::CREATED, meta.created);
        row.time(message::COMPLETED, meta.completed);
        let tokens = meta.tokens.unwrap_or_default();
        match &meta.steps {
            Some(steps) => row.steps(message::TOKENS, &tokens, steps, texts),
            None => row.tokens(message::TOKENS, &tokens),
        }
        let cost = meta.cost.unwrap_or_default();
        let cost_outside = row.short_cost(message::COST, cost, texts);
        row.stamp(message::STAMP, &meta.observed.stamp);
        row.u32(message::SESSION, owner);
        row.u32(message::AGENT, names.number_of(meta.agent.as_ref()));
        row.u32(message::PROVIDER, names.number_of(meta.provider.as_ref()));
        row.u32(message::MODEL, names.number_of(meta.model.as_ref()));
        row.u32(message::FINISH, names.number_of(meta.finish.as_ref()));
        row.u32(message::ISSUES, names.number_of(meta.issues.as_ref()));
        row.u32(message::ERROR, names.number_of(meta.error.as_ref()));
        let mut flags = role_number(meta.role)
            | flag_if(meta.observed.clean, message::CLEAN)
            | flag_if(meta.damaged, message::DAMAGED)
            | flag_if(meta.summary, message::SUMMARY)
            | flag_if(meta.tokens.is_some(), message::HAS_TOKENS)
            | flag_if(meta.cost.is_some(), message::HAS_COST)
            | flag_if(cost_outside, message::COST_OUTSIDE)
            | flag_if(meta.steps.is_some(), message::HAS_STEPS)
            | flag_if(meta.is_copy, message::IS_COPY)
            | flag_if(meta.is_recorded_copy, message::IS_RECORDED_COPY);
        row.u32(message::FIRST_PART, row_count(parts.len(), part::LEN));
        if let Some(list) = &meta.parts {
            let part_set = list.part_set.unwrap_or_default();
            row.stamp(message::PART_SET, &part_set.stamp);
            flags |= message::HAS_PARTS
                | flag_if(list.part_set.is_some(), message::HAS_PART_SET)
                | flag_if(part_set.clean, message::PART_SET_CLEAN);
            row.u32(message::PART_COUNT, list.refs.len() as u32);
            for part_ref in list.refs.iter() {
                let mut row = push_row(parts, part::LEN);
                row.id(part::ID, part_ref.id.as_bytes(), texts);
                let observed = part_ref.observed.unwrap_or_default();
                row.stamp(part::STAMP, &observed.stamp);
                row.u64(part::SEQUENCE, part_sequence(part_ref));
                row.u32(part::MESSAGE, number);
                let flags = kind_number(part_ref.kind)
                    | flag_if(part_ref.observed.is_some(), part::HAS_STAMP)
                    | flag_if(observed.clean, part::CLEAN);
                row.u32(part::FLAGS, flags);
            }
        }
        row.u32(message::FLAGS, flags);
        self.session_usage.iter_mut().for_each(|usage| *usage += meta.usage_sum());
    }

    /// Writes the sum over the messages of the current session.
    fn end_session(&mut self) {
        let Some(sum) = self.session_usage.take() else { return };
        let last = self.sessions.len() - session::LEN;
        RowMut(&mut self.sessions[last..]).session_usage(&sum);
    }

    /// Adds a key that was removed.
    pub(crate) fn add_tombstone(&mut self, key: &EntityKey, sequence: u64) {
        let (kind, id, owner) = match key {
            EntityKey::Project(id) => (1, id.as_bytes(), &b""[..]),
            EntityKey::Session(key) => (2, key.session.as_bytes(), &b""[..]),
            EntityKey::Message(key) => (3, key.message.as_bytes(), key.session.as_bytes()),
            _ => return,
        };
        let mut row = push_row(&mut self.tombstones, tombstone::LEN);
        row.id(tombstone::ID, id, &mut self.texts);
        row.id(tombstone::SESSION, owner, &mut self.texts);
        row.u64(tombstone::SEQUENCE, sequence);
        row.u32(tombstone::KIND, kind);
    }

    /// Sorts the sessions in the order of a base: newest first, and those without a record last.
    pub(crate) fn sort_sessions(&mut self) {
        self.end_session();
        let sort_key = |row: &[u8]| {
            let row = Row(row);
            let has_record = row.has_flag(session::FLAGS, session::HAS_RECORD);
            let order = has_record.then(|| row.i64(session::ORDER));
            (Reverse(order), row.id_bytes(session::ID, &self.texts).to_vec())
        };
        let mut rows: Vec<(usize, &[u8])> =
            self.sessions.chunks_exact(session::LEN).enumerate().collect();
        rows.sort_by_cached_key(|(_, row)| sort_key(row));
        let mut numbers = vec![0_u32; rows.len()];
        let mut sorted = Vec::with_capacity(self.sessions.len());
        for (new, (old, row)) in rows.into_iter().enumerate() {
            numbers[old] = new as u32;
            sorted.extend_from_slice(row);
        }
        self.sessions = sorted;
        for row in self.out[header::LEN..].chunks_exact_mut(message::LEN) {
            let old = Row(row).u32(message::SESSION) as usize;
            RowMut(row).u32(message::SESSION, numbers[old]);
        }
    }

    /// Returns the bytes of the snapshot. The checksum is still zero: `to_header_and_body` adds it.
    pub(crate) fn finish(mut self, info: &SnapshotInfo) -> Vec<u8> {
        self.end_session();
        let seed = self.seed;
        let ids = |rows: &[u8], len: usize, texts: &[u8]| {
            let ids = rows.chunks_exact(len).map(|row| Row(row).id_bytes(0, texts));
            table::build(ids.map(|id| table::hash(id, seed)))
        };
        let session_table = ids(&self.sessions, session::LEN, &self.texts);
        let message_table = || table::build(self.message_hashes.iter().copied());
        let part_table = || ids(&self.parts, part::LEN, &self.texts);
        // Build large tables on two threads.
        let (message_table, part_table) = if self.parts.len() < MIN_PARALLEL_PARTS * part::LEN {
            (message_table(), part_table())
        } else {
            std::thread::scope(|scope| {
                let started = std::thread::Builder::new().spawn_scoped(scope, message_table);
                let part_table = part_table();
                let message_table = match started {
                    Ok(started) => started.join().unwrap_or_default(),
                    Err(_) => message_table(), // the system has no thread left
                };
                (message_table, part_table)
            })
        };
        let mut names = Vec::with_capacity(self.names.entries.len() * TEXT_REF_LEN);
        for name in &self.names.entries {
            push_row(&mut names, TEXT_REF_LEN).text(0, name.as_bytes(), &mut self.texts);
        }
        let mut places = Vec::with_capacity(self.provenances.entries.len() * TEXT_REF_LEN);
        for entry in &self.provenances.entries {
            push_row(&mut places, TEXT_REF_LEN).text(
                0,
                &provenances::encode(entry),
                &mut self.texts,
            );
        }
        let mut ancestors = Vec::new();
        for (epoch, revision) in &info.lineage {
            let mut row = push_row(&mut ancestors, lineage::LEN);
            row.u64(lineage::EPOCH, epoch.0);
            row.u64(lineage::REVISION, revision.0);
        }
        let messages = self.message_count();
        let store = info.store.as_bytes();
        let body: [&[u8]; Section::COUNT - 1] = [
            &self.parts,
            &self.sessions,
            &self.projects,
            &names,
            &places,
            &session_table,
            &message_table,
            &part_table,
            &self.tombstones,
            &ancestors,
            &self.texts,
            store,
            info.token.as_deref().unwrap_or_default(),
        ];
        let mut out = self.out;
        out.reserve_exact(body.iter().map(|section| section.len()).sum());
        let mut places = vec![(header::LEN, messages as usize)];
        for (bytes, (_, len)) in body.iter().zip(&Section::ALL[1..]) {
            places.push((out.len(), bytes.len() / len));
            out.extend_from_slice(bytes);
        }
        let len = out.len() as u64;
        out[..MAGIC.len()].copy_from_slice(&MAGIC);
        let mut header_row = RowMut(&mut out);
        header_row.u32(header::VERSION, VERSION);
        header_row.u32(header::LEN_OF_HEADER, header::LEN as u32);
        header_row.u64(header::LEN_OF_FILE, len);
        header_row.u64(header::EPOCH, info.epoch.0);
        header_row.u64(header::REVISION, info.revision.0);
        header_row.u64(header::FLOOR, info.floor.0);
        header_row.u64(header::SEED, seed);
        for (at, (offset, count)) in (header::SECTIONS..).step_by(16).zip(places) {
            header_row.u64(at, offset as u64);
            header_row.u64(at + 8, count as u64);
        }
        out
    }
}

/// Appends a row of zeros.
fn push_row(section: &mut Vec<u8>, len: usize) -> RowMut<'_> {
    let start = section.len();
    section.resize(start + len, 0);
    RowMut(&mut section[start..])
}

fn row_count(bytes: usize, len: usize) -> u32 {
    u32::try_from(bytes / len).unwrap_or(u32::MAX)
}

fn flag_if(is_set: bool, flag: u32) -> u32 {
    if is_set { flag } else { 0 }
}

fn role_number(role: Role) -> u32 {
    match role {
        Role::User => 0,
        Role::Assistant => 1,
        Role::Unknown => 2,
    }
}

fn kind_number(kind: Option<PartKind>) -> u32 {
    kind.map_or(0, |kind| kind.number().into())
}
