//! The dialect: what the paths of a codetether store mean, and what its files say.

use std::path::{Path, PathBuf};

use scrollback_core_err::IssueKind;
use scrollback_core_id::{Discipline, SessionId};
use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

use super::messages;
use crate::engine::{
    Container, Dialect, Fields, HeadInput, Home, Json, Record, Role, SessionDraft, Shape, SideFile,
    Sink, StorePlace, rfc3339_millis, unescaped,
};

/// The dialect of codetether. A store is a directory of sessions, usually
/// `WORKSPACE/.codetether-agent/sessions`.
///
/// All messages of a session are read. The list of tool uses, the total usage, the journal and the
/// task log become items of the timeline. The files in `history/` beside the store repeat the
/// messages, so they are not read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Codetether;

/// The fields of a session that are records. `usage` is one object.
const RECORDS: &[&str] = &["messages", "tool_uses", "usage"];

const JOURNAL: &str = "journal";
const TASKS: &str = "tasks";

/// Files beside the sessions that are no sessions, although their names end in `.json`.
const INDEXES: [&str; 2] = [".workspace_index.json", ".listing_cache.json"];

impl Dialect for Codetether {
    const AGENT: &'static str = "codetether";
    const FORMAT: &'static str = "document";
    const DISCIPLINE: Discipline = Discipline::Replace;

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        let ([name], FileKind::File) = (path, kind) else { return Role::Ignore };
        if INDEXES.contains(name) {
            return Role::Ignore;
        }
        // A checkpoint of a run is a document beside the session; its name ends like a session's.
        let side = [".journal.jsonl", ".tasks.jsonl", ".checkpoint.json"];
        let id = |suffix| name.strip_suffix(suffix).and_then(|id| SessionId::new(id).ok());
        if let Some(session) = side.into_iter().find_map(id) {
            return Role::Side(session);
        }
        id(".json").map_or(Role::Ignore, Role::Session)
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        let path = vec![format!("{session}.json")];
        Some(Container { path, shape: Shape::Document(RECORDS) })
    }

    fn side_files(&self, session: &SessionId) -> Vec<SideFile> {
        let file = |kind| SideFile { kind, path: vec![format!("{session}.{kind}.jsonl")] };
        vec![file(JOURNAL), file(TASKS)]
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        /// The fields before the messages fit in this many bytes, as the program writes them.
        const USUAL_LEN: u64 = 16 << 10;
        let start = input.start(USUAL_LEN)?;
        if let Some(draft) = draft(input, &start) {
            return Ok(draft);
        }
        // Older files have the messages before the metadata.
        let whole = input.whole()?;
        draft(input, &whole).ok_or(IssueKind::WrongShape {
            expected: "id, created_at, updated_at, metadata and agent",
        })
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        match (record.side, record.array) {
            (None, "messages") => return messages::read(&record.fields, sink),
            (None, "tool_uses") => {
                let (Some(_), Some(_)) = (record.fields.raw("id"), record.fields.raw("name"))
                else {
                    return Err(IssueKind::WrongShape { expected: "a tool use of codetether" });
                };
                sink.item(Json::Name("tool_use"), None, original(record));
            }
            (None, _) => sink.item(Json::Name("usage"), None, original(record)),
            (Some(side), _) => read_event(side, record, sink)?,
        }
        Ok(())
    }
}

/// Reads the head of a session from a text that may be cut off. `None` if a field is missing.
fn draft(input: &HeadInput<'_>, bytes: &[u8]) -> Option<SessionDraft> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let fields = Fields::parse_start(text);
    let (id, metadata) = (fields.text("id")?, fields.object("metadata")?);
    let owned = |fields: &Fields<'_>, name| fields.text(name).map(String::from);
    Some(SessionDraft {
        title: owned(&fields, "title"),
        directory: owned(&metadata, "directory"),
        created: Some(rfc3339_millis(&fields.text("created_at")?)?),
        updated: Some(rfc3339_millis(&fields.text("updated_at")?)?),
        agent: Some(fields.text("agent")?.into_owned()),
        model: owned(&metadata, "model"),
        agent_id: (id != input.session().session.as_str()).then(|| id.into_owned()),
        metadata: fields.raw("metadata").map(String::from),
        ..SessionDraft::default()
    })
}

fn original<'b>(record: &Record<'b>) -> Vec<(&'static str, Json<'b>)> {
    vec![("original", Json::Raw(record.text))]
}

/// Adds a line of the journal or of the task log to the timeline.
fn read_event<'b>(
    side: &'static str,
    record: &Record<'b>,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let (tag, known): (_, &[&str]) = match side {
        JOURNAL => ("phase", &["staged", "rejected", "committed"]),
        _ => {
            let known = &[
                "goal_set",
                "goal_runtime",
                "goal_reaffirmed",
                "goal_cleared",
                "task_added",
                "task_status",
                "drift_detected",
            ];
            ("kind", known)
        }
    };
    let expected = IssueKind::WrongShape { expected: "an event of codetether" };
    let kind = record.fields.string(tag).and_then(unescaped).ok_or(expected)?;
    let time = record.fields.text("at").and_then(|time| rfc3339_millis(&time));
    sink.item(Json::Text(format!("{side}.{kind}")), time, original(record));
    if !known.contains(&&*kind) {
        sink.issue(IssueKind::Unknown { category: "event", value: kind.into_owned() });
    }
    Ok(())
}

/// The name of the directory that codetether keeps in a workspace.
const DATA_DIR: &str = ".codetether-agent";

impl Home for Codetether {
    const BELOW: &'static [&'static str] = &["sessions", ".codetether-agent/sessions"];

    /// The data directory is that of the variable, or else in the nearest directory with `.git` from
    /// the current one upwards, or else in the current one.
    fn places(&self, environment: &Environment) -> Vec<StorePlace> {
        let place = |data: PathBuf, rule: &str| StorePlace {
            root: data.join("sessions"),
            rule: rule.to_owned(),
        };
        if let Some(data) = data_dir_of_variable(environment) {
            return vec![place(data, "CODETETHER_DATA_DIR")];
        }
        let current = environment.current_dir.as_deref().filter(|dir| dir.is_absolute());
        current
            .map(|dir| place(workspace_of(dir).join(DATA_DIR), "in the current workspace"))
            .into_iter()
            .collect()
    }
}

/// Returns the data directory that the variable names. The program trims its value, and ignores one
/// that is not UTF-8.
fn data_dir_of_variable(environment: &Environment) -> Option<PathBuf> {
    let value = environment.agent_variable("CODETETHER_DATA_DIR")?.to_str()?.trim();
    if value.is_empty() {
        return None;
    }
    let path = Path::new(value);
    match &environment.current_dir {
        _ if path.is_absolute() => Some(path.to_owned()),
        Some(current) if current.is_absolute() => Some(current.join(path)),
        _ => None,
    }
}

fn workspace_of(dir: &Path) -> &Path {
    dir.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(dir)
}
