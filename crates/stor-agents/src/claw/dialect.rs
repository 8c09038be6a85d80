//! The dialect: what the paths of a claw store mean.

use std::path::{Path, PathBuf};

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;
use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

use super::names::{self, Name};
use super::{head, records};
use crate::engine::{
    Container, Dialect, HeadInput, Home, MessageIds, Record, Role, SessionDraft, Shape, Sink,
    StorePlace,
};

/// The dialect of claw. A store is a directory of sessions: `<workspace>/.claw/sessions`, or
/// `sessions` in a data directory. Sessions are in it, or in directories named after the fingerprints
/// of workspaces.
///
/// A session is a log, or a document of the older kind; the content decides. An older snapshot, and a
/// copy that was made before a clear, are sessions of their own. The messages of an older snapshot
/// are marked as copies.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claw;

/// The arrays of a document of the older kind.
const ARRAYS: &[&str] = &["prompt_history", "messages"];

impl Dialect for Claw {
    const AGENT: &'static str = "claw";
    const FORMAT: &'static str = "log";
    const IDS: MessageIds = MessageIds::ByOrdinal;

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        let id = match (path, kind) {
            ([name], FileKind::Directory) if names::is_fingerprint(name) => return Role::Descend,
            ([name], FileKind::File) if names::parse(name).is_some() => {
                SessionId::new(names::id_of_name(name))
            }
            ([dir, name], FileKind::File)
                if names::is_fingerprint(dir) && names::parse(name).is_some() =>
            {
                SessionId::new(&format!("{dir}/{}", names::id_of_name(name)))
            }
            _ => return Role::Ignore,
        };
        match id {
            Ok(id) => Role::Session(id),
            Err(error) => Role::Foreign(IssueKind::BadId { reason: error.to_string() }),
        }
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        let path = match session.as_str().split_once('/') {
            Some((dir, id)) => vec![dir.to_owned(), names::name_of_id(id)],
            None => vec![names::name_of_id(session.as_str())],
        };
        Some(Container { path, shape: Shape::LogOrDocument(ARRAYS) })
    }

    fn is_copy(&self, container: &Path) -> bool {
        let name = container.file_name().and_then(|name| name.to_str());
        matches!(name.and_then(names::parse), Some(Name::Rotation(..)))
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        head::read(input)
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        records::read(record, sink)
    }
}

impl Home for Claw {
    const BELOW: &'static [&'static str] = &["sessions", ".claw/sessions"];

    fn places(&self, environment: &Environment) -> Vec<StorePlace> {
        let place = |root: PathBuf, rule: &str| StorePlace { root, rule: rule.to_owned() };
        let configured = environment.agent_variable("CLAW_CONFIG_HOME");
        let global = match (configured, &environment.home) {
            (Some(home), _) => Some(place(Path::new(home).join("sessions"), "CLAW_CONFIG_HOME")),
            (None, Some(home)) => Some(place(home.join(".claw/sessions"), "in the home directory")),
            (None, None) => None,
        };
        let current = environment.current_dir.as_ref();
        let current =
            current.map(|dir| place(dir.join(".claw/sessions"), "in the current directory"));
        global.into_iter().chain(current).collect()
    }
}
