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

/// Creates a store of sessions, each with its parent, its time and the cost of its only message.
fn store_of_family(sessions: &[(&str, &str, i64, f64)]) -> TempDir {
    let mut text = String::new();
    for (id, parent, at, cost) in sessions {
        let mut record = json!({"id": id, "projectID": "p", "title": id,
                                "time": {"created": at, "updated": at}});
        if !parent.is_empty() {
            record["parentID"] = (*parent).into();
        }
        text.push_str(&format!("//- session/p/{id}.json\n{record}\n"));
        let tokens = json!({"input": 100, "output": 1, "cache": {"read": 0, "write": 0}});
        let fields = json!({"cost": cost, "tokens": tokens, "time": {"created": at + 7}});
        text.push_str(&answer(id, &id.replace("ses", "msg"), &fields));
    }
    store_from_text(&text)
}

/// Source: reports anomalyco/opencode#45417 and #21818, openchamber/openchamber#3275,
/// jhlee0409/claude-code-history-viewer#577 (case 23-subagent-cost).
#[test]
fn sums_include_subagents() {
    let store = store_of_family(&[
        ("ses_alone", "", 1, 0.25),
        ("ses_parent", "", 5, 0.5),
        ("ses_child", "ses_parent", 6, 4.0),
        ("ses_second", "ses_parent", 7, 0.125),
        ("ses_grandchild", "ses_child", 8, 0.375),
    ]);
    for _ in 0..2 {
        let listed = run_on(store.path(), &["ls", "--roots", "--json"]);
        assert_eq!(ids(&listed), ["ses_parent", "ses_alone"]);
        let listed = listed.json();
        let tokens = json!({"input": 400, "output": 4, "reasoning": 0, "cacheRead": 0,
                            "cacheWrite": 0});
        let sums = json!({"subagents": 3, "messages": 4, "tokens": tokens, "cost": 5});
        assert_eq!((&listed[0]["cost"], &listed[0]["withSubagents"]), (&json!(0.5), &sums));
        assert_eq!((&listed[1]["cost"], listed[1].get("withSubagents")), (&json!(0.25), None));
        let table = run_on(store.path(), &["ls", "--roots"]).stdout;
        assert!(table.contains("404  $5.00\n") && table.contains("101  $0.25\n"), "{table}");
        let tree = run_on(store.path(), &["tree", "ses_parent"]).stdout;
        let first = tree.lines().next().unwrap();
        assert!(first.ends_with(", $0.50, $5.00 with 3 subagents"), "{tree}");
        assert!(tree.contains(", $4.00, $4.38 with 1 subagent\n"), "{tree}");
        let tree = run_on(store.path(), &["tree", "ses_parent", "--json"]).json();
        assert_eq!((&tree["cost"], &tree["withSubagents"]), (&json!(0.5), &sums));
    }
    // A list of all sessions has the session's own sums.
    let table = run_on(store.path(), &["ls"]).stdout;
    assert!(table.contains("101  $0.50\n"), "{table}");
    let all = run_on(store.path(), &["ls", "--json"]).json();
    assert!(all.as_array().unwrap().iter().all(|it| it.get("withSubagents").is_none()));
}

/// Every session is at the top level or below exactly one that is.
#[test]
fn top_level_sessions_include_orphans_and_cycles() {
    let store = store_of_family(&[
        ("ses_a", "ses_c", 1, 1.0), // a cycle of three, with a session below it
        ("ses_b", "ses_a", 2, 2.0),
        ("ses_c", "ses_b", 3, 4.0),
        ("ses_below", "ses_b", 4, 8.0),
        ("ses_self", "ses_self", 5, 16.0),
        ("ses_orphan", "ses_gone", 6, 32.0),
        ("ses_child", "ses_orphan", 7, 64.0),
    ]);
    let listed = run_on(store.path(), &["ls", "--roots", "--json"]);
    assert_eq!(ids(&listed), ["ses_orphan", "ses_self", "ses_a"]);
    let listed = listed.json();
    let sums = [("ses_orphan", json!(96), 1), ("ses_a", json!(15), 3)];
    for (id, cost, subagents) in sums {
        let session = listed.as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
        let sum = &session["withSubagents"];
        assert_eq!((&sum["cost"], &sum["subagents"]), (&cost, &subagents.into()), "{session}");
    }
    // The tree of each has the same sum.
    let tree = |id: &str| run_on(store.path(), &["tree", id]).stdout;
    assert!(tree("ses_a").lines().next().unwrap().ends_with("$15.00 with 3 subagents"));
    assert!(tree("ses_orphan").lines().next().unwrap().ends_with("$96.00 with 1 subagent"));
    let title = |name: &str| {
        let shown = run_on(store.path(), &["show", name]).stdout;
        shown.lines().next().unwrap_or_default().to_owned()
    };
    let latest = ["latest", "latest~1", "latest~2"].map(title);
    assert_eq!(latest, ["ses_orphan", "ses_self", "ses_a"]);
}

/// Subagents that are nested too deep for a tree count in its sums.
#[test]
fn sums_include_what_a_tree_does_not_print() {
    let ids: Vec<String> = (0..30).map(|at| format!("ses_{at:02}")).collect();
    let family: Vec<(&str, &str, i64, f64)> = (0..30)
        .map(|at| (&*ids[at], if at == 0 { "" } else { &*ids[at - 1] }, at as i64 + 1, 1.0))
        .collect();
    let store = store_of_family(&family);
    let tree = run_on(store.path(), &["tree", "ses_00"]).stdout;
    assert!(tree.lines().next().unwrap().ends_with("$1.00, $30.00 with 29 subagents"), "{tree}");
    assert!(tree.contains("nested deeper"), "{tree}");
}

#[test]
fn a_list_has_the_time_of_the_newest_message() {
    let text = [
        "\n//- session/p/ses_1.json",
        r#"{"id":"ses_1","projectID":"p","title":"busy","time":{"created":2,"updated":2}}"#,
        "//- session/p/ses_2.json",
        r#"{"id":"ses_2","projectID":"p","title":"empty","time":{"created":1,"updated":1}}"#,
        &answer("ses_1", "msg_1", &json!({"time": {"created": 900}})),
        &answer("ses_1", "msg_2", &json!({"time": {"created": 800}})),
        &answer("ses_1", "msg_3", &json!({"time": {}})),
    ];
    let store = store_from_text(&text.join("\n"));
    for _ in 0..2 {
        let listed = run_on(store.path(), &["ls", "--json"]).json();
        assert_eq!(listed[0]["newestMessage"], 900, "the second time from a snapshot");
        assert_eq!(listed[1].get("newestMessage"), None);
    }
}

/// Source: the part "zero-width and long combining sequences" of the reports on display.
#[test]
fn invisible_characters_are_visible_in_text_and_unchanged_in_json() {
    let title = format!("pay\u{200b}pal \u{feff}a{}z", "\u{301}".repeat(50));
    let store = store_of_sessions(&[("ses_1", json!({"title": title}))]);
    for args in [&["ls"][..], &["show", "ses_1"], &["tree", "ses_1"]] {
        let shown = run_on(store.path(), args).stdout;
        assert!(shown.contains("pay\\u{200b}pal \\u{feff}a"), "{args:?}: {shown}");
        assert!(shown.matches('\u{301}').count() < 10, "{args:?}: {shown}");
    }
    assert_eq!(run_on(store.path(), &["ls", "--json"]).json()[0]["title"], *title);
}
