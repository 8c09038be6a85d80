//! Pinned facts: sizes of common types, names and numbers of part kinds, subagents.

use scrollback_core_type::{
    AssistantMessage, Extra, LazyStr, Message, Parse, Part, PartKind, RawJson, ToolPart,
};

#[test]
fn hot_types_stay_small() {
    assert_eq!(size_of::<LazyStr<'_>>(), 24);
    assert_eq!(size_of::<RawJson<'_>>(), 24);
    assert_eq!(size_of::<Extra<'_>>(), 8);
    assert!(size_of::<Part<'_>>() <= 56, "{}", size_of::<Part<'_>>());
    assert!(size_of::<Message<'_>>() <= 56, "{}", size_of::<Message<'_>>());
    assert!(size_of::<ToolPart<'_>>() <= 280, "{}", size_of::<ToolPart<'_>>());
    assert!(size_of::<AssistantMessage<'_>>() <= 800, "{}", size_of::<AssistantMessage<'_>>());
}

#[test]
fn part_kinds_and_their_names_agree() {
    assert_eq!(PartKind::KNOWN.len(), 12);
    for kind in PartKind::KNOWN {
        assert_eq!(PartKind::from_name(kind.name()), *kind);
    }
    assert_eq!(PartKind::from_name("unknown"), PartKind::Unknown);
}

/// Snapshot files hold these numbers. They never change, and a new kind gets a new number.
#[test]
fn part_kinds_keep_their_numbers() {
    let numbers = PartKind::KNOWN.iter().map(|kind| (kind.name(), kind.number()));
    assert!(numbers.eq([
        ("text", 1),
        ("reasoning", 2),
        ("file", 3),
        ("tool", 4),
        ("step-start", 5),
        ("step-finish", 6),
        ("snapshot", 7),
        ("patch", 8),
        ("agent", 9),
        ("subtask", 10),
        ("retry", 11),
        ("compaction", 12),
    ]));
    assert_eq!(PartKind::Unknown.number(), 255);
    for kind in PartKind::KNOWN.iter().chain([&PartKind::Unknown]) {
        assert_eq!(PartKind::from_number(kind.number()), *kind);
    }
    assert_eq!(PartKind::from_number(200), PartKind::Unknown, "of a later version");
}

#[test]
fn a_task_names_its_subagent() {
    let text = br#"{"type":"tool","tool":"task","state":{"status":"completed","metadata":{"sessionId":"ses_child","model":{"x":"\n"}}}}"#;
    let Part::Tool(call) = Part::parse(text).unwrap().value else { panic!("a tool call") };
    assert_eq!(call.state.unwrap().subagent().unwrap().as_str(), "ses_child");
}
