//! Steps of the model's answer.

use scrollback_core_type::json::{Scan, Scanner};

use super::fields::{Fields, Rest, fields, inside};
use super::sink::{Ids, Sink};
use super::tool::State;
use super::{Place, failure};
use crate::json::Object;
use crate::v2::kind::Slot;

/// What a row says of a step besides its content.
#[derive(Debug, Default)]
struct Step<'a> {
    agent: Option<&'a str>,
    model: Option<&'a str>,
    snapshot: Option<&'a str>,
    finish: Option<&'a str>,
    cost: Option<&'a str>,
    tokens: Option<&'a str>,
    error: Option<&'a str>,
    retry: Option<&'a str>,
    time: Option<&'a str>,
    rest: Rest<'a>,
}

fields! {
    Model { id = "id", provider = "providerID", variant = "variant", }
}

fields! {
    Snapshot { start = "start", end = "end", files = "files", }
}

fields! {
    Retry { attempt = "attempt", at = "at", error = "error", }
}

/// The message of the row, and its parts: where the step begins, its content, where it ends.
pub(super) fn read(
    scanner: &mut Scanner<'_>,
    place: &Place<'_>,
    sink: &mut Sink<'_>,
) -> Scan<Option<()>> {
    let (row, first) = (sink.row, sink.mark());
    let mut step = Step::default();
    let object = scanner.object(|scanner, key| {
        match &*key.get() {
            "content" if sink.wants_parts() => {
                sink.out.rows.truncate(first); // of two fields with one name the last counts
                content(scanner, sink)?;
            }
            "content" => scanner.skip_value()?,
            "agent" => step.agent = Some(scanner.raw()?),
            "model" => step.model = Some(scanner.raw()?),
            "snapshot" => step.snapshot = Some(scanner.raw()?),
            "finish" => step.finish = Some(scanner.raw()?),
            "cost" => step.cost = Some(scanner.raw()?),
            "tokens" => step.tokens = Some(scanner.raw()?),
            "error" => step.error = Some(scanner.raw()?),
            "retry" => step.retry = Some(scanner.raw()?),
            "time" => step.time = Some(scanner.raw()?),
            _ => step.rest.push(key, scanner.raw()?),
        }
        Ok(())
    })?;
    if object.is_none() {
        return Ok(None);
    }
    let (model, snapshot) = (Model::of(step.model), Snapshot::of(step.snapshot));
    if sink.wants_parts() {
        step.parts(&model, &snapshot, first, sink);
    }
    sink.message(first, &row.id, |message| step.write(&model, &snapshot, place, message));
    Ok(Some(()))
}

/// The parts that the items of the content become.
fn content(scanner: &mut Scanner<'_>, sink: &mut Sink<'_>) -> Scan<()> {
    let (row, mut at) = (sink.row, 0);
    let array = scanner.array(|scanner| {
        let (item, text) = scanner.spanned(Item::read)?;
        sink.part(&row.id, Slot::item(at), |part, ids| item.write(text, part, ids));
        at += 1;
        Ok(Some(()))
    })?;
    if array.is_none() {
        scanner.skip_value()?;
    }
    Ok(())
}

impl Step<'_> {
    fn parts(&self, model: &Model<'_>, snapshot: &Snapshot<'_>, first: usize, sink: &mut Sink<'_>) {
        let id = &sink.row.id;
        if let Some(start) = snapshot.start {
            sink.part_at(first, id, Slot::START, |part, _| {
                part.raw("type", "\"step-start\"").raw("snapshot", start);
            });
        }
        if let Some(reason) = self.ended() {
            sink.part(id, Slot::Finish, |part, _| {
                part.raw("type", "\"step-finish\"").raw("reason", reason);
                part.raw_if_any("snapshot", snapshot.end).raw_if_any("cost", self.cost);
                part.raw_if_any("tokens", self.tokens);
            });
        }
        if let Some(files) = snapshot.files.filter(|files| *files != "[]") {
            sink.part(id, Slot::Patch, |part, _| {
                part.raw("type", "\"patch\"").raw_if_any("hash", snapshot.start);
                part.raw("files", files);
            });
        }
        if self.retry.is_some() {
            let retry = Retry::of(self.retry);
            sink.part(id, Slot::Retry, |part, _| {
                part.raw("type", "\"retry\"").raw_if_any("attempt", retry.attempt);
                if let Some(error) = retry.error {
                    failure::write(part, "error", error, model.provider);
                }
                if let Some(at) = retry.at {
                    part.object("time", |time| {
                        time.raw("created", at);
                    });
                }
                retry.rest.write(part);
            });
        }
    }

    /// Why the step ended, if it did by itself.
    fn ended(&self) -> Option<&str> {
        self.finish.filter(|finish| inside(Some(finish)) != Some("error"))
    }

    fn write(
        &self,
        model: &Model<'_>,
        snapshot: &Snapshot<'_>,
        place: &Place<'_>,
        message: &mut Object<'_>,
    ) {
        message.raw("role", "\"assistant\"").raw_if_any("time", self.time);
        if let Some(parent) = place.parent {
            message.text("parentID", parent.as_bytes());
        }
        message.raw_if_any("modelID", model.id).raw_if_any("providerID", model.provider);
        message.raw_if_any("variant", model.variant).raw_if_any("agent", self.agent);
        message.raw_if_any("cost", self.cost).raw_if_any("tokens", self.tokens);
        message.raw_if_any("finish", self.finish);
        if let Some(error) = self.error {
            failure::write(message, "error", error, model.provider);
        }
        // What no part says.
        let is_left = !snapshot.rest.is_empty() || snapshot.end.is_some() && self.ended().is_none();
        message.raw_if_any("snapshot", self.snapshot.filter(|_| is_left));
        self.rest.write(message);
        place.write(message);
    }
}

/// An item of the content: a text, reasoning, a call, or what is not known.
#[derive(Debug, Default)]
struct Item<'a> {
    is_object: bool,
    kind: Option<&'a str>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    text: Option<&'a str>,
    time: Option<&'a str>,
    /// The provider's own, of which each version has another name.
    native: Option<&'a str>,
    state: State<'a>,
    state_text: Option<&'a str>,
    rest: Rest<'a>,
}

fields! {
    ItemTime { created = "created", completed = "completed", }
}

impl<'a> Item<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Scan<Self> {
        let mut it = Self::default();
        let object = scanner.object(|scanner, key| {
            match &*key.get() {
                "type" => it.kind = Some(scanner.raw()?),
                "id" => it.id = Some(scanner.raw()?),
                "name" => it.name = Some(scanner.raw()?),
                "text" => it.text = Some(scanner.raw()?),
                "time" => it.time = Some(scanner.raw()?),
                "native" | "providerState" | "providerMetadata" => {
                    it.native = Some(scanner.raw()?);
                }
                "state" => {
                    let (state, text) = scanner.spanned(|scanner| {
                        let state = State::read(scanner)?;
                        if state.is_none() {
                            scanner.skip_value()?;
                        }
                        Ok(state.unwrap_or_default())
                    })?;
                    (it.state, it.state_text) = (state, Some(text));
                }
                _ => it.rest.push(key, scanner.raw()?),
            }
            Ok(())
        })?;
        if object.is_none() {
            scanner.skip_value()?;
        }
        it.is_object = object.is_some();
        Ok(it)
    }

    fn write(&self, text: &str, part: &mut Object<'_>, ids: &Ids<'_>) {
        match inside(self.kind) {
            Some("text") => {
                part.raw("type", "\"text\"").raw("text", self.text.unwrap_or("\"\""));
                self.common(part);
            }
            Some("reasoning") => {
                part.raw("type", "\"reasoning\"").raw("text", self.text.unwrap_or("\"\""));
                if self.time.is_some() {
                    let time = ItemTime::of(self.time);
                    part.object("time", |to| {
                        to.raw_if_any("start", time.created).raw_if_any("end", time.completed);
                        time.rest.write(to);
                    });
                }
                self.common(part);
            }
            Some("tool") => {
                part.raw("type", "\"tool\"").raw_if_any("callID", self.id);
                part.raw_if_any("tool", self.name);
                self.state(part, ids);
                part.raw_if_any("metadata", self.native);
                self.rest.write(part);
            }
            _ if self.is_object => {
                part.all_of(text);
            }
            _ => {
                part.raw("value", text);
            }
        }
    }

    /// What texts and reasoning have alike.
    fn common(&self, part: &mut Object<'_>) {
        let state = self.state_text.filter(|_| !self.state.has_status());
        part.raw_if_any("metadata", self.native.or(state));
        part.raw_if_any("itemID", self.id);
        self.rest.write(part);
    }

    fn state(&self, part: &mut Object<'_>, ids: &Ids<'_>) {
        match self.state_text {
            Some(_) if self.state.is_known() => {
                part.object("state", |state| self.state.write(state, self.time, ids));
            }
            state => {
                part.raw_if_any("state", state);
            }
        }
    }
}
