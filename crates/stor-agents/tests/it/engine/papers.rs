//! A dialect for tests of files that their program rewrites: logs with ids by number, and documents.

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;
use scrollback_stor_agents::engine::{
    Container, Dialect, Fields, HeadInput, MessageIds, Record, Role, SessionDraft, Shape, Sink,
};
use scrollback_stor_mmap::FileKind;

use super::notes::Notes;

/// The files and records of [`Notes`]. A file may also be one object with the arrays `prompts` and
/// `messages`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Papers;

impl Dialect for Papers {
    const AGENT: &'static str = "papers";
    const FORMAT: &'static str = "log or document";
    const IDS: MessageIds = MessageIds::ByOrdinal;

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        Notes.classify(path, kind)
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        let shape = Shape::LogOrDocument(&["prompts", "messages"]);
        Some(Container { shape, ..Notes.container(session)? })
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        if !input.is_document() {
            return Notes.head(input);
        }
        let text = input.whole()?;
        let text = String::from_utf8_lossy(&text);
        let title = Fields::parse_start(&text).text("title").map(String::from);
        Ok(SessionDraft { title, updated: Some(5), ..SessionDraft::default() })
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        Notes.record(record, sink)
    }
}
