//! Surveys of logs. A survey of a whole store only stats the files. A survey of one session reads its
//! log, because the stamp of a record is the hash of its bytes.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageKey, SessionKey};
use scrollback_source::{Observation, Survey, SurveyItem, SurveyVisitor};

use super::entries::{issue, log_set, observation, order, part_set};
use super::ids;
use super::lines::Message;
use super::store::Store;

pub(super) fn survey(
    store: &mut Store<'_>,
    query: &Survey<'_>,
    visitor: &mut SurveyVisitor<'_>,
) -> ControlFlow<()> {
    match query {
        Survey::Sessions | Survey::MessageSets | Survey::TableSets => survey_files(store, visitor),
        // A log is a session, so no set lacks its session; and the store has no projects.
        Survey::Projects | Survey::LostSets => ControlFlow::Continue(()),
        Survey::Messages(session) => survey_messages(store, session, visitor),
        Survey::TheseMessages(session, wanted) => {
            let Ok(log) = store.log(session) else { return ControlFlow::Continue(()) };
            let observe = |message| {
                let key = MessageKey { session: session.session.clone(), message };
                let offset = ids::offset_of(&key.clone().into())?;
                Some(observation(key, *log.lines.messages.get(&offset)?.span.stamp()))
            };
            let mut observations = wanted.iter().cloned().filter_map(observe);
            observations.try_for_each(|observation| visitor(SurveyItem::Observation(observation)))
        }
        Survey::PartSets(messages) => messages.iter().try_for_each(|key| {
            let Ok((log, offset)) = store.message(key) else { return ControlFlow::Continue(()) };
            let message = log.lines.messages.get(&offset);
            let set = message.and_then(|message| part_set(key, &message.parts));
            set.into_iter().try_for_each(|set| visitor(SurveyItem::Observation(set)))
        }),
        Survey::Parts(key) => {
            let Ok((log, offset)) = store.message(key) else { return ControlFlow::Continue(()) };
            let Some(Message { parts, .. }) = log.lines.messages.get(&offset) else {
                return ControlFlow::Continue(());
            };
            let part = |part: &super::lines::Record| -> Option<Observation> {
                let of_part = observation(ids::part_key(key, part.offset)?, *part.span.stamp());
                Some(Observation { order: order(part.offset), ..of_part })
            };
            let mut observations =
                part_set(key, parts).into_iter().chain(parts.iter().filter_map(part));
            observations.try_for_each(|observation| visitor(SurveyItem::Observation(observation)))
        }
    }
}

/// Observes the record or the set of messages of each session: both have the stamp of the file.
fn survey_files(store: &Store<'_>, visitor: &mut SurveyVisitor<'_>) -> ControlFlow<()> {
    for session in store.list(&mut |issue| visitor(SurveyItem::Issue(None, issue)))? {
        match store.stat(&session) {
            Ok(stamp) => visitor(SurveyItem::Observation(log_set(&session, stamp, None)))?,
            Err(IssueKind::Vanished) => {}
            Err(kind) => {
                visitor(SurveyItem::Issue(Some(session.clone().into()), issue(&session, kind)))?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn survey_messages(
    store: &mut Store<'_>,
    session: &SessionKey,
    visitor: &mut SurveyVisitor<'_>,
) -> ControlFlow<()> {
    let about = || Some(EntityKey::Session(session.clone()));
    let log = match store.log(session) {
        Ok(log) => log,
        Err(IssueKind::Vanished) => return ControlFlow::Continue(()),
        Err(kind) => return visitor(SurveyItem::Issue(about(), issue(session, kind))),
    };
    visitor(SurveyItem::Observation(log_set(session, log.stamp, None)))?;
    log.lines
        .issues
        .iter()
        .try_for_each(|issue| visitor(SurveyItem::Issue(about(), issue.clone())))?;
    let observe = |(offset, message): (&u64, &Message)| {
        Some(observation(ids::message_key(session, *offset)?, *message.span.stamp()))
    };
    let mut observations = log.lines.messages.iter().filter_map(observe);
    observations.try_for_each(|observation| visitor(SurveyItem::Observation(observation)))
}
