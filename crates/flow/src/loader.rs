//! Loading by key, for those who want one session, message or part and not a flow.

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

/// Loads sessions, messages and parts of one store by key.
#[derive(Clone, Copy)]
pub struct SessionLoader<'s> {
    source: &'s dyn Source,
}

/// A session's record, and its diffs if they were asked for. Owns its bytes and lends the values.
#[derive(Debug, Clone)]
pub struct LoadedSession {
    /// The session's record.
    pub node: SessionRefNode,
    /// The diffs of the whole session, if asked for and there.
    pub diff: Option<MappedSpan>,
}

/// A message with its parts. Owns its bytes and lends the values.
#[derive(Debug, Clone)]
pub struct MessageWithParts {
    tree: SessionRefTree,
    /// What was met on the way to the bytes.
    pub report: StageReport,
}

/// A whole session. Owns its bytes and lends the values.
#[derive(Debug, Clone)]
pub struct SessionTree {
    /// The bytes.
    pub tree: SessionRefTree,
    /// What was met on the way to them.
    pub report: StageReport,
}

impl<'s> SessionLoader<'s> {
    /// A loader of this store.
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

    /// Lists the sessions of one project, or of all, newest first.
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
    /// [`Error::NotFound`] if it is not there, [`Error::Entity`] if it cannot be read.
    pub fn load_session(&self, session: &SessionKey) -> Result<LoadedSession> {
        let Entry { span, project, provenance, .. } =
            self.source.read_entry(&session.clone().into())?;
        let node = SessionRefNode { key: session.clone(), span, project, provenance };
        Ok(LoadedSession { node, diff: None })
    }

    /// Loads a session's record and the diffs of the whole session, if there are any.
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
    /// [`Error::NotFound`] if neither the session nor messages of it are there.
    pub fn load_messages(&self, session: &SessionKey) -> Result<SessionTree> {
        self.load_planned(session, |plan| plan.retain_parts(|_| false))
    }

    /// Loads the parts of one message, with the message.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the message is not there.
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

    /// Loads the parts of one message, in order, as they are in the store.
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

    /// Loads a whole session, in the store's fastest way.
    ///
    /// # Errors
    /// [`Error::NotFound`] if neither the session nor messages of it are there.
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

/// Whether an issue is about a message or one of its parts.
fn is_about_message(about: Option<&EntityKey>, message: &MessageKey) -> bool {
    match about {
        Some(EntityKey::Message(key)) => key == message,
        Some(EntityKey::Part(key)) => key.message == message.message,
        _ => false,
    }
}

impl LoadedSession {
    /// The session, typed.
    ///
    /// # Errors
    /// [`Error::Entity`] if the record is unusable.
    pub fn session(&self) -> Result<Parsed<Session<'_>>> {
        match &self.node.span {
            Some(span) => Ok(Session::parse(span)?),
            None => Err(Error::NotFound(self.node.key.clone().into())),
        }
    }

    /// The diffs of the whole session, typed; empty if there are none.
    ///
    /// # Errors
    /// [`Error::Entity`] if the record is unusable.
    pub fn diff(&self) -> Result<Parsed<Vec<FileDiff<'_>>>> {
        match &self.diff {
            Some(span) => Ok(Parse::parse(span)?),
            None => Ok(Parsed { value: Vec::new(), issues: Vec::new() }),
        }
    }
}

impl MessageWithParts {
    /// The bytes.
    pub fn node(&self) -> &MessageRefNode {
        &self.tree.messages[0]
    }

    /// The message and its parts, typed.
    pub fn hydrate(&self) -> StageResult<MessageHydrated<'_>> {
        hydrate_message(&self.tree, self.node())
    }
}

impl SessionTree {
    /// Everything, typed.
    pub fn hydrate(&self) -> StageResult<SessionHydratedTree<'_>> {
        self.tree.hydrate()
    }
}

impl std::fmt::Debug for SessionLoader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionLoader({})", self.source.id())
    }
}
