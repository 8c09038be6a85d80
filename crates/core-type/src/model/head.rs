//! Heads: the few fields of a record that lists and indexes need.

use scrollback_core_id::{MessageId, ProjectId, SessionId};

use crate::json::{LazyStr, Number, RawJson, head};

head! {
    /// The fields of a session that lists need.
    SessionHead<'a> {
        /// The project.
        project_id: ProjectId = "projectID",
        /// The session that started this one.
        parent_id: SessionId = "parentID",
        /// The directory.
        directory: LazyStr<'a> = "directory",
        /// The title.
        title: LazyStr<'a> = "title",
        /// The version of the program that created the session.
        version: LazyStr<'a> = "version",
        /// The session that this session is a fork of.
        fork: ForkHead<'a> = "fork",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: TokensHead<'a> = "tokens",
        /// The times.
        time: TimeHead<'a> = "time",
    }
}

head! {
    /// The fields of a message that lists and sums of usage need.
    MessageHead<'a> {
        /// The role of the author.
        role: LazyStr<'a> = "role",
        /// The times.
        time: TimeHead<'a> = "time",
        /// The user message that an answer belongs to.
        parent_id: MessageId = "parentID",
        /// The agent.
        agent: LazyStr<'a> = "agent",
        /// The agent, under its older name.
        mode: LazyStr<'a> = "mode",
        /// The provider, of an answer.
        provider_id: LazyStr<'a> = "providerID",
        /// The model, of an answer.
        model_id: LazyStr<'a> = "modelID",
        /// The model that the user requested.
        model: ModelHead<'a> = "model",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: TokensHead<'a> = "tokens",
        /// The reason why the model stopped.
        finish: LazyStr<'a> = "finish",
        /// The error of a failed answer.
        error: ErrorHead<'a> = "error",
        /// `true` if an answer is the summary of a compaction. An object in a user message.
        summary: RawJson<'a> = "summary",
    }
}

head! {
    /// The fields of a part that an index needs.
    PartHead<'a> {
        /// The kind; see [`PartKind::from_name`](crate::PartKind::from_name).
        kind: LazyStr<'a> = "type",
        /// The tool of a call.
        tool: LazyStr<'a> = "tool",
        /// The state of a call.
        state: StateHead<'a> = "state",
    }
}

head! {
    /// The fields of a part that ends a step of an answer.
    StepHead<'a> {
        /// The kind; see [`PartKind::from_name`](crate::PartKind::from_name).
        kind: LazyStr<'a> = "type",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: TokensHead<'a> = "tokens",
    }
}

head! {
    /// The session that a message or a part belongs to.
    OwnerHead<'a> {
        /// The session.
        session_id: SessionId = "sessionID",
    }
}

head! {
    /// The status of a tool call.
    StateHead<'a> {
        /// "pending", "running", "completed" or "error".
        status: LazyStr<'a> = "status",
    }
}

head! {
    /// Times in Unix milliseconds.
    TimeHead<'a> {
        /// The creation time.
        created: i64 = "created",
        /// The time of the last change of a session.
        updated: i64 = "updated",
        /// The time when an answer was finished.
        completed: i64 = "completed",
        /// The time when a session was archived.
        archived: i64 = "archived",
    }
}

head! {
    /// The model that the user requested.
    ModelHead<'a> {
        /// The provider.
        provider_id: LazyStr<'a> = "providerID",
        /// The model.
        model_id: LazyStr<'a> = "modelID",
    }
}

head! {
    /// Tokens used.
    TokensHead<'a> {
        /// Input tokens that were not in the cache.
        input: i64 = "input",
        /// Output tokens.
        output: i64 = "output",
        /// Reasoning tokens.
        reasoning: i64 = "reasoning",
        /// Tokens of the provider's cache.
        cache: CacheHead<'a> = "cache",
    }
}

head! {
    /// Tokens of the provider's cache.
    CacheHead<'a> {
        /// Tokens read from the cache.
        read: i64 = "read",
        /// Tokens written to the cache.
        write: i64 = "write",
    }
}

head! {
    /// The name of an error.
    ErrorHead<'a> {
        /// The name; see [`ErrorKind`](crate::ErrorKind).
        name: LazyStr<'a> = "name",
    }
}

head! {
    /// The source of a fork.
    ForkHead<'a> {
        /// The session that was forked.
        session_id: SessionId = "sessionID",
    }
}
