//! Ids cannot lead out of the store.

use std::path::{Component, Path};

use proptest::prelude::*;
use proptest::sample::select;
use scrollback_core_id::{EntityKey, MessageKey, PartKey, ProjectId, SessionId, SessionKey};
use scrollback_stor_path::{
    EntityPathError, UnsafeReason, classify, file_name, path_of, safe_component,
};

/// The length in bytes of the longest id that is accepted.
const MAX_ID_BYTES: usize = 250;

#[test]
fn ids_that_opencode_makes_are_safe() {
    let longest = "x".repeat(MAX_ID_BYTES);
    for id in [
        "ses_e04994972ffet9oc5rH3S1zFJZ",
        "global",
        "736588c09fe5b6f574e89e4b9db83defbe4b93ef",
        "día",
        "a.b c",
        "com",
        "com12",
        "console",
        "nul_",
        longest.as_str(),
    ] {
        assert_eq!(safe_component(id), Ok(id));
    }
}

#[test]
fn each_refusal_says_why() {
    let long = "x".repeat(MAX_ID_BYTES + 1);
    let cases = [
        ("", UnsafeReason::Empty),
        (long.as_str(), UnsafeReason::TooLong { bytes: MAX_ID_BYTES + 1 }),
        ("a/b", UnsafeReason::Character('/')),
        ("..\\x", UnsafeReason::Character('\\')),
        ("C:", UnsafeReason::Character(':')),
        ("a\0b", UnsafeReason::Character('\0')),
        ("a\u{9b}b", UnsafeReason::Character('\u{9b}')),
        ("what?", UnsafeReason::Character('?')),
        (".", UnsafeReason::Edge),
        ("..", UnsafeReason::Edge),
        (".git", UnsafeReason::Edge),
        ("x.", UnsafeReason::Edge),
        (" x", UnsafeReason::Edge),
        ("x ", UnsafeReason::Edge),
        ("nul", UnsafeReason::Device),
        ("Con.x.y", UnsafeReason::Device),
        ("AUX .x", UnsafeReason::Device),
        ("com1", UnsafeReason::Device),
        ("LPT³.x", UnsafeReason::Device),
        ("conin$", UnsafeReason::Device),
    ];
    for (id, why) in cases {
        assert_eq!(safe_component(id).unwrap_err().why, why, "{id:?}");
    }
    for id in ["auth", "mcp-auth", "AUTH"] {
        assert_eq!(file_name(id).unwrap_err().why, UnsafeReason::Secret, "{id:?}");
    }
    let error = safe_component("../x").unwrap_err();
    assert_eq!(error.to_string(), "\"../x\" cannot be a file name: it holds '/'");
    assert!(safe_component(&long).unwrap_err().to_string().len() < 150);
}

/// Texts that have a meaning in a path, or seem to have one.
const PATH_PIECES: &[&str] = &[
    "..",
    ".",
    "/",
    "\\",
    "C:",
    "//",
    "\\\\?\\",
    "~",
    "nul",
    "con",
    "auth",
    "mcp-auth",
    " ",
    ".json",
    ".tmp",
    "$HOME",
    "%2e%2e",
    "．．",
    "／",
    "ses_e04994972ffe",
    "storage",
    "é",
    "\u{202e}",
];

/// Generates ids that a program could write into a file: any text, or texts with a meaning in a path.
fn any_id() -> impl Strategy<Value = String> {
    let hostile = prop::collection::vec(select(PATH_PIECES), 1..5);
    let id = prop_oneof![
        "[a-z]{3}_[0-9a-f]{12}[0-9A-Za-z]{0,14}",
        "\\PC{1,12}",
        "\\PC{200,300}",
        hostile.prop_map(|pieces| pieces.concat()),
    ];
    id.prop_filter("an id has no control characters", |id| SessionId::new(id).is_ok())
}

/// Generates keys, the project for the keys that need one, and the ids of the keys.
fn any_key() -> impl Strategy<Value = (EntityKey, ProjectId, [String; 2])> {
    (0..7, any_id(), any_id()).prop_map(|(kind, one, two)| {
        let project = ProjectId::new(&one).unwrap();
        let session: SessionKey = SessionId::new(&two).unwrap().into();
        let key = match kind {
            0 => EntityKey::Project(project.clone()),
            1 => EntityKey::Session(session),
            2 => EntityKey::Diff(session),
            3 => EntityKey::Todo(session),
            4 => EntityKey::Share(session),
            5 => MessageKey { session: session.session, message: one.parse().unwrap() }.into(),
            _ => PartKey { message: one.parse().unwrap(), part: two.parse().unwrap() }.into(),
        };
        (key, project, [one, two])
    })
}

/// Checks whether a path has plain names only, by the rules of Unix and of Windows.
fn stays_inside(path: &Path) -> bool {
    let names = path.components().all(|part| matches!(part, Component::Normal(_)));
    let text = path.to_str().unwrap();
    names
        && !text.contains(':')
        && text.split(std::path::MAIN_SEPARATOR).all(|name| {
            !name.contains(['/', '\\', '\0']) && !name.ends_with(['.', ' ']) && name.len() <= 255
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn no_key_leads_out_of_the_store((key, project, ids) in any_key()) {
        match path_of(&key, Some(&project)) {
            Ok(path) => {
                prop_assert!(stays_inside(&path), "{}", path.display());
                let classified = classify(&path);
                prop_assert_eq!(classified.key(), Some(key.clone()), "{}", path.display());
                if let EntityKey::Project(_) | EntityKey::Session(_) = key {
                    prop_assert_eq!(classified.project(), Some(&project));
                }
            }
            Err(EntityPathError::UnsafeId(error)) => {
                prop_assert!(ids.iter().any(|id| file_name(id).is_err()), "{}", error);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn ordinary_ids_always_have_a_path(id in "(ses|msg|prt|x)_[0-9A-Za-z_.-]{0,200}[0-9a-z]") {
        let key = EntityKey::Diff(SessionId::new(&id).unwrap().into());
        let path = path_of(&key, None);
        prop_assert_eq!(path.map(|path| classify(&path).key()), Ok(Some(key)));
    }

    #[test]
    fn a_classified_path_round_trips(path in "(\\.\\./|/|)(project|session|message|part|todo|\\.\\.)(/\\PC{0,6}){0,3}(/[a-z.]{1,5})?\\.json") {
        let classified = classify(Path::new(&path));
        if let Some(key) = classified.key() {
            // The strict check may refuse a listed name. A path that it makes is the same path.
            if let Ok(rebuilt) = path_of(&key, classified.project()) {
                prop_assert_eq!(rebuilt, Path::new(&path).components().collect::<std::path::PathBuf>());
            }
            prop_assert!(!path.starts_with('/') && !Path::new(&path).components().any(|part| part == Component::ParentDir));
        }
    }
}
