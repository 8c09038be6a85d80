//! Heads: the few fields that lists and indexes need, without the rest of the record.

use scrollback_core_id::{MessageId, ProjectId, SessionId};

use crate::json::{LazyStr, Number, head};

head! {
    /// What lists of sessions show.
    SessionHead<'a> {
        /// The project.
        project_id: ProjectId = "projectID",
        /// The session that started this one.
        parent_id: SessionId = "parentID",
        /// The directory.
        directory: LazyStr<'a> = "directory",
        /// The title.
        title: LazyStr<'a> = "title",
        /// The version of the program that made it.
        version: LazyStr<'a> = "version",
        /// The session that it is a fork of.
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
    /// What lists of messages and sums of usage need.
    MessageHead<'a> {
        /// Who speaks.
        role: LazyStr<'a> = "role",
        /// The times.
        time: TimeHead<'a> = "time",
        /// The user message that this one answers.
        parent_id: MessageId = "parentID",
        /// The agent.
        agent: LazyStr<'a> = "agent",
        /// The agent, under its older name.
        mode: LazyStr<'a> = "mode",
        /// The provider, of an answer.
        provider_id: LazyStr<'a> = "providerID",
        /// The model, of an answer.
        model_id: LazyStr<'a> = "modelID",
        /// The model that the user asked.
        model: ModelHead<'a> = "model",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: TokensHead<'a> = "tokens",
        /// Why the model stopped.
        finish: LazyStr<'a> = "finish",
        /// Why the answer failed.
        error: ErrorHead<'a> = "error",
        /// Whether this is the summary of a compaction; absent in user messages.
        summary: bool = "summary",
    }
}

head! {
    /// What the index keeps of a part.
    PartHead<'a> {
        /// The kind; see [`PartKind::from_name`](crate::PartKind::from_name).
        kind: LazyStr<'a> = "type",
        /// The tool, of a call.
        tool: LazyStr<'a> = "tool",
        /// How far the call is.
        state: StateHead<'a> = "state",
    }
}

head! {
    /// Whose a message or a part is.
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
        /// When it was made.
        created: i64 = "created",
        /// When it last changed, of a session.
        updated: i64 = "updated",
        /// When it was finished, of an answer.
        completed: i64 = "completed",
        /// When it was archived, of a session.
        archived: i64 = "archived",
    }
}

head! {
    /// The model that the user asked.
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
        /// Read anew.
        input: i64 = "input",
        /// Written.
        output: i64 = "output",
        /// Written as reasoning.
        reasoning: i64 = "reasoning",
        /// Of the provider's cache.
        cache: CacheHead<'a> = "cache",
    }
}

head! {
    /// Tokens of the provider's cache.
    CacheHead<'a> {
        /// Read from it.
        read: i64 = "read",
        /// Written to it.
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
    /// What a session is a fork of.
    ForkHead<'a> {
        /// The source.
        session_id: SessionId = "sessionID",
    }
}
