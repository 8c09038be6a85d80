//! The rows of a snapshot as values. Each row is decoded on request.

use std::ops::Range;
use std::sync::Arc;

use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, PartId, ProjectId, SessionId, SessionKey, UnixNanos,
};
use scrollback_core_type::{PartKind, RecordedTotals, Role, StepTotals, UsageSum};

use super::decode::Snapshot;
use super::layout::{Section, message, part, project, session, tombstone};
use super::row::Row;
use crate::{
    MessageMeta, MessageOutline, Name, ObservedStamp, PartList, PartRef, ProjectMeta, RefreshState,
    SessionMeta, SessionState,
};

impl Snapshot {
    // Projects

    pub(crate) fn project_count(&self) -> u32 {
        self.count(Section::Projects, project::LEN)
    }

    fn project_row(&self, number: u32) -> Row<'_> {
        self.row(Section::Projects, project::LEN, number)
    }

    /// Finds the row of a project by a linear search: a store has few projects.
    pub(crate) fn find_project(&self, id: &ProjectId) -> Option<u32> {
        let matches =
            |row: &u32| self.project_row(*row).id_bytes(project::ID, self.texts()) == id.as_bytes();
        (0..self.project_count()).find(matches)
    }

    pub(crate) fn project(&self, number: u32) -> Option<ProjectMeta> {
        let row = self.project_row(number);
        let clean = row.has_flag(project::FLAGS, project::CLEAN);
        Some(ProjectMeta {
            id: row.id(project::ID, self.texts())?,
            worktree: self.name(row.u32(project::WORKTREE)),
            observed: row.observed(project::STAMP, clean),
        })
    }

    pub(crate) fn project_sequence(&self, number: u32) -> u64 {
        self.project_row(number).u64(project::SEQUENCE)
    }

    // Sessions

    pub(crate) fn session_count(&self) -> u32 {
        self.count(Section::Sessions, session::LEN)
    }

    fn session_row(&self, number: u32) -> Row<'_> {
        self.row(Section::Sessions, session::LEN, number)
    }

    pub(crate) fn find_session(&self, id: &SessionId) -> Option<u32> {
        let (table, rows) = (Section::SessionTable, Section::Sessions);
        self.find(table, rows, session::LEN, id.as_bytes()).next()
    }

    pub(crate) fn session_id(&self, number: u32) -> Option<SessionId> {
        self.session_row(number).id(session::ID, self.texts())
    }

    /// Returns the order key of a session; `None` if the session has no record.
    pub(crate) fn session_order(&self, number: u32) -> Option<OrderKey> {
        let row = self.session_row(number);
        row.has_flag(session::FLAGS, session::HAS_RECORD).then(|| OrderKey(row.i64(session::ORDER)))
    }

    pub(crate) fn session_parent_is(&self, number: u32, id: &SessionId) -> bool {
        self.session_row(number).id_bytes(session::PARENT, self.texts()) == id.as_bytes()
    }

    pub(crate) fn session_project_is(&self, number: u32, id: &ProjectId) -> bool {
        let name = self.session_row(number).u32(session::PROJECT) as usize;
        name.checked_sub(1)
            .and_then(|at| self.names.get(at))
            .is_some_and(|name| **name == *id.as_str())
    }

    pub(crate) fn session_sequence(&self, number: u32) -> u64 {
        self.session_row(number).u64(session::SEQUENCE)
    }

    pub(crate) fn session_meta(&self, number: u32) -> Option<SessionMeta> {
        let (row, texts) = (self.session_row(number), self.texts());
        let has = |flag| row.has_flag(session::FLAGS, flag);
        if !has(session::HAS_RECORD) {
            return None;
        }
        let title = || String::from_utf8_lossy(row.text(session::TITLE, texts)).into();
        let project = self.name(row.u32(session::PROJECT));
        Some(SessionMeta {
            key: SessionKey { session: row.id(session::ID, texts)? },
            order: OrderKey(row.i64(session::ORDER)),
            project: project.and_then(|id| ProjectId::new(&id).ok()),
            parent: row.id(session::PARENT, texts),
            forked_from: row.id(session::FORKED_FROM, texts),
            recorded_totals: self.recorded_totals(number),
            provenance: self.provenance(row.u32(session::PROVENANCE)),
            directory: self.name(row.u32(session::DIRECTORY)),
            origin: self.name(row.u32(session::ORIGIN)),
            title: has(session::HAS_TITLE).then(title),
            version: self.name(row.u32(session::PROGRAM_VERSION)),
            created: row.time(session::CREATED),
            updated: row.time(session::UPDATED),
            archived: row.time(session::ARCHIVED),
            damaged: has(session::DAMAGED),
            issues: self.name(row.u32(session::ISSUES)),
            observed: row.observed(session::STAMP, has(session::CLEAN)),
        })
    }

    /// Decodes only the totals in a session's record.
    pub(crate) fn recorded_totals(&self, number: u32) -> Option<RecordedTotals> {
        let row = self.session_row(number);
        row.has_flag(session::FLAGS, session::HAS_TOTALS).then(|| RecordedTotals {
            tokens: row.tokens(session::TOKENS),
            cost: row.cost(session::COST),
        })
    }

    /// Returns the issues of a session's record, and the number of its messages with issues.
    pub(crate) fn session_issues(&self, number: u32) -> (Option<Name>, u32) {
        let row = self.session_row(number);
        (self.name(row.u32(session::ISSUES)), row.u32(session::MESSAGES_WITH_ISSUES))
    }

    /// Returns the issues of a message.
    pub(crate) fn message_issues(&self, number: u32) -> Option<Name> {
        self.name(self.message_row(number).u32(message::ISSUES))
    }

    /// Returns the usage of all messages of a session.
    pub(crate) fn session_usage(&self, number: u32) -> UsageSum {
        self.session_row(number).session_usage()
    }

    /// Decodes only the stamp of a session's record.
    pub(crate) fn session_observed(&self, number: u32) -> Option<ObservedStamp> {
        let row = self.session_row(number);
        row.has_flag(session::FLAGS, session::HAS_RECORD)
            .then(|| row.observed(session::STAMP, row.has_flag(session::FLAGS, session::CLEAN)))
    }

    pub(crate) fn refresh_state(&self, number: u32) -> RefreshState {
        let row = self.session_row(number);
        let has = |flag| row.has_flag(session::FLAGS, flag);
        let set = || row.observed(session::MESSAGE_SET, has(session::MESSAGE_SET_CLEAN));
        RefreshState {
            message_set: has(session::HAS_MESSAGE_SET).then(set),
            checked_at: UnixNanos(row.i64(session::CHECKED_AT)),
            newest_change: UnixNanos(row.i64(session::NEWEST_CHANGE)),
            unfinished_messages: row.u32(session::UNFINISHED_MESSAGES),
            unclean_messages: row.u32(session::UNCLEAN_MESSAGES),
            unlisted_messages: row.u32(session::UNLISTED_MESSAGES),
            messages_with_issues: row.u32(session::MESSAGES_WITH_ISSUES),
            unsettled: has(session::UNSETTLED),
        }
    }

    pub(crate) fn session_state(&self, number: u32) -> SessionState {
        let row = self.session_row(number);
        let resume = row.has_flag(session::FLAGS, session::HAS_RESUME);
        SessionState {
            record: self.session_meta(number).map(Arc::new),
            refresh_state: self.refresh_state(number),
            resume: resume.then(|| row.text(session::RESUME, self.texts()).into()),
        }
    }

    // Messages

    pub(crate) fn message_count(&self) -> u32 {
        self.count(Section::Messages, message::LEN)
    }

    fn message_row(&self, number: u32) -> Row<'_> {
        self.row(Section::Messages, message::LEN, number)
    }

    /// Returns the rows of a session's messages, in order.
    pub(crate) fn messages_of(&self, session: u32) -> Range<u32> {
        let row = self.session_row(session);
        let first = row.u32(session::FIRST_MESSAGE).min(self.message_count());
        let end = first.saturating_add(row.u32(session::MESSAGE_COUNT)).min(self.message_count());
        first..end
    }

    /// Returns the rows of all messages with this id. There are several if sessions were copied by hand.
    pub(crate) fn find_messages(&self, id: &MessageId) -> impl Iterator<Item = u32> {
        let (table, rows) = (Section::MessageTable, Section::Messages);
        self.find(table, rows, message::LEN, id.as_bytes())
    }

    pub(crate) fn find_message(&self, key: &MessageKey) -> Option<u32> {
        let owner = key.session.as_bytes();
        self.find_messages(&key.message).find(|row| {
            let session = self.session_row(self.message_row(*row).u32(message::SESSION));
            session.id_bytes(session::ID, self.texts()) == owner
        })
    }

    pub(crate) fn message_key(&self, number: u32) -> Option<MessageKey> {
        let row = self.message_row(number);
        let session = self.session_id(row.u32(message::SESSION))?;
        Some(MessageKey { session, message: row.id(message::ID, self.texts())? })
    }

    /// Decodes what a search over all messages compares.
    pub(crate) fn message_outline(&self, number: u32) -> MessageOutline<'_> {
        let row = self.message_row(number);
        let id = row.id_bytes(message::ID, self.texts());
        MessageOutline { id, role: role(row), created: row.time(message::CREATED) }
    }

    pub(crate) fn message_id(&self, number: u32) -> Option<MessageId> {
        self.message_row(number).id(message::ID, self.texts())
    }

    pub(crate) fn message_order(&self, number: u32) -> OrderKey {
        OrderKey(self.message_row(number).i64(message::ORDER))
    }

    pub(crate) fn message_created(&self, number: u32) -> Option<i64> {
        self.message_row(number).time(message::CREATED)
    }

    pub(crate) fn message_sequence(&self, number: u32) -> u64 {
        self.message_row(number).u64(message::SEQUENCE)
    }

    /// Decodes only the stamp of a message. `None` if its parts were listed: their stamps then matter too.
    pub(crate) fn message_observed(&self, number: u32) -> Option<ObservedStamp> {
        let row = self.message_row(number);
        let has = |flag| row.has_flag(message::FLAGS, flag);
        (!has(message::HAS_PARTS)).then(|| row.observed(message::STAMP, has(message::CLEAN)))
    }

    pub(crate) fn message(&self, number: u32) -> Option<MessageMeta> {
        let row = self.message_row(number);
        let has = |flag| row.has_flag(message::FLAGS, flag);
        let parts = || PartList {
            part_set: has(message::HAS_PART_SET)
                .then(|| row.observed(message::PART_SET, has(message::PART_SET_CLEAN))),
            refs: self.parts_of(number).filter_map(|part| self.part(part)).collect(),
        };
        let (tokens, steps) = match has(message::HAS_STEPS) {
            true => row.steps(message::TOKENS, self.texts()),
            false => (row.tokens(message::TOKENS), StepTotals::default()),
        };
        Some(MessageMeta {
            key: self.message_key(number)?,
            order: OrderKey(row.i64(message::ORDER)),
            role: role(row),
            is_copy: has(message::IS_COPY),
            is_recorded_copy: has(message::IS_RECORDED_COPY),
            created: row.time(message::CREATED),
            completed: row.time(message::COMPLETED),
            parent: row.id(message::PARENT, self.texts()),
            agent: self.name(row.u32(message::AGENT)),
            provider: self.name(row.u32(message::PROVIDER)),
            model: self.name(row.u32(message::MODEL)),
            tokens: has(message::HAS_TOKENS).then_some(tokens),
            steps: has(message::HAS_STEPS).then(|| Box::new(steps)),
            cost: has(message::HAS_COST)
                .then(|| row.short_cost(message::COST, has(message::COST_OUTSIDE), self.texts())),
            finish: self.name(row.u32(message::FINISH)),
            error: self.name(row.u32(message::ERROR)),
            summary: has(message::SUMMARY),
            damaged: has(message::DAMAGED),
            issues: self.name(row.u32(message::ISSUES)),
            observed: row.observed(message::STAMP, has(message::CLEAN)),
            parts: has(message::HAS_PARTS).then(parts),
        })
    }

    // Parts

    pub(crate) fn part_count(&self) -> u32 {
        self.count(Section::Parts, part::LEN)
    }

    fn part_row(&self, number: u32) -> Row<'_> {
        self.row(Section::Parts, part::LEN, number)
    }

    pub(crate) fn parts_of(&self, message: u32) -> Range<u32> {
        let row = self.message_row(message);
        let first = row.u32(message::FIRST_PART).min(self.part_count());
        first..first.saturating_add(row.u32(message::PART_COUNT)).min(self.part_count())
    }

    /// Returns the rows of all parts with this id, each as (message row, part row).
    pub(crate) fn find_parts(&self, id: &PartId) -> impl Iterator<Item = (u32, u32)> {
        let (table, rows) = (Section::PartTable, Section::Parts);
        let rows = self.find(table, rows, part::LEN, id.as_bytes());
        rows.map(|row| (self.part_row(row).u32(part::MESSAGE), row))
    }

    pub(crate) fn part(&self, number: u32) -> Option<PartRef> {
        let row = self.part_row(number);
        let has = |flag| row.has_flag(part::FLAGS, flag);
        let [number, ..] = row.u32(part::FLAGS).to_le_bytes();
        let kind = (number != 0).then(|| PartKind::from_number(number));
        Some(PartRef {
            id: row.id(part::ID, self.texts())?,
            kind,
            observed: has(part::HAS_STAMP).then(|| row.observed(part::STAMP, has(part::CLEAN))),
            last_change: row.u64(part::SEQUENCE),
        })
    }

    // Tombstones

    /// Returns the removed keys, each with the number of its removal.
    pub(crate) fn tombstones(&self) -> impl Iterator<Item = (EntityKey, u64)> {
        self.section(Section::Tombstones).chunks_exact(tombstone::LEN).filter_map(|row| {
            let row = Row(row);
            let texts = self.texts();
            let key = match row.u32(tombstone::KIND) {
                1 => EntityKey::Project(row.id(tombstone::ID, texts)?),
                2 => EntityKey::Session(SessionKey { session: row.id(tombstone::ID, texts)? }),
                3 => EntityKey::Message(MessageKey {
                    session: row.id(tombstone::SESSION, texts)?,
                    message: row.id(tombstone::ID, texts)?,
                }),
                _ => return None,
            };
            Some((key, row.u64(tombstone::SEQUENCE)))
        })
    }
}

fn role(row: Row<'_>) -> Role {
    match row.u32(message::FLAGS) & message::ROLE_MASK {
        0 => Role::User,
        1 => Role::Assistant,
        _ => Role::Unknown,
    }
}
