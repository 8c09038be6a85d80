//! The secret of a share, which is a write token, is never printed: not from a sound record, and
//! not from one that is damaged.

use std::fs;

use serde_json::Value;

use crate::damage::put;
use crate::support::{corpus_paths, on, on_corpus, stated, step};

#[test]
fn share_secrets_are_never_printed() {
    let id = step("shared");
    let share = fs::read(corpus_paths().storage.join(format!("session_share/{id}.json"))).unwrap();
    let share: Value = serde_json::from_slice(&share).unwrap();
    let secret = share["secret"].as_str().unwrap();
    let raw = on_corpus(&["raw", &format!("share:{id}")]);
    assert_eq!(raw.json()["secret"], "[redacted]");
    assert_eq!(raw.json()["url"], share["url"]);
    for args in [&["raw", &id][..], &["show", &id], &["export", &id], &["tree", "--json", &id]] {
        let ran = on_corpus(args);
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{args:?}");
    }
    let old = stated(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","share":{"secret":"hush-hush","url":"u"}}
        "#,
    );
    for args in [["raw", "ses_1"], ["export", "ses_1"]] {
        let ran = on(old.path(), &args);
        assert!(ran.code == 0 && !ran.out.contains("hush-hush"), "{args:?}: {}", ran.out);
    }
}

#[test]
fn all_but_the_secret_is_as_it_is_stored() {
    let store = stated(
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
        let ran = on(store.path(), &["raw", id]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out.trim_end().to_owned()
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

/// Damaged records of a session, each with its share secret.
const SESSIONS: [&str; 4] = [
    r#"{"id":1,,"share":{"secret":"hush"}}"#,
    r#"{"share":{"secret":"hush""#,
    r#"{"share":{"secret":"hush","secret":"hush"}}"#,
    r#"{"id":"ses_1"}"share":{"secret":"hush"}}"#,
];

/// Damaged share records.
const SHARES: [&str; 4] = [
    r#"{"id":"x","secret":"hush","url":"u"#,
    r#"{"secret":"hush","secret":"hush"}"#,
    r#"{"id":"x"}"secret":"hush"}"#,
    r#"{"id":"x"}ret":"hush"}"#,
];

#[test]
fn a_damaged_record_keeps_its_secret() {
    for (session, share) in SESSIONS.iter().zip(SHARES) {
        let store = stated("//- session/p/ses_2.json\n{}\n");
        let storage = store.path().join("storage");
        fs::create_dir(storage.join("session_share")).unwrap();
        put(storage.join("session/p/ses_1.json"), session.as_bytes());
        put(storage.join("session_share/ses_2.json"), share.as_bytes());
        for args in [
            &["raw", "ses_1"][..],
            &["raw", "share:ses_2"],
            &["export", "ses_1"],
            &["show", "ses_1", "--issues"],
            &["show", "ses_1", "--json"],
            &["tree", "ses_1", "--issues"],
            &["ls", "--json", "--issues"],
        ] {
            let ran = on(store.path(), args);
            let said = ran.out + &ran.err;
            assert!(!said.contains("hush"), "{args:?}: {said}");
            let refused = ran.code == 3 && said.contains("may hold a share secret");
            assert_eq!(refused, args[0] == "raw", "{args:?}: {said}");
        }
    }
}

#[test]
fn a_damaged_record_without_a_secret_is_shown_as_it_is() {
    let cut = r#"{"id":"ses_1","title":"half"#;
    let store = stated("//- session/p/ses_2.json\n{}\n");
    put(store.path().join("storage/session/p/ses_1.json"), cut.as_bytes());
    assert_eq!(on(store.path(), &["raw", "ses_1"]).out, cut);
}
