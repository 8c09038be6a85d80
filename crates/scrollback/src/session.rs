//! A session: its fields from the index, and its content from the store.

use std::sync::{Arc, OnceLock};

use scrollback_core_id::{SessionKey, UnixMillis};
use scrollback_core_type::Usage;
use scrollback_core_type::{Message, Part, ToolPart};
use scrollback_flow::{SessionLoader, SessionTree};
use scrollback_index::SessionMeta;

use crate::Result;
use crate::root::Root;

/// A session of one of the roots of a store.
///
/// ```
/// use scrollback::Store;
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// let session = store.session("latest")?;
/// println!("{}  {}  ${}", session.id(), session.title(), session.usage()?.cost);
/// for call in session.tool_calls()? {
///     println!("{} {}", call.name(), if call.failed() { "failed" } else { "succeeded" });
/// }
/// assert_eq!(session.title(), "Crash text");
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Session<'s> {
    root: &'s Root,
    key: SessionKey,
    /// Filled on first use: reading a session by its id needs no index.
    meta: OnceLock<Option<Arc<SessionMeta>>>,
}

impl<'s> Session<'s> {
    /// Returns a session whose index record is known.
    pub(crate) fn from_meta(root: &'s Root, meta: Arc<SessionMeta>) -> Self {
        Self { root, key: meta.key.clone(), meta: OnceLock::from(Some(meta)) }
    }

    /// Returns a session of which only the key is known.
    pub(crate) fn from_key(root: &'s Root, key: SessionKey) -> Self {
        Self { root, key, meta: OnceLock::new() }
    }

    /// Returns the root of the session.
    pub fn root(&self) -> &'s Root {
        self.root
    }

    /// Returns the key of the session within its root.
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Returns the id, for example `ses_…` for opencode.
    pub fn id(&self) -> &str {
        self.key.session.as_str()
    }

    /// Returns `agent:id`, which also names the agent.
    pub fn full_id(&self) -> String {
        format!("{}:{}", self.root.agent(), self.key)
    }

    /// Returns the index record of the session; `None` if the session has messages but no record, or if
    /// the root cannot be read.
    pub fn meta(&self) -> Option<&Arc<SessionMeta>> {
        let find = || self.root.view().ok()?.session(&self.key.session);
        self.meta.get_or_init(find).as_ref()
    }

    /// Returns the title; empty if the session has none.
    pub fn title(&self) -> &str {
        self.meta().and_then(|meta| meta.title.as_deref()).unwrap_or_default()
    }

    /// Returns the directory in which the agent was started.
    pub fn directory(&self) -> Option<&str> {
        self.meta().and_then(|meta| meta.directory.as_deref())
    }

    /// Returns the time of creation.
    pub fn created(&self) -> Option<UnixMillis> {
        self.meta().and_then(|meta| meta.created).map(UnixMillis)
    }

    /// Returns the time of the last change.
    pub fn updated(&self) -> Option<UnixMillis> {
        self.meta().and_then(|meta| meta.updated).map(UnixMillis)
    }

    /// Returns the time of the newest message; `None` if no message has a time.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the root cannot be read.
    pub fn newest_message(&self) -> Result<Option<UnixMillis>> {
        Ok(self.root.view()?.newest_message_time(&self.key.session).map(UnixMillis))
    }

    /// Checks whether another session started this session.
    pub fn is_subagent(&self) -> bool {
        self.meta().is_some_and(|meta| meta.parent.is_some())
    }

    /// Returns the usage of the session, without its subagents: messages, tokens and cost.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the root cannot be read.
    pub fn usage(&self) -> Result<Usage> {
        Ok(self.root.view()?.usage(&self.key.session))
    }

    /// Reads the whole session. The tree owns the bytes; its `hydrate` method returns typed values that
    /// borrow from them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the session cannot be read.
    pub fn tree(&self) -> Result<SessionTree> {
        let mut loaded = SessionLoader::new(&**self.root.source()).load_session_tree(&self.key)?;
        loaded.tree.add_known(&self.root.view()?);
        Ok(loaded)
    }

    /// Reads the messages as owned values, in order. Unusable records are left out; [`Session::tree`]
    /// reports them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the session cannot be read.
    pub fn messages(&self) -> Result<Vec<Message<'static>>> {
        let tree = SessionLoader::new(&**self.root.source()).load_messages(&self.key)?;
        let messages = tree.hydrate().value.messages.into_iter();
        Ok(messages.filter_map(|message| message.message.map(Message::into_owned)).collect())
    }

    /// Reads the tool calls as owned values, in order.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the session cannot be read.
    pub fn tool_calls(&self) -> Result<Vec<ToolPart<'static>>> {
        let tree = self.tree()?;
        let messages = tree.hydrate().value.messages.into_iter();
        let parts = messages.flat_map(|message| message.parts);
        let calls = parts.filter_map(|part| match part.part {
            Some(Part::Tool(call)) => Some(call.into_owned()),
            _ => None,
        });
        Ok(calls.collect())
    }
}
