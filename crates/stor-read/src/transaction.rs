//! A read transaction on the tree: the open root, and the ways to reach directories and files from it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, ProjectId, SessionId, Stamp};
use scrollback_core_type::json;
use scrollback_stor_mmap::{
    Arena, Dir, Directory, FileKind, Frozen, ListBuffer, MapPolicy, MappedFile, MappedSpan, Piece,
    ReadContext, ReadOptions, Settled,
};
use scrollback_stor_path::layout::MESSAGE;
use scrollback_stor_path::{PathClass, discipline};

use crate::foreign_records::check_owner;
use scrollback_source::Observation;

/// The settings of a reader.
#[derive(Clone)]
pub(crate) struct ReadSettings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: ReadOptions,
    pub(crate) policy: MapPolicy,
}

/// A read transaction on the tree.
pub(crate) struct FileTransaction<'s> {
    pub(crate) settings: &'s ReadSettings,
    pub(crate) root: Dir,
    pub(crate) context: ReadContext<'s>,
    pub(crate) list_buffer: ListBuffer,
    pub(crate) name_buffer: Vec<u8>,
    /// The set that the current walk lists.
    pub(crate) listed_set: Option<Observation>,
    /// The directories of all messages and of all parts, opened once they exist. Opening them for
    /// each of 40,000 messages would take a seventh of the time of an index.
    ///
    /// A directory that is moved away meanwhile stays in use, as the root does. A missing directory
    /// is tried again by each call, because opencode makes it with its first file. A call that lists
    /// one of these directories opens it anew, because a descriptor lists only once.
    messages_dir: Option<Rc<Dir>>,
    parts_dir: Option<Rc<Dir>>,
    /// The sessions that have records, as they were when one of them was searched for.
    pub(crate) recorded_sessions: Option<RecordedSessions>,
}

/// The sessions that have records.
pub(crate) struct RecordedSessions {
    pub(crate) ids: HashSet<SessionId>,
    /// Whether other sessions may have records too, because a directory could not be read.
    pub(crate) is_unread: bool,
}

/// Bytes that were read: a piece of the arena, or a mapping of one file.
pub(crate) enum FetchedBytes {
    Piece(Piece),
    Span(MappedSpan),
}

impl FetchedBytes {
    /// Returns the bytes while the arena still grows.
    pub(crate) fn bytes<'a>(&'a self, arena: &'a Arena) -> &'a [u8] {
        match self {
            Self::Piece(piece) => arena.bytes(piece),
            Self::Span(span) => span,
        }
    }

    pub(crate) fn mtime_ms(&self) -> i64 {
        match self {
            Self::Piece(piece) => piece.stamp.mtime.as_millis(),
            Self::Span(span) => span.stamp().mtime.as_millis(),
        }
    }

    pub(crate) fn into_span(self, arena: &Frozen) -> MappedSpan {
        match self {
            Self::Piece(piece) => arena.span(&piece),
            Self::Span(span) => span,
        }
    }
}

impl<'s> FileTransaction<'s> {
    pub(crate) fn new(settings: &'s ReadSettings, root: Dir) -> Self {
        let context = ReadContext::begin(settings.clock.as_ref(), settings.options);
        let list_buffer = ListBuffer::default();
        Self {
            settings,
            root,
            context,
            list_buffer,
            name_buffer: Vec::new(),
            listed_set: None,
            messages_dir: None,
            parts_dir: None,
            recorded_sessions: None,
        }
    }

    /// Returns the directory of all messages or of all parts, and keeps it open once it exists.
    pub(crate) fn top_directory(
        &mut self,
        name: &'static str,
        note: &mut IssueSink<'_>,
    ) -> Option<Rc<Dir>> {
        let slot = if name == MESSAGE { &mut self.messages_dir } else { &mut self.parts_dir };
        if slot.is_none() {
            *slot = open_optional_dir(&self.root, name, || name.into(), note).map(Rc::new);
        }
        slot.clone()
    }

    /// Reads the file of an entity in its directory. The id may come from a listing or from a key. A
    /// file with the record of another entity of the directory is an issue.
    pub(crate) fn fetch(
        &mut self,
        arena: &mut Arena,
        dir: &Dir,
        id: &[u8],
    ) -> Result<FetchedBytes, IssueKind> {
        self.name_buffer.clear();
        self.name_buffer.extend_from_slice(id);
        self.name_buffer.extend_from_slice(b".json");
        let (settings, context) = (self.settings, self.context);
        let is_whole = &mut |bytes: &[u8]| json::check(bytes).is_ok();
        if settings.policy.is_frozen()
            && let Ok((FileKind::File, stamp)) = dir.stat(&self.name_buffer)
            && settings.policy.maps(discipline(PathClass::Part), stamp.size)
        {
            let in_place = discipline(PathClass::Part);
            let file = MappedFile::open(
                dir,
                &self.name_buffer,
                in_place,
                &settings.policy,
                &context,
                is_whole,
            )?;
            let span = file.into_span();
            return check_owner(dir, id, &span).map(|()| FetchedBytes::Span(span));
        }
        let piece = arena.read(dir, &self.name_buffer, &context, is_whole)?;
        check_owner(dir, id, arena.bytes(&piece)).map(|()| FetchedBytes::Piece(piece))
    }
}

/// Opens a directory that may be missing: opencode makes it with the first file. A missing directory
/// is `None` and not an issue.
pub(crate) fn open_optional_dir(
    parent: &Dir,
    name: &str,
    path: impl FnOnce() -> PathBuf,
    note: &mut IssueSink<'_>,
) -> Option<Dir> {
    match parent.open_dir(name.as_bytes()) {
        Ok(dir) => Some(dir),
        Err(IssueKind::Vanished) => None,
        Err(kind) => {
            note(None, Issue::new(Place::path(path()), kind));
            None
        }
    }
}

/// Returns a sink for the issues of a directory. If the directory itself cannot be read, the issue
/// names the entity that owns the records in it.
pub(crate) fn with_owner<'n>(
    owner: impl Fn() -> EntityKey + 'n,
    note: &'n mut IssueSink<'_>,
) -> impl FnMut(Option<EntityKey>, Issue) + 'n {
    move |key, issue| {
        let key = key.or_else(|| issue.is_unread().then(&owner));
        note(key, issue);
    }
}

/// Returns the path of an entity's record, for issues.
pub(crate) fn record_place(directory: &[&str], id: &str) -> Place {
    Place::path(directory.iter().collect::<PathBuf>().join(format!("{id}.json")))
}

/// Takes the issues of a walk, each with the entity that it concerns.
pub(crate) type IssueSink<'n> = dyn FnMut(Option<EntityKey>, Issue) + 'n;

impl FileTransaction<'_> {
    pub(crate) fn restart_context(&mut self) {
        self.context = ReadContext::begin(self.settings.clock.as_ref(), self.settings.options);
    }
    /// Observes a directory that is about to be listed.
    pub(crate) fn observe_listed_set(&mut self, dir: &Dir, key: impl Into<EntityKey>) {
        let stamp = dir.stamp().ok();
        self.listed_set = stamp.map(|stamp| self.observation(key.into(), stamp, None));
    }

    /// Returns an observation with a stamp that was just taken.
    pub(crate) fn observation(
        &self,
        key: EntityKey,
        stamp: Stamp,
        project: Option<ProjectId>,
    ) -> Observation {
        let settled =
            if self.context.settles(&stamp) { Settled::Settled } else { Settled::Provisional };
        Observation { project, ..Observation::new(key, stamp, settled) }
    }
}
