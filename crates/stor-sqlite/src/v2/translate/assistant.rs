//! Translates a row of type `assistant`: one step of the model's answer.

use super::failure;
use super::fields::{
    Fields, Model, Rest, fields, if_partly_unknown, key, put_field, put_optional_field,
};
use super::row::RowContext;
use super::sink::{AttachmentIds, Sink};
use super::tool::{State, Time};
use super::walk::{Raw, Walk, Walked, string_body};
use crate::v2::ids::Slot;

/// The fields of a step besides its content.
#[derive(Debug, Default)]
struct Step<'a> {
    agent: Option<Raw<'a>>,
    model: Model<'a>,
    model_text: Option<Raw<'a>>,
    snapshot: Snapshot<'a>,
    snapshot_text: Option<Raw<'a>>,
    finish: Option<Raw<'a>>,
    cost: Option<Raw<'a>>,
    tokens: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    retry: Option<Retry<'a>>,
    time: Option<Raw<'a>>,
    rest: Rest<'a>,
}

fields! {
    Snapshot { start = b"start", end = b"end", files = b"files", }
}

fields! {
    Retry { attempt = b"attempt", at = b"at", error = b"error", }
}

/// Writes the message of the row and its parts: the start of the step, its content and its end.
pub(super) fn read(
    walk: &mut Walk<'_>,
    row_context: &RowContext<'_>,
    sink: &mut Sink<'_>,
) -> Walked<()> {
    let (row, first) = (sink.row, sink.position());
    let mut step = Step::default();
    let is_object = walk.object(|walk, key| {
        match key {
            b"content" if sink.wants_parts() => {
                sink.out.rows.truncate(first); // the last of two fields with one name counts
                put_content(walk, sink)?;
            }
            b"content" => drop(walk.raw()?),
            b"agent" => step.agent = walk.value()?,
            b"model" => {
                (step.model, step.model_text) = Model::spanned(walk)?;
            }
            b"snapshot" => {
                (step.snapshot, step.snapshot_text) = Snapshot::spanned(walk)?;
            }
            b"finish" => step.finish = walk.value()?,
            b"cost" => step.cost = walk.value()?,
            b"tokens" => step.tokens = walk.value()?,
            b"error" => step.error = walk.value()?,
            b"retry" => {
                let (retry, text) = Retry::spanned(walk)?;
                step.retry = text.map(|_| retry);
            }
            b"time" => step.time = walk.value()?,
            _ => step.rest.push(key, walk.raw()?),
        }
        Ok(())
    })?;
    if !is_object {
        return Err(super::walk::MalformedJson);
    }
    if sink.wants_parts() {
        step.put_parts(first, sink);
    }
    sink.put_message(first, &row.id, |out| step.write(row_context, out));
    Ok(())
}

/// Writes a part for each item of the content, and one part for a rest that cannot be read.
fn put_content(walk: &mut Walk<'_>, sink: &mut Sink<'_>) -> Walked<()> {
    let (row, mut at, begin) = (sink.row, 0, walk.clone());
    let walked = walk.array(|walk| {
        let (item, text) = walk.spanned(Item::read)?;
        sink.put_part(&row.id, Slot::item(at), |out, ids| {
            out.reserve(text.len() + 256);
            item.write(text, out, ids);
        });
        at += 1;
        Ok(())
    });
    if walked != Ok(true) {
        *walk = begin; // skip the content the same way as a call without parts
        let rest = walk.raw()?;
        sink.put_unreadable_list(&row.id, Slot::item(at), rest);
    }
    Ok(())
}

impl Step<'_> {
    fn put_parts(&self, first: usize, sink: &mut Sink<'_>) {
        let (id, snapshot) = (&sink.row.id, &self.snapshot);
        if let Some(start) = snapshot.start {
            sink.put_part_at(first, id, Slot::START, |out, _| {
                out.extend_from_slice(b"{\"type\":\"step-start\"");
                put_field(out, key!("snapshot"), start);
            });
        }
        if let Some(reason) = self.finish_reason() {
            sink.put_part(id, Slot::Finish, |out, _| {
                out.extend_from_slice(b"{\"type\":\"step-finish\"");
                put_field(out, key!("reason"), reason);
                put_optional_field(out, key!("snapshot"), snapshot.end);
                put_optional_field(out, key!("cost"), self.cost);
                put_optional_field(out, key!("tokens"), self.tokens);
            });
        }
        if let Some(files) = snapshot.files.filter(|files| *files != b"[]") {
            sink.put_part(id, Slot::Patch, |out, _| {
                out.extend_from_slice(b"{\"type\":\"patch\"");
                put_optional_field(out, key!("hash"), snapshot.start);
                put_field(out, key!("files"), files);
            });
        }
        if let Some(retry) = &self.retry {
            sink.put_part(id, Slot::Retry, |out, _| {
                out.extend_from_slice(b"{\"type\":\"retry\"");
                put_optional_field(out, key!("attempt"), retry.attempt);
                if let Some(error) = retry.error {
                    failure::write(out, error, self.model.provider);
                }
                if let Some(at) = retry.at {
                    put_field(out, key!("time"), b"{\"created\":");
                    out.extend_from_slice(at);
                    out.push(b'}');
                }
                retry.rest.write(out);
            });
        }
    }

    /// Returns why the step ended, unless an error ended it.
    fn finish_reason(&self) -> Option<Raw<'_>> {
        self.finish.filter(|finish| *finish != b"\"error\"")
    }

    fn write(&self, row_context: &RowContext<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"role\":\"assistant\"");
        put_optional_field(out, key!("time"), self.time);
        row_context.write_parent(out);
        put_optional_field(out, key!("modelID"), self.model.id);
        put_optional_field(out, key!("providerID"), self.model.provider);
        put_optional_field(out, key!("variant"), self.model.variant);
        put_optional_field(out, key!("agent"), self.agent);
        put_optional_field(out, key!("cost"), self.cost);
        put_optional_field(out, key!("tokens"), self.tokens);
        put_optional_field(out, key!("finish"), self.finish);
        if let Some(error) = self.error {
            failure::write(out, error, self.model.provider);
        }
        // Fields that no part contains go into the message.
        let is_left = self.snapshot.end.is_some() && self.finish_reason().is_none();
        let snapshot = if_partly_unknown(self.snapshot_text, &self.snapshot.rest);
        let snapshot = snapshot.or(self.snapshot_text.filter(|_| is_left));
        put_optional_field(out, key!("snapshot"), snapshot);
        put_optional_field(
            out,
            key!("model"),
            if_partly_unknown(self.model_text, &self.model.rest),
        );
        self.rest.write(out);
        row_context.write(out);
    }
}

/// An item of the content: a text, reasoning, a tool call, or an item of an unknown type.
#[derive(Debug, Default)]
struct Item<'a> {
    is_object: bool,
    kind: Option<Raw<'a>>,
    id: Option<Raw<'a>>,
    name: Option<Raw<'a>>,
    text: Option<Raw<'a>>,
    time: Time<'a>,
    time_text: Option<Raw<'a>>,
    /// The provider's own data. Each version has another name for the field.
    native: Option<Raw<'a>>,
    state: State<'a>,
    state_text: Option<Raw<'a>>,
    rest: Rest<'a>,
}

impl<'a> Item<'a> {
    fn read(walk: &mut Walk<'a>) -> Walked<Self> {
        let mut item = Self::default();
        item.is_object = walk.object(|walk, key| {
            match key {
                b"type" => item.kind = walk.value()?,
                b"id" => item.id = walk.value()?,
                b"name" => item.name = walk.value()?,
                b"text" => item.text = walk.value()?,
                b"time" => {
                    let (time, text) = walk.spanned(Time::read)?;
                    (item.time, item.time_text) = (time, Some(text));
                }
                b"native" | b"providerState" | b"providerMetadata" => {
                    item.native = walk.value()?;
                }
                b"state" => {
                    let (state, text) = walk.spanned(State::read)?;
                    (item.state, item.state_text) = (state, Some(text));
                }
                _ => item.rest.push(key, walk.raw()?),
            }
            Ok(())
        })?;
        if !item.is_object {
            walk.raw()?;
        }
        Ok(item)
    }

    fn write(&self, text: Raw<'_>, out: &mut Vec<u8>, ids: &AttachmentIds<'_>) {
        match string_body(self.kind) {
            Some(b"tool") => {
                out.extend_from_slice(b"{\"type\":\"tool\"");
                put_optional_field(out, key!("callID"), self.id);
                put_optional_field(out, key!("tool"), self.name);
                match self.state_text {
                    Some(_) if self.state.is_known() => self.state.write(&self.time, out, ids),
                    state => put_optional_field(out, key!("state"), state),
                }
                if !self.state.has_time() || !self.time.is_begun() {
                    put_optional_field(out, key!("time"), self.time_text);
                }
                put_optional_field(out, key!("text"), self.text);
                put_optional_field(out, key!("metadata"), self.native);
                self.rest.write(out);
            }
            Some(b"text") => {
                out.extend_from_slice(b"{\"type\":\"text\"");
                put_optional_field(out, key!("time"), self.time_text);
                self.write_text(out);
            }
            Some(b"reasoning") => {
                out.extend_from_slice(b"{\"type\":\"reasoning\"");
                match self.time.created {
                    Some(start) => self.time.write_from(start, (key!("ran"), self.time.ran), out),
                    None => put_optional_field(out, key!("time"), self.time_text),
                }
                self.write_text(out);
            }
            // An unknown item is copied verbatim, without its closing brace.
            _ if self.is_object => {
                let open = text.strip_suffix(b"}").unwrap_or(text).trim_ascii_end();
                out.extend_from_slice(open);
                if open.len() == 1 {
                    out.extend_from_slice(b"\"type\":null");
                }
            }
            _ => {
                out.extend_from_slice(b"{\"value\":");
                out.extend_from_slice(text);
            }
        }
    }

    /// Writes the fields that texts and reasoning share.
    fn write_text(&self, out: &mut Vec<u8>) {
        put_field(out, key!("text"), self.text.unwrap_or(b"\"\""));
        // the state of a text is not the state of a call
        put_optional_field(out, key!("metadata"), self.native.or(self.state_text));
        put_optional_field(out, key!("state"), self.state_text.filter(|_| self.native.is_some()));
        put_optional_field(out, key!("itemID"), self.id);
        put_optional_field(out, key!("name"), self.name);
        self.rest.write(out);
    }
}
