//! Stage 1 of a flow: lists the keys to read, in order.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, PartKey, ProjectId, Scope, SessionKey};
use scrollback_core_type::{StageName, StageResult};
use scrollback_source::{Entry, Error, Reader, Result, ScanItem};

use crate::stage::Stage;
use crate::tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

/// How much of a session the plan reads. The next stage uses what the plan has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadAhead {
    /// The session and its messages, because their order depends on them. Parts are only named.
    /// Choose this to cut the plan down before the parts are read.
    #[default]
    Names,
    /// The whole session, in the fastest way that the store has. The next stage then reads nothing.
    Everything,
}

/// The keys of one session, in order. [`plan_session_tree`] makes it, and
/// [`resolve_session_tree`](crate::resolve_session_tree) takes it.
///
/// Remove what is not needed before the plan is resolved:
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{ReadAhead, plan_session_tree, resolve_session_tree};
/// use scrollback_source::Source;
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let mut reader = store.open()?;
/// let mut plan = plan_session_tree(&mut *reader, &session, ReadAhead::Names)?.value;
///
/// let first = plan.messages().next().unwrap().clone();
/// plan.retain_messages(|key| *key == first);
/// let tree = resolve_session_tree(&mut *reader, plan)?.value;
/// assert_eq!(tree.messages.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SessionTreePlan {
    pub(crate) tree: SessionRefTree,
}

impl SessionTreePlan {
    /// Returns the key of the session.
    pub fn session(&self) -> &SessionKey {
        &self.tree.session.key
    }

    /// Returns the keys of the messages, in order.
    pub fn messages(&self) -> impl Iterator<Item = &MessageKey> {
        self.tree.messages.iter().map(|node| &node.key)
    }

    /// Returns the keys of the parts of all messages, in order.
    pub fn parts(&self) -> impl Iterator<Item = &PartKey> {
        self.tree.messages.iter().flat_map(|node| node.parts.iter().map(|part| &part.key))
    }

    /// Removes the messages for which `keep` returns `false`, with their parts.
    pub fn retain_messages(&mut self, mut keep: impl FnMut(&MessageKey) -> bool) {
        self.tree.messages.retain(|node| keep(&node.key));
    }

    /// Removes the parts for which `keep` returns `false`.
    pub fn retain_parts(&mut self, mut keep: impl FnMut(&PartKey) -> bool) {
        for message in &mut self.tree.messages {
            message.parts.retain(|node| keep(&node.key));
        }
    }
}

/// Plans one session: lists its messages, parts and items as keys, in order.
///
/// The report has an issue for each message without parts, and for messages whose session has no
/// record. [`SessionTreePlan`] has an example.
///
/// # Errors
/// [`Error::NotFound`] if the store has neither the session nor messages of it. [`Error::Entity`] if it
/// may have them and nothing of them can be read.
pub fn plan_session_tree(
    reader: &mut dyn Reader,
    session: &SessionKey,
    read_ahead: ReadAhead,
) -> Result<StageResult<SessionTreePlan>> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let mut tree = SessionRefTree {
        session: SessionRefNode::missing(session.clone()),
        messages: Vec::new(),
        items: Vec::new(),
        clock: reader.clock().clone(),
    };
    let mut builder = TreeBuilder { tree: &mut tree, stage: &mut stage, unread: None };
    match read_ahead {
        ReadAhead::Everything => reader.tree(session, &mut |item| builder.accept(item))?,
        ReadAhead::Names => {
            let key = session.clone().into();
            reader.spans(&[key], &mut |item| builder.accept(item))?;
            reader.scan(&Scope::Messages(session.clone()), &mut |item| builder.accept(item))?;
            for at in 0..builder.tree.messages.len() {
                let scope = Scope::Parts(builder.tree.messages[at].key.clone());
                reader.scan(&scope, &mut |item| builder.accept_in_message(at, item))?;
            }
            let items = Scope::Items(session.clone());
            reader.scan(&items, &mut |item| builder.accept(item))?;
        }
    }
    let unread = builder.unread.take();
    if tree.session.span.is_none() && tree.messages.is_empty() && tree.items.is_empty() {
        return Err(match unread {
            Some(issue) => Error::Entity(Box::new(issue)),
            None => Error::NotFound(session.clone().into()),
        });
    }
    count_and_note_gaps(&tree, unread.is_some(), &mut stage);
    Ok(stage.end(SessionTreePlan { tree }))
}

/// Builds the tree from the entries that a reader hands out.
struct TreeBuilder<'t> {
    tree: &'t mut SessionRefTree,
    stage: &'t mut Stage,
    /// The first issue about something that exists and cannot be read. The record of the session may
    /// be such a thing.
    unread: Option<Issue>,
}

impl TreeBuilder<'_> {
    /// Adds a session, a message, an item, or a part of the last message.
    fn accept(&mut self, item: ScanItem) -> ControlFlow<()> {
        let last = self.tree.messages.len().wrapping_sub(1);
        self.accept_in_message(last, item)
    }

    /// Adds an entry. A part goes to the message at index `message`; without a message it is dropped.
    fn accept_in_message(&mut self, message: usize, item: ScanItem) -> ControlFlow<()> {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => {
                if issue.is_unread() && !is_about_message(key.as_ref()) {
                    self.unread.get_or_insert_with(|| issue.clone());
                }
                self.stage.note(key, issue);
            }
            ScanItem::Entry(Entry { key, order, span, project, is_copy, provenance, .. }) => {
                match key {
                    EntityKey::Session(key) => {
                        self.tree.session =
                            SessionRefNode { key, span, project, provenance, known: None };
                    }
                    EntityKey::Item(key) => self.tree.items.push(ItemRefNode { key, order, span }),
                    EntityKey::Message(key) => {
                        let parts = Vec::new();
                        self.tree.messages.push(MessageRefNode {
                            key,
                            order,
                            is_copy,
                            is_recorded_copy: false,
                            span,
                            parts,
                        });
                    }
                    EntityKey::Part(key) => {
                        if let Some(message) = self.tree.messages.get_mut(message) {
                            let order = OrderKey(message.parts.len() as i64);
                            message.parts.push(PartRefNode { key, order, span });
                        }
                    }
                    _ => {}
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn is_about_message(key: Option<&EntityKey>) -> bool {
    matches!(key, Some(EntityKey::Message(_) | EntityKey::Part(_) | EntityKey::Item(_)))
}

/// Counts the planned records, and notes a missing session record and messages without parts. If
/// something of the session is unread, the record may be there.
fn count_and_note_gaps(tree: &SessionRefTree, is_unread: bool, stage: &mut Stage) {
    stage.counts.sessions = usize::from(tree.session.span.is_some());
    stage.counts.messages = tree.messages.len();
    stage.counts.parts = tree.part_count();
    tree.spans().for_each(|span| stage.count_bytes(span));
    if tree.session.span.is_none() && !is_unread {
        let kind = IssueKind::OrphanMessages { count: tree.messages.len() };
        stage.note_kind(tree.session.key.clone(), kind);
    }
    for message in tree.messages.iter().filter(|node| node.parts.is_empty()) {
        stage.note_kind(message.key.clone(), IssueKind::NoParts);
    }
}

/// The sessions of a store or project, newest first. [`plan_sessions`] makes it.
#[derive(Debug, Clone)]
pub struct SessionPlan {
    /// The sessions, each with the bytes of its record.
    pub sessions: Vec<SessionRefNode>,
}

/// Plans the sessions of one project, or of the whole store if `project` is `None`; newest first.
///
/// # Errors
/// If the store cannot be walked.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::plan_sessions;
/// use scrollback_source::Source;
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let plan = plan_sessions(&mut *store.open()?, None)?;
/// assert_eq!(plan.value.sessions.len(), 59);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_sessions(
    reader: &mut dyn Reader,
    project: Option<&ProjectId>,
) -> Result<StageResult<SessionPlan>> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let scope = project.map_or(Scope::Sessions, |project| Scope::Project(project.clone()));
    let mut sessions = Vec::new();
    reader.scan(&scope, &mut |item| {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => stage.note(key, issue),
            ScanItem::Entry(entry) => {
                let Entry { key, span, project, provenance, .. } = entry;
                if let EntityKey::Session(key) = key {
                    span.iter().for_each(|span| stage.count_bytes(span));
                    sessions.push(SessionRefNode { key, span, project, provenance, known: None });
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    stage.counts.sessions = sessions.len();
    Ok(stage.end(SessionPlan { sessions }))
}
