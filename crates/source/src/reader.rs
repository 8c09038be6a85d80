//! One consistent read of a store, in bulk calls.

use std::collections::HashSet;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::slice;
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, MessageId, Scope, SessionKey};
use scrollback_stor_mmap::MappedSpan;

use crate::{
    BorrowedItem, BorrowedRecord, BorrowedVisitor, Entry, Listing, Result, ResumeResult,
    ResumeToken, ScanItem, ScanVisitor, Survey, SurveyItem, SurveyVisitor,
};

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
    fn scan(&mut self, scope: &Scope, visitor: &mut ScanVisitor<'_>) -> Result<()>;

    /// Lends the records of a scope where they lie, for whoever needs them once: what
    /// [`Reader::scan`] hands out, without keeping it. Meant for [`Scope::Messages`] and
    /// [`Scope::AllParts`]; the store may be held open while `each` is at work, so it should be quick.
    ///
    /// # Errors
    /// As [`Reader::scan`].
    fn scan_borrowed(&mut self, scope: &Scope, visitor: &mut BorrowedVisitor<'_>) -> Result<()> {
        borrow_from_scan(self, scope, visitor)
    }

    /// Says what there is and in which state. Of a whole store it reads nothing, or the head of a file
    /// that is new or whose stamp changed; of one session it may read a log, because records of a log
    /// have no stamps of their own. The set that is listed comes
    /// first, as it was before, the rest in no order. What is wrong with a name is the same issue
    /// that [`Reader::scan`] has for it; what vanishes meanwhile is none.
    ///
    /// # Errors
    /// If the store cannot be walked.
    fn survey(&mut self, survey: &Survey<'_>, visitor: &mut SurveyVisitor<'_>) -> Result<()>;

    /// Hands out the spans of these entities, in the order asked. One that is not there is an
    /// issue.
    ///
    /// # Errors
    /// If no entity can be read.
    fn spans(&mut self, keys: &[EntityKey], visitor: &mut ScanVisitor<'_>) -> Result<()>;

    /// Hands out all of one session with spans, in the store's fastest way: the session, then each
    /// message followed by its parts, in order, and between messages what happened besides. Nothing
    /// is handed out where nothing is there.
    ///
    /// By default one call of [`Reader::spans`] for the session, one [`Reader::scan`] of its messages
    /// and of its items, and for each message a scan of its parts' names and a call for their spans.
    ///
    /// # Errors
    /// If nothing of the session can be read.
    fn tree(&mut self, session: &SessionKey, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        default_tree(self, session, visitor)
    }

    /// Hands out what was added to a session since `since` was handed out: its record if that looks
    /// different now; the set of its messages; each message that is new or was replaced, followed by
    /// those of its parts that are new or changed; such parts of other messages by themselves; items.
    /// Issues about what was read before are handed out again, as long as they hold.
    ///
    /// A session that was changed in any other way than by adding records to it, as by a rewrite in
    /// place, is [`Probe::Rescan`](crate::Probe::Rescan), and what was handed out is to be forgotten.
    /// What was not added to is not read, so that the call takes as long as what it hands out.
    ///
    /// By default always [`Probe::Rescan`](crate::Probe::Rescan).
    ///
    /// # Errors
    /// If the store cannot be asked.
    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        visitor: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        let _ = (session, since, visitor);
        Ok(ResumeResult::rescan())
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
    fn has_session(&mut self, session: &SessionKey) -> Result<bool> {
        default_has_session(self, session)
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
    fn orphans(&mut self, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        default_orphans(self, visitor)
    }
}

// The provided methods, made of the required ones.

/// Lends what a scan hands out.
///
/// # Errors
/// Those of the scan.
pub fn borrow_from_scan<R: Reader + ?Sized>(
    reader: &mut R,
    scope: &Scope,
    visitor: &mut BorrowedVisitor<'_>,
) -> Result<()> {
    let mut is_stopped = false;
    reader.scan(scope, &mut |item| {
        let flow = match item {
            ScanItem::Set(set) => visitor(BorrowedItem::Set(set)),
            ScanItem::Issue(key, issue) => visitor(BorrowedItem::Issue(key, issue)),
            ScanItem::Entry(Entry { key, order, span, is_copy, .. }) => {
                let span = span.unwrap_or_default();
                let (bytes, stamp, settled) = (&*span, *span.stamp(), span.settled());
                let read_key = &|| Ok(key.clone());
                visitor(BorrowedItem::Record(BorrowedRecord {
                    read_key,
                    order,
                    is_copy,
                    bytes,
                    stamp,
                    settled,
                }))
            }
        };
        is_stopped = flow.is_break();
        flow
    })?;
    if !is_stopped {
        let _ = visitor(BorrowedItem::Commit);
    }
    Ok(())
}

/// [`Reader::tree`].
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
    // A session of which nothing is there is no issue.
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

/// The items that happened before a message.
fn items_before(
    items: &mut Peekable<impl Iterator<Item = Entry>>,
    message: &Entry,
) -> Vec<ScanItem> {
    let next = || items.next_if(|item| item.order < message.order).map(ScanItem::Entry);
    std::iter::from_fn(next).collect()
}

/// Parts that were read, each with the order that its name was listed with.
fn with_listed_order(entries: Vec<Entry>, names: &[Entry]) -> impl Iterator<Item = Entry> {
    let mut names = names.iter();
    entries.into_iter().map(move |part| {
        // They come as they were asked for; some may be missing.
        let name = names.find(|name| name.key == part.key);
        Entry { order: name.map_or(part.order, |name| name.order), ..part }
    })
}

/// [`Reader::has_session`].
fn default_has_session<R: Reader + ?Sized>(reader: &mut R, session: &SessionKey) -> Result<bool> {
    let mut exists = false;
    let key = EntityKey::Session(session.clone());
    reader.spans(slice::from_ref(&key), &mut |item| {
        exists |= match item {
            ScanItem::Entry(_) => true,
            ScanItem::Issue(_, issue) => !issue.is_vanished(), // there, and unreadable
            ScanItem::Set(_) => false,
        };
        ControlFlow::Continue(())
    })?;
    if !exists {
        reader.scan(&Scope::MessageNames(session.clone()), &mut |item| match item {
            ScanItem::Entry(_) => {
                exists = true;
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })?;
    }
    Ok(exists)
}

/// [`Reader::orphans`].
fn default_orphans<R: Reader + ?Sized>(
    reader: &mut R,
    visitor: &mut ScanVisitor<'_>,
) -> Result<()> {
    for session in surveyed_sessions(reader, &Survey::LostSets)? {
        if scan_without_sets(reader, &Scope::Messages(session), visitor)?.is_break() {
            return Ok(());
        }
    }
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
            if !messages.contains(&key.message) =>
        {
            visitor(item)
        }
        ScanItem::Issue(Some(EntityKey::Part(key)), _) if !messages.contains(&key.message) => {
            visitor(item)
        }
        _ => ControlFlow::Continue(()),
    })
}

/// The sessions whose sets a survey comes to. What is wrong with others is told by a refresh.
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

/// What a scan hands out but the set: several are walked, and none is what the caller asked for.
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
