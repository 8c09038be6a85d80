//! Tests with hostile session text: no control character of it reaches the output.

use std::path::Path;

use crate::support::{run_on, store_from_text};

/// Escape sequences, controls and direction marks, as JSON escapes.
pub(crate) const HOSTILE_TEXT: &str =
    r"\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u0000\u007f\u202eevil\u2066\u200f";

/// Creates a store in which every text that can be printed is hostile.
pub(crate) fn hostile_store() -> tempfile::TempDir {
    // JSON also allows U+009B without an escape.
    let raw = "\u{9b}31m\u{85}";
    store_from_text(&format!(
        r#"
        //- project/p.json
        {{"id":"p","worktree":"{HOSTILE_TEXT}"}}
        //- session/p/ses_1.json
        {{"id":"ses_1","title":"T{HOSTILE_TEXT}{raw}","directory":"/d{HOSTILE_TEXT}","version":"{HOSTILE_TEXT}","share":{{"url":"{HOSTILE_TEXT}"}},"time":{{"created":1,"updated":2}}}}
        //- message/ses_1/msg_1.json
        {{"id":"msg_1","role":"user","agent":"{HOSTILE_TEXT}","model":{{"modelID":"{HOSTILE_TEXT}"}},"time":{{"created":1}}}}
        //- message/ses_1/msg_2.json
        {{"id":"msg_2","role":"assistant","modelID":"{HOSTILE_TEXT}","finish":"{HOSTILE_TEXT}","error":{{"name":"{HOSTILE_TEXT}","data":{{"message":"{HOSTILE_TEXT}{raw}"}}}},"time":{{"created":2}}}}
        //- message/ses_1/msg_3.json
        {{"id":"msg_3","role":"{HOSTILE_TEXT}","time":{{"created":3}}}}
        //- part/msg_1/prt_1.json
        {{"type":"text","text":"{HOSTILE_TEXT}{raw}\n\ttabs stay"}}
        //- part/msg_1/prt_2.json
        {{"type":"file","filename":"{HOSTILE_TEXT}","mime":"{HOSTILE_TEXT}","url":"{HOSTILE_TEXT}"}}
        //- part/msg_1/prt_3.json
        {{"type":"{HOSTILE_TEXT}"}}
        //- part/msg_1/prt_4.json
        {{"type":"subtask","agent":"{HOSTILE_TEXT}","description":"{HOSTILE_TEXT}","prompt":"{HOSTILE_TEXT}"}}
        //- part/msg_2/prt_1.json
        {{"type":"tool","tool":"{HOSTILE_TEXT}","callID":"{HOSTILE_TEXT}","state":{{"status":"completed","input":{{"x":"{HOSTILE_TEXT}"}},"output":"{HOSTILE_TEXT}{raw}","metadata":{{"diff":"+{HOSTILE_TEXT}"}},"time":{{"start":1,"end":2}}}}}}
        //- part/msg_2/prt_2.json
        {{"type":"tool","tool":"bash","state":{{"status":"error","input":{{"command":"{HOSTILE_TEXT}"}},"error":"{HOSTILE_TEXT}"}}}}
        //- part/msg_2/prt_3.json
        {{"type":"patch","files":["{HOSTILE_TEXT}"]}}
        //- part/msg_2/prt_4.json
        {{"type":"reasoning","text":"{HOSTILE_TEXT}"}}
        "#
    ))
}

/// Asserts that a text has no character that a terminal may interpret.
pub(crate) fn assert_harmless(text: &str, args: &[&str]) {
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    let is_unsafe = |c: char| is_control(c) || matches!(c, '\u{200f}' | '\u{202e}' | '\u{2066}');
    assert_eq!(text.chars().find(|c| is_unsafe(*c)), None, "{args:?}: {text:?}");
}

/// Asserts that a command prints JSON without control characters.
pub(crate) fn assert_json_is_harmless(store: &Path, args: &[&str]) {
    let ran = run_on(store, args);
    ran.json();
    let control = ran.stdout.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{args:?}: {:?}", ran.stdout);
}

#[test]
fn session_text_is_escaped() {
    let store = hostile_store();
    for args in [
        &["ls", "--issues"][..],
        &["show", "ses_1", "--issues"],
        &["show", "ses_1", "--full", "--context"],
        &["tree", "ses_1", "--issues"],
        &["stores"],
        &["show", "ses_1x\u{9b}"],
        &["ls", "--project", "/d"],
    ] {
        let ran = run_on(store.path(), args);
        assert_harmless(&ran.stdout, args);
        assert_harmless(&ran.stderr, args);
    }
    let shown = run_on(store.path(), &["show", "ses_1"]).stdout;
    assert!(shown.contains("␛[2J") && shown.contains("\\u{202e}evil"), "{shown}");
    assert!(shown.contains("tabs stay"));
}

#[test]
fn json_has_no_control_characters() {
    let store = hostile_store();
    for args in [&["ls", "--json"][..], &["tree", "--json", "ses_1"], &["stores", "--json"]] {
        assert_json_is_harmless(store.path(), args);
    }
    // An export to a pipe is plain JSON with the stored values.
    let exported = run_on(store.path(), &["export", "ses_1"]).json();
    assert_eq!(
        exported["info"]["title"],
        serde_json::json!(
            "T\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\0\u{7f}\u{202e}evil\u{2066}\u{200f}\u{9b}31m\u{85}"
        )
    );
}

#[test]
fn cyclic_subagents_end() {
    let task = |session: &str| {
        format!(
            r#"{{"type":"tool","tool":"task","state":{{"status":"completed","metadata":{{"sessionId":"{session}"}}}}}}"#
        )
    };
    let store = store_from_text(&format!(
        r#"
        //- session/p/ses_1.json
        {{"id":"ses_1","parentID":"ses_2"}}
        //- session/p/ses_2.json
        {{"id":"ses_2","parentID":"ses_1"}}
        //- message/ses_1/msg_1.json
        {{"role":"user"}}
        //- message/ses_2/msg_2.json
        {{"role":"user"}}
        //- part/msg_1/prt_1.json
        {}
        //- part/msg_2/prt_2.json
        {}
        "#,
        task("ses_2"),
        task("ses_1")
    ));
    let tree = run_on(store.path(), &["tree", "--json", "ses_1"]).json();
    assert_eq!(tree["messages"][0]["parts"][0]["session"]["id"], "ses_2");
    assert!(
        tree["messages"][0]["parts"][0]["session"]["messages"][0]["parts"][0]
            .get("session")
            .is_none()
    );
}

#[test]
fn a_chain_of_subagents_has_a_depth_limit() {
    let sessions = (1..=20)
        .map(|at| format!("//- session/p/ses_{at}.json\n{{\"parentID\":\"ses_{}\"}}\n", at - 1));
    let store = store_from_text(&sessions.collect::<String>());
    let tree = run_on(store.path(), &["tree", "--json", "ses_1"]).json();
    let (mut session, mut depth) = (&tree, 1);
    while let Some(child) = session["children"].get(0) {
        (session, depth) = (child, depth + 1);
    }
    assert_eq!((depth, &session["deeper"]), (17, &1.into()));
    let printed = run_on(store.path(), &["tree", "ses_1"]).stdout;
    assert!(printed.contains("1 nested deeper"), "{printed}");
}
