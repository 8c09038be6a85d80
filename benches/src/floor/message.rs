//! The session record and the two kinds of messages, as flat structs that borrow.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::text::{Text, string_field};

/// Defines a flat struct whose fields are all optional and borrow. Short strings are [`Text`]; long
/// values and opaque JSON stay raw.
macro_rules! record_struct {
    ($($(#[$doc:meta])* $name:ident { $($(#[$serde:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
        #[allow(missing_docs, reason = "named as in the records; not all are reachable")]
        pub struct $name<'a> {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                $(#[$serde])*
                pub $field: Option<$type>,
            )*
        }
    )*};
}
/// Defines a struct of numbers, which borrows nothing.
macro_rules! number_struct {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub struct $name {
            $(#[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }
    )*};
}
pub(super) use {number_struct, record_struct};

record_struct! {
    /// The record of a session.
    Session {
        id: Text<'a>,
        slug: Text<'a>,
        version: Text<'a>,
        #[serde(rename = "projectID")]
        project_id: Text<'a>,
        #[serde(rename = "workspaceID")]
        workspace_id: Text<'a>,
        directory: Text<'a>,
        path: Text<'a>,
        #[serde(rename = "parentID")]
        parent_id: Text<'a>,
        title: Text<'a>,
        agent: Text<'a>,
        model: ModelRef<'a>,
        time: SessionTime,
        summary: SessionSummary<'a>,
        share: ShareLink<'a>,
        permission: Vec<PermissionRule<'a>>,
        revert: Revert<'a>,
        cost: f64,
        tokens: Tokens,
        metadata: &'a RawValue,
        fork: &'a RawValue,
        outcome: Text<'a>,
    }
    /// The changes of files in a session.
    SessionSummary {
        additions: i64,
        deletions: i64,
        files: i64,
        diffs: Vec<FileDiff<'a>>,
    }
    /// The share link; the secret is not parsed.
    ShareLink {
        url: Text<'a>,
    }
    /// A permission rule of the agent.
    PermissionRule {
        permission: Text<'a>,
        pattern: Text<'a>,
        action: Text<'a>,
    }
    /// A pending revert.
    Revert {
        #[serde(rename = "messageID")]
        message_id: Text<'a>,
        #[serde(rename = "partID")]
        part_id: Text<'a>,
        snapshot: Text<'a>,
        diff: &'a RawValue,
    }
    /// A user message.
    UserMessage {
        id: Text<'a>,
        #[serde(rename = "sessionID")]
        session_id: Text<'a>,
        role: Text<'a>,
        time: MessageTime,
        summary: UserSummary<'a>,
        agent: Text<'a>,
        model: ModelRef<'a>,
        format: OutputFormat<'a>,
        system: &'a RawValue,
        tools: BTreeMap<Text<'a>, bool>,
        variant: Text<'a>,
    }
    /// The changes of a turn.
    UserSummary {
        title: Text<'a>,
        body: &'a RawValue,
        diffs: Vec<FileDiff<'a>>,
    }
    /// The requested format of the answer.
    OutputFormat {
        #[serde(rename = "type")]
        kind: Text<'a>,
        schema: &'a RawValue,
        retry_count: i64,
    }
    /// A model and its provider.
    ModelRef {
        id: Text<'a>,
        #[serde(rename = "providerID")]
        provider_id: Text<'a>,
        #[serde(rename = "modelID")]
        model_id: Text<'a>,
        variant: Text<'a>,
    }
    /// The change of one file.
    FileDiff {
        file: Text<'a>,
        before: &'a RawValue,
        after: &'a RawValue,
        patch: &'a RawValue,
        additions: i64,
        deletions: i64,
        status: Text<'a>,
    }
    /// An assistant message: one step of the answer.
    AssistantMessage {
        id: Text<'a>,
        #[serde(rename = "sessionID")]
        session_id: Text<'a>,
        role: Text<'a>,
        time: MessageTime,
        error: MessageError<'a>,
        #[serde(rename = "parentID")]
        parent_id: Text<'a>,
        #[serde(rename = "modelID")]
        model_id: Text<'a>,
        #[serde(rename = "providerID")]
        provider_id: Text<'a>,
        mode: Text<'a>,
        agent: Text<'a>,
        path: PathInfo<'a>,
        summary: bool,
        cost: f64,
        tokens: Tokens,
        structured: &'a RawValue,
        variant: Text<'a>,
        finish: Text<'a>,
    }
    /// The directories in which the agent worked.
    PathInfo {
        cwd: Text<'a>,
        root: Text<'a>,
    }
    /// The error of an answer.
    MessageError {
        name: Text<'a>,
        data: ErrorData<'a>,
        #[serde(rename = "type")]
        kind: Text<'a>,
    }
    /// The details of an error.
    ErrorData {
        message: &'a RawValue,
        #[serde(rename = "providerID")]
        provider_id: Text<'a>,
        status_code: i64,
        is_retryable: bool,
        response_headers: &'a RawValue,
        response_body: &'a RawValue,
        metadata: &'a RawValue,
        retries: i64,
        r#ref: Text<'a>,
    }
}

number_struct! {
    /// The times of a session, in Unix milliseconds.
    SessionTime {
        created: i64,
        updated: i64,
        compacting: i64,
        archived: i64,
        idle: i64,
    }
    /// The times of a message, in Unix milliseconds.
    MessageTime { created: i64, completed: i64, }
    /// Token counts.
    Tokens { total: i64, input: i64, output: i64, reasoning: i64, cache: CacheTokens, }
    /// Token counts of the provider's cache.
    CacheTokens { read: i64, write: i64, }
}

/// The record of a message.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Message<'a> {
    User(Box<UserMessage<'a>>),
    Assistant(Box<AssistantMessage<'a>>),
}

impl<'a> Message<'a> {
    /// Parses a record.
    ///
    /// # Errors
    /// If the text is not a message of a known role.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let text = simdutf8::basic::from_utf8(bytes)?;
        match string_field(text, "role").as_deref() {
            Some("user") => Ok(Self::User(serde_json::from_str(text)?)),
            Some("assistant") => Ok(Self::Assistant(serde_json::from_str(text)?)),
            _ => bail!("not a message of a known role"),
        }
    }

    /// Sets the ids, which are not in the record of a database row.
    pub(super) fn set_ids(&mut self, id: &'a str, session: &'a str) {
        let (id_field, session_field) = match self {
            Self::User(user) => (&mut user.id, &mut user.session_id),
            Self::Assistant(answer) => (&mut answer.id, &mut answer.session_id),
        };
        (*id_field, *session_field) = (Some(Text(id.into())), Some(Text(session.into())));
    }

    pub(super) fn created(&self) -> Option<i64> {
        match self {
            Self::User(user) => user.time.as_ref()?.created,
            Self::Assistant(answer) => answer.time.as_ref()?.created,
        }
    }

    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.id.as_ref().map(|id| &*id.0),
            Self::Assistant(answer) => answer.id.as_ref().map(|id| &*id.0),
        }
    }
}
