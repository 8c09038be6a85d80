//! Session text is hostile: nothing of it reaches a terminal as a command.

use std::path::Path;

use crate::support::{on, stated};

/// Escape sequences, controls, and what turns text around, as JSON writes them.
pub(crate) const EVIL: &str =
    r"\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u0000\u007f\u202eevil\u2066\u200f";

/// A store in which every text that may be printed is hostile.
pub(crate) fn evil_store() -> tempfile::TempDir {
    // U+009B as it is, too: JSON allows it.
    let raw = "\u{9b}31m\u{85}";
    stated(&format!(
        r#"
        //- project/p.json
        {{"id":"p","worktree":"{EVIL}"}}
        //- session/p/ses_1.json
        {{"id":"ses_1","title":"T{EVIL}{raw}","directory":"/d{EVIL}","version":"{EVIL}","share":{{"url":"{EVIL}"}},"time":{{"created":1,"updated":2}}}}
        //- message/ses_1/msg_1.json
        {{"id":"msg_1","role":"user","agent":"{EVIL}","model":{{"modelID":"{EVIL}"}},"time":{{"created":1}}}}
        //- message/ses_1/msg_2.json
        {{"id":"msg_2","role":"assistant","modelID":"{EVIL}","finish":"{EVIL}","error":{{"name":"{EVIL}","data":{{"message":"{EVIL}{raw}"}}}},"time":{{"created":2}}}}
        //- message/ses_1/msg_3.json
        {{"id":"msg_3","role":"{EVIL}","time":{{"created":3}}}}
        //- part/msg_1/prt_1.json
        {{"type":"text","text":"{EVIL}{raw}\n\ttabs stay"}}
        //- part/msg_1/prt_2.json
        {{"type":"file","filename":"{EVIL}","mime":"{EVIL}","url":"{EVIL}"}}
        //- part/msg_1/prt_3.json
        {{"type":"{EVIL}"}}
        //- part/msg_1/prt_4.json
        {{"type":"subtask","agent":"{EVIL}","description":"{EVIL}","prompt":"{EVIL}"}}
        //- part/msg_2/prt_1.json
        {{"type":"tool","tool":"{EVIL}","callID":"{EVIL}","state":{{"status":"completed","input":{{"x":"{EVIL}"}},"output":"{EVIL}{raw}","metadata":{{"diff":"+{EVIL}"}},"time":{{"start":1,"end":2}}}}}}
        //- part/msg_2/prt_2.json
        {{"type":"tool","tool":"bash","state":{{"status":"error","input":{{"command":"{EVIL}"}},"error":"{EVIL}"}}}}
        //- part/msg_2/prt_3.json
        {{"type":"patch","files":["{EVIL}"]}}
        //- part/msg_2/prt_4.json
        {{"type":"reasoning","text":"{EVIL}"}}
        "#
    ))
}

/// Nothing in it is a command to a terminal.
pub(crate) fn assert_harmless(text: &str, args: &[&str]) {
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    let is_command = |c: char| is_control(c) || matches!(c, '\u{200f}' | '\u{202e}' | '\u{2066}');
    assert_eq!(text.chars().find(|c| is_command(*c)), None, "{args:?}: {text:?}");
}

/// What a command says as JSON is JSON, and as harmless.
pub(crate) fn assert_json_is_harmless(store: &Path, args: &[&str]) {
    let ran = on(store, args);
    ran.json();
    let found = ran.out.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(found, None, "{args:?}: {:?}", ran.out);
}

#[test]
fn text_of_sessions_is_shown_and_never_sent() {
    let store = evil_store();
    for args in [
        &["ls", "--issues"][..],
        &["show", "ses_1", "--issues"],
        &["show", "ses_1", "--full", "--context"],
        &["tree", "ses_1", "--issues"],
        &["stores"],
        &["show", "ses_1x\u{9b}"],
        &["ls", "--project", "/d"],
    ] {
        let ran = on(store.path(), args);
        assert_harmless(&ran.out, args);
        assert_harmless(&ran.err, args);
    }
    let shown = on(store.path(), &["show", "ses_1"]).out;
    assert!(shown.contains("␛[2J") && shown.contains("\\u{202e}evil"), "{shown}");
    assert!(shown.contains("tabs stay"));
}

#[test]
fn json_holds_no_control_either() {
    let store = evil_store();
    for args in [&["ls", "--json"][..], &["tree", "--json", "ses_1"], &["stores", "--json"]] {
        assert_json_is_harmless(store.path(), args);
    }
    // To a pipe an export is JSON as others write it; what was stored is what comes out.
    let exported = on(store.path(), &["export", "ses_1"]).json();
    assert_eq!(
        exported["info"]["title"],
        serde_json::json!(
            "T\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\0\u{7f}\u{202e}evil\u{2066}\u{200f}\u{9b}31m\u{85}"
        )
    );
}

#[test]
fn sessions_that_name_each_other_end() {
    let task = |session: &str| {
        format!(
            r#"{{"type":"tool","tool":"task","state":{{"status":"completed","metadata":{{"sessionId":"{session}"}}}}}}"#
        )
    };
    let store = stated(&format!(
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
    let tree = on(store.path(), &["tree", "--json", "ses_1"]).json();
    assert_eq!(tree["messages"][0]["parts"][0]["session"]["id"], "ses_2");
    assert!(
        tree["messages"][0]["parts"][0]["session"]["messages"][0]["parts"][0]
            .get("session")
            .is_none()
    );
}

#[test]
fn a_chain_of_subagents_is_followed_so_far() {
    let sessions = (1..=20)
        .map(|at| format!("//- session/p/ses_{at}.json\n{{\"parentID\":\"ses_{}\"}}\n", at - 1));
    let store = stated(&sessions.collect::<String>());
    let tree = on(store.path(), &["tree", "--json", "ses_1"]).json();
    let (mut session, mut depth) = (&tree, 1);
    while let Some(child) = session["children"].get(0) {
        (session, depth) = (child, depth + 1);
    }
    assert_eq!((depth, &session["deeper"]), (17, &1.into()));
    let printed = on(store.path(), &["tree", "ses_1"]).out;
    assert!(printed.contains("1 nested deeper"), "{printed}");
}
