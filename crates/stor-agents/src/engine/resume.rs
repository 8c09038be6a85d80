//! Continues a session where an earlier read ended: reads what was appended, and the messages that
//! were open.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_source::{LogMark, ResumeResult, ResumeToken, ScanItem, ScanVisitor};

use super::dialect::Dialect;
use super::nodes::{Node, NodeBuilder};
use super::opened::Opened;
use super::parse::parse;
use super::queue::{Counters, Draft, Finished};
use super::region::Region;
use super::session::{message_set, settled};
use super::steps::{self, SeenBuilder, StepsSeen};
use super::store::Store;
use super::token::State;

type Result<T> = std::result::Result<T, IssueKind>;

/// Where a read continues.
struct Continued {
    state: State,
    /// The records from there on.
    region: Region,
    /// The offset of the mark in a log, and what to make the next mark of.
    mark: Mark,
}

enum Mark {
    Log,
    Steps(Option<StepsSeen>),
}

/// Passes the additions to a session since a token was made.
pub(crate) fn resume<D: Dialect>(
    store: &Store<'_, D>,
    session: &SessionKey,
    since: &ResumeToken,
    visitor: &mut ScanVisitor<'_>,
) -> ResumeResult {
    // A read of the whole session reports the problem.
    try_resume(store, session, since, visitor).ok().flatten().unwrap_or_else(ResumeResult::rescan)
}

fn try_resume<D: Dialect>(
    store: &Store<'_, D>,
    session: &SessionKey,
    since: &ResumeToken,
    visitor: &mut ScanVisitor<'_>,
) -> Result<Option<ResumeResult>> {
    let opened = store.open(session)?;
    let continued = match opened.steps() {
        Some(_) => continue_steps(store, &opened, since)?,
        None => continue_log(store, &opened, since)?,
    };
    let Some(Continued { state, region, mark }) = continued else { return Ok(None) };
    let is_same = state.is_of(opened.stamp());
    if !region.issues.is_empty() {
        return Ok(None);
    }
    let (draft, is_final) = match &state.head {
        Some(draft) => (draft.clone(), true),
        None => {
            let head = store.head(session, &opened);
            if head.issue.is_some() {
                return Ok(None);
            }
            (head.draft, head.is_final)
        }
    };
    let mut issues = repeated_issues(store, &opened, &state)?;
    let mut builder = NodeBuilder::new(session, None);
    let from = state.from();
    let (_, end) = parse(store.dialect, opened.path(), &region, from.before, &mut |finished| {
        builder.add(finished);
        ControlFlow::Continue(())
    });
    let (nodes, of_records) = builder.finish();
    issues.extend(of_records);
    let head = is_final.then(|| draft.clone());
    let next = |end_of_records| {
        State::new(opened.stamp(), &end, end_of_records, &state.damaged, head.clone())
    };
    let (at, token) = match mark {
        Mark::Steps(seen) => {
            let identity = opened.identity()?;
            let token = seen.and_then(|seen| next(seen.last + 1)?.to_steps_token(identity, seen));
            (from.position, token)
        }
        Mark::Log => {
            let len = region.end_of_lines().max(from.position);
            let before = tail_before(&opened, &region, from.position, len)?;
            let identity = opened.identity()?;
            (
                from.position,
                next(len).and_then(|it| it.to_log_token(identity, len, (&before, region.tail()))),
            )
        }
    };
    let settled = settled(store, &opened, &region);
    let set = message_set(session, *opened.stamp(), settled, None);
    let record = store.session_entry(session, &opened, &draft);
    let nodes = if is_same { Vec::new() } else { nodes };
    let _ = emit(session, ScanItem::Set(set), issues, ScanItem::Entry(record), nodes, visitor);
    Ok(Some(match token {
        Some(token) if is_same => ResumeResult::unchanged(token),
        token => ResumeResult::appended(session.clone(), at, token),
    }))
}

/// Returns the bytes before `len` that a mark compares.
fn tail_before(opened: &Opened, region: &Region, from: u64, len: u64) -> Result<Vec<u8>> {
    let (start, count) = LogMark::tail_range(len);
    let within = start.checked_sub(from).and_then(|at| {
        let at = usize::try_from(at).ok()?;
        region.bytes().get(at..at + usize::try_from(count).ok()?)
    });
    match within {
        Some(bytes) => Ok(bytes.to_vec()),
        None => opened.read_range(start, count),
    }
}

fn continue_log<D: Dialect>(
    store: &Store<'_, D>,
    opened: &Opened,
    since: &ResumeToken,
) -> Result<Option<Continued>> {
    let Some((mark, state)) = State::of_log(since) else { return Ok(None) };
    if opened.arrays().is_some() {
        return Ok(None);
    }
    let (offset, count) = LogMark::tail_range(mark.len);
    let before = opened.read_range(offset, count)?;
    let size = opened.stamp().size;
    // An append changes the size, so the same size with another stamp is a rewrite in place.
    let is_rewritten = state.size() == size && !state.is_of(opened.stamp());
    if is_rewritten || !mark.is_continued_by(opened.identity()?, size, &before) {
        return Ok(None);
    }
    let from = state.from().position;
    let region = store.log_from(opened, from)?;
    // The next read begins at the last line or before it.
    let after_mark = usize::try_from(mark.len.saturating_sub(from)).unwrap_or(usize::MAX);
    if !state.has_same_tail(region.bytes().get(after_mark..).unwrap_or_default()) {
        return Ok(None);
    }
    Ok(Some(Continued { state, region, mark: Mark::Log }))
}

fn continue_steps<D: Dialect>(
    store: &Store<'_, D>,
    opened: &Opened,
    since: &ResumeToken,
) -> Result<Option<Continued>> {
    let Some(layout) = opened.steps() else { return Ok(None) };
    let Some(state) = State::of_steps(since, opened.identity()?) else { return Ok(None) };
    let Some(known) = state.steps else { return Ok(None) };
    let listed = steps::list(opened.dir(), layout)?;
    let from = state.from().position;
    let read_from = listed.partition_point(|file| file.position < from);
    let known_until = listed.partition_point(|file| file.position <= known.last);
    let mut seen = SeenBuilder::new();
    seen.add_stats(opened.dir(), &listed[..known_until]);
    // The files that were read before must all be there, and be the same.
    if seen.finish() != Some(known) {
        return Ok(None);
    }
    let mut all = SeenBuilder::new();
    all.add_stats(opened.dir(), &listed[..read_from.min(known_until)]);
    let region = store.steps(opened, &listed[read_from.min(known_until)..], &mut all);
    Ok(Some(Continued { state, region, mark: Mark::Steps(all.finish()) }))
}

/// Reads the damaged records before the next read again, so that their issues are reported as long as
/// they hold.
fn repeated_issues<D: Dialect>(
    store: &Store<'_, D>,
    opened: &Opened,
    state: &State,
) -> Result<Vec<Issue>> {
    let mut issues = Vec::new();
    let files = match opened.steps() {
        Some(layout) if !state.damaged.is_empty() => steps::list(opened.dir(), layout)?,
        _ => Vec::new(),
    };
    for (position, len) in &state.damaged {
        let region = match opened.steps() {
            Some(_) => {
                let same: Vec<_> =
                    files.iter().filter(|file| file.position == *position).cloned().collect();
                store.steps(opened, &same, &mut SeenBuilder::new())
            }
            // The line feed is part of the line.
            None => store.log_window(opened, *position, len + 1)?,
        };
        let before = Counters::default();
        let _ = parse(store.dialect, opened.path(), &region, before, &mut |it: Finished<'_>| {
            if let Draft::Issue(issue) = it.draft {
                issues.push(*issue);
            }
            ControlFlow::Continue(())
        });
    }
    Ok(issues)
}

fn emit(
    session: &SessionKey,
    set: ScanItem,
    issues: Vec<Issue>,
    record: ScanItem,
    nodes: Vec<Node>,
    visitor: &mut ScanVisitor<'_>,
) -> ControlFlow<()> {
    visitor(set)?;
    for issue in issues {
        visitor(ScanItem::Issue(Some(EntityKey::Session(session.clone())), issue))?;
    }
    visitor(record)?;
    for node in nodes {
        match node {
            Node::Item(item) => visitor(ScanItem::Entry(item.entry()))?,
            Node::Message(message) => {
                visitor(ScanItem::Entry(message.record.entry()))?;
                if let Some(set) = message.part_set() {
                    visitor(ScanItem::Set(set))?;
                }
                message.parts.iter().try_for_each(|part| visitor(ScanItem::Entry(part.entry())))?;
            }
        }
    }
    ControlFlow::Continue(())
}
