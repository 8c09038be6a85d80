//! Errors of 2.x, `{type, message}`, in the words of 1.x.

use scrollback_core_type::json::{Scan, Scanner};

use super::fields::{Fields, fields, inside};
use crate::json::Object;

fields! {
    Failure { kind = "type", message = "message", status = "status", response = "response", }
}

fields! {
    Response { body = "body", }
}

/// Writes an error as the field `name`.
pub(super) fn write(to: &mut Object<'_>, name: &str, error: &str, provider: Option<&str>) {
    let failure = Failure::of(Some(error));
    let kind = inside(failure.kind).unwrap_or_default();
    to.object(name, |to| {
        to.text("name", name_of(kind).as_bytes());
        to.object("data", |data| {
            // What is no object is the message.
            let plain = inside(Some(error)).is_some().then_some(error);
            data.raw("message", failure.message.or(plain).unwrap_or("\"\""));
            if kind == "provider.auth" {
                data.raw_if_any("providerID", provider);
            }
            data.raw_if_any("statusCode", failure.status);
            data.raw_if_any("responseBody", Response::of(failure.response).body);
        });
        to.raw_if_any("type", failure.kind);
        failure.rest.write(to);
    });
}

/// What an error says happened, as a string.
pub(super) fn message_of(error: Option<&str>) -> &str {
    let plain = error.filter(|error| inside(Some(error)).is_some());
    Failure::of(error).message.or(plain).unwrap_or("\"\"")
}

fn name_of(kind: &str) -> &'static str {
    match kind {
        "provider.auth" => "ProviderAuthError",
        "provider.content-filter" => "ContentFilterError",
        "aborted" => "MessageAbortedError",
        _ if kind.starts_with("provider.") => "APIError",
        _ => "UnknownError",
    }
}
