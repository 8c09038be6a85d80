//! Converts the bytes of a record to the fields that the index keeps.

use scrollback_core_err::Issue;
use scrollback_core_id::{MessageKey, OrderKey, PartId, ProjectId, SessionKey, SourceId};
use scrollback_core_type::{
    Cost, LazyStr, MessageHead, Parse, Parsed, PartHead, PartKind, Project, Provenance,
    RecordedTotals, Role, SessionHead, TimeHead, TokenCounts,
};
use scrollback_index::{
    MessageMeta, Name, NameInterner, ObservedStamp, PartRef, ProjectMeta, SessionMeta,
};
use scrollback_source::Observation;
use scrollback_stor_mmap::{MappedSpan, Settled};

use super::kept_issues::kept_text;
use crate::impossible_numbers::note_impossible_numbers;

/// The place of a message in its session, and whether the message is a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessagePosition {
    pub(crate) order: OrderKey,
    pub(crate) is_copy: bool,
}

/// A builder of metas (the index's form of records). It shares texts that many metas have.
#[derive(Debug, Default)]
pub(crate) struct MetaBuilder {
    names: NameInterner,
}

impl MetaBuilder {
    fn intern(&mut self, text: Option<LazyStr<'_>>) -> Option<Name> {
        text.map(|text| self.names.intern(&text.get()))
    }

    /// Takes the issues of single fields out of the issues of a record, as the text that the index keeps.
    /// Leaves all issues if one of them needs a further read of the record.
    fn keep_issues(&mut self, issues: &mut Vec<Issue>) -> Option<Name> {
        if issues.is_empty() {
            return None; // by far the usual case
        }
        let text = kept_text(issues)?;
        issues.clear();
        Some(self.names.intern(&text))
    }

    pub(crate) fn project(
        &mut self,
        id: ProjectId,
        span: &MappedSpan,
    ) -> (ProjectMeta, Option<Issue>) {
        let (record, issue) = match Project::parse(span) {
            Ok(parsed) => (Some(parsed.value), None),
            Err(issue) => (None, Some(*issue)),
        };
        let worktree = self.intern(record.and_then(|record| record.worktree));
        let observed = observed_from_span(span, issue.is_none());
        (ProjectMeta { id, worktree, observed }, issue)
    }

    pub(crate) fn session(
        &mut self,
        key: SessionKey,
        order: OrderKey,
        project: Option<ProjectId>,
        origin: Option<&SourceId>,
        provenance: &Provenance,
        span: &MappedSpan,
    ) -> (SessionMeta, Vec<Issue>) {
        let (head, mut issues) = value_and_issues(SessionHead::parse(span));
        let damaged = head.is_none();
        let head = head.unwrap_or_default();
        let time = head.time.unwrap_or_default();
        let tokens = head.tokens.filter(|_| provenance.has_complete_totals());
        let cost = head.cost.map(Cost::from).unwrap_or_default();
        let recorded_totals = tokens.map(|tokens| RecordedTotals { tokens: tokens.into(), cost });
        if let Some(totals) = &recorded_totals {
            note_impossible_numbers(Some(&totals.tokens), Some(totals.cost), &mut issues);
        }
        let kept = self.keep_issues(&mut issues);
        let meta = SessionMeta {
            key,
            order,
            project: project.or(head.project_id),
            parent: head.parent_id,
            forked_from: head.fork.and_then(|fork| fork.session_id),
            provenance: provenance.clone(),
            recorded_totals,
            directory: self.intern(head.directory),
            title: head.title.map(|title| title.get().into()),
            version: self.intern(head.version),
            origin: origin.map(|origin| self.names.intern(origin.as_str())),
            created: time.created,
            updated: time.updated,
            archived: time.archived,
            damaged,
            issues: kept,
            observed: observed_from_span(span, issues.is_empty()),
        };
        (meta, issues)
    }

    /// Returns the meta of a session whose record exists and cannot be read.
    pub(crate) fn unread_session(
        &mut self,
        key: SessionKey,
        order: OrderKey,
        project: Option<ProjectId>,
        origin: Option<&SourceId>,
        provenance: &Provenance,
    ) -> SessionMeta {
        SessionMeta {
            order,
            project,
            provenance: provenance.clone(),
            origin: origin.map(|origin| self.names.intern(origin.as_str())),
            damaged: true,
            ..SessionMeta::new(key)
        }
    }

    /// Adds the meta of a message to `metas`, and returns the issues with the record. The meta is not
    /// returned, because metas are large and moving them costs time.
    pub(crate) fn message(
        &mut self,
        key: MessageKey,
        MessagePosition { order, is_copy }: MessagePosition,
        bytes: &[u8],
        observed: ObservedStamp,
        metas: &mut Vec<MessageMeta>,
    ) -> Vec<Issue> {
        let mut head = MessageHead::default();
        let (mut issues, damaged) = match head.parse_into(bytes) {
            Ok(issues) => (issues, false),
            Err(issue) => (vec![*issue], true),
        };
        let TimeHead { created, completed, .. } = head.time.unwrap_or_default();
        let prompt_model = head.model.unwrap_or_default();
        let (tokens, cost) = (head.tokens.map(TokenCounts::from), head.cost.map(Cost::from));
        note_impossible_numbers(tokens.as_ref(), cost, &mut issues);
        let kept = self.keep_issues(&mut issues);
        metas.push(MessageMeta {
            key,
            order,
            is_copy,
            is_recorded_copy: false,
            role: match head.role.as_ref().map(LazyStr::get).as_deref() {
                Some("user") => Role::User,
                Some("assistant") => Role::Assistant,
                _ => Role::Unknown,
            },
            created,
            completed,
            parent: head.parent_id,
            agent: self.intern(head.agent.or(head.mode)),
            provider: self.intern(head.provider_id.or(prompt_model.provider_id)),
            model: self.intern(head.model_id.or(prompt_model.model_id)),
            tokens,
            cost,
            steps: None,
            finish: self.intern(head.finish),
            error: self.intern(head.error.and_then(|error| error.name)),
            summary: head.summary.is_some_and(|summary| summary.get() == "true"),
            damaged,
            issues: kept,
            observed: ObservedStamp { clean: observed.clean && issues.is_empty(), ..observed },
            parts: None,
        });
        issues
    }
}

/// Splits a parse result into its value and all issues of the record.
fn value_and_issues<T>(parsed: Result<Parsed<T>, Box<Issue>>) -> (Option<T>, Vec<Issue>) {
    match parsed {
        Ok(Parsed { value, issues }) => (Some(value), issues),
        Err(issue) => (None, vec![*issue]),
    }
}

/// Returns the stamp of a record that was read. A record with an issue is never clean, so that each
/// refresh reads it and reports its issue again.
fn observed_from_span(span: &MappedSpan, is_sound: bool) -> ObservedStamp {
    ObservedStamp { stamp: *span.stamp(), clean: is_sound && span.is_settled() }
}

/// Returns the reference of a part that was read; without a span, the reference has only the id.
pub(crate) fn part_ref(id: &PartId, span: Option<&MappedSpan>) -> PartRef {
    let id = id.clone();
    let Some(span) = span else { return PartRef::from_id(id) };
    let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
    let mut part = PartRef::from_observed(id, observed);
    let head = PartHead::parse(span).ok().and_then(|head| head.value.kind);
    part.kind = head.as_ref().map(LazyStr::get).map(|kind| PartKind::from_name(&kind));
    part
}

/// Converts an observation to the stamp that the index keeps.
pub(crate) fn observed_from_observation(observation: &Observation) -> ObservedStamp {
    ObservedStamp { stamp: observation.stamp, clean: observation.settled == Settled::Settled }
}
