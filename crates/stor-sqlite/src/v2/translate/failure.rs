//! Translates errors of 2.x, `{type, message}`, into the form of 1.x.

use super::fields::{Fields, fields, key, put_field, put_optional_field};
use super::walk::{Raw, Walk, string_body};

fields! {
    Failure { kind = b"type", message = b"message", status = b"status", response = b"response", }
}

fields! {
    Response { body = b"body", }
}

/// Writes an error as the field `error`, with a comma before it.
pub(super) fn write(out: &mut Vec<u8>, error: Raw<'_>, provider: Option<Raw<'_>>) {
    let read = Failure::read(&mut Walk::new(error));
    let is_read = read.is_ok();
    let failure = read.unwrap_or_default();
    let kind = string_body(failure.kind).unwrap_or_default();
    put_field(out, key!("error"), b"{\"name\":\"");
    out.extend_from_slice(error_name(kind));
    out.extend_from_slice(b"\",\"data\":{\"message\":");
    // An error that is a string is the message.
    let plain = Some(error).filter(|error| string_body(Some(error)).is_some());
    out.extend_from_slice(failure.message.or(plain).unwrap_or(b"\"\""));
    if kind == b"provider.auth" {
        put_optional_field(out, key!("providerID"), provider);
    }
    put_optional_field(out, key!("statusCode"), failure.status);
    put_optional_field(out, key!("responseBody"), Response::read_or_default(failure.response).body);
    out.push(b'}');
    put_optional_field(out, key!("type"), failure.kind);
    failure.rest.write(out);
    // An error that is neither an object nor a string is kept as the cause.
    let is_odd = !is_read || plain.is_none() && !error.starts_with(b"{");
    put_optional_field(out, key!("cause"), Some(error).filter(|_| is_odd));
    out.push(b'}');
}

/// Returns the message of an error, as a JSON string.
pub(super) fn error_message(error: Option<Raw<'_>>) -> Raw<'_> {
    let plain = error.filter(|error| string_body(Some(error)).is_some());
    Failure::read_or_default(error).message.or(plain).unwrap_or(b"\"\"")
}

fn error_name(kind: &[u8]) -> &'static [u8] {
    match kind {
        b"provider.auth" => b"ProviderAuthError",
        b"provider.content-filter" => b"ContentFilterError",
        b"aborted" => b"MessageAbortedError",
        _ if kind.starts_with(b"provider.") => b"APIError",
        _ => b"UnknownError",
    }
}
