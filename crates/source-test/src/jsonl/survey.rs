//! Surveys of logs. Of a whole store only the stamps of the files are looked at; of one session, its
//! log is read, because the stamps of records are those of their bytes.

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
    what: &Survey<'_>,
    each: &mut SurveyVisitor<'_>,
) -> ControlFlow<()> {
    match what {
        Survey::Sessions | Survey::MessageSets => survey_files(store, each),
        // A log is a session, and there are no projects.
        Survey::Projects | Survey::LostSets => ControlFlow::Continue(()),
        Survey::Messages(session) => survey_messages(store, session, each),
        Survey::TheseMessages(session, wanted) => {
            let Ok(log) = store.log(session) else { return ControlFlow::Continue(()) };
            let sighting = |message| {
                let key = MessageKey { session: session.session.clone(), message };
                let at = ids::offset_of(&key.clone().into())?;
                Some(observation(key, *log.lines.messages.get(&at)?.span.stamp()))
            };
            let mut seen = wanted.iter().cloned().filter_map(sighting);
            seen.try_for_each(|it| each(SurveyItem::Observation(it)))
        }
        Survey::PartSets(messages) => messages.iter().try_for_each(|key| {
            let Ok((log, at)) = store.message(key) else { return ControlFlow::Continue(()) };
            let message = log.lines.messages.get(&at);
            let set = message.and_then(|message| part_set(key, &message.parts));
            set.into_iter().try_for_each(|set| each(SurveyItem::Observation(set)))
        }),
        Survey::Parts(key) => {
            let Ok((log, at)) = store.message(key) else { return ControlFlow::Continue(()) };
            let Some(Message { parts, .. }) = log.lines.messages.get(&at) else {
                return ControlFlow::Continue(());
            };
            let part = |part: &super::lines::Record| -> Option<Observation> {
                let seen = observation(ids::part_key(key, part.offset)?, *part.span.stamp());
                Some(Observation { order: order(part.offset), ..seen })
            };
            let mut seen = part_set(key, parts).into_iter().chain(parts.iter().filter_map(part));
            seen.try_for_each(|it| each(SurveyItem::Observation(it)))
        }
    }
}

/// The record of each session, or its set of messages: both look like the file.
fn survey_files(store: &Store<'_>, each: &mut SurveyVisitor<'_>) -> ControlFlow<()> {
    for session in store.list(&mut |issue| each(SurveyItem::Issue(None, issue)))? {
        match store.stat(&session) {
            Ok(stamp) => each(SurveyItem::Observation(log_set(&session, stamp, None)))?,
            Err(IssueKind::Vanished) => {}
            Err(kind) => {
                each(SurveyItem::Issue(Some(session.clone().into()), issue(&session, kind)))?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn survey_messages(
    store: &mut Store<'_>,
    session: &SessionKey,
    each: &mut SurveyVisitor<'_>,
) -> ControlFlow<()> {
    let about = || Some(EntityKey::Session(session.clone()));
    let log = match store.log(session) {
        Ok(log) => log,
        Err(IssueKind::Vanished) => return ControlFlow::Continue(()),
        Err(kind) => return each(SurveyItem::Issue(about(), issue(session, kind))),
    };
    each(SurveyItem::Observation(log_set(session, log.stamp, None)))?;
    log.lines
        .issues
        .iter()
        .try_for_each(|issue| each(SurveyItem::Issue(about(), issue.clone())))?;
    let sighting = |(at, message): (&u64, &Message)| {
        Some(observation(ids::message_key(session, *at)?, *message.span.stamp()))
    };
    let mut seen = log.lines.messages.iter().filter_map(sighting);
    seen.try_for_each(|it| each(SurveyItem::Observation(it)))
}
