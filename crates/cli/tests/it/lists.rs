//! Tests of lists: directories of Windows, and numbers that are large, small or wrong.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{RunOutput, run_on, store_from_text};

/// Creates a store with these sessions: id, and further fields of the record.
fn store_of_sessions(sessions: &[(&str, Value)]) -> TempDir {
    let mut text = String::from("\n");
    for (at, (id, fields)) in sessions.iter().enumerate() {
        let time = json!({"created": at + 1, "updated": at + 1});
        let mut record = json!({"id": id, "projectID": "p", "title": id, "time": time});
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        text.push_str(&format!("        //- session/p/{id}.json\n        {record}\n"));
    }
    store_from_text(&text)
}

/// Adds an answer with these fields to the text of a store.
fn answer(session: &str, id: &str, fields: &Value) -> String {
    let mut record = json!({"id": id, "sessionID": session, "role": "assistant",
                            "time": {"created": 1, "completed": 2}});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("//- message/{session}/{id}.json\n{record}\n")
}

fn ids(ran: &RunOutput) -> Vec<String> {
    let list = ran.json();
    list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

/// Source: reports anomalyco/opencode#25565, #21340, #28038, #23864 and #17183 (case
/// 09-windows-directory-filter).
#[test]
fn directories_of_windows_match_with_either_slash() {
    let store = store_of_sessions(&[
        ("ses_other", json!({"directory": r"C:\Users\u\demo2"})),
        ("ses_case", json!({"directory": r"C:\users\u\demo"})),
        ("ses_share", json!({"directory": r"\\server\share\demo"})),
        ("ses_unix", json!({"directory": "/Users/u/demo"})),
        ("ses_slashes", json!({"directory": "c:/Users/u/demo"})),
        ("ses_backslashes", json!({"directory": r"C:\Users\u\demo"})),
        ("ses_below", json!({"directory": r"C:\Users\u\demo\src"})),
    ]);
    let here = ["ses_below", "ses_backslashes", "ses_slashes"];
    for project in [
        r"C:\Users\u\demo",
        "C:/Users/u/demo",
        r"c:\Users\u\demo\",
        "c:/Users/u/demo/",
        r"\\?\C:\Users\u\demo",
        r"C:\Users/u\.\demo",
    ] {
        let ran = run_on(store.path(), &["ls", "--json", "--project", project]);
        assert_eq!(ids(&ran), here, "{project}");
    }
    for (project, found) in [
        (r"\\server\share", "ses_share"),
        ("//server/share/demo/", "ses_share"),
        ("/Users/u", "ses_unix"),
    ] {
        assert_eq!(ids(&run_on(store.path(), &["ls", "--json", "--project", project])), [found]);
    }
    assert_eq!(run_on(store.path(), &["ls", "--project", r"D:\Users\u\demo"]).code, 1);
}

/// A work tree of a project matches as a directory of a session does.
#[test]
fn work_trees_of_windows_match_with_either_slash() {
    let store = store_from_text(
        r#"
        //- project/p.json
        {"id":"p","worktree":"C:\\Users\\u\\demo","time":{"created":1}}
        //- session/p/ses_1.json
        {"id":"ses_1","projectID":"p","directory":"D:\\elsewhere","time":{"created":1,"updated":1}}
"#,
    );
    let ran = run_on(store.path(), &["ls", "--json", "--project", "c:/Users/u/demo"]);
    assert_eq!(ids(&ran), ["ses_1"]);
}

/// Source: report anomalyco/opencode#22618 (case 22-negative-and-tiny-cost).
#[test]
fn negative_and_tiny_numbers_are_printed_as_they_are() {
    let tokens = json!({"input": -500, "output": 10, "reasoning": 0,
                        "cache": {"read": 700, "write": 0}});
    let text = [
        "\n//- session/p/ses_1.json",
        r#"{"id":"ses_1","projectID":"p","title":"refund","time":{"created":2,"updated":2}}"#,
        "//- session/p/ses_2.json",
        r#"{"id":"ses_2","projectID":"p","title":"tiny","time":{"created":1,"updated":1}}"#,
        &answer("ses_1", "msg_1", &json!({"cost": -0.25, "tokens": tokens})),
        &answer("ses_2", "msg_2", &json!({"cost": 1.2e-6})),
    ];
    let store = store_from_text(&text.join("\n"));
    let listed = run_on(store.path(), &["ls", "--json"]);
    assert_eq!(listed.json()[0]["tokens"]["input"], -500);
    assert!(listed.stdout.contains(r#""cost": -0.25"#), "{}", listed.stdout);
    assert!(listed.stdout.contains(r#""cost": 0.0000012"#), "{}", listed.stdout);
    let listed = run_on(store.path(), &["ls"]).stdout;
    assert!(listed.contains("  -$0.25\n") && listed.contains("  <$0.0001\n"), "{listed}");
    let shown = run_on(store.path(), &["show", "ses_1"]).stdout;
    let line = "1 message  200 tokens read (700 cached, a wrong count: more than were read), \
                10 written  -$0.25";
    assert!(shown.lines().any(|it| it == line), "{shown}");
    assert_eq!(shown.matches("-$0.25").count(), 2, "in the header and at the answer: {shown}");
}
