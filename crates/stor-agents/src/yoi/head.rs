//! The head of a segment: its first record.

use scrollback_core_err::IssueKind;

use super::names;
use super::records::EXPECTED;
use crate::engine::{Fields, HeadInput, Json, SessionDraft};

/// How far a first record is searched behind blank lines.
const BLANK_START: u64 = 1 << 20;

/// Reads the head. A segment whose first record is not `segment_start` has the time of that record.
pub(super) fn read(input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
    let id = input.session().session.as_str().to_owned();
    let (dir, segment) = match id.split_once('/') {
        Some((dir, segment)) => (Some(dir), segment),
        None => (None, id.as_str()),
    };
    let agent_id = names::parse_uuid(segment).filter(|agent_id| *agent_id != id);
    let none = SessionDraft { agent_id, ..SessionDraft::default() };
    let mut bytes = input.first_line()?;
    if bytes.trim_ascii().is_empty() {
        let start = input.start(BLANK_START)?;
        let line = start.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        match line {
            Some(line) => bytes = line.to_vec(),
            None => return Ok(none),
        }
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| IssueKind::NotUtf8)?;
    let fields = Fields::parse_start(text);
    let (Some(kind), Some(created)) = (fields.text("kind"), fields.whole_number("ts")) else {
        return Err(EXPECTED);
    };
    let none = SessionDraft { created: Some(created), ..none };
    if kind != "segment_start" {
        return Ok(none);
    }
    let origin = |name: &str| -> Option<String> {
        let segment = fields.object(name)?.text("segment_id")?.into_owned();
        Some(match dir {
            Some(dir) => format!("{dir}/{segment}"),
            None => segment,
        })
    };
    let kept = [
        ("session_id", "sessionId"),
        ("system_prompt", "systemPrompt"),
        ("config", "config"),
        ("forked_from", "forkedFrom"),
        ("compacted_from", "compactedFrom"),
    ];
    let kept =
        kept.into_iter().filter_map(|(name, own)| Some((own, Json::Raw(fields.present(name)?))));
    Ok(SessionDraft {
        forked_from: origin("forked_from"),
        compacted_from: origin("compacted_from"),
        metadata: Some(Json::Object(kept.collect()).to_text()),
        ..none
    })
}
