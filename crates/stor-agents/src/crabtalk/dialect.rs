//! The dialect: what the paths of a crabtalk store mean, and what its step files say.

use std::path::PathBuf;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{Discipline, SessionId};
use scrollback_core_type::TokenCounts;
use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

use super::messages;
use crate::engine::{
    Container, Dialect, Fields, HeadInput, Home, Json, Record, Role, SessionDraft, Shape, Sink,
    Step, StepFiles, StorePlace, rfc3339_millis,
};

/// The dialect of crabtalk. A store is a directory of sessions, usually `~/.crabtalk/sessions`.
///
/// All step files are read, also those before the last compaction, those in the older shape of
/// messages, and those without a number. Events are items of the timeline; the usage of a run is
/// also that of its last answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crabtalk;

const STEPS: StepFiles = StepFiles { head: "meta", step, name: step_name };

/// Returns which step a file is. The program reads every file whose name begins with `step-`.
fn step(name: &str) -> Option<Step> {
    let suffix = name.strip_prefix("step-")?;
    Some(suffix.parse().map_or(Step::Other, Step::Number))
}

fn step_name(number: u64) -> String {
    format!("step-{number:06}")
}

impl Dialect for Crabtalk {
    const AGENT: &'static str = "crabtalk";
    const FORMAT: &'static str = "steps";
    const DISCIPLINE: Discipline = Discipline::Replace;

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        match (path, kind) {
            ([slug], FileKind::Directory) => {
                SessionId::new(slug).map_or(Role::Ignore, Role::Session)
            }
            ([name], FileKind::File) if is_slug(name) => Role::Foreign(IssueKind::NotADirectory),
            _ => Role::Ignore,
        }
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        let path = vec![session.as_str().to_owned()];
        Some(Container { path, shape: Shape::Steps(STEPS) })
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        let bytes = input.head_file()?;
        let text = std::str::from_utf8(&bytes).map_err(|_| IssueKind::NotUtf8)?;
        let meta = Fields::parse(text).map_err(|issue| issue.kind)?;
        let (Some(agent), Some(_), Some(created)) =
            (meta.text("agent"), meta.text("created_by"), meta.text("created_at"))
        else {
            return Err(IssueKind::WrongShape { expected: "agent, created_by and created_at" });
        };
        let title = meta.text("title").filter(|title| !title.is_empty());
        Ok(SessionDraft {
            title: title.map(String::from),
            agent: Some(agent.into_owned()),
            created: rfc3339_millis(&created),
            metadata: Some(text.to_owned()),
            ..SessionDraft::default()
        })
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        let fields = &record.fields;
        // The program tries the variants in this order, and takes the first that has its fields.
        if let (Some(_), Some(time)) = (fields.string("archive_name"), fields.text("archived_at")) {
            sink.boundary(rfc3339_millis(&time), without(fields, "archived_at"), None);
        } else if let Some(summary) = fields.string("compact") {
            let time = fields.text("archived_at").and_then(|time| rfc3339_millis(&time));
            let summary = Some(Json::Raw(summary));
            sink.boundary(time, without(fields, "compact"), summary);
        } else if let Some(event) = fields.string("event") {
            read_event(event, record, sink)?;
        } else if let Some(message) = fields.object("message") {
            messages::read(fields, &message, sink)?;
        } else {
            return Err(IssueKind::WrongShape { expected: "a step of crabtalk" });
        }
        Ok(())
    }
}

impl Home for Crabtalk {
    const BELOW: &'static [&'static str] = &["sessions", ".crabtalk/sessions"];

    fn places(&self, environment: &Environment) -> Vec<StorePlace> {
        let home = environment.home.iter();
        let place = |home: &PathBuf| StorePlace {
            root: home.join(".crabtalk/sessions"),
            rule: "in the home directory".to_owned(),
        };
        home.map(place).collect()
    }
}

/// Checks whether a name could be that of a session: `<agent>_<sender>_<number>`.
fn is_slug(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '_');
    let number = parts.next().is_some_and(|number| number.parse::<u32>().is_ok());
    number && parts.count() == 2
}

/// Returns the fields that the model does not have a place for.
fn without<'b>(fields: &Fields<'b>, placed: &str) -> Vec<(&'static str, Json<'b>)> {
    let kept = [("archive_name", "archiveName"), ("title", "title"), ("archived_at", "archivedAt")];
    let kept = kept.into_iter().filter(|(name, _)| *name != placed);
    kept.filter_map(|(name, own)| Some((own, Json::Raw(fields.string(name)?)))).collect()
}

/// Adds an event to the timeline. The end of a run also completes its last answer, which comes
/// before it.
fn read_event<'b>(
    event: &'b str,
    record: &Record<'b>,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let fields = &record.fields;
    let time = fields.text("ts").and_then(|time| rfc3339_millis(&time));
    let is_complete = match event {
        r#""tool_start""# => fields.array("calls").is_some(),
        r#""tool_result""# => fields.string("call_id").is_some(),
        r#""user_steered""# => fields.string("content").is_some(),
        r#""done""# => fields.object("usage").is_some(),
        _ => {
            let value = crate::engine::unescaped(event).unwrap_or_default().into_owned();
            sink.item(Json::Raw(event), time, vec![("original", Json::Raw(record.text))]);
            sink.issue(IssueKind::Unknown { category: "event", value });
            return Ok(());
        }
    };
    if !is_complete {
        return Err(IssueKind::WrongShape { expected: "an event of crabtalk" });
    }
    sink.item(Json::Raw(event), time, vec![("original", Json::Raw(record.text))]);
    if event == r#""done""#
        && let Some(answer) = sink.open_answer()
    {
        answer.completed = time;
        answer.model = fields.string("model").map(Json::Raw);
        answer.finish = fields.string("stop_reason").map(Json::Raw);
        answer.tokens = fields.object("usage").map(|usage| tokens(&usage));
    }
    Ok(())
}

fn tokens(usage: &Fields<'_>) -> TokenCounts {
    let count = |name| usage.whole_number(name).unwrap_or(0);
    let details = usage.object("completion_tokens_details");
    let reasoning = details.and_then(|it| it.whole_number("reasoning_tokens")).unwrap_or(0);
    let cached = count("prompt_cache_hit_tokens");
    TokenCounts {
        input: (count("prompt_tokens") - cached).max(0),
        output: (count("completion_tokens") - reasoning).max(0),
        reasoning,
        cache_read: cached,
        cache_write: 0,
    }
}
