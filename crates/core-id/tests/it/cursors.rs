//! Cursors as text and JSON.

use scrollback_core_id::{Cursor, Epoch, Revision};

#[test]
fn cursors_round_trip_as_text_and_json() {
    let cursor = Cursor { epoch: Epoch(0xabc), revision: Revision(17) };
    assert_eq!(cursor.to_string(), "0000000000000abc:17");
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    let json = serde_json::to_string(&cursor).unwrap();
    assert_eq!(json, "\"0000000000000abc:17\"");
    assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        ":",
        "17",
        "abc:17",
        "0000000000000abc:",
        "0000000000000abc:+1",
        "0000000000000ABC:17",
        "+000000000000abc:17",
        "0000000000000abc:99999999999999999999",
        "0000000000000abc:1:2",
    ] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
        assert!(serde_json::from_str::<Cursor>(&format!("{text:?}")).is_err(), "{text}");
    }
}
