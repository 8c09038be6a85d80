//! The trait that an agent implements.

use std::path::Path;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{Discipline, SessionId};
use scrollback_stor_mmap::FileKind;

use super::head::{HeadInput, SessionDraft};
use super::layout::{Container, MessageIds, Role, SideFile};
use super::record::Record;
use super::sink::Sink;

/// How an agent lays out its store, and what its records say. The engine does everything else.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_err::IssueKind;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_source::SourceExt;
/// use scrollback_stor_agents::engine::{
///     AgentSource, Author, Container, Dialect, Fields, HeadInput, Json, MessageDraft, Record, Role,
///     SessionDraft, Shape, Sink,
/// };
/// use scrollback_stor_mmap::FileKind;
///
/// /// Each file `NAME.jsonl` is a session: a line `{"title": …}`, then lines `{"user": …}` and
/// /// `{"model": …}`.
/// struct Notes;
///
/// impl Dialect for Notes {
///     const AGENT: &'static str = "notes";
///     const FORMAT: &'static str = "log";
///
///     fn classify(&self, path: &[&str], _: FileKind) -> Role {
///         let id = match path {
///             [name] => name.strip_suffix(".jsonl").and_then(|id| SessionId::new(id).ok()),
///             _ => None,
///         };
///         id.map_or(Role::Ignore, Role::Session)
///     }
///
///     fn container(&self, session: &SessionId) -> Option<Container> {
///         Some(Container { path: vec![format!("{session}.jsonl")], shape: Shape::Log })
///     }
///
///     fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
///         let line = input.first_line()?;
///         let text = std::str::from_utf8(&line).map_err(|_| IssueKind::NotUtf8)?;
///         let title = Fields::parse_start(text).text("title").map(String::from);
///         Ok(SessionDraft { title, ..SessionDraft::default() })
///     }
///
///     fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
///         if let Some(text) = record.fields.string("user") {
///             sink.begin_message(MessageDraft::new(Author::User));
///             sink.text(Json::Raw(text));
///         } else if let Some(text) = record.fields.string("model") {
///             sink.begin_message(MessageDraft::new(Author::Model));
///             sink.text(Json::Raw(text));
///         } else if record.fields.raw("title").is_none() {
///             return Err(IssueKind::WrongShape { expected: "a note" });
///         }
///         Ok(())
///     }
/// }
///
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("a.jsonl"), "{\"title\":\"A\"}\n{\"user\":\"hi\"}\n{\"model\":\"yes\"}\n")?;
/// let store = AgentSource::new(Notes, dir.path(), SourceId::new("notes")?, Arc::new(SystemClock));
/// let session = SessionId::new("a")?.into();
/// assert_eq!(store.list_messages(&session)?.entries.len(), 2);
/// assert_eq!(store.read_session(&session)?.value.title.unwrap(), "A");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Dialect: Send + Sync + 'static {
    /// The name of the agent, as in `--agent`.
    const AGENT: &'static str;

    /// The name of the storage format, for the provenance of a session.
    const FORMAT: &'static str;

    /// How ids follow from places. The default is right for files that are only appended to.
    const IDS: MessageIds = MessageIds::ByPosition;

    /// How the agent writes most of its files, for watches.
    const DISCIPLINE: Discipline = Discipline::Append;

    /// Returns the meaning of a path; `path` has the names from the root of the store on. A name is
    /// the only input: this call reads nothing.
    fn classify(&self, path: &[&str], kind: FileKind) -> Role;

    /// Returns the container of a session: the inverse of [`classify`](Dialect::classify). The
    /// engine classifies the path again and refuses a session whose path is of another session, so
    /// an id that leads elsewhere has no container.
    fn container(&self, session: &SessionId) -> Option<Container>;

    /// Returns the side files of a session. They need not exist.
    ///
    /// The default returns none.
    fn side_files(&self, session: &SessionId) -> Vec<SideFile> {
        let _ = session;
        Vec::new()
    }

    /// Checks whether a container is a copy of another session, by its path in the store. Then its
    /// messages are copies too, and their usage counts in the other session.
    ///
    /// The default returns `false`.
    fn is_copy(&self, container: &Path) -> bool {
        let _ = container;
        false
    }

    /// Reads the head of a session, from as few bytes as possible.
    ///
    /// # Errors
    /// The kind of the problem. The session then has a record without fields, and an issue.
    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind>;

    /// Passes to `sink` what one record says. What it passes must depend on the record alone, and on
    /// the open messages of the sink.
    ///
    /// # Errors
    /// The kind of the problem, if the record says nothing that can be passed. The engine adds the
    /// file and the range of bytes. For a smaller problem call [`Sink::issue`] and go on.
    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind>;
}
