//! Records: messages, prompts, compactions, and the elements of documents.

use scrollback_core_err::IssueKind;
use scrollback_core_type::TokenCounts;
use scrollback_core_type::json::{Scanner, SyntaxError};

use crate::engine::{Author, Fields, Json, MessageDraft, Record, ResultDraft, Sink, unescaped};

const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "a record of claw" };
const EXPECTED_MESSAGE: IssueKind = IssueKind::WrongShape { expected: "a message of claw" };

/// Passes one record.
pub(super) fn read<'b>(record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let fields = &record.fields;
    match (record.array, fields.text("type").as_deref()) {
        ("messages", _) => read_message(record.text, sink),
        ("prompt_history", _) | (_, Some("prompt_history")) => read_prompt(record, sink),
        (_, Some("message")) => read_message(fields.raw("message").ok_or(EXPECTED_MESSAGE)?, sink),
        (_, Some("compaction")) => read_compaction(fields, sink),
        // The first one is the head of the session.
        (_, Some("session_meta")) if record.position == 0 => Ok(()),
        (_, Some("session_meta")) => {
            let created = fields.whole_number("updated_at_ms");
            sink.item(
                Json::Name("session_meta"),
                created,
                vec![("original", Json::Raw(record.text))],
            );
            Ok(())
        }
        (_, Some(kind)) => {
            let name = fields.string("type").unwrap_or_default();
            sink.item(Json::Raw(name), None, vec![("original", Json::Raw(record.text))]);
            sink.issue(IssueKind::Unknown { category: "record", value: kind.to_owned() });
            Ok(())
        }
        (_, None) => Err(EXPECTED),
    }
}

/// Adds a prompt to the timeline. The program skips one without a time.
fn read_prompt<'b>(record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let expected = IssueKind::WrongShape { expected: "a text and a time" };
    let text = record.fields.string("text").ok_or(expected.clone())?;
    let time = record.fields.whole_number("timestamp_ms").filter(|time| *time >= 0);
    sink.item(Json::Name("prompt_history"), time, vec![("text", Json::Raw(text))]);
    if time.is_none() {
        sink.issue(expected);
    }
    Ok(())
}

/// Adds the last compaction. The messages before it are not in the file.
fn read_compaction<'b>(fields: &Fields<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let expected = IssueKind::WrongShape { expected: "a compaction of claw" };
    let summary = fields.string("summary").ok_or(expected)?;
    let counts = [("count", "count"), ("removed_message_count", "removedMessageCount")];
    let counts = counts
        .into_iter()
        .filter_map(|(name, own)| Some((own, Json::Number(fields.whole_number(name)?))));
    sink.boundary(None, counts.collect(), Some(Json::Raw(summary)));
    Ok(())
}

/// The fields of a message. They are parsed in one pass, because messages are almost all of a store.
#[derive(Default)]
struct Message<'b> {
    role: Option<&'b str>,
    /// The text and the fields of each block.
    blocks: Option<Vec<(&'b str, Fields<'b>)>>,
    usage: Option<&'b str>,
    /// The reason why an answer is incomplete, which later versions name.
    incomplete_reason: Option<&'b str>,
}

impl<'b> Message<'b> {
    /// Parses a text that is JSON. `None` if it is no object.
    fn parse(text: &'b str) -> Option<Self> {
        let mut message = Self::default();
        let parsed = Scanner::new(text).object(|scanner, key| {
            if *key == *"blocks" {
                message.blocks = read_blocks(scanner)?;
                return Ok(());
            }
            let value = scanner.raw()?;
            let string = Some(value).filter(|value| value.starts_with('"'));
            if *key == *"role" {
                message.role = string;
            } else if *key == *"usage" {
                message.usage = Some(value).filter(|value| *value != "null");
            } else if *key == *"incomplete_reason" {
                message.incomplete_reason = string;
            }
            Ok(())
        });
        parsed.ok()?.map(|()| message)
    }
}

/// Reads blocks. `None` if the value is no array.
fn read_blocks<'b>(
    scanner: &mut Scanner<'b>,
) -> Result<Option<Vec<(&'b str, Fields<'b>)>>, SyntaxError> {
    let mut blocks = Vec::new();
    let array = scanner.array(|scanner| {
        scanner.peek()?; // passes over white space
        let rest = scanner.rest();
        let fields = Fields::read(scanner)?;
        if fields.is_none() {
            scanner.skip_value()?;
        }
        let text = rest.get(..rest.len() - scanner.rest().len()).unwrap_or_default();
        blocks.push((text, fields.unwrap_or_default()));
        Ok(Some(()))
    })?;
    if array.is_none() {
        scanner.skip_value()?;
    }
    Ok(array.map(|()| blocks))
}

fn read_message<'b>(text: &'b str, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let mut message = Message::parse(text).ok_or(EXPECTED_MESSAGE)?;
    let role = message.role.ok_or(EXPECTED_MESSAGE)?;
    let blocks = message.blocks.take().ok_or(EXPECTED_MESSAGE)?;
    let tokens = message.usage.and_then(tokens);
    let is_result = |(_, block): &(_, Fields<'_>)| block.raw("type") == Some(r#""tool_result""#);
    // Results are messages of the role `tool`, and belong to the message of their call.
    if blocks.is_empty() || !blocks.iter().all(is_result) {
        let finish = message.incomplete_reason.map(Json::Raw);
        sink.begin_message(MessageDraft { tokens, finish, ..MessageDraft::new(author(role)) });
    }
    if !matches!(role, r#""system""# | r#""user""# | r#""assistant""# | r#""tool""#) {
        sink.issue(unknown("role", role));
    }
    if message.usage.is_some() && tokens.is_none() {
        sink.issue(IssueKind::WrongType { expected: "four counts of tokens" });
    }
    for (text, block) in &blocks {
        if read_block(block, sink).is_none() {
            let kind = block.string("type").unwrap_or(r#""unknown""#);
            sink.unknown_part(Json::Raw(kind), Json::Raw(text));
            sink.issue(unknown("block", kind));
        }
    }
    Ok(())
}

fn unknown(category: &'static str, name: &str) -> IssueKind {
    IssueKind::Unknown { category, value: unescaped(name).unwrap_or_default().into_owned() }
}

fn author(role: &str) -> Author<'_> {
    match role {
        r#""user""# => Author::User,
        r#""assistant""# => Author::Model,
        role => Author::Program(Json::Raw(role)),
    }
}

fn tokens(usage: &str) -> Option<TokenCounts> {
    let usage = Fields::parse(usage).ok()?;
    Some(TokenCounts {
        input: usage.whole_number("input_tokens")?,
        output: usage.whole_number("output_tokens")?,
        reasoning: 0,
        cache_read: usage.whole_number("cache_read_input_tokens")?,
        cache_write: usage.whole_number("cache_creation_input_tokens")?,
    })
}

/// Passes one block. Returns `None` for a block that is not known, or lacks a field.
fn read_block<'b>(block: &Fields<'b>, sink: &mut Sink<'b>) -> Option<()> {
    match block.raw("type")? {
        r#""text""# => sink.text(Json::Raw(block.string("text")?)),
        r#""thinking""# => {
            let signature = block.string("signature").map(Json::Raw);
            let metadata = signature.map(|it| Json::Object(vec![("signature", it)]));
            sink.reasoning(Json::Raw(block.string("thinking")?), metadata);
        }
        r#""tool_use""# => {
            let (id, name) = (block.text("id")?, block.string("name")?);
            sink.call(id, Json::Raw(name), Json::from_text(Some(block.string("input")?)));
        }
        r#""tool_result""# => {
            let (call, output) = (block.text("tool_use_id")?, block.string("output")?);
            let result = ResultDraft {
                is_error: block.flag("is_error").unwrap_or(false),
                tool: block.string("tool_name").map(Json::Raw),
                ..ResultDraft::new(Json::Raw(output))
            };
            sink.result(call, result);
        }
        _ => return None,
    }
    Some(())
}
