//! Compares the answers with the truth.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::answers::{Answers, List, MessageAnswer, Problems, SessionAnswer};
use crate::truth::{Record, Truth};

/// What an iteration found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) symptoms: Vec<Symptom>,
    /// Records on undamaged bytes that are missing, where an issue names them.
    pub(crate) reported_losses: usize,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symptom {
    /// What is wrong, without ids: part of the class.
    pub(crate) kind: String,
    /// The first record that shows it.
    pub(crate) example: String,
}

impl Verdict {
    /// Adds a symptom unless one of its kind is there.
    fn add(&mut self, kind: impl Into<String>, example: impl Into<String>) {
        let (kind, example) = (kind.into(), example.into());
        if !self.symptoms.iter().any(|symptom| symptom.kind == kind) {
            self.symptoms.push(Symptom { kind, example });
        }
    }

    /// Judges an id that is in no sound or damaged place of the store. A record without an id has
    /// the id "".
    fn add_invented(&mut self, truth: &Truth, kind: &str, id: &str) {
        if truth.allowed.as_ref().is_some_and(|allowed| !allowed.contains(id) && !id.is_empty()) {
            self.add(format!("{kind} that does not exist"), id);
        }
    }

    /// Judges a missing record: a fault, unless a problem names it.
    fn add_missing(
        &mut self,
        truth: &Truth,
        problems: &Problems,
        record: &Record,
        (kind, example): (&str, String),
    ) {
        let explains = |text: &String| truth.is_store_damaged || record.is_named_in(text);
        if problems.texts().any(explains) {
            self.reported_losses += 1;
        } else {
            self.add(kind, example);
        }
    }
}

/// Compares all answers with the truth.
pub(crate) fn verify(truth: &Truth, answers: &Answers) -> Verdict {
    let mut verdict = Verdict::default();
    for fault in &answers.faults {
        let kind = fault.split(": ").next().unwrap_or_default();
        verdict.add(kind, fault);
    }
    verify_list(truth, &answers.list, &mut verdict);
    for session in &answers.sessions {
        verify_session(truth, session, &mut verdict);
    }
    verdict
}

fn verify_list(truth: &Truth, list: &List, verdict: &mut Verdict) {
    if truth.must_report && list.problems.texts().next().is_none() {
        verdict.add("list: no issue and no error", format!("{} sessions", list.sessions.len()));
    }
    let mut listed = BTreeMap::new();
    for session in &list.sessions {
        if listed.insert(session.id.as_str(), session).is_some() {
            verdict.add("list: a session twice", &session.id);
        }
        verdict.add_invented(truth, "list: a session", &session.id);
    }
    for id in truth.sessions_with_messages() {
        if !truth.sessions.contains_key(id) && !listed.contains_key(id) {
            let record = Record { table: "session", ids: vec![id.to_owned()], value: None };
            let finding = ("list: a session without its record is missing", id.to_owned());
            verdict.add_missing(truth, &list.problems, &record, finding);
        }
    }
    for (id, record) in &truth.sessions {
        let Some(session) = listed.get(id.as_str()) else {
            let finding = ("list: a session is missing", id.clone());
            verdict.add_missing(truth, &list.problems, record, finding);
            continue;
        };
        if is_without_record(&session.fields) && has_times(record) {
            let finding = ("list: the record of a session is missing", id.clone());
            verdict.add_missing(truth, &list.problems, record, finding);
        } else if let Some(field) = different_field(record, &session.fields, truth) {
            verdict.add(format!("list: another {field}"), id);
        }
        if let Some(count) = truth.message_counts.get(id)
            && session.messages != *count
            && !truth.is_store_damaged
        {
            let example = format!("{id}: {} instead of {count}", session.messages);
            match session.messages < *count {
                true => {
                    let finding = ("list: too few messages", example);
                    let ids = vec![id.clone()];
                    let messages = Record { table: "message", ids, value: None };
                    verdict.add_missing(truth, &list.problems, &messages, finding);
                }
                false => verdict.add("list: too many messages", example),
            }
        }
    }
}

fn verify_session(truth: &Truth, answer: &SessionAnswer, verdict: &mut Verdict) {
    let surface = answer.surface;
    let mut messages = BTreeMap::new();
    for message in &answer.messages {
        if messages.insert(message.id.as_str(), message).is_some() {
            verdict.add(format!("{surface}: a message twice"), &message.id);
        }
        verdict.add_invented(truth, &format!("{surface}: a message"), &message.id);
        let mut parts = BTreeSet::new();
        for (id, _) in &message.parts {
            verdict.add_invented(truth, &format!("{surface}: a part"), id);
        }
        if let Some((id, _)) = message.parts.iter().find(|(id, _)| !parts.insert(id)) {
            verdict.add(format!("{surface}: a part twice"), id);
        }
    }
    let of_session = Session(&answer.id);
    for ((_, id), record) in of_session.entries(&truth.messages) {
        let example = format!("{}/{id}", answer.id);
        match messages.get(id.as_str()) {
            Some(message) => {
                let value = message.value.as_ref();
                compare(
                    truth,
                    &answer.problems,
                    record,
                    value,
                    (surface, "message"),
                    &example,
                    verdict,
                );
            }
            None => {
                let finding = (&*format!("{surface}: a message is missing"), example);
                verdict.add_missing(truth, &answer.problems, record, finding);
            }
        }
    }
    for (key, parts) in of_session.entries(&truth.parts) {
        match messages.get(key.1.as_str()) {
            Some(message) => verify_parts(truth, answer, message, parts, verdict),
            None if truth.messages.contains_key(key) => {} // judged as a missing message
            None => {
                for (id, record) in parts {
                    let finding = format!("{surface}: a part of a damaged message is missing");
                    let finding = (&*finding, format!("{}/{id}", key.1));
                    verdict.add_missing(truth, &answer.problems, record, finding);
                }
            }
        }
    }
    for ((_, id), record) in of_session.entries(&truth.rows) {
        verify_row(truth, answer, id, record, verdict);
    }
}

/// Selects the entries of one session from a map with keys of session and record.
struct Session<'a>(&'a str);

impl Session<'_> {
    fn entries<'m, T>(
        &self,
        map: &'m BTreeMap<(String, String), T>,
    ) -> impl Iterator<Item = (&'m (String, String), &'m T)> {
        let entries = map.range((self.0.to_owned(), String::new())..);
        entries.take_while(|((session, _), _)| session == self.0)
    }
}

fn verify_parts(
    truth: &Truth,
    answer: &SessionAnswer,
    message: &MessageAnswer,
    parts: &BTreeMap<String, Record>,
    verdict: &mut Verdict,
) {
    let surface = answer.surface;
    for (id, record) in parts {
        let example = format!("{}/{id}", message.id);
        match message.parts.iter().find(|(part, _)| part == id) {
            Some((_, value)) => {
                compare(
                    truth,
                    &answer.problems,
                    record,
                    value.as_ref(),
                    (surface, "part"),
                    &example,
                    verdict,
                );
            }
            None => {
                let finding = (&*format!("{surface}: a part is missing"), example);
                verdict.add_missing(truth, &answer.problems, record, finding);
            }
        }
    }
}

/// Checks a row of 2.x: it is a message or an item of the tree, and its data is in the export.
fn verify_row(
    truth: &Truth,
    answer: &SessionAnswer,
    id: &str,
    record: &Record,
    verdict: &mut Verdict,
) {
    let example = format!("{}/{id}", answer.id);
    let message = answer.messages.iter().find(|message| message.id == id);
    let is_message = message.is_some();
    let is_item = answer.items.as_ref().is_none_or(|items| items.contains(id));
    if !is_message && !is_item {
        let finding = (&*format!("{}: a row is missing", answer.surface), example);
        verdict.add_missing(truth, &answer.problems, record, finding);
        return;
    }
    if let Some(message) = message.filter(|message| message.value.is_some())
        && !truth.is_store_damaged
        && let Some(text) = lost_text(record, message)
    {
        verdict.add(
            format!("{}: a text of a row is missing", answer.surface),
            format!("{example}: {text}"),
        );
    }
    let Some(rows) = &answer.rows else { return };
    let found: Vec<&Value> = rows.iter().filter(|row| row["id"] == id).collect();
    match found[..] {
        // The export of 2.x leaves out rows that are not complete.
        [] => {}
        [row] => {
            let mut row = row.clone();
            if let Some(row) = row.as_object_mut() {
                row.remove("seq");
            }
            compare(
                truth,
                &answer.problems,
                record,
                Some(&row),
                ("export of 2.x", "row"),
                &example,
                verdict,
            );
        }
        _ => verdict.add("export of 2.x: a row twice", example),
    }
}

/// Returns a text of a row of 2.x that no part of its message shows.
fn lost_text(record: &Record, message: &MessageAnswer) -> Option<String> {
    let row = record.value.as_ref()?;
    let content = row["content"].as_array().into_iter().flatten();
    let texts = content.filter(|item| item["type"] == "text").map(|item| &item["text"]);
    let own = ["user", "synthetic"].iter().any(|kind| row["type"] == *kind).then(|| &row["text"]);
    let mut texts = texts.chain(own).filter_map(Value::as_str).filter(|text| !text.is_empty());
    let is_shown = |text: &str| {
        let mut parts = message.parts.iter().filter_map(|(_, part)| part.as_ref());
        parts.any(|part| part["text"] == text)
    };
    texts.find(|text| !is_shown(text)).map(|text| text.chars().take(100).collect())
}

/// Compares a value. A surface that gives only ids has no value. If only the ids differ, the file
/// or row holds the record of another one; an issue must name it then.
fn compare(
    truth: &Truth,
    problems: &Problems,
    record: &Record,
    value: Option<&Value>,
    (surface, noun): (&str, &str),
    example: &str,
    verdict: &mut Verdict,
) {
    let (Some(expected), Some(value), false) = (&record.value, value, truth.is_store_damaged)
    else {
        return;
    };
    if is_same(expected, value) {
        return;
    }
    let text = format!("{example}: {value} instead of {expected}");
    let text: String = text.chars().take(1500).collect();
    if is_same(&without_ids(expected), &without_ids(value)) {
        let kind = format!("{surface}: the ids of another {noun}");
        verdict.add_missing(truth, problems, record, (&kind, text));
    } else {
        verdict.add(format!("{surface}: another value of a {noun}"), text);
    }
}

fn without_ids(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.retain(|name, _| !["id", "sessionID", "messageID"].contains(&name.as_str()));
    }
    value
}

/// Compares two values. Numbers are equal if they have the same value.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has = |(name, value)| b.get(name).is_some_and(|other| is_same(value, other));
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}

/// Checks whether a session is listed from its messages alone: nothing of its record is known. Every
/// record has a time.
fn is_without_record(fields: &Value) -> bool {
    ["created", "updated", "directory"].iter().all(|name| fields[*name].is_null())
}

fn has_times(record: &Record) -> bool {
    record.value.as_ref().is_some_and(|value| value["created"].is_i64())
}

/// Returns the first field of the expected value that differs.
fn different_field<'r>(record: &'r Record, fields: &Value, truth: &Truth) -> Option<&'r str> {
    let expected = record.value.as_ref().filter(|_| !truth.is_store_damaged)?.as_object()?;
    let mut differing = expected.iter().filter(|(name, value)| fields[name.as_str()] != **value);
    differing.next().map(|(name, _)| name.as_str())
}
