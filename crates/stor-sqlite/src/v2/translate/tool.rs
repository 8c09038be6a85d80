//! Translates tool calls.

use super::failure;
use super::fields::{Fields, Rest, fields, key, put_field, put_optional_field};
use super::sink::AttachmentIds;
use super::walk::{Raw, Walk, Walked, string_body};

/// The state of a call, with its input and its result.
#[derive(Debug, Default)]
pub(super) struct State<'a> {
    status: Option<Raw<'a>>,
    input: Option<Raw<'a>>,
    content: Contents<'a>,
    content_text: Option<Raw<'a>>,
    metadata: Option<Raw<'a>>,
    structured: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    rest: Rest<'a>,
}

/// The contents of a result. Nearly always there is one text.
#[derive(Debug, Default)]
struct Contents<'a> {
    first: Option<Content<'a>>,
    others: Vec<Content<'a>>,
}

fields! {
    /// A text or a file.
    Content { kind = b"type", text = b"text", uri = b"uri", mime = b"mime", name = b"name", }
}

fields! {
    /// The times of a call.
    Time { created = b"created", ran = b"ran", completed = b"completed", pruned = b"pruned", }
}

impl<'a> State<'a> {
    /// Reads the next value. A value that is not an object is skipped.
    pub(super) fn read(walk: &mut Walk<'a>) -> Walked<Self> {
        let mut state = Self::default();
        let is_object = walk.object(|walk, key| {
            match key {
                b"status" => state.status = walk.value()?,
                b"input" => state.input = walk.value()?,
                b"content" => {
                    let (contents, text) = walk.spanned(Contents::read)?;
                    (state.content, state.content_text) = (contents, Some(text));
                }
                b"metadata" => state.metadata = walk.value()?,
                b"structured" => state.structured = walk.value()?,
                b"error" => state.error = walk.value()?,
                _ => state.rest.push(key, walk.raw()?),
            }
            Ok(())
        })?;
        if !is_object {
            walk.raw()?;
        }
        Ok(state)
    }

    /// Checks whether the status is a known status.
    pub(super) fn is_known(&self) -> bool {
        let status = string_body(self.status).unwrap_or_default();
        matches!(status, b"streaming" | b"pending" | b"running" | b"completed" | b"error")
    }

    /// Checks whether the record of the call has times. In 1.x, a call that is still being written
    /// has no times.
    pub(super) fn has_time(&self) -> bool {
        let status = string_body(self.status).unwrap_or_default();
        matches!(status, b"running" | b"completed" | b"error")
    }

    /// Writes a state with a known status as the field `state`, with a comma before it.
    pub(super) fn write(&self, time: &Time<'_>, out: &mut Vec<u8>, ids: &AttachmentIds<'_>) {
        let status = string_body(self.status).unwrap_or_default();
        match status {
            b"streaming" | b"pending" => {
                let is_text = string_body(self.input).is_some();
                out.extend_from_slice(b",\"state\":{\"status\":\"pending\"");
                put_field(out, key!("input"), self.input.filter(|_| !is_text).unwrap_or(b"{}"));
                put_field(out, key!("raw"), self.input.filter(|_| is_text).unwrap_or(b"\"\""));
                self.write_metadata(out);
            }
            b"running" => {
                out.extend_from_slice(b",\"state\":{\"status\":\"running\"");
                put_optional_field(out, key!("input"), self.input);
                self.write_metadata(out);
                time.write(out);
            }
            b"completed" => {
                out.extend_from_slice(b",\"state\":{\"status\":\"completed\"");
                put_optional_field(out, key!("input"), self.input);
                self.content.write_output(out);
                self.write_metadata(out);
                time.write(out);
                self.content.write_attachments(out, ids);
            }
            _ => {
                out.extend_from_slice(b",\"state\":{\"status\":\"error\"");
                put_optional_field(out, key!("input"), self.input);
                put_field(out, key!("error"), failure::error_message(self.error));
                self.write_metadata(out);
                time.write(out);
                put_optional_field(out, key!("cause"), self.error);
            }
        }
        let is_complete = status == b"completed" && self.content.all().all(Content::is_known);
        let content = self.content_text.filter(|text| !is_complete && *text != b"[]");
        put_optional_field(out, key!("content"), content);
        self.rest.write(out);
        out.push(b'}');
    }

    /// Writes the tool's metadata. The preview has another name for the field.
    fn write_metadata(&self, out: &mut Vec<u8>) {
        put_optional_field(out, key!("metadata"), self.metadata.or(self.structured));
        let both = self.structured.filter(|_| self.metadata.is_some());
        put_optional_field(out, key!("structured"), both);
    }
}

impl<'a> Contents<'a> {
    /// Reads the next value. A value that is not an array has no contents.
    fn read(walk: &mut Walk<'a>) -> Walked<Self> {
        let mut contents = Self::default();
        let is_array = walk.array(|walk| {
            let content = Content::read(walk)?;
            match contents.first {
                None => contents.first = Some(content),
                Some(_) => contents.others.push(content),
            }
            Ok(())
        })?;
        if !is_array {
            walk.raw()?;
        }
        Ok(contents)
    }

    fn all(&self) -> impl Iterator<Item = &Content<'a>> {
        self.first.iter().chain(&self.others)
    }

    /// Writes the texts that the model received, one per line.
    fn write_output(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"output\":\"");
        let texts = self
            .all()
            .filter(|content| content.is_text())
            .filter_map(|content| string_body(content.text));
        for (at, text) in texts.enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\\n");
            }
            out.extend_from_slice(text);
        }
        out.push(b'"');
    }

    fn write_attachments(&self, out: &mut Vec<u8>, ids: &AttachmentIds<'_>) {
        let mut files = self.all().filter(|content| content.is_file()).peekable();
        if files.peek().is_none() {
            return;
        }
        out.extend_from_slice(b",\"attachments\":[");
        for (at, file) in files.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"type\":\"file\"");
            put_optional_field(out, key!("mime"), file.mime);
            put_optional_field(out, key!("filename"), file.name);
            put_optional_field(out, key!("url"), file.uri);
            file.rest.write(out);
            ids.end(format!("{}_{at}", ids.part).as_bytes(), out);
        }
        out.push(b']');
    }
}

impl Content<'_> {
    fn is_text(&self) -> bool {
        self.kind == Some(b"\"text\"")
    }

    fn is_file(&self) -> bool {
        self.kind == Some(b"\"file\"")
    }

    /// Checks whether a record of 1.x has a place for the content.
    fn is_known(&self) -> bool {
        self.is_text() && self.rest.is_empty() || self.is_file()
    }
}

impl Time<'_> {
    /// Writes the times as the field `time`, with a comma before it.
    fn write(&self, out: &mut Vec<u8>) {
        if let Some(start) = self.ran.or(self.created) {
            let created = self.created.filter(|_| self.ran.is_some());
            self.write_from(start, (key!("created"), created), out);
        }
    }

    /// Checks whether the time of the start is known.
    pub(super) fn is_begun(&self) -> bool {
        self.ran.or(self.created).is_some()
    }

    /// Writes the times as the field `time`, with a comma before it. `start` is the start, and the
    /// other time keeps its own name.
    pub(super) fn write_from(
        &self,
        start: Raw<'_>,
        (name, other): (&'static [u8], Option<Raw<'_>>),
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b",\"time\":{\"start\":");
        out.extend_from_slice(start);
        put_optional_field(out, key!("end"), self.completed);
        put_optional_field(out, key!("compacted"), self.pruned);
        put_optional_field(out, name, other);
        self.rest.write(out);
        out.push(b'}');
    }
}
