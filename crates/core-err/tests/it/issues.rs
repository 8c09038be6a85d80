//! The text of each kind of issue, and of each form of a place.

use std::io::ErrorKind;
use std::path::Path;

use scrollback_core_err::{Issue, IssueKind, Place};

/// Returns each kind and its text.
fn kinds() -> Vec<(IssueKind, &'static str)> {
    use IssueKind::*;
    vec![
        (Empty, "the file is empty"),
        (NulFilled, "the file holds only NUL bytes"),
        (NotUtf8, "the text is not UTF-8"),
        (Truncated, "the JSON ends in the middle of a value"),
        (BadJson { problem: "a second value" }, "this is not JSON: a second value"),
        (TooDeep { limit: 512 }, "the JSON is nested deeper than 512 levels"),
        (WrongShape { expected: "a session record" }, "expected a session record"),
        (WrongType { expected: "a string" }, "expected a string; the field is kept as raw JSON"),
        (
            Converted { expected: "a number", value: "\"0.5\"".to_owned() },
            r#"expected a number; "0.5" was converted"#,
        ),
        (ImpossibleNumber { value: "-7".to_owned() }, "-7 is negative, which cannot be"),
        (
            Unknown { category: "part type", value: "a\"\u{1b}[31m".to_owned() },
            r#"unknown part type "a\"\u{1b}[31m"; kept as raw JSON"#,
        ),
        (LoneSurrogates { count: 1 }, "1 lone surrogate replaced by U+FFFD"),
        (LoneSurrogates { count: 2 }, "2 lone surrogates replaced by U+FFFD"),
        (
            TooLarge { size: 300_000_000, limit: 67_108_864 },
            "300000000 bytes are over the limit of 67108864; read it on request",
        ),
        (
            OverTotal { size: 300, limit: 1000 },
            "left out: its 300 bytes would bring this read over the total limit of 1000; read it by itself",
        ),
        (NotAFile, "expected a file"),
        (NotADirectory, "expected a directory"),
        (Link, "a link inside the store is not followed"),
        (
            Unreadable {
                action: "open",
                error: "permission denied".to_owned(),
                kind: ErrorKind::PermissionDenied,
            },
            "cannot open: permission denied",
        ),
        (Vanished, "gone since it was listed"),
        (Unsettled { tries: 1 }, "still being written after 1 attempt"),
        (Unsettled { tries: 4 }, "still being written after 4 attempts"),
        (BadId { reason: "it holds '/'".to_owned() }, "not a valid id: it holds '/'"),
        (
            Duplicate { used_copy: "session/p/ses_1".to_owned() },
            "found twice; session/p/ses_1 is used",
        ),
        (
            ForeignRecord { owner: "ses_1".to_owned() },
            "the record is of \"ses_1\", which the name is not; not read",
        ),
        (
            CopyHasMore { copy: "opencode.db".to_owned(), count: 2 },
            "the copy in opencode.db has 2 messages that the chosen copy lacks",
        ),
        (
            IdMismatch { field: "sessionID", value_in_record: "ses_2".to_owned() },
            r#"the record says sessionID is "ses_2"; the id of its file or row is used"#,
        ),
        (OrphanParts { count: 1 }, "1 part of a message that is not there"),
        (OrphanParts { count: 3 }, "3 parts of a message that is not there"),
        (OrphanMessages { count: 1 }, "1 message of a session that is not there"),
        (OrphanMessages { count: 0 }, "0 messages of a session that is not there"),
        (OrphanAttachment, "a diff or todo list of a session that is not there"),
        (NoParts, "the message has no parts"),
        (
            Database { message: "a page is damaged".into() },
            "the database cannot read it: a page is damaged",
        ),
        (Provisional, "read while it may have been written; not settled yet"),
    ]
}

#[test]
fn each_kind_has_its_text() {
    for (kind, words) in kinds() {
        assert_eq!(kind.to_string(), words);
        assert_eq!(Issue::new(Place::path("x"), kind).to_string(), format!("x: {words}"));
    }
}

#[test]
fn every_kind_is_in_the_list() {
    let mut kinds: Vec<_> = kinds().iter().map(|(kind, _)| std::mem::discriminant(kind)).collect();
    kinds.dedup();
    // Each kind has an `#[error]` attribute, and `Issue` itself has one more.
    let text_count = include_str!("../../src/issue.rs").matches("#[error(").count();
    assert_eq!(kinds.len(), text_count - 1);
}

#[test]
fn a_place_prints_the_fields_that_it_has() {
    let file = Path::new("session").join("p").join("ses_1.json");
    let path_text = file.display();
    let field = || Some("time.created".to_owned());
    for (path, offset, field, words) in [
        (None, None, None, "input".to_owned()),
        (None, Some(0), None, "input, byte 0".to_owned()),
        (None, None, field(), "input, field time.created".to_owned()),
        (None, Some(7), field(), "input, byte 7, field time.created".to_owned()),
        (Some(&file), None, None, format!("{path_text}")),
        (Some(&file), Some(7), None, format!("{path_text}, byte 7")),
        (Some(&file), None, field(), format!("{path_text}, field time.created")),
        (Some(&file), Some(7), field(), format!("{path_text}, byte 7, field time.created")),
    ] {
        let place = Place { path: path.cloned(), offset, len: None, field };
        assert_eq!(place.to_string(), words);
    }
    assert_eq!(Place::path("a").at_range(3..7).to_string(), "a, bytes 3 to 7");
}

#[test]
fn places_are_built_step_by_step() {
    assert_eq!(Place::default(), Place { path: None, offset: None, len: None, field: None });
    let place = Place::path("a/b").at_offset(1);
    assert_eq!(place, Place { path: Some("a/b".into()), offset: Some(1), len: None, field: None });
    assert_eq!(place.clone().at_offset(2), Place { offset: Some(2), ..place });
}

#[test]
fn issues_are_errors_without_a_source() {
    let issue: Box<dyn std::error::Error> =
        Box::new(Issue::new(Place::default(), IssueKind::Empty));
    assert!(issue.source().is_none(), "the kind is in the message already");
}

#[test]
#[cfg(target_pointer_width = "64")]
fn sizes_are_known() {
    assert_eq!(size_of::<Place>(), 72);
    assert_eq!(size_of::<IssueKind>(), 48);
    assert_eq!(size_of::<Issue>(), 120);
    assert_eq!(size_of::<Result<(), Box<Issue>>>(), 8);
}
