//! A session of a root.

use std::sync::{Arc, OnceLock};

use scrollback_core_id::{SessionKey, UnixMillis};
use scrollback_core_type::Usage;
use scrollback_core_type::{Message, Part, ToolPart};
use scrollback_flow::{SessionLoader, SessionTree};
use scrollback_index::SessionMeta;

use crate::Result;
use crate::root::Root;

/// A session of one of the roots of a store.
#[derive(Debug, Clone)]
pub struct Session<'s> {
    root: &'s Root,
    key: SessionKey,
    /// Looked up when it is first asked for: a session that is only read needs no index.
    meta: OnceLock<Option<Arc<SessionMeta>>>,
}

impl<'s> Session<'s> {
    /// A session that a list has.
    pub(crate) fn from_meta(root: &'s Root, meta: Arc<SessionMeta>) -> Self {
        Self { root, key: meta.key.clone(), meta: OnceLock::from(Some(meta)) }
    }

    /// A session of which only the key is known.
    pub(crate) fn from_key(root: &'s Root, key: SessionKey) -> Self {
        Self { root, key, meta: OnceLock::new() }
    }

    /// The root that it is in.
    pub fn root(&self) -> &'s Root {
        self.root
    }

    /// Its key within its root.
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.key.session.as_str()
    }

    /// `agent:id`, which names it where an id alone is ambiguous.
    pub fn full_id(&self) -> String {
        format!("{}:{}", self.root.agent(), self.key)
    }

    /// What the index knows of its record; none if it has messages and no record, or if the root
    /// cannot be read.
    pub fn meta(&self) -> Option<&Arc<SessionMeta>> {
        let find = || self.root.view().ok()?.session(&self.key.session);
        self.meta.get_or_init(find).as_ref()
    }

    /// Its title; empty if it has none.
    pub fn title(&self) -> &str {
        self.meta().and_then(|meta| meta.title.as_deref()).unwrap_or_default()
    }

    /// The directory that the agent was started in.
    pub fn directory(&self) -> Option<&str> {
        self.meta().and_then(|meta| meta.directory.as_deref())
    }

    /// When it was made.
    pub fn created(&self) -> Option<UnixMillis> {
        self.meta().and_then(|meta| meta.created).map(UnixMillis)
    }

    /// When it last changed.
    pub fn updated(&self) -> Option<UnixMillis> {
        self.meta().and_then(|meta| meta.updated).map(UnixMillis)
    }

    /// Whether another session started it.
    pub fn is_subagent(&self) -> bool {
        self.meta().is_some_and(|meta| meta.parent.is_some())
    }

    /// What it used, without its subagents.
    ///
    /// # Errors
    /// If the root cannot be read.
    pub fn usage(&self) -> Result<Usage> {
        Ok(self.root.view()?.usage(&self.key.session))
    }

    /// Reads all of it. The tree owns the bytes; `hydrate` lends typed values that borrow from them.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn tree(&self) -> Result<SessionTree> {
        Ok(SessionLoader::new(&**self.root.source()).load_session_tree(&self.key)?)
    }

    /// Reads its messages, owned, in order. Unusable records are left out; [`Session::tree`] reports
    /// them.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn messages(&self) -> Result<Vec<Message<'static>>> {
        let tree = SessionLoader::new(&**self.root.source()).load_messages(&self.key)?;
        let messages = tree.hydrate().value.messages.into_iter();
        Ok(messages.filter_map(|message| message.message.map(Message::into_owned)).collect())
    }

    /// Reads its tool calls, owned, in order.
    ///
    /// # Errors
    /// If it cannot be read.
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
