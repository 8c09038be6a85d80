//! Surveys. A survey of a whole store only stats the containers. A survey of one session reads it,
//! because the stamp of a record is the hash of its bytes.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, MessageKey, SessionKey, Stamp};
use scrollback_source::{Survey, SurveyItem, SurveyVisitor};
use scrollback_stor_mmap::Settled;

use super::nodes::MessageNode;
use super::session::{SessionTree, message_set};

type Result<T> = std::result::Result<T, IssueKind>;

/// What a survey needs of a read transaction.
pub(super) trait Surveyed {
    fn sessions(
        &self,
        note: &mut dyn FnMut(Issue) -> ControlFlow<()>,
    ) -> ControlFlow<(), Vec<SessionKey>>;
    fn stat(&self, session: &SessionKey) -> Result<(Stamp, Settled)>;
    fn path_of(&self, session: &SessionKey) -> PathBuf;
    fn tree_of(&mut self, session: &SessionKey) -> Result<Rc<SessionTree>>;
    fn message(&mut self, key: &MessageKey) -> Result<MessageNode>;
}

pub(super) fn survey(
    store: &mut dyn Surveyed,
    query: &Survey<'_>,
    visitor: &mut SurveyVisitor<'_>,
) -> ControlFlow<()> {
    match query {
        Survey::Sessions | Survey::MessageSets | Survey::TableSets => {
            survey_containers(store, visitor)
        }
        // A container is a session, so no set lacks its session; and the store has no projects.
        Survey::Projects | Survey::LostSets => ControlFlow::Continue(()),
        Survey::Messages(session) => survey_messages(store, session, visitor),
        Survey::TheseMessages(session, wanted) => {
            let Ok(tree) = store.tree_of(session) else { return ControlFlow::Continue(()) };
            let known: std::collections::HashMap<_, _> =
                tree.messages().map(|message| (&message.key.message, message)).collect();
            let mut found = wanted.iter().filter_map(|message| known.get(message));
            found.try_for_each(|it| visitor(SurveyItem::Observation(it.record.observation())))
        }
        Survey::PartSets(messages) => messages.iter().try_for_each(|key| {
            let set = store.message(key).ok().and_then(|message| message.part_set());
            set.into_iter().try_for_each(|set| visitor(SurveyItem::Observation(set)))
        }),
        Survey::Parts(key) => {
            let Ok(message) = store.message(key) else { return ControlFlow::Continue(()) };
            let parts = message.parts.iter().map(|part| part.observation());
            let mut observations = message.part_set().into_iter().chain(parts);
            observations.try_for_each(|observation| visitor(SurveyItem::Observation(observation)))
        }
    }
}

/// Observes the record or the set of messages of each session: both have the stamp of the container.
fn survey_containers(store: &mut dyn Surveyed, visitor: &mut SurveyVisitor<'_>) -> ControlFlow<()> {
    for session in store.sessions(&mut |issue| visitor(SurveyItem::Issue(None, issue)))? {
        match store.stat(&session) {
            Ok((stamp, settled)) => {
                let set = message_set(&session, stamp, settled, None);
                visitor(SurveyItem::Observation(set))?;
            }
            Err(IssueKind::Vanished) => {}
            Err(kind) => {
                let issue = Issue::new(Place::path(store.path_of(&session)), kind);
                visitor(SurveyItem::Issue(Some(session.into()), issue))?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn survey_messages(
    store: &mut dyn Surveyed,
    session: &SessionKey,
    visitor: &mut SurveyVisitor<'_>,
) -> ControlFlow<()> {
    let about = || Some(EntityKey::Session(session.clone()));
    let tree = match store.tree_of(session) {
        Ok(tree) => tree,
        Err(IssueKind::Vanished) => return ControlFlow::Continue(()),
        Err(kind) => {
            let issue = Issue::new(Place::path(store.path_of(session)), kind);
            return visitor(SurveyItem::Issue(about(), issue));
        }
    };
    let set = message_set(session, tree.set.stamp, tree.set.settled, None);
    visitor(SurveyItem::Observation(set))?;
    tree.issues.iter().try_for_each(|issue| visitor(SurveyItem::Issue(about(), issue.clone())))?;
    let mut messages = tree.messages();
    messages.try_for_each(|it| visitor(SurveyItem::Observation(it.record.observation())))
}
