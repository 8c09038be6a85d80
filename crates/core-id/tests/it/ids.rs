//! Ids as values: which texts are ids, how ids compare, hash and print, and when they allocate.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::mem::size_of_val;

use proptest::prelude::*;
use scrollback_core_id::{CallId, IdError, MessageId, PartId, ProjectId, SessionId};

#[test]
fn only_empty_texts_and_control_characters_are_refused() {
    assert_eq!(SessionId::new(""), Err(IdError::Empty));
    for (text, at) in [
        ("\0", 0),
        ("a\nb", 1),
        ("ses_\x1b[31m", 4),
        ("\x7f", 0),
        ("ab\u{80}", 2),
        ("ä\u{9f}\0", 2),
        ("\u{1f600}\t", 4),
    ] {
        assert_eq!(SessionId::new(text), Err(IdError::Control { at }), "{text:?}");
    }
    for text in [" ", "a b", "../x", "a/b", "\u{a0}", "\u{ad}", "\u{202e}", "日本語", "\u{1f600}"]
    {
        assert_eq!(SessionId::new(text).unwrap().as_str(), text);
    }
    assert_eq!(IdError::Empty.to_string(), "an id may not be empty");
    assert_eq!(
        IdError::Control { at: 4 }.to_string(),
        "an id may not hold a control character (at byte 4)"
    );
}

/// Checks whether the text is inside the value itself, not on the heap.
fn is_inline(id: &ProjectId) -> bool {
    let (start, text) = (std::ptr::from_ref(id).addr(), id.as_str().as_ptr().addr());
    (start..start + size_of_val(id)).contains(&text)
}

#[test]
fn up_to_thirty_bytes_are_kept_in_place() {
    for (text, in_place) in [
        ("x", true),
        (&*"x".repeat(30), true),
        (&*"é".repeat(15), true),
        (&*"x".repeat(31), false),
        (&*"日".repeat(10), true),
        (&*format!("{}x", "日".repeat(10)), false),
        (&*"0123456789abcdef".repeat(100), false),
    ] {
        let id = ProjectId::new(text).unwrap();
        assert_eq!((id.as_str(), id.as_bytes()), (text, text.as_bytes()));
        assert_eq!(is_inline(&id), in_place, "{text}");
        // A clone is in place as well, or shares the text. Neither allocates.
        let clone = id.clone();
        assert_eq!(clone, id);
        assert_eq!(is_inline(&clone), in_place, "{text}");
        assert_eq!(clone.as_str().as_ptr() == id.as_str().as_ptr(), !in_place, "{text}");
    }
    assert_eq!("ses_e04994972ffet9oc5rH3S1zFJZ".len(), 30);
}

#[test]
fn ids_print_as_they_are() {
    let id = MessageId::new("msg_1").unwrap();
    assert_eq!(id.to_string(), "msg_1");
    assert_eq!(format!("{id:>7}|{id:<7}|"), "  msg_1|msg_1  |");
    assert_eq!(format!("{id:?}"), r#"MessageId("msg_1")"#);
    assert_eq!("msg_1".parse(), Ok(id));
}

#[test]
fn json_holds_the_plain_text() {
    let id: CallId = serde_json::from_str(r#""call_\u00e9\"""#).unwrap();
    assert_eq!(id.as_str(), "call_é\"");
    assert_eq!(serde_json::to_string(&id).unwrap(), r#""call_é\"""#);

    let error = serde_json::from_str::<CallId>(r#""""#).unwrap_err().to_string();
    assert!(error.starts_with("an id may not be empty"), "{error}");
    let error = serde_json::from_str::<CallId>(r#""a\u0000""#).unwrap_err().to_string();
    assert!(error.starts_with("an id may not hold a control character (at byte 1)"), "{error}");
    let error = serde_json::from_str::<CallId>("7").unwrap_err().to_string();
    assert!(error.contains("expected an id: a non-empty string"), "{error}");

    let mut keys: BTreeMap<MessageId, u8> = serde_json::from_str(r#"{"msg_1":1}"#).unwrap();
    assert_eq!(keys.remove("msg_1"), Some(1), "ids are keys of JSON objects, and found by text");
}

/// Returns texts that are shorter and longer than the limit for texts in place.
fn any_id() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{1,40}", "[ab]{1,3}", "[a-z]{29,32}", "(ses|msg)_[0-9a-f]{12}[0-9A-Za-z]{14}"]
}

proptest! {
    #[test]
    fn any_text_is_an_id_or_the_error_has_the_offset(text: String) {
        let control = text.char_indices().find(|(_, c)| c.is_control()).map(|(at, _)| at);
        let expected = match (text.is_empty(), control) {
            (true, _) => Err(IdError::Empty),
            (false, Some(at)) => Err(IdError::Control { at }),
            (false, None) => Ok(&*text),
        };
        let id = PartId::new(&text);
        prop_assert_eq!(id.as_ref().map(PartId::as_str), expected.as_ref().map(|text| *text));
    }

    #[test]
    fn the_error_has_the_first_control_character(before in "\\PC{0,40}", control in "\\p{Cc}", after: String) {
        let text = format!("{before}{control}{after}");
        prop_assert_eq!(PartId::new(&text), Err(IdError::Control { at: before.len() }));
    }

    #[test]
    fn ids_order_compare_and_hash_as_their_text(one in any_id(), two in any_id()) {
        let (a, b) = (SessionId::new(&one).unwrap(), SessionId::new(&two).unwrap());
        prop_assert_eq!(a.cmp(&b), one.as_bytes().cmp(two.as_bytes()));
        prop_assert_eq!(a == b, one == two);
        let state = RandomState::new();
        prop_assert_eq!(state.hash_one(&a), state.hash_one::<&str>(a.borrow()));

        let map = HashMap::from([(a, 1), (b, 2)]);
        prop_assert_eq!(map.get(two.as_str()), Some(&2));
        prop_assert_eq!(map.len(), if one == two { 1 } else { 2 });
    }

    #[test]
    fn json_round_trips(text in any_id()) {
        let id = SessionId::new(&text).unwrap();
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&text).unwrap());
        prop_assert_eq!(serde_json::from_str::<SessionId>(&json).unwrap(), id.clone());
        prop_assert_eq!(serde_json::from_reader::<_, SessionId>(json.as_bytes()).unwrap(), id);
    }
}
