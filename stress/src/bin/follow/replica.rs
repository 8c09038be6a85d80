//! The replica: the sessions that result from a follower's events alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use anyhow::{Result, bail};
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, PartKey, SessionKey, Stamp, UnixNanos};
use scrollback_flow::SessionMaterializer;
use scrollback_index::ObservedStamp;
use scrollback_stor_mmap::MappedSpan;
use scrollback_watch::{Event, Subject, TextEdit};
use serde_json::{Value, json};

use crate::latency::Latency;
use crate::store::Exports;

/// Sessions, messages and parts, built from events.
///
/// Events of sessions and messages contain index fields only, so their records are read once per
/// event. Texts are built from edits alone.
#[derive(Default)]
pub(crate) struct Replica {
    sessions: BTreeMap<SessionKey, Value>,
    messages: BTreeMap<MessageKey, (OrderKey, Value)>,
    parts: BTreeMap<PartKey, Value>,
    events: BTreeMap<&'static str, usize>,
    edits: usize,
    latency: Latency,
    /// Events that break a rule.
    violations: Vec<String>,
}

impl Replica {
    /// Applies events that were pulled at `now`.
    pub(crate) fn apply(
        &mut self,
        events: Vec<Event>,
        records: &SessionMaterializer,
        now: UnixNanos,
    ) -> Result<()> {
        let requests: Vec<(EntityKey, Option<Stamp>)> =
            events.iter().filter_map(record_to_read).collect();
        let spans = records.current_spans(&requests)?;
        let spans = requests.into_iter().map(|(key, _)| key).zip(spans);
        let mut spans: HashMap<EntityKey, Option<MappedSpan>> = spans.collect();
        for event in events {
            self.apply_event(event, &mut |key| spans.remove(key).flatten(), now);
        }
        Ok(())
    }

    fn apply_event(
        &mut self,
        event: Event,
        record: &mut dyn FnMut(&EntityKey) -> Option<MappedSpan>,
        now: UnixNanos,
    ) {
        let class = event.subject.name();
        *self.events.entry(class).or_default() += 1;
        match event.subject {
            Subject::Fresh => {
                self.sessions.clear();
                self.messages.clear();
                self.parts.clear();
            }
            Subject::Session { now: None, key, .. } => drop(self.sessions.remove(&key)),
            Subject::Session { now: Some(meta), key, .. } => {
                self.record_latency(class, key.clone().into(), Some(meta.observed), now);
                let value =
                    self.parse_record(&key.clone().into(), record(&key.clone().into()).as_ref());
                self.sessions.insert(key, value);
            }
            Subject::Message { now: None, key, .. } => drop(self.messages.remove(&key)),
            Subject::Message { now: Some(meta), key, .. } => {
                self.record_latency(class, key.clone().into(), Some(meta.observed), now);
                let value =
                    self.parse_record(&key.clone().into(), record(&key.clone().into()).as_ref());
                self.messages.insert(key, (meta.order, value));
            }
            Subject::Part { now: None, key, .. } => drop(self.parts.remove(&key)),
            Subject::Part { now: Some(part), key, span, text, .. } => {
                let class = if text.is_some() { "text" } else { class };
                self.record_latency(class, key.clone().into(), part.observed, now);
                let mut value = self.parse_record(&key.clone().into(), span.as_ref());
                if let Some(edit) = text {
                    self.apply_edit(&key, &edit, &mut value);
                }
                self.parts.insert(key, value);
            }
            _ => {}
        }
    }

    fn record_latency(
        &mut self,
        class: &'static str,
        key: EntityKey,
        observed: Option<ObservedStamp>,
        now: UnixNanos,
    ) {
        if let Some(observed) = observed {
            self.latency.record(class, key, observed.stamp.mtime, now);
        }
    }

    /// Parses a record. Returns null if the record is gone; a later event reports its removal.
    fn parse_record(&mut self, key: &EntityKey, span: Option<&MappedSpan>) -> Value {
        let Some(span) = span else { return Value::Null };
        serde_json::from_slice(span).unwrap_or_else(|error| {
            self.violations.push(format!("{key} was torn: {error}"));
            Value::Null
        })
    }

    /// Applies an edit to the known text of a part. A streaming text only grows; at its end it may
    /// be trimmed.
    fn apply_edit(&mut self, key: &PartKey, edit: &TextEdit, part: &mut Value) {
        let old = match edit.is_whole {
            true => "",
            false => self.parts.get(key).and_then(|part| part["text"].as_str()).unwrap_or_default(),
        };
        let applies_to_old_text =
            old.len() == edit.offset + edit.delete && old.is_char_boundary(edit.offset);
        let mut text = old.to_owned();
        edit.apply(&mut text);
        let is_plausible = text.starts_with(old) || text == old.trim_end();
        let is_read = part["text"].as_str() == Some(&text);
        if !applies_to_old_text || !is_plausible || !is_read {
            let (old_len, now) = (old.len(), text.len());
            let offset = edit.offset;
            self.violations.push(format!(
                "{key}: {old_len} bytes became {now} from {offset} on; fits {applies_to_old_text}, grows {is_plausible}, as read {is_read}"
            ));
        }
        part["text"] = Value::String(text);
        self.edits += 1;
    }

    /// Checks that no event broke a rule, and that the stream started once.
    pub(crate) fn check(&self) -> Result<()> {
        let fresh = self.events.get("fresh").copied().unwrap_or_default();
        match self.violations.first() {
            Some(first) => {
                bail!("{} events break a rule, the first: {first}", self.violations.len())
            }
            None if fresh != 1 => bail!("the stream started {fresh} times instead of once"),
            None => Ok(()),
        }
    }

    /// Returns the sessions as opencode exports them.
    pub(crate) fn exports(&self) -> Exports {
        let mut parts: HashMap<&str, Vec<&Value>> = HashMap::new();
        for (key, part) in &self.parts {
            parts.entry(key.message.as_str()).or_default().push(part);
        }
        let mut messages: HashMap<&str, Vec<(OrderKey, &MessageKey, Value)>> = HashMap::new();
        for (key, (order, info)) in &self.messages {
            let parts = parts.remove(key.message.as_str()).unwrap_or_default();
            let message = json!({ "info": info, "parts": parts });
            messages.entry(key.session.as_str()).or_default().push((*order, key, message));
        }
        let mut exports = Exports::new();
        for (key, info) in &self.sessions {
            let mut messages = messages.remove(key.session.as_str()).unwrap_or_default();
            messages.sort_by_key(|(order, key, _)| (*order, *key));
            let messages: Vec<Value> = messages.into_iter().map(|(.., message)| message).collect();
            let export = json!({ "info": info, "messages": messages });
            exports.insert(key.session.to_string(), export);
        }
        exports
    }

    /// Returns the keys of all sessions, messages and parts, including messages without a session.
    pub(crate) fn keys(&self) -> BTreeSet<EntityKey> {
        let sessions = self.sessions.keys().cloned().map(EntityKey::from);
        let messages = self.messages.keys().cloned().map(EntityKey::from);
        sessions.chain(messages).chain(self.parts.keys().cloned().map(EntityKey::from)).collect()
    }
}

/// Returns the record to read for an event.
fn record_to_read(event: &Event) -> Option<(EntityKey, Option<Stamp>)> {
    match &event.subject {
        Subject::Session { now: Some(meta), key, .. } => {
            Some((key.clone().into(), Some(meta.observed.stamp)))
        }
        Subject::Message { now: Some(meta), key, .. } => {
            Some((key.clone().into(), Some(meta.observed.stamp)))
        }
        _ => None,
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, messages, parts) =
            (self.sessions.len(), self.messages.len(), self.parts.len());
        writeln!(f, "{sessions} sessions, {messages} messages, {parts} parts")?;
        let event_count: usize = self.events.values().sum();
        let counts: Vec<String> =
            self.events.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(
            f,
            "  {event_count} events ({}), {} edits of texts",
            counts.join(", "),
            self.edits
        )?;
        write!(f, "  {}", self.latency)
    }
}
