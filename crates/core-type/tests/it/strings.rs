//! Strings are read as in JavaScript, with lone surrogates replaced.

use proptest::prelude::*;
use scrollback_core_type::{LazyStr, Parse, RawJson, repair_surrogates};

fn read(json: &str) -> String {
    LazyStr::parse(json.as_bytes()).unwrap().value.get().into_owned()
}

#[test]
fn escapes_are_read() {
    assert_eq!(read(r#""plain""#), "plain");
    assert_eq!(read(r#""\"\\\/\b\f\n\r\tz""#), "\"\\/\u{8}\u{c}\n\r\tz");
    assert_eq!(read(r#""\u0000\u0041\uD83D\uDE00\ud83d\ude00""#), "\0A😀😀");
}

#[test]
fn lone_surrogates_read_as_replacement_characters() {
    assert_eq!(read(r#""\ud83d""#), "\u{fffd}");
    assert_eq!(read(r#""a\ude00b""#), "a\u{fffd}b");
    assert_eq!(read(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
    assert_eq!(read(r#""\ud83d\n""#), "\u{fffd}\n");
    assert_eq!(read(r#""\ud83dx""#), "\u{fffd}x");
}

#[test]
fn strings_without_escapes_borrow_from_the_input() {
    let json = br#""a long text without any escapes, which is longer than a block of the scanner""#;
    let text = LazyStr::parse(json).unwrap().value;
    assert!(json.as_ptr_range().contains(&text.plain().unwrap().as_ptr()));
    assert!(LazyStr::parse(br#""a\n""#).unwrap().value.plain().is_none());
}

#[test]
fn repair_replaces_lone_surrogates_only() {
    let repaired = |json: &str| {
        let outcome = repair_surrogates(json.as_bytes());
        outcome.map(|(bytes, count)| (String::from_utf8(bytes).unwrap(), count))
    };
    assert_eq!(repaired(r#"{"a":"😀 \u0000 \ud83d\ude00 \\ud83d"}"#), None);
    assert_eq!(repaired(r#"["\ud83d"]"#), Some((r#"["\ufffd"]"#.into(), 1)));
    assert_eq!(repaired(r#"["\\\ud83d"]"#), Some((r#"["\\\ufffd"]"#.into(), 1)));
    let (text, count) = repaired(r#"["\ud83d\ud83d\ude00\ude00\uDE00"]"#).unwrap();
    assert_eq!((text.as_str(), count), (r#"["\ufffd\ud83d\ude00\ufffd\ufffd"]"#, 3));
}

proptest! {
    #[test]
    fn any_string_reads_as_serde_json_reads_it(text: String, ascii: bool) {
        let mut json = serde_json::to_string(&text).unwrap();
        if ascii {
            // Escape all characters beyond ASCII, as other writers do.
            json = json.chars().fold(String::new(), |mut out, c| {
                if c.is_ascii() { out.push(c) } else {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) { out += &format!("\\u{unit:04x}"); }
                }
                out
            });
        }
        prop_assert_eq!(read(&json), &*text);
        prop_assert!(repair_surrogates(json.as_bytes()).is_none());
        let owned = LazyStr::parse(json.as_bytes()).unwrap().value.into_owned();
        prop_assert_eq!(serde_json::to_string(&owned).unwrap(), serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn repair_keeps_length_and_makes_sound_json(units in prop::collection::vec(
        prop_oneof![0xd7f0..0xe010_u16, any::<u16>()], 0..20,
    )) {
        let json = format!("[\"{}\"]", units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>());
        let truth = String::from_utf16_lossy(&units);
        prop_assert_eq!(read(&json[1..json.len() - 1]), &*truth);
        let repaired = repair_surrogates(json.as_bytes());
        prop_assert_eq!(repaired.is_none(), String::from_utf16(&units).is_ok());
        let sound = repaired.map_or(json.clone().into_bytes(), |(bytes, _)| bytes);
        prop_assert_eq!(sound.len(), json.len());
        let raw = RawJson::parse(&sound).unwrap().value;
        prop_assert_eq!(raw.deserialize::<Vec<String>>().unwrap(), [truth]);
    }
}
