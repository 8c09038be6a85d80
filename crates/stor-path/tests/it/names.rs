//! Names of files: entities, foreign files, and files that are never opened.

use scrollback_core_err::IssueKind;
use scrollback_stor_path::{
    NotAnEntity, directory_name, entity_name, is_secret_file, is_secret_table,
};

#[test]
fn the_id_is_the_name_before_json() {
    assert_eq!(entity_name(b"ses_e04994972ffe.json"), Ok("ses_e04994972ffe"));
    assert_eq!(entity_name("día 1.tmp.json".as_bytes()), Ok("día 1.tmp"));
    assert_eq!(entity_name(b"..\\x.json"), Err(NotAnEntity::Hidden));
    // A listed name is opened in its own directory, so it need not be safe as a path elsewhere.
    assert_eq!(entity_name(b"a:b\\c.json"), Ok("a:b\\c"));
    assert_eq!(directory_name(b"msg_1fb66b68f001"), Ok("msg_1fb66b68f001"));
}

#[test]
fn other_names_are_refused_with_a_reason() {
    let cases: [(&[u8], NotAnEntity); 12] = [
        (b"ses_x.json1763000000000.tmp", NotAnEntity::Temp),
        (b".json", NotAnEntity::Hidden),
        (b".DS_Store", NotAnEntity::Hidden),
        (b"", NotAnEntity::Hidden),
        (b"ses_x", NotAnEntity::NoJson),
        (b"ses_x.JSON", NotAnEntity::NoJson),
        (b"ses_x.json~", NotAnEntity::NoJson),
        (b"Auth.json", NotAnEntity::Secret),
        (b"ses_\xff.json", NotAnEntity::NotUtf8),
        (b"ses_\x1b[2J.json", NotAnEntity::Control),
        (b"ses_\x7f.json", NotAnEntity::Control),
        ("ses_\u{85}.json".as_bytes(), NotAnEntity::Control),
    ];
    for (name, expected) in cases {
        assert_eq!(entity_name(name), Err(expected), "{:?}", name.escape_ascii().to_string());
    }
}

#[test]
fn only_malformed_names_are_issues() {
    let why = "the name is not UTF-8".to_owned();
    assert_eq!(NotAnEntity::NotUtf8.issue(), Some(IssueKind::BadId { reason: why }));
    assert!(NotAnEntity::Control.issue().is_some());
    use NotAnEntity::{Hidden, NoJson, Secret, Temp};
    assert!([Temp, Hidden, NoJson, Secret].into_iter().all(|other| other.issue().is_none()));
}

#[test]
fn credentials_are_never_opened() {
    for name in ["auth.json", "mcp-auth.json", "AUTH.JSON"] {
        assert!(is_secret_file(name.as_bytes()), "{name}");
    }
    for name in ["account", "account_state", "control_account", "credential", "Credential"] {
        assert!(is_secret_table(name), "{name}");
    }
    assert!(!is_secret_file(b"global.json"));
    for name in ["session", "message", "part", "todo", "session_share", "workspace", "kv"] {
        assert!(!is_secret_table(name), "{name}");
    }
}
