//! The error of a failed answer (`docs/format/opencode.md`, section 3.3).

use crate::json::{LazyStr, RawJson, record};

record! {
    /// The error of a failed answer.
    MessageError<'a>, "an error" {
        /// The name; see [`MessageError::kind`].
        name: LazyStr<'a> = "name",
        /// The details.
        data: ErrorData<'a> = "data",
        /// The type in 2.x: "provider.rate-limit", "aborted", …; an open set.
        r#type: LazyStr<'a> = "type",
    }
}

record! {
    /// The details of an error. The kind of the error determines which fields are set.
    ErrorData<'a>, "an object" {
        /// The message.
        message: LazyStr<'a> = "message",
        /// The provider (`ProviderAuth`).
        provider_id: LazyStr<'a> = "providerID",
        /// HTTP status (`Api`).
        status_code: i64 = "statusCode",
        /// Whether another attempt may succeed (`Api`).
        is_retryable: bool = "isRetryable",
        /// HTTP headers of the answer (`Api`).
        response_headers: RawJson<'a> = "responseHeaders",
        /// HTTP body of the answer (`Api`, `ContextOverflow`).
        response_body: LazyStr<'a> = "responseBody",
        /// Data that the provider's client added (`Api`).
        metadata: RawJson<'a> = "metadata",
        /// The number of retries (`StructuredOutput`).
        retries: i64 = "retries",
        /// A reference into the program's log (`Unknown`, 1.18).
        r#ref: LazyStr<'a> = "ref",
    }
}

/// The kinds of errors that opencode names; an open set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `ProviderAuthError`: the provider refused the credentials.
    ProviderAuth,
    /// `UnknownError`.
    Unknown,
    /// `MessageOutputLengthError`: the answer grew too long.
    OutputLength,
    /// `MessageAbortedError`: the user stopped the answer.
    Aborted,
    /// `StructuredOutputError`: the answer did not fit the schema.
    StructuredOutput,
    /// `ContextOverflowError`: the conversation grew too long.
    ContextOverflow,
    /// `APIError`: the provider's interface failed.
    Api,
    /// `ContentFilterError` (1.18): the provider refused the content.
    ContentFilter,
    /// A name that this version does not know. [`MessageError::name`] holds it.
    Other,
}

impl MessageError<'_> {
    /// Returns the kind, from the name.
    pub fn kind(&self) -> ErrorKind {
        match self.name.as_ref().map(LazyStr::get).as_deref() {
            Some("ProviderAuthError") => ErrorKind::ProviderAuth,
            Some("UnknownError") => ErrorKind::Unknown,
            Some("MessageOutputLengthError") => ErrorKind::OutputLength,
            Some("MessageAbortedError") => ErrorKind::Aborted,
            Some("StructuredOutputError") => ErrorKind::StructuredOutput,
            Some("ContextOverflowError") => ErrorKind::ContextOverflow,
            Some("APIError") => ErrorKind::Api,
            Some("ContentFilterError") => ErrorKind::ContentFilter,
            _ => ErrorKind::Other,
        }
    }
}
