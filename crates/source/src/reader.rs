//! A read transaction: one consistent view of a store, with calls in bulk. The second half of the
//! file makes the provided methods from the required methods.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::slice;
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, MessageId, MessageKey, Scope, SessionKey, SourceId};
use scrollback_stor_mmap::MappedSpan;

use crate::borrowed::visit_borrowed;
use crate::entry::{items_before, with_listed_order};
use crate::{
    BorrowedItem, BorrowedVisitor, Entry, Listing, Observation, Result, ResumeResult, ResumeToken,
    ScanItem, ScanVisitor, SourceToken, Survey, SurveyItem, SurveyVisitor,
};

/// One read transaction of a store. All calls work in bulk: they pass each item to `visitor` as soon
/// as it is read.
///
/// A record that cannot be read becomes an [`Issue`](scrollback_core_err::Issue), and the call
/// continues with the other records. `Err` means that the call failed as a whole. `visitor` ends a
/// call early by returning `Break`.
///
/// Implement [`clock`](Reader::clock), [`scan`](Reader::scan), [`survey`](Reader::survey) and
/// [`spans`](Reader::spans). The other methods have defaults that use these four; override a method
/// if the store has a faster way.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
/// use scrollback_core_id::{Scope, SessionId, SourceId, SystemClock};
/// use scrollback_source::{Listing, ScanItem, Source};
/// use scrollback_stor_read::FileReader;
///
/// # let storage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json/storage");
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let mut reader = store.open()?;
///
/// // The session, each message and its parts, all with their bytes.
/// let session = SessionId::new("ses_e04994972ffet9oc5rH3S1zFJZ")?.into();
/// let tree = Listing::collect(|visitor| reader.tree(&session, visitor))?;
/// assert!(tree.issues.is_empty());
/// assert!(tree.entries.iter().all(|entry| entry.span.is_some()));
///
/// // A visitor can end a call early.
/// let mut newest = None;
/// reader.scan(&Scope::Sessions, &mut |item| match item {
///     ScanItem::Entry(entry) => {
///         newest = Some(entry.key);
///         ControlFlow::Break(())
///     }
///     _ => ControlFlow::Continue(()),
/// })?;
/// assert_eq!(newest, Some(tree.entries[0].key.clone()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Reader {
    /// Returns the clock of the store.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// Passes the entities of a scope to `visitor`, in the store's order:
    ///
    /// * sessions newest first by `time.updated`;
    /// * messages by `(time.created, id)`, in 2.x by the number of the row;
    /// * parts by the clock of their id, in 2.x by their position in the row;
    /// * all parts of the store in any order that the store has.
    ///
    /// Projects, sessions and messages come with their spans, because their order is read from the
    /// spans. Parts come as names, and so do messages if the scope asks for their names only. If the
    /// scope is a set (the messages of a session, the parts of a message), the set comes first.
    /// # Errors
    /// An error if the scope as a whole cannot be walked.
    fn scan(&mut self, scope: &Scope, visitor: &mut ScanVisitor<'_>) -> Result<()>;

    /// Passes the records of a scope as borrowed records: the items of [`Reader::scan`], without
    /// keeping the bytes. Use it for [`Scope::Messages`] and [`Scope::AllParts`]. The store may stay
    /// open while `visitor` runs, so `visitor` should be quick.
    /// # Errors
    /// As [`Reader::scan`].
    fn scan_borrowed(&mut self, scope: &Scope, visitor: &mut BorrowedVisitor<'_>) -> Result<()> {
        borrow_from_scan(self, scope, visitor)
    }

    /// Observes which records exist, and their stamps. A survey of a whole store reads no content,
    /// or the head of a file that is new or whose stamp changed. A survey of one session may read a
    /// log, because the records of a log have no stamps of their own.
    ///
    /// A set that the survey lists comes first, observed before the listing; the other items come in
    /// any order. A problem with a name is the same issue as in [`Reader::scan`]. A record that
    /// vanishes meanwhile is not an issue.
    /// # Errors
    /// An error if the store cannot be walked.
    fn survey(&mut self, survey: &Survey<'_>, visitor: &mut SurveyVisitor<'_>) -> Result<()>;

    /// Passes the spans of these entities to `visitor`, in the order of `keys`. A missing entity is
    /// an issue.
    /// # Errors
    /// An error if no entity can be read.
    fn spans(&mut self, keys: &[EntityKey], visitor: &mut ScanVisitor<'_>) -> Result<()>;

    /// Passes the parts of a message with their spans, at least those that end a step of an answer and
    /// have its usage. The order does not matter.
    /// The default passes all parts. Override it if the store can find these parts faster.
    /// # Errors
    /// An error if the parts cannot be listed.
    fn step_parts(&mut self, message: &MessageKey, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        default_step_parts(self, message, visitor)
    }

    /// Passes all of one session with spans, in the store's fastest way: the session, then each
    /// message followed by its parts, in order, and between the messages the items of the timeline.
    /// A session that does not exist passes nothing.
    ///
    /// The default calls [`Reader::spans`] for the session and [`Reader::scan`] for its messages and
    /// items. For each message it scans the names of the parts, and calls [`Reader::spans`] for
    /// their bytes.
    /// # Errors
    /// An error if nothing of the session can be read.
    fn tree(&mut self, session: &SessionKey, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        default_tree(self, session, visitor)
    }

    /// Passes the additions to a session since `since` was issued, and returns the next token. The
    /// additions are: the session's record if it changed; the set of its messages; each message that
    /// is new or was replaced, followed by its parts that are new or changed; new parts of other
    /// messages by themselves; items. Issues about earlier records are passed again as long as they
    /// hold.
    ///
    /// A session that changed in any other way than by additions, such as a rewrite in place, is
    /// [`Probe::Rescan`](crate::Probe::Rescan); discard the items that the call passed. The call
    /// does not read what was there before, so its time depends on the size of the additions alone.
    /// # Errors
    /// An error if the store cannot be queried.
    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        visitor: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        let _ = (session, since, visitor);
        Ok(ResumeResult::rescan())
    }

    /// Returns the original of an entity if its span has another shape: a row with its columns, which
    /// often holds more than this entity. Returns `None` if the span is the original.
    /// # Errors
    /// An error if the store cannot be queried.
    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        let _ = key;
        Ok(None)
    }

    /// Returns a session in the shape that the agent itself exports, if this shape differs from the
    /// shape of opencode 1.x: `{info, messages}` of 2.x. Returns `None` for any other session.
    /// # Errors
    /// An error if the store cannot be queried.
    fn native(&mut self, session: &SessionKey) -> Result<Option<MappedSpan>> {
        let _ = session;
        Ok(None)
    }

    /// Checks whether the store has a session: its record, readable or not, or messages of it. If a
    /// directory or table cannot be read that may have them, the answer is `true` as well.
    /// # Errors
    /// An error if the store cannot be queried.
    fn has_session(&mut self, session: &SessionKey) -> Result<bool> {
        default_has_session(self, session)
    }

    /// Observes the set of a session's messages as [`Survey::MessageSets`] does; `None` without a set.
    /// # Errors
    /// An error if the store cannot be queried.
    fn message_set(&mut self, session: &SessionKey) -> Result<Option<Observation>> {
        let mut set = None;
        self.scan(&Scope::MessageNames(session.clone()), &mut |item| {
            let ScanItem::Set(observation) = item else { return ControlFlow::Continue(()) };
            set = Some(observation);
            ControlFlow::Break(())
        })?;
        Ok(set)
    }

    /// Returns the store that supplies a session if this Source merges several stores, else `None`.
    /// # Errors
    /// An error if a store cannot be queried.
    fn origin(&mut self, session: &SessionKey) -> Result<Option<SourceId>> {
        let _ = session;
        Ok(None)
    }

    /// Returns the rank of the storage format of a session's messages, which the newest format has
    /// greatest. Ids of messages are comparable only within one storage format.
    /// # Errors
    /// An error if the store cannot be queried.
    fn format_rank(&mut self, session: &SessionKey) -> Result<u32> {
        let _ = session;
        Ok(0) // the only storage format
    }

    /// Surveys [`Survey::MessageSets`]. A set that is the same as when `since` was issued may be left
    /// out. Returns the sessions whose sets were left out; by default none.
    /// # Errors
    /// An error if the store cannot be queried.
    fn survey_changed_sets(
        &mut self,
        since: Option<&SourceToken>,
        visitor: &mut SurveyVisitor<'_>,
    ) -> Result<HashSet<SessionKey>> {
        let _ = since;
        self.survey(&Survey::MessageSets, visitor)?;
        Ok(HashSet::new())
    }

    /// Passes the orphans with their spans: messages without their session, and parts without their
    /// message. An orphaned message may come with its parts. The call walks the whole store.
    ///
    /// The default reads the messages of [`Survey::LostSets`]. Then it reads all parts of the store,
    /// and checks each part's message against the names of all messages.
    /// # Errors
    /// An error if the store cannot be walked.
    fn orphans(&mut self, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        default_orphans(self, visitor)
    }

    /// Passes the names of the diffs and todo lists of all sessions. The default passes none.
    /// # Errors
    /// An error if the store cannot be walked.
    fn attachments(&mut self, _visitor: &mut ScanVisitor<'_>) -> Result<()> {
        Ok(())
    }
}

/// Passes the items of a scan as borrowed items: the default of [`Reader::scan_borrowed`].
/// # Errors
/// The error of the scan.
pub fn borrow_from_scan<R: Reader + ?Sized>(
    reader: &mut R,
    scope: &Scope,
    visitor: &mut BorrowedVisitor<'_>,
) -> Result<()> {
    let mut is_stopped = false;
    reader.scan(scope, &mut |item| {
        let flow = visit_borrowed(item, visitor);
        is_stopped = flow.is_break();
        flow
    })?;
    if !is_stopped {
        let _ = visitor(BorrowedItem::Commit);
    }
    Ok(())
}

/// The default of [`Reader::step_parts`].
fn default_step_parts<R: Reader + ?Sized>(
    reader: &mut R,
    message: &MessageKey,
    visitor: &mut ScanVisitor<'_>,
) -> Result<()> {
    let scope = Scope::Parts(message.clone());
    let names = Listing::collect(|visitor| reader.scan(&scope, visitor))?;
    let keys: Vec<EntityKey> = names.entries.into_iter().map(|part| part.key).collect();
    let mut issues = names.issues.into_iter().map(|(key, issue)| ScanItem::Issue(key, issue));
    if issues.try_for_each(&mut *visitor).is_break() {
        return Ok(());
    }
    if keys.is_empty() { Ok(()) } else { reader.spans(&keys, visitor) }
}

/// The default of [`Reader::tree`].
fn default_tree<R: Reader + ?Sized>(
    reader: &mut R,
    session: &SessionKey,
    visitor: &mut ScanVisitor<'_>,
) -> Result<()> {
    let key = EntityKey::Session(session.clone());
    let record = Listing::collect(|visitor| reader.spans(slice::from_ref(&key), visitor))?;
    let messages =
        Listing::collect(|visitor| reader.scan(&Scope::Messages(session.clone()), visitor))?;
    let items = Listing::collect(|visitor| reader.scan(&Scope::Items(session.clone()), visitor))?;
    // A missing session passes nothing: its record is "vanished", and that issue is left out.
    let record_issues = record.issues.into_iter().filter(|(_, issue)| !issue.is_vanished());
    let mut head = record_issues
        .chain(messages.issues)
        .chain(items.issues)
        .map(|(key, issue)| ScanItem::Issue(key, issue))
        .chain(record.entries.into_iter().map(ScanItem::Entry));
    if head.try_for_each(&mut *visitor).is_break() {
        return Ok(());
    }
    let mut items = items.entries.into_iter().peekable();
    for message in messages.entries {
        let EntityKey::Message(key) = &message.key else { continue };
        let scope = Scope::Parts(key.clone());
        let names = Listing::collect(|visitor| reader.scan(&scope, visitor))?;
        let keys: Vec<EntityKey> = names.entries.iter().map(|part| part.key.clone()).collect();
        let parts = match keys.is_empty() {
            true => Listing::default(),
            false => Listing::collect(|visitor| reader.spans(&keys, visitor))?,
        };
        let issues = names.issues.into_iter().chain(parts.issues);
        let mut message_items = issues
            .map(|(key, issue)| ScanItem::Issue(key, issue))
            .chain(items_before(&mut items, &message))
            .chain([ScanItem::Entry(message)])
            .chain(with_listed_order(parts.entries, &names.entries).map(ScanItem::Entry));
        if message_items.try_for_each(&mut *visitor).is_break() {
            return Ok(());
        }
    }
    let _ = items.map(ScanItem::Entry).try_for_each(visitor);
    Ok(())
}

/// The default of [`Reader::has_session`].
fn default_has_session<R: Reader + ?Sized>(reader: &mut R, session: &SessionKey) -> Result<bool> {
    let mut exists = false;
    let key = EntityKey::Session(session.clone());
    reader.spans(slice::from_ref(&key), &mut |item| {
        exists |= match item {
            ScanItem::Entry(_) => true,
            ScanItem::Issue(_, issue) => !issue.is_vanished(), // it exists, and is unreadable
            ScanItem::Set(_) => false,
        };
        ControlFlow::Continue(())
    })?;
    if !exists {
        reader.scan(&Scope::MessageNames(session.clone()), &mut |item| {
            let is_unread = matches!(&item, ScanItem::Issue(_, issue) if issue.is_unread());
            exists |= is_unread || matches!(item, ScanItem::Entry(_));
            if exists { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(exists)
}

/// The default of [`Reader::orphans`].
fn default_orphans<R: Reader + ?Sized>(
    reader: &mut R,
    visitor: &mut ScanVisitor<'_>,
) -> Result<()> {
    for session in surveyed_sessions(reader, &Survey::LostSets)? {
        if scan_without_sets(reader, &Scope::Messages(session), visitor)?.is_break() {
            return Ok(());
        }
    }
    // A part is an orphan if its message is in no set, so the names of all messages come first.
    let mut messages: HashSet<MessageId> = HashSet::new();
    for session in surveyed_sessions(reader, &Survey::MessageSets)? {
        reader.scan(&Scope::MessageNames(session), &mut |item| {
            if let ScanItem::Entry(Entry { key: EntityKey::Message(key), .. }) = item {
                messages.insert(key.message);
            }
            ControlFlow::Continue(())
        })?;
    }
    reader.scan(&Scope::AllParts, &mut |item| match &item {
        ScanItem::Entry(Entry { key: EntityKey::Part(key), .. })
        | ScanItem::Issue(Some(EntityKey::Part(key)), _)
            if !messages.contains(&key.message) =>
        {
            visitor(item)
        }
        _ => ControlFlow::Continue(()),
    })
}

/// Returns the sessions of a survey of message sets, without the issues, which a refresh reports.
fn surveyed_sessions<R: Reader + ?Sized>(
    reader: &mut R,
    survey: &Survey<'_>,
) -> Result<Vec<SessionKey>> {
    let mut sessions = Vec::new();
    reader.survey(survey, &mut |item| {
        if let SurveyItem::Observation(observation) = item
            && let EntityKey::Session(key) = observation.key
        {
            sessions.push(key);
        }
        ControlFlow::Continue(())
    })?;
    Ok(sessions)
}

/// Scans without the sets. Several scopes are walked, and none of their sets is the caller's.
fn scan_without_sets<R: Reader + ?Sized>(
    reader: &mut R,
    scope: &Scope,
    visitor: &mut ScanVisitor<'_>,
) -> Result<ControlFlow<()>> {
    let mut flow = ControlFlow::Continue(());
    reader.scan(scope, &mut |item| {
        if !matches!(item, ScanItem::Set(_)) {
            flow = visitor(item);
        }
        flow
    })?;
    Ok(flow)
}
