//! Tests that the secret of a share, a write token, is never printed, neither from a sound nor from a
//! damaged record.

use std::fs;

use serde_json::Value;

use crate::damage::write_old_file;
use crate::support::{corpus_paths, run_on, run_on_corpus, step_session, store_from_text};

#[test]
fn share_secrets_are_never_printed() {
    let id = step_session("shared");
    let share = fs::read(corpus_paths().storage.join(format!("session_share/{id}.json"))).unwrap();
    let share: Value = serde_json::from_slice(&share).unwrap();
    let secret = share["secret"].as_str().unwrap();
    let raw = run_on_corpus(&["raw", &format!("share:{id}")]);
    assert_eq!(raw.json()["secret"], "[redacted]");
    assert_eq!(raw.json()["url"], share["url"]);
    for args in [&["raw", &id][..], &["show", &id], &["export", &id], &["tree", "--json", &id]] {
        let ran = run_on_corpus(args);
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{args:?}");
    }
    let old = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","share":{"secret":"hush-hush","url":"u"}}
        "#,
    );
    for args in [["raw", "ses_1"], ["export", "ses_1"]] {
        let ran = run_on(old.path(), &args);
        assert!(ran.code == 0 && !ran.stdout.contains("hush-hush"), "{args:?}: {}", ran.stdout);
    }
}

#[test]
fn only_the_secret_is_replaced() {
    let store = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"big":12345678901234567890123, "half":"\ud800","share": {"secret" : "hush" ,"url":"u"},"secret":"mine"}
        //- session/p/ses_2.json
        {"id":"ses_2","title":"a \"secret\" plan","share":{"url":"u"}}
        //- session_share/ses_1.json
        {"secret":{"nested":"hush"},"url":"\udfff"}
        //- session_share/ses_2.json
        {"url":"u","secret":null}
        "#,
    );
    let trimmed = |id: &str| {
        let ran = run_on(store.path(), &["raw", id]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.trim_end().to_owned()
    };
    let kept = r#"{"big":12345678901234567890123, "half":"\ud800","share": {"secret" : "[redacted]" ,"url":"u"},"secret":"mine"}"#;
    assert_eq!(trimmed("ses_1"), kept);
    assert_eq!(
        trimmed("ses_2"),
        r#"{"id":"ses_2","title":"a \"secret\" plan","share":{"url":"u"}}"#
    );
    assert_eq!(trimmed("share:ses_1"), r#"{"secret":"[redacted]","url":"\udfff"}"#);
    assert_eq!(trimmed("share:ses_2"), r#"{"url":"u","secret":null}"#);
}

/// Damaged session records, each with a share secret.
const DAMAGED_SESSIONS: [&str; 4] = [
    r#"{"id":1,,"share":{"secret":"hush"}}"#,
    r#"{"share":{"secret":"hush""#,
    r#"{"share":{"secret":"hush","secret":"hush"}}"#,
    r#"{"id":"ses_1"}"share":{"secret":"hush"}}"#,
];

/// Damaged share records, each with a secret.
const DAMAGED_SHARES: [&str; 4] = [
    r#"{"id":"x","secret":"hush","url":"u"#,
    r#"{"secret":"hush","secret":"hush"}"#,
    r#"{"id":"x"}"secret":"hush"}"#,
    r#"{"id":"x"}ret":"hush"}"#,
];

#[test]
fn a_damaged_record_keeps_its_secret() {
    for (session, share) in DAMAGED_SESSIONS.iter().zip(DAMAGED_SHARES) {
        let store = store_from_text("//- session/p/ses_2.json\n{}\n");
        let storage = store.path().join("storage");
        fs::create_dir(storage.join("session_share")).unwrap();
        write_old_file(storage.join("session/p/ses_1.json"), session.as_bytes());
        write_old_file(storage.join("session_share/ses_2.json"), share.as_bytes());
        for args in [
            &["raw", "ses_1"][..],
            &["raw", "share:ses_2"],
            &["export", "ses_1"],
            &["show", "ses_1", "--issues"],
            &["show", "ses_1", "--json"],
            &["tree", "ses_1", "--issues"],
            &["ls", "--json", "--issues"],
        ] {
            let ran = run_on(store.path(), args);
            let output = ran.stdout + &ran.stderr;
            assert!(!output.contains("hush"), "{args:?}: {output}");
            let refused = ran.code == 3 && output.contains("may hold a share secret");
            assert_eq!(refused, args[0] == "raw", "{args:?}: {output}");
        }
    }
}

#[test]
fn a_damaged_record_without_a_secret_is_printed_unchanged() {
    let cut = r#"{"id":"ses_1","title":"half"#;
    let store = store_from_text("//- session/p/ses_2.json\n{}\n");
    write_old_file(store.path().join("storage/session/p/ses_1.json"), cut.as_bytes());
    assert_eq!(run_on(store.path(), &["raw", "ses_1"]).stdout, cut);
}
