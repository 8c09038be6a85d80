//! Loads single sessions, messages and parts by key, without running a flow by hand.

use scrollback_core_id::{EntityKey, MessageKey, ProjectId, Scope, SessionKey};
use scrollback_core_type::{
    FileDiff, Parse, Parsed, Session, StageIssue, StageReport, StageResult,
};
use scrollback_source::{Entry, Error, Listing, Result, Source, SourceExt};
use scrollback_stor_mmap::MappedSpan;

use crate::hydrate::{MessageHydrated, SessionHydratedTree, hydrate_message};
use crate::plan::{ReadAhead, SessionTreePlan, plan_session_tree, plan_sessions};
use crate::resolve::resolve_session_tree;
use crate::run::read_tree;
use crate::stage::locate_issues;
use crate::tree::{MessageRefNode, SessionRefNode, SessionRefTree};

/// A loader of sessions, messages and parts of one store, by key.
///
/// Each call opens its own read transaction. For repeated loads of the same sessions use
/// [`SessionMaterializer`](crate::SessionMaterializer), which caches bytes.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::SessionLoader;
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let loader = SessionLoader::new(&store);
///
/// assert_eq!(loader.list_sessions(None)?.value.len(), 59);
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let record = loader.load_session(&session)?;
/// assert_eq!(record.session()?.value.title.unwrap(), "Rust greeting");
/// let tree = loader.load_session_tree(&session)?;
/// assert!(tree.hydrate().value.messages.len() > 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct SessionLoader<'s> {
    source: &'s dyn Source,
}

/// The record of a session, with its diffs if they were requested. It owns the bytes; the typed
/// values borrow from it.
#[derive(Debug, Clone)]
pub struct LoadedSession {
    /// The node of the session: its key and bytes.
    pub node: SessionRefNode,
    /// The diffs of the whole session; `None` if they were not requested or do not exist.
    pub diff: Option<MappedSpan>,
}

/// A message with its parts. It owns the bytes; the typed values borrow from it.
#[derive(Debug, Clone)]
pub struct MessageWithParts {
    tree: SessionRefTree,
    /// The report of reading the bytes: issues, counts and times.
    pub report: StageReport,
}

/// A whole session. It owns the bytes; the typed values borrow from it.
#[derive(Debug, Clone)]
pub struct SessionTree {
    /// The keys and bytes of the session.
    pub tree: SessionRefTree,
    /// The report of reading the bytes: issues, counts and times.
    pub report: StageReport,
}

impl<'s> SessionLoader<'s> {
    /// Creates a loader of this store.
    pub fn new(source: &'s dyn Source) -> Self {
        Self { source }
    }

    /// Lists the projects, newest first.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn list_projects(&self) -> Result<Listing> {
        self.source.list_projects()
    }

    /// Lists the sessions of one project, or of all projects if `project` is `None`, newest first.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn list_sessions(
        &self,
        project: Option<&ProjectId>,
    ) -> Result<StageResult<Vec<SessionRefNode>>> {
        let plan = plan_sessions(&mut *self.source.open()?, project)?;
        Ok(self.with_located_issues(plan).map(|plan| plan.sessions))
    }

    /// Lists the messages of a session, in order.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn list_messages(&self, session: &SessionKey) -> Result<Listing> {
        self.source.list_messages(session)
    }

    /// Lists the names of a message's parts, in order.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn list_parts(&self, message: &MessageKey) -> Result<Listing> {
        self.source.list_parts(message)
    }

    /// Loads a session's record.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the store has no such session, [`Error::Entity`] if its record cannot
    /// be read.
    pub fn load_session(&self, session: &SessionKey) -> Result<LoadedSession> {
        let Entry { span, project, provenance, .. } =
            self.source.read_entry(&session.clone().into())?;
        let node = SessionRefNode { key: session.clone(), span, project, provenance, known: None };
        Ok(LoadedSession { node, diff: None })
    }

    /// Loads a session's record and the diffs of the whole session. A session without diffs is not
    /// an error.
    ///
    /// # Errors
    /// As [`SessionLoader::load_session`].
    pub fn load_session_with_diff(&self, session: &SessionKey) -> Result<LoadedSession> {
        let loaded = self.load_session(session)?;
        match self.source.read_diff_span(session) {
            Ok(diff) => Ok(LoadedSession { diff: Some(diff), ..loaded }),
            Err(Error::NotFound(_)) => Ok(loaded),
            Err(error) => Err(error),
        }
    }

    /// Loads the messages of a session, without parts.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the store has neither the session nor messages of it.
    pub fn load_messages(&self, session: &SessionKey) -> Result<SessionTree> {
        self.load_planned(session, |plan| plan.retain_parts(|_| false))
    }

    /// Loads one message with its parts.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the store has no such message.
    pub fn load_message_with_parts(&self, message: &MessageKey) -> Result<MessageWithParts> {
        let session = SessionKey { session: message.session.clone() };
        let loaded =
            self.load_planned(&session, |plan| plan.retain_messages(|key| key == message))?;
        if loaded.tree.messages.is_empty() {
            return Err(Error::NotFound(message.clone().into()));
        }
        let about = |issue: &StageIssue| is_about_message(issue.key.as_ref(), message);
        let mut report = loaded.report;
        report.issues.retain(about);
        Ok(MessageWithParts { tree: loaded.tree, report })
    }

    /// Loads the parts of one message, in order, without parsing them.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn load_parts(&self, message: &MessageKey) -> Result<Listing> {
        let mut reader = self.source.open()?;
        let names = Listing::collect(|visit| reader.scan(&Scope::Parts(message.clone()), visit))?;
        let keys: Vec<EntityKey> = names.entries.into_iter().map(|entry| entry.key).collect();
        let mut loaded = Listing::collect(|visit| reader.spans(&keys, visit))?;
        loaded.issues.splice(0..0, names.issues);
        Ok(loaded)
    }

    /// Loads a whole session in the fastest way that the store has.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the store has neither the session nor messages of it.
    pub fn load_session_tree(&self, session: &SessionKey) -> Result<SessionTree> {
        let read = self.with_located_issues(read_tree(&mut *self.source.open()?, session)?);
        Ok(SessionTree { tree: read.value, report: read.report })
    }

    fn load_planned(
        &self,
        session: &SessionKey,
        cut: impl FnOnce(&mut SessionTreePlan),
    ) -> Result<SessionTree> {
        let mut reader = self.source.open()?;
        let mut planned = plan_session_tree(&mut *reader, session, ReadAhead::Names)?;
        cut(&mut planned.value);
        let resolved = resolve_session_tree(&mut *reader, planned.value)?;
        let mut report = planned.report;
        report.merge(resolved.report);
        let located = self.with_located_issues(StageResult { value: resolved.value, report });
        Ok(SessionTree { tree: located.value, report: located.report })
    }

    fn with_located_issues<T>(&self, mut result: StageResult<T>) -> StageResult<T> {
        locate_issues(&mut result.report, |key| self.source.locate(key));
        result
    }
}

/// Checks whether an issue is about a message or one of its parts.
fn is_about_message(about: Option<&EntityKey>, message: &MessageKey) -> bool {
    match about {
        Some(EntityKey::Message(key)) => key == message,
        Some(EntityKey::Part(key)) => key.message == message.message,
        _ => false,
    }
}

impl LoadedSession {
    /// Parses the session.
    ///
    /// # Errors
    /// [`Error::Entity`] if the record is unusable, [`Error::NotFound`] if it has no bytes.
    pub fn session(&self) -> Result<Parsed<Session<'_>>> {
        match &self.node.span {
            Some(span) => Ok(Session::parse(span)?),
            None => Err(Error::NotFound(self.node.key.clone().into())),
        }
    }

    /// Parses the diffs of the whole session; empty if the session has no diffs.
    ///
    /// # Errors
    /// [`Error::Entity`] if the diffs are unusable.
    pub fn diff(&self) -> Result<Parsed<Vec<FileDiff<'_>>>> {
        match &self.diff {
            Some(span) => Ok(Parse::parse(span)?),
            None => Ok(Parsed { value: Vec::new(), issues: Vec::new() }),
        }
    }
}

impl MessageWithParts {
    /// Returns the keys and bytes of the message and its parts.
    pub fn node(&self) -> &MessageRefNode {
        &self.tree.messages[0]
    }

    /// Hydrates the message and its parts.
    pub fn hydrate(&self) -> StageResult<MessageHydrated<'_>> {
        hydrate_message(&self.tree, self.node())
    }
}

impl SessionTree {
    /// Hydrates the whole session.
    pub fn hydrate(&self) -> StageResult<SessionHydratedTree<'_>> {
        self.tree.hydrate()
    }
}

impl std::fmt::Debug for SessionLoader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionLoader({})", self.source.id())
    }
}
