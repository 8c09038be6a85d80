//! One consistent read of a store, in bulk calls.

use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey};
use scrollback_stor_mmap::MappedSpan;

use crate::{Each, EachLent, EachSeen, Result, Survey, derived, lend_scanned};

/// One look at a store. All calls are in bulk, and hand out what they find as it comes.
///
/// What cannot be read is handed out as an [`Issue`](scrollback_core_err::Issue) and nothing else is
/// lost; `Err` means that the call as a whole was impossible. `each` may end a call early by breaking.
///
/// Required are [`clock`](Reader::clock), [`scan`](Reader::scan), [`survey`](Reader::survey) and
/// [`spans`](Reader::spans). The other methods have defaults that are made of these; a store that
/// has a faster way overrides them.
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
    /// By default one call of [`Reader::spans`] for the session, one [`Reader::scan`] of its messages
    /// and of its items, and for each message a scan of its parts' names and a call for their spans.
    ///
    /// # Errors
    /// If nothing of the session can be read.
    fn tree(&mut self, session: &SessionKey, each: &mut Each<'_>) -> Result<()> {
        derived::tree(self, session, each)
    }

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
    /// By default it reads the record, and looks for the name of a message if there is none.
    ///
    /// # Errors
    /// If the store cannot be asked.
    fn holds(&mut self, session: &SessionKey) -> Result<bool> {
        derived::holds(self, session)
    }

    /// Hands out what belongs to something that is not there, with spans: messages without their
    /// session, parts without their message. Such a message may come with its parts. Walks the whole
    /// store.
    ///
    /// By default it reads the messages of [`Survey::LostSets`], and all parts of the store, whose
    /// messages it looks for among the names of all messages.
    ///
    /// # Errors
    /// If the store cannot be walked.
    fn orphans(&mut self, each: &mut Each<'_>) -> Result<()> {
        derived::orphans(self, each)
    }
}
