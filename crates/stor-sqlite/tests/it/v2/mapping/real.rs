//! Tests sessions that the real preview wrote, and sessions of the synthetic databases.

use scrollback_core_id::EntityKey;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::Entry;
use serde_json::Value;

use crate::calls::{session_key, tree};
use crate::support::{copy_corpus, open};

/// Returns the id of a session by its name in the corpus.
fn session_id(corpus_id: Corpus, name: &str) -> String {
    let at = if corpus_id == Corpus::OpencodePrelaunch { "ids.json" } else { "oracle.json" };
    let names = std::fs::read(corpus(corpus_id).data_dir.join(at)).unwrap();
    let names: Value = serde_json::from_slice(&names).unwrap();
    let names = names.get("names").unwrap_or(&names);
    names[name].as_str().unwrap().to_owned()
}

/// Returns a session as a list of lines: the role and type of each message, the type and main
/// values of each part, and the type of each item.
fn summarize_session(corpus_id: Corpus, name: &str) -> Vec<String> {
    let (_dir, database) = copy_corpus(corpus_id);
    let entries = tree(&open(&database), &session_key(&session_id(corpus_id, name))).entries;
    entries.iter().skip(1).map(summarize_entry).collect()
}

fn summarize_entry(entry: &Entry) -> String {
    // The record of a truncated row is the stored text.
    let record = serde_json::from_slice(entry.span.as_deref().unwrap()).unwrap_or(Value::Null);
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    match &entry.key {
        EntityKey::Item(_) => format!("item {}", text("/type")),
        EntityKey::Message(_) => {
            let is_completed = record.pointer("/time/completed").is_some();
            let end = if is_completed { "over" } else { "open" };
            match (text("/role"), text("/type"), text("/error/name")) {
                ("user", kind, _) => format!("user {kind}"),
                (role, kind, error) => format!("{role} {kind} {end} {} {error}", text("/finish")),
            }
        }
        _ => match text("/type") {
            "tool" => format!("  tool {} {}", text("/tool"), text("/state/status")),
            "text" | "reasoning" => {
                let text: String = text("/text").chars().take(24).collect();
                format!("  {} {text:?}", record["type"].as_str().unwrap())
            }
            kind => format!("  {kind}"),
        },
    }
}

/// Sessions of the real preview and of a synthetic database.
const EXPECTED_SUMMARIES: &[(Corpus, &str, &[&str])] = &[
    (
        Corpus::OpencodePrelaunch,
        "switch",
        &[
            "item agent-switched",
            "user -",
            "  text \"Plan only, do not edit\"",
            "assistant - over stop -",
            "  step-start",
            "  reasoning \"Plan mode: read only.\"",
            "  text \"1. Read the file\\n2. Prop\"",
            "  step-finish",
            "item agent-switched",
            "item model-switched",
            "user -",
            "  text \"Say hello in one line\"",
            "assistant - over stop -",
            "  step-start",
            "  text \"Hello! The demo project \"",
            "  step-finish",
        ],
    ),
    // The program was killed: a call never ends, and a text stays empty.
    (
        Corpus::OpencodePrelaunch,
        "crash_tool",
        &[
            "user -",
            "  text \"Slow tool please\"",
            "assistant - open - -",
            "  step-start",
            "  text \"Starting a slow command.\"",
            "  tool bash running",
        ],
    ),
    (
        Corpus::OpencodePrelaunch,
        "crash_text",
        &[
            "user -",
            "  text \"Slow answer please\"",
            "assistant - open - -",
            "  step-start",
            "  reasoning \"thinking thinking thinki\"",
            "  text \"\"",
        ],
    ),
    (Corpus::OpencodePrelaunch, "pending", &["item pending", "item pending"]),
    (
        Corpus::OpencodePrelaunch,
        "attached",
        &[
            "user -",
            "  text \"Look at the attached fil\"",
            "  file",
            "  file",
            "  agent",
            "assistant - over error UnknownError",
            "  step-start",
        ],
    ),
    // The input of one call was not JSON, so no call was made.
    (
        Corpus::OpencodePrelaunch,
        "broken",
        &[
            "user -",
            "  text \"Try the broken tools\"",
            "assistant - over error UnknownError",
            "  step-start",
            "  text \"Trying several things th\"",
            "  tool read pending",
            "  tool edit pending",
            "  tool nosuchtool pending",
            "  tool bash pending",
            "  tool bash pending",
            "  tool bash pending",
            "  tool bash pending",
        ],
    ),
    // One prompt was queued first, and the later steered prompt was delivered before it.
    (
        Corpus::OpencodePrelaunch,
        "steer",
        &[
            "user -",
            "  text \"Medium tool please\"",
            "assistant - over tool-calls -",
            "  step-start",
            "  text \"Starting a medium comman\"",
            "  tool bash completed",
            "  step-finish",
            "user -",
            "  text \"Steered in\"",
            "assistant - over stop -",
            "  step-start",
            "  text \"Steering accepted.\"",
            "  step-finish",
            "user -",
            "  text \"Queued for later\"",
            "assistant - over stop -",
            "  step-start",
            "  text \"Queue served.\"",
            "  step-finish",
        ],
    ),
    (
        Corpus::OpencodeV2Fresh,
        "markers",
        &[
            "item agent-switched",
            "item model-switched",
            "item location-switched",
            "user system",
            "  text \"Instructions from: AGENT\"",
            "user skill",
            "  text \"Take notes.\"",
            "assistant shell over - -",
            "  tool shell completed",
            "user synthetic",
            "  text \"The user ran `ls`.\"",
            "user -",
            "  text \"Plan only\"",
            "assistant - over stop -",
            "  step-start",
            "  text \"1. Read\"",
            "  step-finish",
            "item idle",
            "assistant shell open - -",
            "  tool shell running",
        ],
    ),
    (
        Corpus::OpencodeV2Fresh,
        "running",
        &[
            "user -",
            "  text \"Crash while running\"",
            "assistant - open - -",
            "  step-start",
            "  text \"Half\"",
            "  tool shell running",
            "  tool write pending",
            "  text \"\"",
            "  retry",
            "item pending",
        ],
    ),
    (
        Corpus::OpencodeV2Fresh,
        "errors",
        &[
            "user -",
            "  text \"Rejected\"",
            "assistant - over error APIError",
            "  step-start",
            "item idle",
            "user -",
            "  text \"Filtered\"",
            "assistant - over content-filter ContentFilterError",
            "  step-start",
            "  text \"I cannot\"",
            "  step-finish",
            "item idle",
            "user -",
            "  text \"Interrupted\"",
            "assistant - over error MessageAbortedError",
            "  step-start",
            "  text \"Paragraph one\"",
            "item idle",
        ],
    ),
    // An unknown type of row, an unknown type of item, and a truncated row.
    (
        Corpus::OpencodeV2Fresh,
        "odd",
        &[
            "user -",
            "  text \"hi\"",
            "item hologram",
            "assistant - over stop -",
            "  step-start",
            "  text \"x\"",
            "  video",
            "  step-finish",
            "- - open - -",
        ],
    ),
];

#[test]
fn sessions_match_their_expected_summaries() {
    for (corpus_id, name, expected) in EXPECTED_SUMMARIES {
        assert_eq!(summarize_session(*corpus_id, name), *expected, "{corpus_id:?} {name}");
    }
}
