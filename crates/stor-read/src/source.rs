//! The two traits that every store implements: `Source` opens looks, `Reader` is one look.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{
    Clock, EntityKey, OrderKey, ProjectId, Scope, SessionKey, SourceId, Stamp,
};
use scrollback_core_type::Provenance;
use scrollback_stor_mmap::{MappedSpan, Settled};

use crate::{DirtyScope, EachSeen, Probed, Result, Sighting, SourceToken, Survey, WatchRoot};

/// A store that can be read, and that is only ever read.
pub trait Source: Send + Sync {
    /// Names this store among several.
    fn id(&self) -> &SourceId;

    /// The clock that reads of this store are judged by.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// Opens one consistent look at the store, as far as the store allows: directory handles of a
    /// tree of files, one read transaction of a database. A look stays at the directories that it
    /// opened even if they are moved away meanwhile; whoever wants to notice that opens another.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store is not there or may not be read.
    fn open(&self) -> Result<Box<dyn Reader + '_>>;

    /// Says what a feed has to follow to hear of every change.
    fn watch_plan(&self) -> Vec<WatchRoot>;

    /// Says what a change of a path may be a change of, by the path alone: a file or a directory of
    /// the watch plan, or one in it. None if it is nothing of the store's.
    fn concerns(&self, path: &Path) -> Option<DirtyScope>;

    /// The directory that has what belongs to an entity, the messages of a session or the parts of
    /// a message, where the store keeps those in one that is followed.
    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf>;

    /// Says, at little cost, what may have changed since `since` was handed out, by this Source or
    /// by one of the same store in another process. The new token is of a moment before whatever
    /// a look that is opened afterwards sees: what changes between the two is told twice, and
    /// nothing is missed. Without a token the answer is [`Probe::Rescan`](crate::Probe::Rescan).
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store is not there or may not be read.
    fn probe(&self, since: Option<&SourceToken>) -> Result<Probed>;

    /// Says where an entity is kept, for people who want to look at it: a file, relative to the
    /// root of the store. Nothing is promised about what is there.
    fn locate(&self, key: &EntityKey) -> Option<PathBuf>;
}

/// One look at a store. All calls are in bulk, and hand out what they find as it comes.
///
/// What cannot be read is handed out as an [`Issue`] and nothing else is lost; `Err` means that
/// the call as a whole was impossible. `each` may end a call early by breaking.
pub trait Reader {
    /// The clock of the store.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// Hands out the entities of a scope, in the store's order: sessions newest first by
    /// `time.updated`; messages by `(time.created, id)`, in 2.x by the row's number; parts by their
    /// id's clock, in 2.x by their place in the row; all parts of the store in whatever order it has
    /// them. Projects, sessions and messages come with their spans, because their order is read from them; parts
    /// come as names, and so do messages if only their names are asked for. The set of messages of
    /// a session, or of parts of a message, is handed out first, where there is one.
    ///
    /// # Errors
    /// If the scope as a whole cannot be walked.
    fn scan(&mut self, scope: &Scope, each: &mut Each<'_>) -> Result<()>;

    /// Lends the records of a scope where they lie, for whoever needs them once: what
    /// [`Reader::scan`] hands out, without keeping it. Meant for [`Scope::Messages`] and
    /// [`Scope::AllParts`]; the store may be held open while `each` is at work, so it should be quick.
    ///
    /// # Errors
    /// As [`Reader::scan`].
    fn lend(&mut self, scope: &Scope, each: &mut EachLent<'_>) -> Result<()> {
        lend_scanned(self, scope, each)
    }

    /// Says what there is and in which state, and reads nothing. The set that is listed comes
    /// first, as it was before, the rest in no order. What is wrong with a name is the same issue
    /// that [`Reader::scan`] has for it; what vanishes meanwhile is none.
    ///
    /// # Errors
    /// If the store cannot be walked.
    fn survey(&mut self, what: &Survey<'_>, each: &mut EachSeen<'_>) -> Result<()>;

    /// Hands out the spans of these entities, in the order asked. One that is not there is an
    /// issue.
    ///
    /// # Errors
    /// If no entity can be read.
    fn spans(&mut self, keys: &[EntityKey], each: &mut Each<'_>) -> Result<()>;

    /// Hands out all of one session with spans, in the store's fastest way: the session, then each
    /// message followed by its parts, in order, and between messages what happened besides. Nothing
    /// is handed out where nothing is there.
    ///
    /// # Errors
    /// If nothing of the session can be read.
    fn tree(&mut self, session: &SessionKey, each: &mut Each<'_>) -> Result<()>;

    /// Hands out the original of an entity, where the store keeps it in another shape than its span
    /// has: a row with its columns, most often of more than this entity. None if the span is the
    /// original.
    ///
    /// # Errors
    /// If the store cannot be asked.
    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        let _ = key;
        Ok(None)
    }

    /// Hands out a session in the shape that the program itself exports, where that is another than
    /// that of opencode 1.x: `{info, messages}` of 2.x. None if the session is not of that kind.
    ///
    /// # Errors
    /// If the store cannot be asked.
    fn native(&mut self, session: &SessionKey) -> Result<Option<MappedSpan>> {
        let _ = session;
        Ok(None)
    }

    /// Whether the store has a session: its record, readable or not, or messages of it.
    ///
    /// # Errors
    /// If the store cannot be asked.
    fn holds(&mut self, session: &SessionKey) -> Result<bool>;

    /// Hands out what belongs to something that is not there, with spans: messages without their
    /// session, parts without their message. Walks the whole store.
    ///
    /// # Errors
    /// If the store cannot be walked.
    fn orphans(&mut self, each: &mut Each<'_>) -> Result<()>;
}

/// What a reader calls for each thing that it lends. Breaking ends the call.
pub type EachLent<'e> = dyn FnMut(Lent<'_>) -> ControlFlow<()> + 'e;

/// Something that a reader lends.
#[derive(Debug)]
pub enum Lent<'l> {
    /// A record.
    Record(LentRecord<'l>),
    /// The set that the call lists, at any time.
    Set(Sighting),
    /// Something that is wrong, about an entity if the key is known.
    Issue(Option<EntityKey>, Issue),
    /// All that was lent until now is of one state of the store, and holds.
    Holds,
    /// What was lent since the last [`Lent::Holds`] is to be forgotten: the store changed meanwhile,
    /// and it is lent again.
    Forget,
}

/// Reads the name of a record that is lent, or says what is wrong with it.
pub type LentName<'l> = dyn Fn() -> std::result::Result<EntityKey, Box<Issue>> + 'l;

/// A record as it is lent.
pub struct LentRecord<'l> {
    /// Reads what names it.
    pub named: &'l LentName<'l>,
    /// Where it stands among its siblings; parts of a whole store have no place.
    pub order: OrderKey,
    /// Its bytes as the store keeps them: without its ids, where those are kept beside them.
    pub bytes: &'l [u8],
    /// What it looked like.
    pub stamp: Stamp,
    /// Whether an equal stamp will mean that it is unchanged.
    pub settled: Settled,
}

impl LentRecord<'_> {
    /// Names it. Whoever looks for something in many records needs the names of few, so that a name
    /// is read when it is asked for.
    ///
    /// # Errors
    /// What is wrong with the name, where that is kept beside the record.
    pub fn key(&self) -> std::result::Result<EntityKey, Box<Issue>> {
        (self.named)()
    }
}

impl fmt::Debug for LentRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LentRecord")
            .field("key", &self.key())
            .field("stamp", &self.stamp)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

/// Lends what a scan hands out.
///
/// # Errors
/// Those of the scan.
pub fn lend_scanned<R: Reader + ?Sized>(
    reader: &mut R,
    scope: &Scope,
    each: &mut EachLent<'_>,
) -> Result<()> {
    let mut over = false;
    reader.scan(scope, &mut |found| {
        let flow = match found {
            Found::Set(set) => each(Lent::Set(set)),
            Found::Issue(key, issue) => each(Lent::Issue(key, issue)),
            Found::Entry(Entry { key, order, span, .. }) => {
                let span = span.unwrap_or_default();
                let (bytes, stamp, settled) = (&*span, *span.stamp(), span.settled());
                let named = &|| Ok(key.clone());
                each(Lent::Record(LentRecord { named, order, bytes, stamp, settled }))
            }
        };
        over = flow.is_break();
        flow
    })?;
    if !over {
        let _ = each(Lent::Holds);
    }
    Ok(())
}

/// What a reader calls for each thing it finds. Breaking ends the call.
pub type Each<'e> = dyn FnMut(Found) -> ControlFlow<()> + 'e;

/// Something that a reader found.
#[derive(Debug)]
pub enum Found {
    /// An entity.
    Entry(Entry),
    /// The set of records that the call lists, as it was before it was listed: what joins or leaves
    /// it later changes its stamp, so a settled one that stays the same was listed whole.
    Set(Sighting),
    /// Something that is wrong, about an entity if the key is known.
    Issue(Option<EntityKey>, Issue),
}

/// An entity in a store.
#[derive(Clone)]
pub struct Entry {
    /// Names it.
    pub key: EntityKey,
    /// Where it stands among its siblings.
    pub order: OrderKey,
    /// Its bytes, in the shape of opencode's own JSON, where the call reads them.
    pub span: Option<MappedSpan>,
    /// The project that a session's place says it belongs to.
    pub project: Option<ProjectId>,
    /// Which of several stores a session is from; none where there is but one.
    pub origin: Option<SourceId>,
    /// Which generation of storage a session was read from, and what else there is of it.
    pub provenance: Provenance,
}

impl Entry {
    /// An entity with its bytes.
    pub fn new(key: impl Into<EntityKey>, order: OrderKey, span: MappedSpan) -> Self {
        Self { span: Some(span), ..Self::named(key, order) }
    }

    /// An entity that was only named.
    pub fn named(key: impl Into<EntityKey>, order: OrderKey) -> Self {
        let provenance = Provenance::default();
        Self { key: key.into(), order, span: None, project: None, origin: None, provenance }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, {:?}, {:?})", self.key, self.order, self.span)
    }
}
