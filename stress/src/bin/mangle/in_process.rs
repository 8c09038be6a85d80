//! Asks scrollback in this process: opens the store, lists it as `ls` does, and reads every session
//! as `export` does.

use std::collections::BTreeSet;
use std::path::Path;

use scrollback::{Session, Store};
use scrollback_core_id::{SessionId, SessionKey};
use scrollback_flow::{SessionHydratedTree, run_session_tree_flow};
use scrollback_source::Source;
use scrollback_stor_mmap::ReadOptions;
use serde::Serialize;
use serde_json::{Value, json};

use crate::answers::{Answers, List, Listed, MessageAnswer, Problems, SessionAnswer};
use crate::case::MAX_RECORD;

/// Reads the store at `path`. `sessions` are read even if they are not listed. With a cache, the
/// index starts from the snapshot in it.
pub(crate) fn query(path: &Path, cache: Option<&Path>, sessions: &BTreeSet<&str>) -> Answers {
    let read = ReadOptions { max_len: MAX_RECORD as u64, ..ReadOptions::default() };
    let builder = Store::builder().path(path).read_options(read);
    let builder = match cache {
        Some(cache) => builder.cache_dir(cache),
        None => builder.without_cache(),
    };
    let store = match builder.build() {
        Ok(store) => store,
        Err(error) => {
            let problems = Problems { error: Some(describe(&error)), ..Problems::default() };
            let list = List { problems, ..List::default() };
            return Answers { list, ..Answers::default() };
        }
    };
    let list = list(&store);
    let mut ids = sessions.clone();
    ids.extend(list.sessions.iter().map(|session| session.id.as_str()));
    let mut answers = Vec::new();
    for id in ids {
        let Ok(key) = SessionId::new(id).map(SessionKey::from) else { continue };
        for root in store.roots() {
            answers.push(read_session(&**root.source(), &key));
        }
    }
    Answers { list, sessions: answers, faults: Vec::new() }
}

fn list(store: &Store) -> List {
    let mut error = store.failures().first().map(|error| describe(error));
    let mut sessions = Vec::new();
    match list_verified(store) {
        Ok(listed) => sessions = listed,
        Err(failure) => error = Some(describe(&failure)),
    }
    let issues = store.issues().iter().map(ToString::to_string).collect();
    List { sessions, problems: Problems { issues, error } }
}

/// Lists the sessions after every one was verified, as `ls` does.
fn list_verified(store: &Store) -> scrollback::Result<Vec<Listed>> {
    for root in store.roots() {
        let keys: Vec<SessionKey> =
            root.view()?.sessions().map(|session| session.key.clone()).collect();
        root.verify(&keys)?;
    }
    store.sessions()?.iter().map(listed).collect()
}

fn listed(session: &Session<'_>) -> scrollback::Result<Listed> {
    let meta = session.meta();
    let text = |id: Option<String>| id.map_or(Value::Null, Value::from);
    let fields = json!({
        "title": session.title(),
        "directory": session.directory(),
        "created": session.created().map(|time| time.0),
        "updated": session.updated().map(|time| time.0),
        "projectID": text(meta.and_then(|meta| Some(meta.project.as_ref()?.to_string()))),
        "parentID": text(meta.and_then(|meta| Some(meta.parent.as_ref()?.to_string()))),
    });
    Ok(Listed { id: session.id().to_owned(), fields, messages: session.usage()?.messages })
}

fn read_session(source: &dyn Source, key: &SessionKey) -> SessionAnswer {
    let mut answer =
        SessionAnswer { surface: "export", id: key.to_string(), ..SessionAnswer::default() };
    match run_session_tree_flow(source, key, |tree| content(tree, &mut answer)) {
        Ok(run) => {
            answer.problems.issues = run.report.issues.iter().map(ToString::to_string).collect();
        }
        Err(error) => answer.problems.error = Some(describe(&error)),
    }
    match source.open().and_then(|mut reader| reader.native(key)) {
        Ok(None) => {}
        Ok(Some(bytes)) => {
            let native: Option<Value> = serde_json::from_slice(&bytes).ok();
            answer.rows = native.and_then(|native| native["messages"].as_array().cloned());
        }
        Err(error) => answer.problems.issues.push(describe(&error)),
    }
    answer
}

fn content(tree: &SessionHydratedTree<'_>, answer: &mut SessionAnswer) {
    answer.items = Some(tree.items.iter().map(|item| item.node.key.item.to_string()).collect());
    answer.messages.extend(tree.messages.iter().map(|message| {
        MessageAnswer {
            id: message.node.key.message.to_string(),
            value: message.message.as_ref().and_then(to_value),
            parts: message
                .parts
                .iter()
                .map(|part| (part.node.key.part.to_string(), part.part.as_ref().and_then(to_value)))
                .collect(),
        }
    }));
}

/// Serializes as text first: a raw value of `serde_json` passes no other way.
fn to_value(record: &impl Serialize) -> Option<Value> {
    serde_json::from_slice(&serde_json::to_vec(record).ok()?).ok()
}

/// Returns an error with its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
