//! The accepted grammar is that of serde_json, on generated and on mangled texts.

use proptest::prelude::*;
use scrollback_core_err::IssueKind;
use scrollback_core_type::json::{self, MAX_DEPTH};
use scrollback_core_type::{MessageHead, Parse, Part, RawJson};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Checks a text with serde_json, which, like this crate, accepts any code unit in a `\u` escape.
fn serde_accepts(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[test]
fn odd_texts_are_judged_as_serde_json_does() {
    let texts = [
        "0",
        "-0",
        "00",
        "01",
        "-",
        "1.",
        ".5",
        "1.5e",
        "1e5",
        "1E+5",
        "1e-",
        "+1",
        "true",
        "tru",
        "nul",
        "null ",
        " null",
        "nulll",
        "\"\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\x\"",
        "\"a\nb\"",
        "\"\u{7f}\"",
        "[]",
        "[,]",
        "[1,]",
        "[1 2]",
        "{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":1}x",
        "[[[]]]",
        "[}",
        "{]",
        "\u{feff}1",
        "'a'",
        "NaN",
        "Infinity",
        "\t[\r\n1 ]",
        "\u{a0}1",
        "{\"\\ud83d\":1}",
        "[\"\\ud83d\"]",
        "1 2",
        "",
        " ",
    ];
    for text in texts {
        assert_eq!(json::check(text.as_bytes()).is_ok(), serde_accepts(text), "{text:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn sound_json_is_accepted_and_kept(value in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        prop_assert!(json::check(text.as_bytes()).is_ok());
        let raw = RawJson::parse(text.as_bytes()).unwrap().value;
        prop_assert_eq!(raw.get(), &text);
        prop_assert_eq!(serde_json::to_value(&raw).unwrap(), value);
    }

    #[test]
    fn mangled_json_is_judged_as_serde_json_does(
        value in any_json(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\{}[],:0-.eE+ \n\tut"[..])],
        cut: bool,
    ) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            prop_assert_eq!(json::check(&bytes).is_ok(), serde_accepts(text), "{:?}", text);
        } else {
            prop_assert!(json::check(&bytes).is_err());
        }
    }

    #[test]
    fn numbers_are_read_as_std_reads_them(
        text in "-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ) {
        let record = format!(r#"{{"role":"assistant","cost":{text},"time":{{"created":{text}}}}}"#);
        let head = MessageHead::parse(record.as_bytes()).unwrap().value;
        let double = text.parse::<f64>().ok().filter(|double| double.is_finite());
        prop_assert_eq!(head.cost.map(|cost| cost.0.to_bits()), double.map(f64::to_bits));
        let rounded = double.map(f64::round).filter(|rounded| rounded.abs() < 2_f64.powi(63));
        let whole = text.parse::<i64>().ok().or(rounded.map(|rounded| rounded as i64));
        prop_assert_eq!(head.time.unwrap().created, whole);
    }

    #[test]
    fn any_bytes_are_judged_without_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let accepted = json::check(&bytes).is_ok();
        prop_assert_eq!(accepted, std::str::from_utf8(&bytes).is_ok_and(serde_accepts));
        let _ = Part::parse(&bytes);
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json::check(nested(MAX_DEPTH).as_bytes()).is_ok());
    for depth in [MAX_DEPTH + 1, 100_000] {
        let issue = json::check(nested(depth).as_bytes()).unwrap_err();
        assert_eq!(issue.kind, IssueKind::TooDeep { limit: MAX_DEPTH });
        assert_eq!(issue.place.offset, Some(MAX_DEPTH as u64));
    }
    let part = format!(
        r#"{{"type":"tool","state":{{"status":"completed","input":{}}}}}"#,
        nested(100_000)
    );
    assert_eq!(
        Part::parse(part.as_bytes()).unwrap_err().kind,
        IssueKind::TooDeep { limit: MAX_DEPTH }
    );
}

#[test]
fn unusable_texts_say_why_and_where() {
    let kind = |bytes: &[u8]| {
        let issue = *Part::parse(bytes).unwrap_err();
        (issue.kind, issue.place.offset)
    };
    assert_eq!(kind(b""), (IssueKind::Empty, Some(0)));
    assert_eq!(kind(&[0; 4096]), (IssueKind::NulFilled, Some(0)));
    assert_eq!(kind(b"{\"type\": \"te\xff\"}"), (IssueKind::NotUtf8, Some(12)));
    assert_eq!(kind(b"{\"type\": \"te"), (IssueKind::Truncated, Some(12)));
    assert_eq!(kind(b"[1]"), (IssueKind::WrongShape { expected: "a part record" }, Some(0)));
    assert_eq!(kind(b"[1"), (IssueKind::Truncated, Some(2)));
    // After a rewrite in place that shrinks the file: the new value, then the tail of the old value.
    let problem = "more after the end of the value";
    assert_eq!(kind(b"{\"type\": \"text\"}\"}"), (IssueKind::BadJson { problem }, Some(16)));
}
