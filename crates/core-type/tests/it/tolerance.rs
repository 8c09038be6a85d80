//! Unexpected fields do not affect other fields: unknown fields are kept, and fields of a wrong type are kept
//! as raw JSON and reported.

use scrollback_core_err::IssueKind;
use scrollback_core_type::{
    AssistantMessage, ErrorKind, FileDiff, Message, Parse, Part, PartKind, Role, Session, Share,
    Todo, ToolState,
};
use serde_json::{Value, json};

/// Parses a text, checks that writing gives the same JSON, and returns the value and the issues.
fn round_trip<'a, T: Parse<'a> + serde::Serialize>(text: &'a str) -> (T, Vec<(String, IssueKind)>) {
    let parsed = T::parse(text.as_bytes()).unwrap();
    let stored: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&parsed.value).unwrap(), stored);
    let field = |issue: &scrollback_core_err::Issue| issue.place.field.clone().unwrap_or_default();
    let issues = parsed.issues.iter().map(|issue| (field(issue), issue.kind.clone())).collect();
    (parsed.value, issues)
}

fn converted(field: &str, expected: &'static str, value: &str) -> (String, IssueKind) {
    (field.into(), IssueKind::Converted { expected, value: value.into() })
}

fn wrong_type(field: &str, expected: &'static str) -> (String, IssueKind) {
    (field.into(), IssueKind::WrongType { expected })
}

#[test]
fn unknown_fields_survive_at_every_level() {
    let text = r#"{"id":"ses_1","later":{"deep":[1,{"x":null}]},"time":{"created":1,"paused":2.5},"summary":{"files":1,"extra":"\u0000"}}"#;
    let (session, issues) = round_trip::<Session>(text);
    assert_eq!(issues, []);
    assert_eq!(session.extra.get("later").unwrap().get(), r#"{"deep":[1,{"x":null}]}"#);
    assert_eq!(session.time.unwrap().extra.get("paused").unwrap().get(), "2.5");
}

#[test]
fn fields_of_a_wrong_type_are_absent_raw_and_reported() {
    let text = r#"{"id":7,"title":{"a":1},"time":{"created":"now","updated":3},"version":"1","permission":[{"action":1},2],"directory":"/d","cost":"0.1"}"#;
    let (session, issues) = round_trip::<Session>(text);
    assert_eq!(
        issues,
        [
            wrong_type("id", "an id"),
            wrong_type("title", "a string"),
            wrong_type("time.created", "a whole number"),
            wrong_type("permission", "an array"),
            converted("cost", "a number", "\"0.1\""),
        ]
    );
    assert_eq!(session.title, None);
    assert_eq!(session.time.as_ref().unwrap().updated, Some(3));
    assert_eq!(session.directory.unwrap(), "/d");
    assert_eq!(session.extra.get("title").unwrap().get(), r#"{"a":1}"#);
}

#[test]
fn numbers_keep_their_kind() {
    let text = r#"{"role":"assistant","cost":0,"tokens":{"input":-5,"output":9007199254740993,"reasoning":1.5,"total":1e3}}"#;
    let parsed = AssistantMessage::parse(text.as_bytes()).unwrap();
    let tokens = parsed.value.tokens.as_ref().unwrap();
    assert_eq!((tokens.input, tokens.output), (Some(-5), Some(9_007_199_254_740_993)));
    assert_eq!((tokens.reasoning, tokens.total), (Some(2), Some(1000)));
    let written = serde_json::to_value(&parsed.value).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(written["cost"], json!(0));

    for cost in ["0.012345", "1.7976931348623157e308", "5e-324", "123456789012", "-0.5"] {
        round_trip::<AssistantMessage>(&format!(r#"{{"role":"assistant","cost":{cost}}}"#));
    }
    let (message, issues) = round_trip::<Todo>(r#"{"content":"x","priority":1}"#);
    assert_eq!(issues, [wrong_type("priority", "a string")]);
    assert_eq!(message.content.unwrap(), "x");
}

#[test]
fn whole_numbers_are_read_to_their_limits() {
    let read = |number: &str| {
        let text = format!(r#"{{"id":"prt_1","type":"text","time":{{"start":{number}}}}}"#);
        Part::parse(text.as_bytes()).map(|parsed| match parsed.value {
            Part::Text(text) => text.time.unwrap().start,
            other => panic!("{other:?}"),
        })
    };
    for whole in [
        0,
        -1,
        999_999_999_999_999_999,
        -999_999_999_999_999_999,
        1_000_000_000_000_000_000,
        i64::MAX,
        i64::MIN,
    ] {
        assert_eq!(read(&whole.to_string()), Ok(Some(whole)));
    }
    assert_eq!(read("-0"), Ok(Some(0)));
    for declined in ["9223372036854775808", "-9223372036854775809", "1e19", "-1e300"] {
        assert_eq!(read(declined), Ok(None), "{declined}");
    }
    for (fraction, rounded) in
        [("1.5", 2), ("-1.5", -2), ("10.4", 10), ("1e3", 1000), ("0.0", 0), ("0E1", 0)]
    {
        assert_eq!(read(fraction), Ok(Some(rounded)), "{fraction}");
    }
    for bad in ["01", "-", "-01", "00", "1.", "1e", "--1", "123456789012345678x"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

/// Source: anomalyco/opencode#38703, where usage of a provider is stored unchecked. Text and fractions
/// are variations of it.
#[test]
fn numbers_in_text_and_fractions_are_read_with_an_issue_and_written_back() {
    let text = r#"{"role":"assistant","cost":" 0.50 ","tokens":{"input":"1200","output":10.6,"reasoning":null,"cache":{"read":"-7","write":"9007199254740993"}},"time":{"created":"1790000001010"}}"#;
    let (message, issues) = round_trip::<AssistantMessage>(text);
    assert_eq!(
        issues,
        [
            converted("cost", "a number", "\" 0.50 \""),
            converted("tokens.input", "a whole number", "\"1200\""),
            converted("tokens.output", "a whole number", "10.6"),
            converted("tokens.cache.read", "a whole number", "\"-7\""),
            converted("tokens.cache.write", "a whole number", "\"9007199254740993\""),
            converted("time.created", "a whole number", "\"1790000001010\""),
        ]
    );
    let tokens = message.tokens.as_ref().unwrap();
    assert_eq!((tokens.input, tokens.output, tokens.reasoning), (Some(1200), Some(11), None));
    let cache = tokens.cache.as_ref().unwrap();
    assert_eq!((cache.read, cache.write), (Some(-7), Some(9_007_199_254_740_993)));
    assert_eq!(message.cost.unwrap().0, 0.5);

    for not_a_number in
        ["\"\"", "\"NaN\"", "\"inf\"", "\"12 apples\"", "\"1,200\"", "\"1e999\"", "[1]"]
    {
        let text = format!(r#"{{"role":"assistant","cost":{not_a_number}}}"#);
        let (message, issues) = round_trip::<AssistantMessage>(&text);
        assert_eq!((message.cost, issues), (None, vec![wrong_type("cost", "a number")]), "{text}");
    }
    let long = format!(r#"{{"role":"assistant","cost":"1{}"}}"#, "0".repeat(100));
    let (_, issues) = round_trip::<AssistantMessage>(&long);
    assert!(matches!(&issues[0].1, IssueKind::Converted { value, .. } if value.len() < 50));
}

#[test]
fn nulls_are_absent_and_written_back_without_an_issue() {
    let (session, issues) = round_trip::<Session>(r#"{"id":"ses_1","parentID":null,"time":null}"#);
    assert_eq!((issues.len(), session.parent_id, session.time), (0, None, None));
}

#[test]
fn the_last_of_two_equal_field_names_counts() {
    let title = |text: &str| {
        let session = Session::parse(text.as_bytes()).unwrap().value;
        let written = serde_json::to_string(&session).unwrap();
        let rewritten: Value = serde_json::from_str(&written).unwrap();
        (session.title.map(|title| title.get().into_owned()), rewritten["title"].clone())
    };
    assert_eq!(title(r#"{"title":"a","title":"b"}"#), (Some("b".into()), json!("b")));
    assert_eq!(title(r#"{"title":1,"title":"b"}"#), (Some("b".into()), json!("b")));
    assert_eq!(title(r#"{"title":"a","title":1}"#), (None, json!(1)));
}

#[test]
fn unknown_roles_kinds_and_statuses_are_kept_whole() {
    let (message, issues) = round_trip::<Message>(r#"{"id":"msg_1","role":"judge","verdict":[1]}"#);
    assert_eq!(message.role(), Role::Unknown);
    let unknown = |category, value: &str| IssueKind::Unknown { category, value: value.into() };
    assert_eq!(issues, [(String::new(), unknown("role", "judge"))]);
    let (message, issues) = round_trip::<Message>(r#"{"id":"msg_1"}"#);
    assert_eq!((message.role(), issues.len()), (Role::Unknown, 1));

    let (part, issues) = round_trip::<Part>(r#"{"id":"prt_1","type":"hologram","beam":{"x":1}}"#);
    assert_eq!(part.kind(), PartKind::Unknown);
    assert_eq!(issues, [(String::new(), unknown("part type", "hologram"))]);
    let (part, _) = round_trip::<Part>(r#"{"type":7}"#);
    assert_eq!(part.kind(), PartKind::Unknown);

    let text = r#"{"type":"tool","tool":"x","state":{"status":"paused","input":{"a":[]}}}"#;
    let (part, issues) = round_trip::<Part>(text);
    let Part::Tool(call) = part else { panic!("a tool call") };
    assert!(matches!(call.state, Some(ToolState::Unknown(_))));
    assert_eq!(issues, [("state".into(), unknown("tool status", "paused"))]);
    let long = format!(r#"{{"type":"{}"}}"#, "é".repeat(1000));
    let (_, issues) = round_trip::<Part>(&long);
    assert!(matches!(&issues[0].1, IssueKind::Unknown { value, .. } if value.len() < 100));
}

#[test]
fn the_tag_may_stand_anywhere() {
    let text =
        r#"{"text":"hi \"there\"","state":{"type":"tool"},"messageID":"msg_1","type":"text"}"#;
    let (part, issues) = round_trip::<Part>(text);
    assert_eq!((part.kind(), issues.len()), (PartKind::Text, 0));
}

#[test]
fn errors_have_their_names() {
    let names = [
        ("ProviderAuthError", ErrorKind::ProviderAuth),
        ("UnknownError", ErrorKind::Unknown),
        ("MessageOutputLengthError", ErrorKind::OutputLength),
        ("MessageAbortedError", ErrorKind::Aborted),
        ("StructuredOutputError", ErrorKind::StructuredOutput),
        ("ContextOverflowError", ErrorKind::ContextOverflow),
        ("APIError", ErrorKind::Api),
        ("ContentFilterError", ErrorKind::ContentFilter),
        ("QuantumError", ErrorKind::Other),
    ];
    for (name, kind) in names {
        let text = format!(
            r#"{{"role":"assistant","error":{{"name":"{name}","data":{{"message":"m","statusCode":429,"isRetryable":true,"responseHeaders":{{"a":"b"}},"novel":1}}}}}}"#
        );
        let (message, issues) = round_trip::<AssistantMessage>(&text);
        assert_eq!(issues, []);
        let error = message.error.unwrap();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.data.unwrap().status_code, Some(429));
    }
}

#[test]
fn both_shapes_of_a_file_diff_are_read() {
    let text = r#"[{"file":"a","before":"1","after":"2","additions":1,"deletions":1,"status":"modified"},{"file":"b","patch":"@@","additions":1,"deletions":0}]"#;
    let (diffs, issues) = round_trip::<Vec<FileDiff>>(text);
    assert_eq!(issues, []);
    assert_eq!(diffs[0].before.as_ref().unwrap(), &"1");
    assert_eq!(diffs[1].patch.as_ref().unwrap(), &"@@");
}

#[test]
fn share_secrets_are_never_kept() {
    let share =
        Share::parse(br#"{"id":"s","secret":"hush","url":"https://x/s","n":1}"#).unwrap().value;
    assert!(!format!("{share:?}").contains("hush"));
    let written = serde_json::to_value(&share).unwrap();
    assert_eq!(written, json!({"id": "s", "url": "https://x/s", "n": 1}));
    // The name of the field may contain escapes.
    let share = Share::parse(br#"{"\u0073ecret":"hush","\u0075rl":"u"}"#).unwrap().value;
    assert_eq!(serde_json::to_value(&share).unwrap(), json!({"url": "u"}));
    let session = Session::parse(br#"{"share":{"secret":{"a":"hush"},"url":"u"}}"#).unwrap().value;
    assert!(!format!("{session:?}").contains("hush"));
}
