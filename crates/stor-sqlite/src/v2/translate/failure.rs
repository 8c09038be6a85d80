//! Errors of 2.x, `{type, message}`, in the words of 1.x.

use super::fields::{Fields, fields, key, put, put_any};
use super::walk::{Raw, Walk, inside};

fields! {
    Failure { kind = b"type", message = b"message", status = b"status", response = b"response", }
}

fields! {
    Response { body = b"body", }
}

/// Writes an error as the field `error` behind others.
pub(super) fn write(out: &mut Vec<u8>, error: Raw<'_>, provider: Option<Raw<'_>>) {
    let read = Failure::read(&mut Walk::new(error));
    let is_read = read.is_ok();
    let failure = read.unwrap_or_default();
    let kind = inside(failure.kind).unwrap_or_default();
    put(out, key!("error"), b"{\"name\":\"");
    out.extend_from_slice(name_of(kind));
    out.extend_from_slice(b"\",\"data\":{\"message\":");
    // What is no object is the message.
    let plain = Some(error).filter(|error| inside(Some(error)).is_some());
    out.extend_from_slice(failure.message.or(plain).unwrap_or(b"\"\""));
    if kind == b"provider.auth" {
        put_any(out, key!("providerID"), provider);
    }
    put_any(out, key!("statusCode"), failure.status);
    put_any(out, key!("responseBody"), Response::of(failure.response).body);
    out.push(b'}');
    put_any(out, key!("type"), failure.kind);
    failure.rest.write(out);
    // What is neither an object nor a string.
    let is_odd = !is_read || plain.is_none() && !error.starts_with(b"{");
    put_any(out, key!("cause"), Some(error).filter(|_| is_odd));
    out.push(b'}');
}

/// What an error says happened, as a string.
pub(super) fn message_of(error: Option<Raw<'_>>) -> Raw<'_> {
    let plain = error.filter(|error| inside(Some(error)).is_some());
    Failure::of(error).message.or(plain).unwrap_or(b"\"\"")
}

fn name_of(kind: &[u8]) -> &'static [u8] {
    match kind {
        b"provider.auth" => b"ProviderAuthError",
        b"provider.content-filter" => b"ContentFilterError",
        b"aborted" => b"MessageAbortedError",
        _ if kind.starts_with(b"provider.") => b"APIError",
        _ => b"UnknownError",
    }
}
