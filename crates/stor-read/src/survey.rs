//! Surveys of the tree: lists directories, and stats each name.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::str::FromStr;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{
    EntityKey, IdError, MessageId, MessageKey, OrderKey, PartKey, ProjectId, SessionId, SessionKey,
    Stamp,
};
use scrollback_stor_mmap::{Dir, Directory, FileKind};
use scrollback_stor_path::layout::{MESSAGE, PART, PROJECT, SESSION};

use crate::entity_location::check_ids;
use crate::foreign_records::is_plain_name;
use crate::messages::open_parts_dir;
use crate::name_kind::NameKind;
use crate::names::list_ids;
use crate::transaction::{FileTransaction, open_optional_dir, record_place};
use scrollback_source::{Observation, Survey, SurveyItem, SurveyVisitor};

/// Passes items to the visitor until the visitor breaks.
pub(crate) struct SurveySink<'h> {
    visitor: &'h mut SurveyVisitor<'h>,
    is_stopped: bool,
}

impl<'h> SurveySink<'h> {
    pub(crate) fn new(visitor: &'h mut SurveyVisitor<'h>) -> Self {
        Self { visitor, is_stopped: false }
    }

    #[inline(always)] // otherwise the item is moved twice, for each file of the store
    fn emit(&mut self, item: SurveyItem) {
        self.is_stopped = self.is_stopped || (self.visitor)(item) == ControlFlow::Break(());
    }

    fn emit_issue(&mut self, key: Option<EntityKey>, issue: Issue) {
        self.emit(SurveyItem::Issue(key, issue));
    }
}

impl FileTransaction<'_> {
    pub(crate) fn run_survey(&mut self, query: &Survey<'_>, sink: &mut SurveySink<'_>) {
        match query {
            Survey::Projects => self.survey_projects(sink),
            Survey::Sessions => self.survey_sessions(sink),
            Survey::MessageSets | Survey::TableSets => {
                self.survey_message_sets(&HashSet::new(), sink)
            }
            Survey::LostSets => {
                // Issues are ignored here; a survey of the session records reports them.
                let recorded = self.list_recorded_sessions(&mut |_, _| {});
                self.survey_message_sets(&recorded, sink);
            }
            Survey::Messages(session) => self.survey_messages(session, sink),
            Survey::TheseMessages(session, ids) => self.survey_given_messages(session, ids, sink),
            Survey::PartSets(messages) => self.survey_part_sets(messages, sink),
            Survey::Parts(message) => self.survey_parts(message, sink),
        }
    }

    fn survey_projects(&mut self, sink: &mut SurveySink<'_>) {
        let dir = open_optional_dir(&self.root, PROJECT, || PROJECT.into(), &mut |k, i| {
            sink.emit_issue(k, i)
        });
        let Some(dir) = dir else { return };
        self.survey_records(&dir, &[PROJECT], ProjectId::as_bytes, EntityKey::Project, sink);
    }

    fn survey_sessions(&mut self, sink: &mut SurveySink<'_>) {
        let note = &mut |key, issue| sink.emit_issue(key, issue);
        let Some(all) = open_optional_dir(&self.root, SESSION, || SESSION.into(), note) else {
            return;
        };
        let projects: Vec<ProjectId> = list_ids(
            &all,
            NameKind::Directories,
            || SESSION.into(),
            (&mut self.list_buffer, &self.context),
            note,
        );
        for project in projects {
            let place = [SESSION, project.as_str()];
            let note = &mut |key, issue| sink.emit_issue(key, issue);
            let Some((dir, sessions)) = self.list_sessions_of(&all, &project, note) else {
                continue;
            };
            let key =
                |session: SessionId| (EntityKey::Session(session.into()), OrderKey::default());
            let bytes = SessionId::as_bytes;
            // In a copy of a directory, the record states its project, and is not read here.
            let named = Some(&project).filter(|name| is_plain_name(name.as_str()));
            self.survey_ids(&dir, &place, named, bytes, key, sessions, sink);
        }
    }

    /// Observes the message sets of all sessions except the excluded sessions.
    fn survey_message_sets(&mut self, excluded: &HashSet<SessionId>, sink: &mut SurveySink<'_>) {
        let note = &mut |key, issue| sink.emit_issue(key, issue);
        let Some(all) = open_optional_dir(&self.root, MESSAGE, || MESSAGE.into(), note) else {
            return;
        };
        let sessions: Vec<SessionId> = list_ids(
            &all,
            NameKind::MESSAGE_SETS,
            || MESSAGE.into(),
            (&mut self.list_buffer, &self.context),
            note,
        );
        for session in sessions {
            if sink.is_stopped {
                return;
            }
            if excluded.contains(&session) {
                continue;
            }
            let key = EntityKey::Session(session.clone().into());
            self.survey_set(&all, MESSAGE, session.as_bytes(), key, sink);
        }
    }

    /// Observes the message set of one session without listing it.
    pub(crate) fn observe_message_set(&mut self, session: &SessionKey) -> Option<Observation> {
        let note = &mut |_, _| {};
        if !check_ids(&session.clone().into(), note) {
            return None;
        }
        let all = self.top_directory(MESSAGE, note)?;
        match all.stat(session.session.as_bytes()) {
            Ok((FileKind::Directory, stamp)) => {
                Some(self.observation(session.clone().into(), stamp, None))
            }
            _ => None,
        }
    }

    fn survey_messages(&mut self, session: &SessionKey, sink: &mut SurveySink<'_>) {
        let Some(dir) = self.open_messages_dir(session, &mut |k, i| sink.emit_issue(k, i)) else {
            return;
        };
        self.survey_listed_set(&dir, session.clone(), sink);
        let session = &session.session;
        let key = |message| MessageKey { session: session.clone(), message }.into();
        let place = [MESSAGE, session.as_str()];
        self.survey_records(&dir, &place, MessageId::as_bytes, key, sink);
    }

    fn survey_given_messages(
        &mut self,
        session: &SessionKey,
        ids: &[MessageId],
        sink: &mut SurveySink<'_>,
    ) {
        let Some(dir) = self.open_messages_dir(session, &mut |k, i| sink.emit_issue(k, i)) else {
            return;
        };
        let session = &session.session;
        let key = |message| {
            let key = MessageKey { session: session.clone(), message };
            (key.into(), OrderKey::default())
        };
        let place = [MESSAGE, session.as_str()];
        self.survey_ids(&dir, &place, None, MessageId::as_bytes, key, ids.to_vec(), sink);
    }

    fn survey_part_sets(&mut self, messages: &[MessageKey], sink: &mut SurveySink<'_>) {
        let Some(all) = self.top_directory(PART, &mut |k, i| sink.emit_issue(k, i)) else { return };
        for key in messages {
            if sink.is_stopped {
                return;
            }
            self.survey_set(&all, PART, key.message.as_bytes(), key.clone().into(), sink);
        }
    }

    fn survey_parts(&mut self, owner: &MessageKey, sink: &mut SurveySink<'_>) {
        let message = &owner.message;
        let note = &mut |key, issue| sink.emit_issue(key, issue);
        let all = self.top_directory(PART, note);
        let Some(dir) = all.and_then(|all| open_parts_dir(&all, message, note)) else { return };
        self.survey_listed_set(&dir, owner.clone(), sink);
        let place = [PART, message.as_str()];
        let note = &mut |key, issue| sink.emit_issue(key, issue);
        let parts = self.list_parts(&dir, message, note);
        let key = |(order, part)| (PartKey { message: message.clone(), part }.into(), order);
        self.survey_ids(&dir, &place, None, |(_, part)| part.as_bytes(), key, parts, sink);
    }

    /// Observes the records in a directory.
    fn survey_records<I: FromStr<Err = IdError>>(
        &mut self,
        dir: &Dir,
        directory: &[&str],
        bytes: impl Fn(&I) -> &[u8],
        key: impl Fn(I) -> EntityKey,
        sink: &mut SurveySink<'_>,
    ) {
        let path = || directory.iter().collect();
        let note = &mut |key, issue| sink.emit_issue(key, issue);
        let ids: Vec<I> =
            list_ids(dir, NameKind::Records, path, (&mut self.list_buffer, &self.context), note);
        let key = |id| (key(id), OrderKey::default());
        self.survey_ids(dir, directory, None, bytes, key, ids, sink);
    }

    #[expect(clippy::too_many_arguments, reason = "what records of any kind have in common")]
    fn survey_ids<I>(
        &mut self,
        dir: &Dir,
        directory: &[&str],
        project: Option<&ProjectId>,
        bytes: impl Fn(&I) -> &[u8],
        key: impl Fn(I) -> (EntityKey, OrderKey),
        ids: Vec<I>,
        sink: &mut SurveySink<'_>,
    ) {
        for id in ids {
            if sink.is_stopped {
                return;
            }
            let kind = match self.stat_record(dir, bytes(&id)) {
                Ok((FileKind::File, stamp)) => {
                    let (key, order) = key(id);
                    let observation = self.observation(key, stamp, project.cloned());
                    sink.emit(SurveyItem::Observation(Observation { order, ..observation }));
                    continue;
                }
                Ok((FileKind::Link, _)) => IssueKind::Link,
                Ok(_) => IssueKind::NotAFile,
                Err(IssueKind::Vanished) => continue,
                Err(kind) => kind,
            };
            let place = record_place(directory, &String::from_utf8_lossy(bytes(&id)));
            sink.emit_issue(Some(key(id).0), Issue::new(place, kind));
        }
    }

    fn stat_record(&mut self, dir: &Dir, id: &[u8]) -> Result<(FileKind, Stamp), IssueKind> {
        self.name_buffer.clear();
        self.name_buffer.extend_from_slice(id);
        self.name_buffer.extend_from_slice(b".json");
        dir.stat(&self.name_buffer)
    }

    /// Observes a set that is not listed. The issue of a bad set is the same as when it is opened.
    fn survey_set(
        &self,
        all: &Dir,
        top: &str,
        id: &[u8],
        key: EntityKey,
        sink: &mut SurveySink<'_>,
    ) {
        let kind = match all.stat(id) {
            Ok((FileKind::Directory, stamp)) => {
                return sink.emit(SurveyItem::Observation(self.observation(key, stamp, None)));
            }
            Ok((FileKind::Link, _)) => IssueKind::Link,
            Ok(_) => IssueKind::NotADirectory,
            Err(IssueKind::Vanished) => return,
            Err(kind) => kind,
        };
        let place = Place::path(Path::new(top).join(&*String::from_utf8_lossy(id)));
        let issue = Issue::new(place, kind);
        let owner = issue.is_unread().then_some(key);
        sink.emit_issue(owner, issue);
    }

    /// Observes a set before it is listed.
    fn survey_listed_set(
        &mut self,
        dir: &Dir,
        key: impl Into<EntityKey>,
        sink: &mut SurveySink<'_>,
    ) {
        self.observe_listed_set(dir, key);
        self.listed_set.take().into_iter().for_each(|set| sink.emit(SurveyItem::Observation(set)));
    }
}
