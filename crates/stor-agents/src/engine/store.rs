//! The open store: opens containers, and reads their heads and records.

use std::path::Path;
use std::rc::Rc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{OrderKey, SessionId, SessionKey, Stamp};
use scrollback_core_type::Provenance;
use scrollback_source::Entry;
use scrollback_stor_mmap::{Dir, FileKind, MapPolicy, MappedSpan, ReadContext, Settled};

use super::canonical::write_session;
use super::dialect::Dialect;
use super::head::{HeadInput, SessionDraft};
use super::layout::{Container, Role, Shape, SideFile};
use super::opened::{self, Opened};
use super::region::{Region, Tail};
use super::steps::{self, SeenBuilder, StepFile, StepsSeen};

type Result<T> = std::result::Result<T, IssueKind>;

/// The open root of a store.
pub(crate) struct Store<'s, D> {
    pub(crate) dialect: &'s D,
    pub(crate) root: Rc<Dir>,
    pub(crate) context: ReadContext<'s>,
    /// The context for files that are mapped, which need no memory and so have no size limit.
    pub(crate) map_context: ReadContext<'s>,
    pub(crate) map: MapPolicy,
    /// The only session, if the store is opened for one.
    pub(crate) only: Option<&'s SessionId>,
}

/// The head of a session, as far as it can be read.
pub(crate) struct Head {
    pub(crate) draft: SessionDraft,
    /// Whether the head stays as it is while the file only grows.
    pub(crate) is_final: bool,
    pub(crate) issue: Option<Issue>,
}

impl<D: Dialect> Store<'_, D> {
    /// Returns the container of a session. An id that leads elsewhere has none.
    pub(crate) fn container(&self, session: &SessionKey) -> Result<Container> {
        if self.only.is_some_and(|only| *only != session.session) {
            return Err(IssueKind::Vanished);
        }
        let container = self.dialect.container(&session.session).ok_or(IssueKind::Vanished)?;
        let names: Vec<&str> = container.path.iter().map(String::as_str).collect();
        let kind = match container.shape {
            Shape::Steps(_) => FileKind::Directory,
            _ => FileKind::File,
        };
        match self.dialect.classify(&names, kind) {
            Role::Session(id) if id == session.session => Ok(container),
            _ => Err(IssueKind::Vanished),
        }
    }

    pub(crate) fn open(&self, session: &SessionKey) -> Result<Opened> {
        Opened::open(&self.root, &self.container(session)?)
    }

    /// Returns the stamp of a session's container, and whether it is settled.
    pub(crate) fn stat(&self, session: &SessionKey) -> Result<(Stamp, Settled)> {
        let container = self.container(session)?;
        let stamp = opened::stat(&self.root, &container)?;
        let is_log = matches!(container.shape, Shape::Log);
        Ok((stamp, self.settled(is_log, &stamp)))
    }

    /// Returns whether a stamp is settled. The stamp of a log is, because each append changes its
    /// size.
    fn settled(&self, is_log: bool, stamp: &Stamp) -> Settled {
        if is_log || self.context.settles(stamp) { Settled::Settled } else { Settled::Young }
    }

    /// Returns whether the stamp of an open container is settled.
    pub(crate) fn settled_of(&self, opened: &Opened) -> Settled {
        let is_log = opened.arrays().is_none() && opened.steps().is_none();
        self.settled(is_log, opened.stamp())
    }

    /// Returns what to do with the end of a log that reaches the end of its file.
    pub(crate) fn tail(&self, opened: &Opened) -> Tail {
        if self.context.settles(opened.stamp()) { Tail::Read } else { Tail::Young }
    }

    /// Reads the head of a session.
    pub(crate) fn head(&self, session: &SessionKey, opened: &Opened) -> Head {
        let mut input = HeadInput::new(session, opened);
        match self.dialect.head(&mut input) {
            Ok(draft) => Head { draft, is_final: input.is_final(), issue: None },
            Err(kind) => {
                let path = match opened.steps() {
                    Some(steps) => opened.path().join(steps.head),
                    None => opened.path().clone(),
                };
                let issue = Some(Issue::new(Place::path(path), kind));
                Head { draft: SessionDraft::default(), is_final: false, issue }
            }
        }
    }

    /// Returns the entry of a session's record.
    pub(crate) fn session_entry(
        &self,
        session: &SessionKey,
        opened: &Opened,
        draft: &SessionDraft,
    ) -> Entry {
        let stamp = *opened.stamp();
        let updated = draft.updated.unwrap_or_else(|| stamp.mtime.as_millis());
        let mut json = Vec::with_capacity(512);
        write_session(session, draft, updated, &mut json);
        let span = MappedSpan::pooled(json, stamp, self.settled_of(opened));
        let provenance = Provenance::new(D::AGENT, D::FORMAT);
        Entry { provenance, ..Entry::new(session.clone(), OrderKey(updated), span) }
    }

    /// Reads all records of a container.
    pub(crate) fn whole(&self, opened: &mut Opened) -> Result<(Region, Option<StepsSeen>)> {
        if let Some(steps) = opened.steps().copied() {
            let files = steps::list(opened.dir(), &steps)?;
            let mut seen = SeenBuilder::new();
            let region = self.steps(opened, &files, &mut seen);
            return Ok((region, seen.finish()));
        }
        let bytes = self.read_whole(opened)?;
        Ok(match opened.arrays() {
            Some(arrays) => (Region::document(bytes, opened.path(), arrays), None),
            None => (Region::log(bytes, 0, self.tail(opened)), None),
        })
    }

    fn read_whole(&self, opened: &mut Opened) -> Result<MappedSpan> {
        let is_mapped = self.map.maps(opened.discipline(), opened.stamp().size);
        let context = if is_mapped { &self.map_context } else { &self.context };
        opened.read_whole(&self.map, context)
    }

    /// Reads these step files of a container.
    pub(crate) fn steps(
        &self,
        opened: &Opened,
        files: &[StepFile],
        seen: &mut SeenBuilder,
    ) -> Region {
        steps::read(opened.dir(), opened.path(), files, &self.context, seen)
    }

    pub(crate) fn open_side_file(&self, side: &SideFile) -> Result<Opened> {
        let container = Container { path: side.path.clone(), shape: Shape::Log };
        Opened::open(&self.root, &container)
    }

    /// Reads a side file.
    pub(crate) fn side_file(&self, side: &SideFile) -> Result<Region> {
        let mut opened = self.open_side_file(side)?;
        let bytes = self.read_whole(&mut opened)?;
        Ok(Region::log(bytes, 0, self.tail(&opened)))
    }

    /// Reads a log from an offset to its end.
    pub(crate) fn log_from(&self, opened: &Opened, offset: u64) -> Result<Region> {
        let bytes = opened.read_range(offset, u64::MAX)?;
        let span = MappedSpan::pooled(bytes, *opened.stamp(), Settled::Settled);
        Ok(Region::log(span, offset, self.tail(opened)))
    }

    /// Reads a range of a log; the records that do not end in it are left out.
    pub(crate) fn log_window(&self, opened: &Opened, offset: u64, len: u64) -> Result<Region> {
        if offset.saturating_add(len) >= opened.stamp().size {
            return self.log_from(opened, offset);
        }
        let bytes = opened.read_range(offset, len)?;
        let span = MappedSpan::pooled(bytes, *opened.stamp(), Settled::Settled);
        Ok(Region::log(span, offset, Tail::Cut))
    }
}

/// Returns an issue about a whole container.
pub(crate) fn issue_at(path: &Path, kind: IssueKind) -> Issue {
    Issue::new(Place::path(path), kind)
}
