//! Surveys of the tree: names from directories, and a stat of each.

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

use crate::look::{FileLook, open_if_there, place_of};
use crate::messages::open_message;
use crate::names::{Names, ids};
use scrollback_source::{EachSeen, Seen, Sighting, Survey};

/// Hands out what is found until the caller breaks.
pub(crate) struct Hand<'h> {
    each: &'h mut EachSeen<'h>,
    over: bool,
}

impl<'h> Hand<'h> {
    pub(crate) fn new(each: &'h mut EachSeen<'h>) -> Self {
        Self { each, over: false }
    }

    fn out(&mut self, seen: Seen) {
        self.over = self.over || (self.each)(seen) == ControlFlow::Break(());
    }

    fn note(&mut self, key: Option<EntityKey>, issue: Issue) {
        self.out(Seen::Issue(key, issue));
    }
}

impl FileLook<'_> {
    pub(crate) fn walk_over(&mut self, what: &Survey<'_>, hand: &mut Hand<'_>) {
        match what {
            Survey::Projects => self.see_projects(hand),
            Survey::Sessions => self.see_sessions(hand),
            Survey::MessageSets => self.see_message_sets(&HashSet::new(), hand),
            Survey::LostSets => {
                let recorded = self.all_sessions(&mut |_, _| {}); // a survey of records tells
                self.see_message_sets(&recorded, hand);
            }
            Survey::Messages(session) => self.see_messages(session, hand),
            Survey::TheseMessages(session, ids) => self.see_these_messages(session, ids, hand),
            Survey::PartSets(messages) => self.see_part_sets(messages, hand),
            Survey::Parts(message) => self.see_parts(message, hand),
        }
    }

    fn see_projects(&mut self, hand: &mut Hand<'_>) {
        let dir =
            open_if_there(&self.root, PROJECT, || PROJECT.into(), &mut |k, i| hand.note(k, i));
        let Some(dir) = dir else { return };
        self.see_records(&dir, &[PROJECT], None, ProjectId::as_bytes, EntityKey::Project, hand);
    }

    fn see_sessions(&mut self, hand: &mut Hand<'_>) {
        let note = &mut |key, issue| hand.note(key, issue);
        let Some(all) = open_if_there(&self.root, SESSION, || SESSION.into(), note) else { return };
        let projects: Vec<ProjectId> =
            ids(&all, Names::Directories, || SESSION.into(), &mut self.buffer, note);
        for project in projects {
            let place = [SESSION, project.as_str()];
            let note = &mut |key, issue| hand.note(key, issue);
            let dir = open_if_there(&all, project.as_str(), || place.iter().collect(), note);
            let Some(dir) = dir else { continue };
            let key = |session: SessionId| EntityKey::Session(session.into());
            self.see_records(&dir, &place, Some(&project), SessionId::as_bytes, key, hand);
        }
    }

    /// The sets of all sessions but these.
    fn see_message_sets(&mut self, but: &HashSet<SessionId>, hand: &mut Hand<'_>) {
        let note = &mut |key, issue| hand.note(key, issue);
        let Some(all) = open_if_there(&self.root, MESSAGE, || MESSAGE.into(), note) else { return };
        let found: Vec<SessionId> =
            ids(&all, Names::Directories, || MESSAGE.into(), &mut self.buffer, note);
        for session in found {
            if hand.over {
                return;
            }
            if but.contains(&session) {
                continue;
            }
            let key = EntityKey::Session(session.clone().into());
            self.see_set(&all, MESSAGE, session.as_bytes(), key, hand);
        }
    }

    fn see_messages(&mut self, session: &SessionKey, hand: &mut Hand<'_>) {
        let Some(dir) = self.open_session(session, &mut |k, i| hand.note(k, i)) else { return };
        self.see_listed(&dir, session.clone(), hand);
        let session = &session.session;
        let key = |message| MessageKey { session: session.clone(), message }.into();
        self.see_records(&dir, &[MESSAGE, session.as_str()], None, MessageId::as_bytes, key, hand);
    }

    fn see_these_messages(&mut self, session: &SessionKey, ids: &[MessageId], hand: &mut Hand<'_>) {
        let Some(dir) = self.open_session(session, &mut |k, i| hand.note(k, i)) else { return };
        let session = &session.session;
        let key = |message| {
            let key = MessageKey { session: session.clone(), message };
            (key.into(), OrderKey::default())
        };
        let place = [MESSAGE, session.as_str()];
        self.see_these(&dir, &place, None, MessageId::as_bytes, key, ids.to_vec(), hand);
    }

    fn see_part_sets(&mut self, messages: &[MessageKey], hand: &mut Hand<'_>) {
        let Some(all) = self.top(PART, &mut |k, i| hand.note(k, i)) else { return };
        for key in messages {
            if hand.over {
                return;
            }
            self.see_set(&all, PART, key.message.as_bytes(), key.clone().into(), hand);
        }
    }

    fn see_parts(&mut self, owner: &MessageKey, hand: &mut Hand<'_>) {
        let message = &owner.message;
        let note = &mut |key, issue| hand.note(key, issue);
        let all = self.top(PART, note);
        let Some(dir) = all.and_then(|all| open_message(&all, message, note)) else { return };
        self.see_listed(&dir, owner.clone(), hand);
        let place = [PART, message.as_str()];
        let note = &mut |key, issue| hand.note(key, issue);
        let parts = self.list_parts(&dir, message, note);
        let key = |(order, part)| (PartKey { message: message.clone(), part }.into(), order);
        self.see_these(&dir, &place, None, |(_, part)| part.as_bytes(), key, parts, hand);
    }

    /// The records in a directory.
    fn see_records<I: FromStr<Err = IdError>>(
        &mut self,
        dir: &Dir,
        directory: &[&str],
        project: Option<&ProjectId>,
        bytes: impl Fn(&I) -> &[u8],
        key: impl Fn(I) -> EntityKey,
        hand: &mut Hand<'_>,
    ) {
        let path = || directory.iter().collect();
        let note = &mut |key, issue| hand.note(key, issue);
        let found: Vec<I> = ids(dir, Names::Records, path, &mut self.buffer, note);
        let key = |id| (key(id), OrderKey::default());
        self.see_these(dir, directory, project, bytes, key, found, hand);
    }

    #[expect(clippy::too_many_arguments, reason = "what records of any kind have in common")]
    fn see_these<I>(
        &mut self,
        dir: &Dir,
        directory: &[&str],
        project: Option<&ProjectId>,
        bytes: impl Fn(&I) -> &[u8],
        key: impl Fn(I) -> (EntityKey, OrderKey),
        these: Vec<I>,
        hand: &mut Hand<'_>,
    ) {
        for id in these {
            if hand.over {
                return;
            }
            let kind = match self.stat_record(dir, bytes(&id)) {
                Ok((FileKind::File, stamp)) => {
                    let (key, order) = key(id);
                    let sighting = self.sighting(key, stamp, project.cloned());
                    hand.out(Seen::Sighting(Sighting { order, ..sighting }));
                    continue;
                }
                Ok((FileKind::Link, _)) => IssueKind::Link,
                Ok(_) => IssueKind::NotAFile,
                Err(IssueKind::Vanished) => continue,
                Err(kind) => kind,
            };
            let place = place_of(directory, &String::from_utf8_lossy(bytes(&id)));
            hand.note(Some(key(id).0), Issue::new(place, kind));
        }
    }

    fn stat_record(&mut self, dir: &Dir, id: &[u8]) -> Result<(FileKind, Stamp), IssueKind> {
        self.name.clear();
        self.name.extend_from_slice(id);
        self.name.extend_from_slice(b".json");
        dir.stat(&self.name)
    }

    /// A set that is not listed. What is wrong with it is what opening it would say.
    fn see_set(&self, all: &Dir, top: &str, id: &[u8], key: EntityKey, hand: &mut Hand<'_>) {
        let kind = match all.stat(id) {
            Ok((FileKind::Directory, stamp)) => {
                return hand.out(Seen::Sighting(self.sighting(key, stamp, None)));
            }
            Ok((FileKind::Link, _)) => IssueKind::Link,
            Ok(_) => IssueKind::NotADirectory,
            Err(IssueKind::Vanished) => return,
            Err(kind) => kind,
        };
        hand.note(
            None,
            Issue::new(Place::path(Path::new(top).join(&*String::from_utf8_lossy(id))), kind),
        );
    }

    /// A set that is about to be listed.
    fn see_listed(&mut self, dir: &Dir, key: impl Into<EntityKey>, hand: &mut Hand<'_>) {
        self.see_this_set(dir, key);
        self.set.take().into_iter().for_each(|set| hand.out(Seen::Sighting(set)));
    }
}
