//! The sessions of parrot: one log for each chat.

use std::path::PathBuf;

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;
use scrollback_core_type::TokenCounts;
use scrollback_stor_agents::engine::{
    Author, Container, Dialect, Fields, HeadInput, Home, Json, MessageDraft, Record, ResultDraft,
    Role, SessionDraft, Shape, Sink, StorePlace,
};
use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

/// The dialect of parrot. A store is a directory of chats, usually `~/.parrot/chats`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parrot;

impl Dialect for Parrot {
    const AGENT: &'static str = "parrot";
    const FORMAT: &'static str = "log";

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        match (path, kind) {
            ([_workspace], FileKind::Directory) => Role::Descend,
            ([workspace, name], FileKind::File) => match name.strip_suffix(".jsonl") {
                Some(chat) => SessionId::new(&format!("{workspace}/{chat}"))
                    .map_or(Role::Ignore, Role::Session),
                None => Role::Ignore,
            },
            _ => Role::Ignore,
        }
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        let (workspace, chat) = session.as_str().split_once('/')?;
        let path = vec![workspace.to_owned(), format!("{chat}.jsonl")];
        Some(Container { path, shape: Shape::Log })
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        let line = input.first_line()?;
        let text = std::str::from_utf8(&line).map_err(|_| IssueKind::NotUtf8)?;
        let fields = Fields::parse_start(text);
        if fields.text("kind").as_deref() != Some("chat") {
            return Err(IssueKind::WrongShape { expected: "a line of the kind chat" });
        }
        let owned = |name| fields.text(name).map(String::from);
        Ok(SessionDraft {
            title: owned("title"),
            directory: owned("dir"),
            model: owned("model"),
            forked_from: owned("copy_of"),
            created: fields.whole_number("at"),
            ..SessionDraft::default()
        })
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        let fields = &record.fields;
        let kind = fields.text("kind").ok_or(EXPECTED)?;
        match &*kind {
            "chat" => Ok(()), // the head
            "ask" => {
                sink.begin_message(message(Author::User, fields));
                sink.text(string(fields, "text")?);
                Ok(())
            }
            "think" => {
                let text = string(fields, "text")?;
                begin_step(fields, sink);
                sink.reasoning(text, None);
                Ok(())
            }
            "say" => {
                let text = string(fields, "text")?;
                begin_step(fields, sink);
                sink.text(text);
                Ok(())
            }
            "run" => {
                let id = fields.text("id").ok_or(EXPECTED)?;
                let tool = string(fields, "tool")?;
                begin_step(fields, sink);
                sink.call(id, tool, Json::from_text(fields.string("args")));
                Ok(())
            }
            "ran" => {
                let id = fields.text("id").ok_or(EXPECTED)?;
                let result = ResultDraft::new(string(fields, "output")?);
                let is_error = fields.flag("failed").unwrap_or(false);
                sink.result(id, ResultDraft { is_error, ..result });
                Ok(())
            }
            "usage" => {
                if let Some(answer) = sink.open_answer() {
                    answer.tokens = Some(tokens(fields));
                    answer.completed = fields.whole_number("at");
                }
                Ok(())
            }
            "squeeze" => {
                let summary = string(fields, "summary")?;
                sink.boundary(fields.whole_number("at"), Vec::new(), Some(summary));
                Ok(())
            }
            kind => {
                let original = vec![("original", Json::Raw(record.text))];
                sink.item(string(fields, "kind")?, fields.whole_number("at"), original);
                if kind != "model" {
                    let value = kind.to_owned();
                    sink.issue(IssueKind::Unknown { category: "record", value });
                }
                Ok(())
            }
        }
    }
}

const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "a record of parrot" };

/// Returns a string as it stands in the record.
fn string<'b>(fields: &Fields<'b>, name: &str) -> Result<Json<'b>, IssueKind> {
    fields.string(name).map(Json::Raw).ok_or(EXPECTED)
}

fn message<'b>(author: Author<'b>, fields: &Fields<'_>) -> MessageDraft<'b> {
    let mut message = MessageDraft::new(author);
    message.created = fields.whole_number("at");
    message
}

/// Begins a message of the model, unless the record belongs to the step before.
fn begin_step<'b>(fields: &Fields<'b>, sink: &mut Sink<'b>) {
    if !sink.is_in_step() {
        sink.begin_message(message(Author::Model, fields));
    }
}

fn tokens(fields: &Fields<'_>) -> TokenCounts {
    let count = |name| fields.whole_number(name).unwrap_or(0);
    TokenCounts { input: count("in"), output: count("out"), ..TokenCounts::default() }
}

impl Home for Parrot {
    const BELOW: &'static [&'static str] = &["chats", ".parrot/chats"];

    fn places(&self, environment: &Environment) -> Vec<StorePlace> {
        let chats = |home: &PathBuf| home.join(".parrot/chats");
        let rule = "in the home directory".to_owned();
        environment
            .home
            .iter()
            .map(|home| StorePlace { root: chats(home), rule: rule.clone() })
            .collect()
    }
}
