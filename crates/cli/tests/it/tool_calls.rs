//! Tests of tool calls in transcripts: outputs of every type, failed commands, and what is cut.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{run_on, store_from_text};
use crate::v2::hostile::SCHEMA;

/// Creates a store with one answer that has these tool calls.
fn store_of_calls(calls: &[(&str, Value)]) -> TempDir {
    let mut text = String::from(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","projectID":"p","title":"calls","time":{"created":1,"updated":2}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{"created":1,"completed":6}}
"#,
    );
    for (at, (tool, state)) in calls.iter().enumerate() {
        let part = json!({
            "id": format!("prt_{at:02}"), "sessionID": "ses_1", "messageID": "msg_1",
            "type": "tool", "tool": tool, "callID": format!("call_{at}"), "state": state,
        });
        text.push_str(&format!("        //- part/msg_1/prt_{at:02}.json\n        {part}\n"));
    }
    store_from_text(&text)
}

fn show(store: &Path, args: &[&str]) -> String {
    let ran = run_on(store, &[&["show", "ses_1"], args].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

fn completed(output: Value) -> Value {
    json!({"status": "completed", "input": {}, "output": output, "time": {"start": 0, "end": 10}})
}

/// Source: reports anomalyco/opencode#15825, #13365 and #30219 (case 10-tool-output-no-text).
#[test]
fn outputs_and_errors_of_every_type_are_printed() {
    let failed = |error: Value| json!({"status": "error", "input": {}, "error": error});
    let store = store_of_calls(&[
        ("list", completed(json!([{"type": "text", "text": "text of the server"}]))),
        ("mixed", completed(json!([{"type": "text", "text": "one"}, {"type": "image"}]))),
        ("object", completed(json!({"ok": true, "text": "object of a tool"}))),
        ("number", completed(json!(42))),
        ("nothing", completed(Value::Null)),
        ("named", failed(json!({"name": "McpError", "message": "why it failed"}))),
        ("detailed", failed(json!({"message": "details", "code": -32000}))),
        ("listed", failed(json!(["first reason", "second reason"]))),
        ("odd", json!({"status": "odd", "output": "of an odd state"})),
    ]);
    let shown = show(store.path(), &[]);
    for line in [
        "  ✓ list (10 ms)",
        "  ✗ named",
        "    text of the server",
        r#"    [{"text":"one","type":"text"},{"type":"image"}]"#,
        r#"    {"ok":true,"text":"object of a tool"}"#,
        "    42",
        "    McpError: why it failed",
        "    first reason",
        "    second reason",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}: {shown}");
    }
    for text in ["details", "-32000", "of an odd state"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!shown.contains("null"), "{shown}");
}

#[test]
fn errors_of_answers_are_printed_in_every_form() {
    for (error, line) in [
        (r#"{"name":"APIError","data":{"message":"no money"}}"#, "APIError: no money"),
        (r#"{"name":"APIError","data":{"statusCode":402}}"#, r#"APIError: {"statusCode":402}"#),
        (r#"{"name":"Odd","message":"beside the data"}"#, "Odd: beside the data"),
        (r#"{"name":"MessageAbortedError"}"#, "MessageAbortedError"),
        (r#""a text""#, "a text"),
        (r#"["a","list"]"#, "a"),
    ] {
        let store = store_from_text(&format!(
            r#"
        //- session/p/ses_1.json
        {{"id":"ses_1","projectID":"p","title":"failed","time":{{"created":1,"updated":2}}}}
        //- message/ses_1/msg_1.json
        {{"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{{"created":1}},"error":{error}}}
"#
        ));
        let shown = show(store.path(), &[]);
        assert!(shown.lines().any(|it| it.trim() == line), "{line}: {shown}");
    }
}

/// Source: reports anomalyco/opencode#49320, pingdotgg/t3code#11295 and phnx-labs/agi-cli#2320 (case
/// 18-base64-in-one-line).
#[test]
fn long_lines_are_cut_without_full() {
    let base64 = "A".repeat(100_000);
    let umlauts = "ä".repeat(5_000);
    let diff = json!({"status": "completed", "input": {"filePath": "x"}, "output": "",
                      "metadata": {"diff": format!("--- x\n+++ x\n+{base64}")}});
    let cases = [
        completed(json!(base64)),
        completed(json!(format!("short\n{base64}\n{umlauts}"))),
        completed(json!([{"type": "text", "text": base64}])),
        completed(json!({"type": "image", "data": base64})),
        json!({"status": "error", "input": {}, "error": base64}),
        json!({"status": "completed", "input": {"data": base64}, "output": "ok"}),
        diff,
    ];
    for case in cases {
        let store = store_of_calls(&[("read", case.clone())]);
        let shown = show(store.path(), &[]);
        let longest = shown.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest < 900, "{longest}");
        if case["input"]["data"].is_null() {
            assert!(shown.contains("KiB more in these lines (--full shows them)"), "{shown}");
            assert!(show(store.path(), &["--full"]).contains(&base64));
        }
    }
    // Both limits at once.
    let output = format!("{base64}\n{}", "line\n".repeat(30));
    let store = store_of_calls(&[("read", completed(json!(output)))]);
    let shown = show(store.path(), &[]);
    assert!(shown.contains("… 96.9 KiB more in these lines, 21 more lines (--full"), "{shown}");
}

fn bash(output: &str, metadata: Value) -> (&'static str, Value) {
    let input = json!({"command": "run", "description": "d"});
    let time = json!({"start": 0, "end": 10});
    (
        "bash",
        json!({"status": "completed", "input": input, "output": output, "title": "d",
                    "metadata": metadata, "time": time}),
    )
}

/// Source: reports kenn-io/agentsview#1257 and #1254, pymc-labs/decision-lab#80 (case
/// 19-failed-command-ticked).
#[test]
fn failed_commands_have_no_tick() {
    for (metadata, line) in [
        (json!({"exit": 1}), "✗ bash run (exit 1) (10 ms)"),
        (json!({"exit": "2"}), "✗ bash run (exit 2) (10 ms)"),
        (json!({"exit": 3.0}), "✗ bash run (exit 3) (10 ms)"),
        (json!({"exit": -1}), "✗ bash run (exit -1) (10 ms)"),
        (json!({"exit": null}), "✗ bash run (no exit code) (10 ms)"),
        (json!({"exit": null, "signal": "SIGKILL"}), "✗ bash run (signal SIGKILL) (10 ms)"),
        (json!({"signal": 9}), "✗ bash run (signal 9) (10 ms)"),
        (json!({"status": "timeout"}), "✗ bash run (timeout) (10 ms)"),
        (json!({"exit": 143, "timeout": true}), "✗ bash run (timeout) (10 ms)"),
        (json!({"exit": 0}), "✓ bash run (10 ms)"),
        (json!({"exit": 0, "signal": null, "timeout": false}), "✓ bash run (10 ms)"),
        (json!({"status": "exited", "exit": 0, "timeout": 300}), "✓ bash run (10 ms)"),
        (json!({"exit": "odd"}), "✓ bash run (10 ms)"),
        (json!({}), "✓ bash run (10 ms)"),
    ] {
        let store = store_of_calls(&[bash("", metadata.clone())]);
        let shown = show(store.path(), &[]);
        assert!(shown.lines().any(|it| it.trim() == line), "{metadata}: {shown}");
    }
}

/// Source: as above, with the table of opencode 2.x.
#[test]
fn commands_of_the_user_have_their_outcome() {
    for (row, mark) in [
        (json!({"status": "killed"}), "✗ shell"),
        (json!({"status": "timeout"}), "✗ shell"),
        (json!({"status": "exited", "exit": 7}), "✗ shell"),
        (json!({"status": "exited", "exit": 0}), "✓ shell"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let db = rusqlite::Connection::open(dir.path().join("opencode.db")).unwrap();
        db.execute_batch(SCHEMA).unwrap();
        let mut data = json!({"command": "sleep 99", "time": {"created": 20, "completed": 30},
                              "output": {"output": "", "cursor": 0, "size": 0}});
        data.as_object_mut().unwrap().extend(row.as_object().unwrap().clone());
        db.execute_batch(
            "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
               VALUES ('p', '/p', 1, 1, '[]');
             INSERT INTO session_v2 (id, project_id, slug, directory, title, version, time_created,
               time_updated) VALUES ('ses_1', 'p', 's', '/p', 't', '2.0.0', 1, 2)",
        )
        .unwrap();
        db.execute(
            "INSERT INTO session_message (id, session_id, type, seq, time_created, time_updated, data)
               VALUES ('msg_1', 'ses_1', 'shell', 1, 20, 20, ?)",
            [data.to_string()],
        )
        .unwrap();
        drop(db);
        let shown = show(dir.path(), &[]);
        assert!(shown.contains(mark), "{row}: {shown}");
    }
}
