//! One look at the tree: the open root, and how directories and files are reached from it.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey};
use scrollback_core_type::json;
use scrollback_stor_mmap::{
    Arena, Dir, Directory, FileKind, Frozen, ListBuffer, Look, MapPolicy, MappedFile, MappedSpan,
    Piece, ReadOptions,
};
use scrollback_stor_path::layout::MESSAGE;
use scrollback_stor_path::{PathClass, discipline};

use crate::survey::Hand;
use scrollback_source::{Each, EachSeen, Entry, Found, Reader, Sighting, Survey};

/// How files are read.
#[derive(Clone)]
pub(crate) struct ReadSettings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: ReadOptions,
    pub(crate) policy: MapPolicy,
}

/// One look at the tree.
pub(crate) struct FileLook<'s> {
    settings: &'s ReadSettings,
    pub(crate) root: Dir,
    pub(crate) look: Look<'s>,
    pub(crate) buffer: ListBuffer,
    pub(crate) name: Vec<u8>,
    /// The set that the walk is listing.
    pub(crate) set: Option<Sighting>,
    /// The directories of all messages and of all parts, once they were there: a look is at these,
    /// and opening them for each of 40,000 messages would be a seventh of an index. As with the
    /// root, one that is moved away meanwhile is still what this look looks at; one that is missing
    /// is looked for again, because opencode makes it with its first file. What lists one of them
    /// opens it anew, because a descriptor lists only once.
    messages: Option<Rc<Dir>>,
    parts: Option<Rc<Dir>>,
}

/// Bytes that were read: in the arena of the look, or mapped for themselves.
pub(crate) enum Fetched {
    Piece(Piece),
    Span(MappedSpan),
}

impl Fetched {
    /// The bytes, while the arena still grows.
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

impl<'s> FileLook<'s> {
    pub(crate) fn new(settings: &'s ReadSettings, root: Dir) -> Self {
        let look = Look::begin(settings.clock.as_ref(), settings.options);
        let buffer = ListBuffer::default();
        Self {
            settings,
            root,
            look,
            buffer,
            name: Vec::new(),
            set: None,
            messages: None,
            parts: None,
        }
    }

    /// The directory of all messages or of all parts, kept open once it is there.
    pub(crate) fn top(&mut self, name: &'static str, note: &mut Note<'_>) -> Option<Rc<Dir>> {
        let kept = if name == MESSAGE { &mut self.messages } else { &mut self.parts };
        if kept.is_none() {
            *kept = open_if_there(&self.root, name, || name.into(), note).map(Rc::new);
        }
        kept.clone()
    }

    /// Reads the file of an entity in its directory. The id need not be one that was listed.
    pub(crate) fn fetch(
        &mut self,
        arena: &mut Arena,
        dir: &Dir,
        id: &[u8],
    ) -> Result<Fetched, IssueKind> {
        self.name.clear();
        self.name.extend_from_slice(id);
        self.name.extend_from_slice(b".json");
        let (settings, look) = (self.settings, self.look);
        let whole = &mut |bytes: &[u8]| json::check(bytes).is_ok();
        if settings.policy.is_frozen()
            && let Ok((FileKind::File, stamp)) = dir.stat(&self.name)
            && settings.policy.maps(discipline(PathClass::Part), stamp.size)
        {
            let in_place = discipline(PathClass::Part);
            let file = MappedFile::open(dir, &self.name, in_place, &settings.policy, &look, whole)?;
            return Ok(Fetched::Span(file.into_span()));
        }
        arena.read(dir, &self.name, &look, whole).map(Fetched::Piece)
    }
}

/// Opens a directory that may be missing, which is nothing: opencode makes it with the first file.
pub(crate) fn open_if_there(
    parent: &Dir,
    name: &str,
    path: impl FnOnce() -> PathBuf,
    note: &mut Note<'_>,
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

/// Where the record of an id is, for issues.
pub(crate) fn place_of(directory: &[&str], id: &str) -> Place {
    Place::path(directory.iter().collect::<PathBuf>().join(format!("{id}.json")))
}

/// Takes issues while a scope is walked, with the entity they are about.
pub(crate) type Note<'n> = dyn FnMut(Option<EntityKey>, Issue) + 'n;

impl FileLook<'_> {
    /// Walks something as it is from now on, and hands out what is found: the set that was listed,
    /// issues, entries.
    fn walk<Entries: IntoIterator<Item = Entry>>(
        &mut self,
        each: &mut Each<'_>,
        walk: impl FnOnce(&mut Self, &mut Note<'_>) -> Entries,
    ) -> scrollback_source::Result<()> {
        self.begin();
        let mut issues = Vec::new();
        self.set = None;
        let entries = walk(self, &mut |key, issue| issues.push(Found::Issue(key, issue)));
        let set = self.set.take().map(Found::Set);
        // Entries are made as they are handed out: each is large, and many are but a name.
        let entries = entries.into_iter().map(Found::Entry);
        let _ = set.into_iter().chain(issues).chain(entries).try_for_each(each);
        Ok(())
    }

    pub(crate) fn begin(&mut self) {
        self.look = Look::begin(self.settings.clock.as_ref(), self.settings.options);
    }
}

impl Reader for FileLook<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        match scope {
            Scope::Projects => self.walk(each, Self::projects),
            Scope::Sessions => self.walk(each, |look, note| look.sessions(None, note)),
            Scope::Project(id) => self.walk(each, |look, note| look.sessions(Some(id), note)),
            Scope::Messages(of) => self.walk(each, |look, note| look.messages(of, note)),
            Scope::MessageNames(of) => self.walk(each, |look, note| look.name_messages(of, note)),
            Scope::Parts(of) => self.walk(each, |look, note| look.parts(of, note)),
            Scope::AllParts => self.all_parts(each),
            _ => Ok(()),
        }
    }

    fn survey(
        &mut self,
        what: &Survey<'_>,
        each: &mut EachSeen<'_>,
    ) -> scrollback_source::Result<()> {
        self.begin();
        self.walk_over(what, &mut Hand::new(each));
        Ok(())
    }

    fn spans(&mut self, keys: &[EntityKey], each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.walk(each, |look, note| look.entities(keys, note))
    }

    fn tree(&mut self, session: &SessionKey, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.walk(each, |look, note| look.whole(session, note))
    }

    fn holds(&mut self, session: &SessionKey) -> scrollback_source::Result<bool> {
        self.begin();
        Ok(self.has_session(session))
    }

    fn orphans(&mut self, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.walk(each, Self::lost)
    }
}
