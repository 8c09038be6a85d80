//! The reader of logs.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, MessageKey, Scope, SessionKey};
use scrollback_source::{
    Entry, Reader, Result, ResumeResult, ResumeToken, ScanItem, ScanVisitor, Survey, SurveyVisitor,
    content_stamp,
};
use scrollback_stor_mmap::{Dir, MappedSpan, Settled};

use super::counters::Counters;
use super::lines::Message;
use super::store::{Log, Store};
use super::{entries, ids, resume, survey};

/// One look at the logs.
pub(super) struct LogTransaction<'s> {
    store: Store<'s>,
    clock: &'s Arc<dyn Clock>,
}

impl<'s> LogTransaction<'s> {
    pub(super) fn new(root: Dir, clock: &'s Arc<dyn Clock>, counters: &'s Counters) -> Self {
        Self { store: Store::new(root, counters), clock }
    }

    fn sessions(&mut self, each: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        let mut found = Vec::new();
        for session in self.store.list(&mut |issue| each(ScanItem::Issue(None, issue)))? {
            match self.store.log(&session) {
                Ok(log) => {
                    found.push(entries::session(&session, &log.lines.state.head, &log.stamp));
                }
                Err(IssueKind::Vanished) => {}
                Err(kind) => each(unreadable_item(&session, kind))?,
            }
        }
        found.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        found.into_iter().map(ScanItem::Entry).try_for_each(each)
    }

    /// What one log holds of a scope; nothing if it is not there.
    fn scan_log(
        &mut self,
        session: &SessionKey,
        each: &mut ScanVisitor<'_>,
        pick: impl FnOnce(&Log) -> Vec<ScanItem>,
    ) -> ControlFlow<()> {
        match self.store.log(session) {
            Ok(log) => pick(&log).into_iter().try_for_each(each),
            Err(IssueKind::Vanished) => ControlFlow::Continue(()),
            Err(kind) => each(unreadable_item(session, kind)),
        }
    }

    fn parts(&mut self, of: &MessageKey, each: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        // Its session says what is wrong with the log.
        let Ok((log, at)) = self.store.message(of) else { return ControlFlow::Continue(()) };
        let Some(Message { parts, .. }) = log.lines.messages.get(&at) else {
            return ControlFlow::Continue(());
        };
        let set = entries::part_set(of, parts).map(ScanItem::Set);
        let named = parts.iter().filter_map(|part| entries::part(of, part));
        let mut found =
            set.into_iter().chain(named.map(entries::without_span).map(ScanItem::Entry));
        found.try_for_each(each)
    }

    fn all_parts(&mut self, each: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        for session in self.store.list(&mut |issue| each(ScanItem::Issue(None, issue)))? {
            self.scan_log(&session, each, |log| part_items(&session, log))?;
        }
        ControlFlow::Continue(())
    }
}

impl Reader for LogTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut ScanVisitor<'_>) -> Result<()> {
        let _ = match scope {
            Scope::Sessions => self.sessions(each),
            Scope::Messages(of) => self.scan_log(of, each, |log| message_items(of, log)),
            Scope::MessageNames(of) => self.scan_log(of, each, |log| message_name_items(of, log)),
            Scope::Items(of) => self.scan_log(of, each, |log| timeline_items(of, log)),
            Scope::Parts(of) => self.parts(of, each),
            Scope::AllParts => self.all_parts(each),
            _ => ControlFlow::Continue(()), // there are no projects
        };
        Ok(())
    }

    fn survey(&mut self, what: &Survey<'_>, each: &mut SurveyVisitor<'_>) -> Result<()> {
        let _ = survey::survey(&mut self.store, what, each);
        Ok(())
    }

    fn spans(&mut self, keys: &[EntityKey], each: &mut ScanVisitor<'_>) -> Result<()> {
        for key in keys {
            let found = match self.store.read_entity(key) {
                Ok(entry) => ScanItem::Entry(entry),
                Err(kind) => {
                    let path = ids::owner(key).and_then(|session| ids::path_of(&session));
                    let place = Place::path(path.unwrap_or_default());
                    ScanItem::Issue(Some(key.clone()), Issue::new(place, kind))
                }
            };
            if each(found).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        each: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        Ok(resume::resume(&self.store.root, self.store.counters, session, since, each))
    }

    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        // Whoever reads the entity says what is wrong with it.
        let line = self.store.read_record_line(key).ok().flatten();
        Ok(line.map(|line| {
            let stamp = content_stamp(&line);
            MappedSpan::pooled(line, stamp, Settled::Settled)
        }))
    }
}

fn unreadable_item(session: &SessionKey, kind: IssueKind) -> ScanItem {
    ScanItem::Issue(Some(session.clone().into()), entries::issue(session, kind))
}

/// The set of messages, what is wrong in the log, and the messages.
fn message_items(session: &SessionKey, log: &Log) -> Vec<ScanItem> {
    let set = ScanItem::Set(entries::log_set(session, log.stamp, log.token.clone()));
    let about = || Some(EntityKey::Session(session.clone()));
    let issues = log.lines.issues.iter().map(|issue| ScanItem::Issue(about(), issue.clone()));
    std::iter::once(set)
        .chain(issues)
        .chain(message_entries(session, log).map(ScanItem::Entry))
        .collect()
}

fn message_name_items(session: &SessionKey, log: &Log) -> Vec<ScanItem> {
    message_entries(session, log).map(entries::without_span).map(ScanItem::Entry).collect()
}

fn message_entries<'l>(session: &'l SessionKey, log: &'l Log) -> impl Iterator<Item = Entry> + 'l {
    let messages = log.lines.messages.iter();
    messages.filter_map(|(of, message)| entries::message(session, *of, &message.span))
}

fn timeline_items(session: &SessionKey, log: &Log) -> Vec<ScanItem> {
    let items = log.lines.items.iter().filter_map(|item| entries::item(session, item));
    items.map(ScanItem::Entry).collect()
}

fn part_items(session: &SessionKey, log: &Log) -> Vec<ScanItem> {
    let of_messages = log.lines.messages.iter();
    let of_messages =
        of_messages.flat_map(|(of, message)| message.parts.iter().map(move |part| (*of, part)));
    let lost = log.lines.lost_parts.iter().map(|(of, part)| (*of, part));
    let entry = |(of, part)| entries::part(&ids::message_key(session, of)?, part);
    of_messages.chain(lost).filter_map(entry).map(ScanItem::Entry).collect()
}
