//! Shapes that are pinned: sizes of hot types, names, subagents.

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

#[test]
fn a_task_names_its_subagent() {
    let text = br#"{"type":"tool","tool":"task","state":{"status":"completed","metadata":{"sessionId":"ses_child","model":{"x":"\n"}}}}"#;
    let Part::Tool(call) = Part::parse(text).unwrap().value else { panic!("a tool call") };
    assert_eq!(call.state.unwrap().subagent().unwrap().as_str(), "ses_child");
}
