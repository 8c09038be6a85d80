//! The reader of logs: it answers each call from the lines of the logs.

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

/// A read transaction on the logs.
pub(super) struct LogTransaction<'s> {
    store: Store<'s>,
    clock: &'s Arc<dyn Clock>,
}

impl<'s> LogTransaction<'s> {
    pub(super) fn new(root: Dir, clock: &'s Arc<dyn Clock>, counters: &'s Counters) -> Self {
        Self { store: Store::new(root, counters), clock }
    }

    fn sessions(&mut self, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        let mut records = Vec::new();
        for session in self.store.list(&mut |issue| visitor(ScanItem::Issue(None, issue)))? {
            match self.store.log(&session) {
                Ok(log) => {
                    records.push(entries::session(&session, &log.lines.state.head, &log.stamp));
                }
                Err(IssueKind::Vanished) => {}
                Err(kind) => visitor(unreadable_item(&session, kind))?,
            }
        }
        records.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        records.into_iter().map(ScanItem::Entry).try_for_each(visitor)
    }

    /// Passes the items of one log that `pick` returns. A missing log passes nothing.
    fn scan_log(
        &mut self,
        session: &SessionKey,
        visitor: &mut ScanVisitor<'_>,
        pick: impl FnOnce(&Log) -> Vec<ScanItem>,
    ) -> ControlFlow<()> {
        match self.store.log(session) {
            Ok(log) => pick(&log).into_iter().try_for_each(visitor),
            Err(IssueKind::Vanished) => ControlFlow::Continue(()),
            Err(kind) => visitor(unreadable_item(session, kind)),
        }
    }

    fn parts(&mut self, message: &MessageKey, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        // A scan of the session's messages reports the problems of the log.
        let Ok((log, offset)) = self.store.message(message) else {
            return ControlFlow::Continue(());
        };
        let Some(Message { parts, .. }) = log.lines.messages.get(&offset) else {
            return ControlFlow::Continue(());
        };
        let set = entries::part_set(message, parts).map(ScanItem::Set);
        let names = parts.iter().filter_map(|part| entries::part(message, part));
        let mut items =
            set.into_iter().chain(names.map(entries::without_span).map(ScanItem::Entry));
        items.try_for_each(visitor)
    }

    fn all_parts(&mut self, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        for session in self.store.list(&mut |issue| visitor(ScanItem::Issue(None, issue)))? {
            self.scan_log(&session, visitor, |log| part_items(&session, log))?;
        }
        ControlFlow::Continue(())
    }
}

impl Reader for LogTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.clock
    }

    fn scan(&mut self, scope: &Scope, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        let _ = match scope {
            Scope::Sessions => self.sessions(visitor),
            Scope::Messages(session) => {
                self.scan_log(session, visitor, |log| message_items(session, log))
            }
            Scope::MessageNames(session) => {
                self.scan_log(session, visitor, |log| message_name_items(session, log))
            }
            Scope::Items(session) => {
                self.scan_log(session, visitor, |log| timeline_items(session, log))
            }
            Scope::Parts(session) => self.parts(session, visitor),
            Scope::AllParts => self.all_parts(visitor),
            _ => ControlFlow::Continue(()), // the store has no projects
        };
        Ok(())
    }

    fn survey(&mut self, query: &Survey<'_>, visitor: &mut SurveyVisitor<'_>) -> Result<()> {
        let _ = survey::survey(&mut self.store, query, visitor);
        Ok(())
    }

    fn spans(&mut self, keys: &[EntityKey], visitor: &mut ScanVisitor<'_>) -> Result<()> {
        for key in keys {
            let item = match self.store.read_entity(key) {
                Ok(entry) => ScanItem::Entry(entry),
                Err(kind) => {
                    let path = ids::owner(key).and_then(|session| ids::path_of(&session));
                    let place = Place::path(path.unwrap_or_default());
                    ScanItem::Issue(Some(key.clone()), Issue::new(place, kind))
                }
            };
            if visitor(item).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        visitor: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        Ok(resume::resume(&self.store.root, self.store.counters, session, since, visitor))
    }

    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        // A read of the entity itself reports the problem.
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

/// Returns the set of messages, the issues of the log, and the messages.
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
    messages.filter_map(|(offset, message)| entries::message(session, *offset, &message.span))
}

fn timeline_items(session: &SessionKey, log: &Log) -> Vec<ScanItem> {
    let items = log.lines.items.iter().filter_map(|item| entries::item(session, item));
    items.map(ScanItem::Entry).collect()
}

fn part_items(session: &SessionKey, log: &Log) -> Vec<ScanItem> {
    let of_known_messages = log.lines.messages.iter();
    let of_known_messages = of_known_messages
        .flat_map(|(offset, message)| message.parts.iter().map(move |part| (*offset, part)));
    let of_missing_messages = log.lines.lost_parts.iter().map(|(offset, part)| (*offset, part));
    let entry = |(offset, part)| entries::part(&ids::message_key(session, offset)?, part);
    of_known_messages.chain(of_missing_messages).filter_map(entry).map(ScanItem::Entry).collect()
}
