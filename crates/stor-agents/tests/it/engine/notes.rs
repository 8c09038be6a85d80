//! A dialect for tests of the engine: logs with every kind of record.

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;
use scrollback_core_type::TokenCounts;
use scrollback_stor_agents::engine::{
    Author, Container, Dialect, Fields, HeadInput, Json, MessageDraft, Record, ResultDraft, Role,
    SessionDraft, Shape, SideFile, Sink,
};
use scrollback_stor_mmap::FileKind;

/// Each file `NAME.jsonl` at any depth is a session, `NAME.side` its side file. A line has one of
/// the fields `title`, `user`, `model`, `call` (and `tool`), `result` (and `of`), `usage`, `event`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notes;

impl Dialect for Notes {
    const AGENT: &'static str = "notes";
    const FORMAT: &'static str = "log";

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        let id = |name: &str| SessionId::new(name);
        match (path.join("/"), kind) {
            (_, FileKind::Directory) => Role::Descend,
            (path, _) => match path.rsplit_once('.') {
                Some((name, "jsonl")) => id(name).map_or(Role::Ignore, Role::Session),
                Some((name, "side")) => id(name).map_or(Role::Ignore, Role::Side),
                _ => Role::Ignore,
            },
        }
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        Some(Container { path: path_of(session, "jsonl"), shape: Shape::Log })
    }

    fn side_files(&self, session: &SessionId) -> Vec<SideFile> {
        vec![SideFile { kind: "side", path: path_of(session, "side") }]
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        let line = input.first_line()?;
        let text = std::str::from_utf8(&line).map_err(|_| IssueKind::NotUtf8)?;
        let title = Fields::parse_start(text).text("title").map(String::from);
        Ok(SessionDraft { title, ..SessionDraft::default() })
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        let fields = &record.fields;
        let raw = |name| fields.string(name).map(Json::Raw);
        if record.side.is_some() {
            sink.item(Json::Name("side"), None, vec![("original", Json::Raw(record.text))]);
        } else if let Some(text) = raw("user") {
            sink.begin_message(MessageDraft::new(Author::User));
            sink.text(text);
        } else if let Some(text) = raw("model") {
            if !sink.is_in_step() {
                sink.begin_message(MessageDraft::new(Author::Model));
            }
            sink.text(text);
        } else if let (Some(call), Some(tool)) = (fields.text("call"), raw("tool")) {
            if !sink.is_in_step() {
                sink.begin_message(MessageDraft::new(Author::Model));
            }
            sink.call(call, tool, Json::Object(Vec::new()));
        } else if let (Some(output), Some(call)) = (raw("result"), fields.text("of")) {
            sink.result(call, ResultDraft::new(output));
        } else if let Some(output) = fields.whole_number("usage") {
            if let Some(answer) = sink.open_answer() {
                answer.tokens = Some(TokenCounts { output, ..TokenCounts::default() });
            }
            sink.item(Json::Name("usage"), None, Vec::new());
        } else if let Some(event) = raw("event") {
            sink.item(event, fields.whole_number("at"), Vec::new());
        } else if fields.raw("title").is_none() {
            return Err(IssueKind::WrongShape { expected: "a note" });
        }
        Ok(())
    }
}

fn path_of(session: &SessionId, end: &str) -> Vec<String> {
    let mut names: Vec<String> = session.as_str().split('/').map(str::to_owned).collect();
    if let Some(last) = names.last_mut() {
        last.push('.');
        last.push_str(end);
    }
    names
}
