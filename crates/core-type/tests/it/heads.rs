//! Heads agree with whole records, and order times are read without the rest of a record.

use scrollback_core_type::{
    AssistantMessage, MessageHead, Parse, PartHead, PartKind, Session, SessionHead, order_time,
};

const ANSWER: &str = r#"{"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{"created":5,"completed":9},
    "parentID":"msg_0","modelID":"m","providerID":"p","mode":"build","agent":"build","cost":0.25,
    "tokens":{"input":1,"output":2,"reasoning":3,"cache":{"read":4,"write":5}},"finish":"stop",
    "error":{"name":"APIError","data":{"message":"x"}},"summary":true,"text":[1,{"a":"b"}]}"#;

#[test]
fn a_message_head_agrees_with_the_record() {
    let head = MessageHead::parse(ANSWER.as_bytes()).unwrap().value;
    let whole = AssistantMessage::parse(ANSWER.as_bytes()).unwrap().value;
    assert_eq!(head.parent_id, whole.parent_id);
    assert_eq!(head.cost, whole.cost);
    assert_eq!(head.finish, whole.finish);
    assert_eq!(head.summary.unwrap().get(), "true");
    assert_eq!(head.error.unwrap().name, whole.error.unwrap().name);
    let (head, whole) = (head.tokens.unwrap(), whole.tokens.unwrap());
    assert_eq!((head.input, head.output, head.reasoning), (Some(1), Some(2), Some(3)));
    assert_eq!(head.cache.unwrap().write, whole.cache.unwrap().write);
}

#[test]
fn parsing_into_a_head_replaces_all_fields() {
    let mut head = MessageHead::default();
    head.parse_into(ANSWER.as_bytes()).unwrap();
    assert_eq!(head, MessageHead::parse(ANSWER.as_bytes()).unwrap().value);
    head.parse_into(br#"{"cost":1}"#).unwrap();
    assert_eq!(head, MessageHead::parse(br#"{"cost":1}"#).unwrap().value);
    let cut = head.parse_into(br#"{"cost":1,"finish":"#).unwrap_err();
    assert_eq!(cut, MessageHead::parse(br#"{"cost":1,"finish":"#).unwrap_err());
    assert_eq!(head, MessageHead::default());
}

#[test]
fn a_field_of_a_wrong_type_is_absent_from_a_head() {
    let user = r#"{"role":"user","summary":{"diffs":[]},"time":[1],"model":{"modelID":"m","providerID":"p"}}"#;
    let parsed = MessageHead::parse(user.as_bytes()).unwrap();
    let issues: Vec<String> = parsed.issues.iter().map(ToString::to_string).collect();
    assert_eq!(
        issues,
        ["input, byte 45, field time: expected an object; the field is kept as raw JSON"]
    );
    let head = parsed.value;
    assert_eq!(head.time, None);
    assert_eq!(head.model.unwrap().model_id.unwrap(), "m");
}

/// Source: a variation of anomalyco/opencode#38703.
#[test]
fn a_head_converts_numbers_as_its_record_does() {
    let text = r#"{"role":"assistant","cost":"0.5","tokens":{"input":"1200","output":10.6,"cache":{"read":null}}}"#;
    let mut head = MessageHead::default();
    let issues = head.parse_into(text.as_bytes()).unwrap();
    let whole = AssistantMessage::parse(text.as_bytes()).unwrap();
    assert_eq!(issues, whole.issues);
    assert_eq!(issues.len(), 3);
    let (tokens, whole_tokens) = (head.tokens.unwrap(), whole.value.tokens.unwrap());
    assert_eq!((tokens.input, tokens.output), (Some(1200), Some(11)));
    assert_eq!((tokens.input, tokens.output), (whole_tokens.input, whole_tokens.output));
    assert_eq!((head.cost, head.cost.map(|cost| cost.0)), (whole.value.cost, Some(0.5)));
}

#[test]
fn session_and_part_heads_agree_with_their_records() {
    let text = r#"{"title":"T","parentID":"ses_0","projectID":"p","directory":"/d","version":"1","time":{"created":1,"updated":2,"archived":3}}"#;
    let head = SessionHead::parse(text.as_bytes()).unwrap().value;
    let whole = Session::parse(text.as_bytes()).unwrap().value;
    assert_eq!((head.title, head.parent_id), (whole.title, whole.parent_id));
    assert_eq!(head.time.unwrap().archived, Some(3));

    let text = r#"{"type":"tool","tool":"bash","state":{"input":{},"status":"running"}}"#;
    let head = PartHead::parse(text.as_bytes()).unwrap().value;
    assert_eq!(PartKind::from_name(&head.kind.unwrap().get()), PartKind::Tool);
    assert_eq!(head.state.unwrap().status.unwrap(), "running");
}

#[test]
fn order_times_are_read_at_any_position() {
    assert_eq!(order_time(ANSWER.as_bytes()).created, Some(5));
    // Damage after the time does not matter; damage before it does.
    let order_time_of = |text: String| order_time(text.as_bytes());
    assert_eq!(order_time_of(r#"{"time":{"created":5,"updated":6},"x":"#.into()).updated, Some(6));
    assert_eq!(
        order_time_of(format!(r#"{{"x":"{}","time":{{"created":5}}}}"#, "é".repeat(2000))).created,
        Some(5)
    );
    assert_eq!(
        order_time_of(format!(r#"{{"time":{{"created":5}},"x":"{}"}}"#, "é".repeat(2000))).created,
        Some(5)
    );
    assert_eq!(order_time_of(r#"{"x":"}"#.into()).created, None);
    assert_eq!(order_time_of("[]".into()).created, None);
    assert_eq!(order_time_of(String::new()).created, None);
}
