//! A session that was read as a whole, and single messages that are read by themselves.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{SessionKey, Stamp};
use scrollback_source::{LogMark, Observation, ResumeToken};
use scrollback_stor_mmap::Settled;

use super::dialect::Dialect;
use super::ids::Slot;
use super::layout::MessageIds;
use super::nodes::{MessageNode, Node, NodeBuilder};
use super::opened::Opened;
use super::parse::{ParseEnd, parse, parse_as};
use super::queue::{Counters, Draft, Finished};
use super::region::Region;
use super::steps::{self, SeenBuilder, StepsSeen};
use super::store::{Head, Store, issue_at};
use super::token::State;

type Result<T> = std::result::Result<T, IssueKind>;

/// A session that was read as a whole, without its side files.
pub(crate) struct SessionTree {
    pub(crate) opened: Opened,
    pub(crate) set: Observation,
    pub(crate) head: Head,
    pub(crate) nodes: Vec<Node>,
    pub(crate) issues: Vec<Issue>,
}

impl SessionTree {
    pub(crate) fn messages(&self) -> impl Iterator<Item = &MessageNode> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Message(message) => Some(message),
            Node::Item(_) => None,
        })
    }
}

/// Reads a session as a whole.
pub(crate) fn read<D: Dialect>(store: &Store<'_, D>, session: &SessionKey) -> Result<SessionTree> {
    let mut builder = NodeBuilder::new(session, None);
    let streamed = stream(store, session, &mut |finished| {
        builder.add(finished);
        ControlFlow::Continue(())
    })?;
    let Streamed { opened, set, head, mut issues, .. } = streamed;
    let (nodes, of_records) = builder.finish();
    issues.extend(of_records);
    Ok(SessionTree { opened, set, head, nodes, issues })
}

/// What a stream leaves besides the messages and items.
pub(crate) struct Streamed {
    pub(crate) opened: Opened,
    /// The set of messages, with the token to resume from.
    pub(crate) set: Observation,
    pub(crate) head: Head,
    /// The issues with files and heads; those of records are handed out.
    pub(crate) issues: Vec<Issue>,
    pub(crate) flow: ControlFlow<()>,
}

/// Reads a session and hands out what is finished, in order.
pub(crate) fn stream<D: Dialect>(
    store: &Store<'_, D>,
    session: &SessionKey,
    emit: &mut dyn FnMut(Finished<'_>) -> ControlFlow<()>,
) -> Result<Streamed> {
    let mut opened = store.open(session)?;
    let (region, seen) = store.whole(&mut opened)?;
    let head = store.head(session, &opened);
    let path = opened.path().clone();
    let (flow, end) = parse(store.dialect, &path, &region, Counters::default(), emit);
    let token = token_of_whole(&opened, &region, &end, seen, &head);
    let set = message_set(session, *opened.stamp(), settled(store, &opened, &region), token);
    let issues = region.issues.iter().chain(&head.issue).cloned().collect();
    Ok(Streamed { opened, set, head, issues, flow })
}

/// Returns whether what a region has is all that there is.
pub(crate) fn settled<D: Dialect>(
    store: &Store<'_, D>,
    opened: &Opened,
    region: &Region,
) -> Settled {
    if region.has_young_end { Settled::Young } else { store.settled_of(opened) }
}

/// Returns the set of messages of a session.
pub(crate) fn message_set(
    session: &SessionKey,
    stamp: Stamp,
    settled: Settled,
    resume: Option<ResumeToken>,
) -> Observation {
    Observation { resume, ..Observation::new(session.clone(), stamp, settled) }
}

fn token_of_whole(
    opened: &Opened,
    region: &Region,
    end: &ParseEnd,
    seen: Option<StepsSeen>,
    head: &Head,
) -> Option<ResumeToken> {
    if !region.issues.is_empty() || head.issue.is_some() {
        return None; // a read of the whole session repeats these issues
    }
    let draft = head.is_final.then(|| head.draft.clone());
    let identity = opened.identity().ok()?;
    if opened.steps().is_some() {
        let seen = seen?;
        let state = State::new(opened.stamp(), end, seen.last + 1, &[], draft)?;
        return state.to_steps_token(identity, seen);
    }
    if opened.arrays().is_some() {
        return None; // a document is replaced as a whole
    }
    // The bytes may be of another file, if the file was replaced after it was opened.
    if identity.inode != 0 && identity.inode != opened.stamp().inode {
        return None;
    }
    let len = region.end_of_lines();
    let state = State::new(opened.stamp(), end, len, &[], draft)?;
    let (from, count) = LogMark::tail_range(len);
    let at = usize::try_from(from).ok()?;
    let before = region.bytes().get(at..at + usize::try_from(count).ok()?)?;
    state.to_log_token(identity, len, (before, region.tail()))
}

/// Reads the side files of a session that exist: their items and issues.
pub(crate) fn read_side_files<D: Dialect>(
    store: &Store<'_, D>,
    session: &SessionKey,
) -> (Vec<Node>, Vec<Issue>) {
    let (mut nodes, mut issues) = (Vec::new(), Vec::new());
    for side in store.dialect.side_files(&session.session) {
        let path: std::path::PathBuf = side.path.iter().collect();
        match store.side_file(&side) {
            Ok(region) => {
                let mut builder = NodeBuilder::new(session, Some(side.kind));
                let emit = &mut |finished: Finished<'_>| {
                    builder.add(finished);
                    ControlFlow::Continue(())
                };
                let before = Counters::default();
                let _ = parse_as(store.dialect, &path, &region, before, Some(side.kind), emit);
                let (of_file, of_records) = builder.finish();
                nodes.extend(of_file);
                issues.extend(of_records);
            }
            Err(IssueKind::Vanished) => {}
            Err(kind) => issues.push(issue_at(&path, kind)),
        }
    }
    // Items have an order; the files do not.
    nodes.sort_by_key(|node| match node {
        Node::Item(item) => Some((item.entry.order, item.entry.key.clone())),
        Node::Message(_) => None,
    });
    nodes.retain(|node| matches!(node, Node::Item(_)));
    (nodes, issues)
}

/// The size of the first window of a log, in bytes.
const FIRST_WINDOW: u64 = 64 << 10;

/// The number of step files that are read first.
const FIRST_FILES: usize = 4;

/// Reads one message or item by itself, from its record on. `None` if the store has to read the whole
/// session for it.
pub(crate) fn read_one<D: Dialect>(
    store: &Store<'_, D>,
    session: &SessionKey,
    slot: Slot,
    is_wanted: &dyn Fn(&Draft<'_>) -> bool,
) -> Result<Option<Node>> {
    let opened = store.open(session)?;
    if D::IDS != MessageIds::ByPosition || opened.arrays().is_some() {
        return Ok(None);
    }
    let find = |region: &Region| find_one(store, session, &opened, region, slot, is_wanted);
    let Some(steps) = opened.steps() else {
        if slot.at >= opened.stamp().size {
            return Err(IssueKind::Vanished);
        }
        let mut len = FIRST_WINDOW;
        loop {
            if let Some(found) = find(&store.log_window(&opened, slot.at, len)?)? {
                return Ok(Some(found));
            }
            len = len.saturating_mul(4);
        }
    };
    // Most entries end within a few files, and then no listing of the directory is necessary.
    let next = steps::run_from(opened.dir(), steps, slot.at, FIRST_FILES as u64);
    if !next.is_empty() {
        let mut region = store.steps(&opened, &next, &mut SeenBuilder::new());
        region.is_cut = true;
        if let Some(found) = find(&region)? {
            return Ok(Some(found));
        }
    }
    let listed = steps::list(opened.dir(), steps)?;
    let first = listed.partition_point(|file| file.position < slot.at);
    let mut files = FIRST_FILES * 4;
    loop {
        let last = listed.len().min(first.saturating_add(files));
        let chosen = listed.get(first..last).unwrap_or_default();
        let mut region = store.steps(&opened, chosen, &mut SeenBuilder::new());
        region.is_cut = last < listed.len();
        if let Some(found) = find(&region)? {
            return Ok(Some(found));
        }
        files = files.saturating_mul(4);
    }
}

/// Finds one message or item in a region that begins with its record. `None` if it may not end in the
/// region.
fn find_one<D: Dialect>(
    store: &Store<'_, D>,
    session: &SessionKey,
    opened: &Opened,
    region: &Region,
    slot: Slot,
    is_wanted: &dyn Fn(&Draft<'_>) -> bool,
) -> Result<Option<Node>> {
    let mut builder = NodeBuilder::new(session, None);
    let mut is_found = false;
    let emit = &mut |finished: Finished<'_>| {
        if finished.slot != slot || !is_wanted(&finished.draft) {
            // An entry of a later record: the wanted one does not exist.
            return match finished.position > slot.at {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
        }
        is_found = true;
        builder.add(finished);
        ControlFlow::Break(())
    };
    let (flow, _) = parse(store.dialect, opened.path(), region, Counters::default(), emit);
    if is_found {
        return Ok(builder.finish().0.pop());
    }
    if flow.is_break() || !region.is_cut { Err(IssueKind::Vanished) } else { Ok(None) }
}
