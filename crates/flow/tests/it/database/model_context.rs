//! Tests `context` on sessions of 2.x against the answers of opencode's own API.

use scrollback_fixtures::{Corpus, corpus};
use scrollback_flow::{TimelineEntry, context, run_session_tree_flow};
use scrollback_source::Source;
use serde_json::Value;

use crate::store::session_key;
use crate::support::database_source;

fn api_answers(which: Corpus) -> Value {
    serde_json::from_slice(&std::fs::read(corpus(which).oracle).unwrap()).unwrap()
}

/// Returns the rows of a session that the model sees, and the numbers of hidden messages before and
/// after them. With `reverted`, rows that a staged revert hides are included, as in the API.
fn context_rows(store: &dyn Source, session: &str, reverted: bool) -> (Vec<String>, usize, usize) {
    let rows_and_counts = run_session_tree_flow(store, &session_key(session), |tree| {
        let context = context(tree);
        let from = context.messages.first().map(|first| first.message.node.order);
        let until = context.messages.last().map(|last| last.message.node.order);
        let is_visible = |entry: &TimelineEntry<'_, '_>| {
            let order = match entry {
                TimelineEntry::Message(message) => message.node.order,
                TimelineEntry::Item(item) => item.node.order,
            };
            (context.compacted == 0 || from <= Some(order)) && (reverted || Some(order) <= until)
        };
        let rows = tree.timeline().filter(is_visible).map(|entry| match entry {
            TimelineEntry::Message(message) => message.node.key.message.to_string(),
            TimelineEntry::Item(item) => item.node.key.item.to_string(),
        });
        // A compaction is one row and two messages.
        let mut rows: Vec<String> =
            rows.map(|id| id.trim_end_matches("#summary").to_owned()).collect();
        rows.dedup();
        (rows, context.compacted, context.reverted)
    });
    rows_and_counts.unwrap().value
}

/// Returns the ids of the API's rows. A pending prompt is not a row.
fn row_ids(rows: &Value) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_context_equals_the_api_of_the_preview() {
    let store = database_source(&corpus(Corpus::OpencodePrelaunch).database);
    let (mut rows, mut taken_back) = (0, 0);
    for (session, answer) in api_answers(Corpus::OpencodePrelaunch).as_object().unwrap() {
        let Some(context) = answer.get("context") else { continue };
        let (row_names, compacted, reverted) = context_rows(&*store, session, true);
        let answer = row_ids(&context["data"]);
        let is_v2 = |id: &String| answer.contains(id);
        let (row_names, others): (Vec<String>, Vec<String>) =
            row_names.into_iter().partition(is_v2);
        assert_eq!((row_names, compacted), (answer.clone(), 0), "{session}");
        // Pending prompts and messages of 1.x come from other routes of the API.
        let v1 = v1_message_ids(session);
        assert!(others.iter().all(|id| v1.contains(id) || is_pending(&*store, session, id)));
        rows += answer.len();
        taken_back += reverted;
    }
    assert!(rows >= 100 && taken_back > 0, "{rows} rows, {taken_back} taken back");
}

/// Returns the ids of the messages that the routes of 1.x return.
fn v1_message_ids(session: &str) -> Vec<String> {
    let oracle = api_answers(Corpus::OpencodePrelaunch);
    let messages = oracle[session]["v1_messages"].as_array().unwrap();
    messages.iter().map(|row| row["info"]["id"].as_str().unwrap().to_owned()).collect()
}

fn is_pending(store: &dyn Source, session: &str, id: &str) -> bool {
    let pending = run_session_tree_flow(store, &session_key(session), |tree| {
        tree.items.iter().any(|item| {
            item.node.key.item.to_string() == id
                && matches!(item.item, Some(scrollback_core_type::TimelineItem::Pending(_)))
        })
    });
    pending.unwrap().value
}

/// The API of 2.x returns the rows from the newest finished compaction on
/// (`docs/format/opencode-v2.md`, section 4).
#[test]
fn the_context_begins_at_the_newest_compaction_that_finished() {
    for which in [Corpus::OpencodeV2Fresh, Corpus::OpencodeV2Upgraded] {
        let store = database_source(&corpus(which).database);
        let mut compacted = 0;
        for (session, answer) in api_answers(which)["sessions"].as_object().unwrap() {
            let rows = answer["messages"].as_array().unwrap();
            let done = |row: &Value| row["type"] == "compaction" && row["status"] == "completed";
            let Some(at) = rows.iter().rposition(done) else { continue };
            let reverted = !answer["info"]["revert"].is_null();
            let expected = row_ids(&Value::Array(rows[at..].to_vec()));
            let (row_names, before, after) = context_rows(&*store, session, reverted);
            assert_eq!((row_names, after > 0), (expected, reverted), "{session}");
            assert!(before > 0);
            compacted += 1;
        }
        assert!(compacted >= 1);
    }
}
