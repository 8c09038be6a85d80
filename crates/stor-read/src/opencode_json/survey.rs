//! Surveys of the tree: names from directories, and a stat of each.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionId, SessionKey, Stamp,
};
use scrollback_stor_mmap::{Dir, Directory, FileKind, Settled};
use scrollback_stor_path::layout::{MESSAGE, PART, PROJECT, SESSION};

use super::look::{FileLook, open_if_there, place_of};
use super::names::{Names, ids};
use crate::{EachSeen, Seen, Sighting, Survey};

/// Hands out what is found until the caller breaks.
pub(super) struct Hand<'h> {
    each: &'h mut EachSeen<'h>,
    over: bool,
}

impl<'h> Hand<'h> {
    pub(super) fn new(each: &'h mut EachSeen<'h>) -> Self {
        Self { each, over: false }
    }

    fn set(&mut self, set: Option<Sighting>) {
        set.into_iter().for_each(|set| self.out(Seen::Sighting(set)));
    }

    fn out(&mut self, seen: Seen) {
        self.over = self.over || (self.each)(seen) == ControlFlow::Break(());
    }
}

impl FileLook<'_> {
    pub(super) fn walk_over(&mut self, what: &Survey<'_>, hand: &mut Hand<'_>) {
        match what {
            Survey::Projects => self.see_projects(hand),
            Survey::Sessions => self.see_sessions(hand),
            Survey::MessageSets => self.see_message_sets(hand),
            Survey::Messages(session) => self.see_messages(session, hand),
            Survey::PartSets(messages) => self.see_part_sets(messages, hand),
            Survey::Parts(message) => self.see_parts(message, hand),
        }
    }

    fn see_projects(&mut self, hand: &mut Hand<'_>) {
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let Some(dir) = open_if_there(&self.root, PROJECT, || PROJECT.into(), note) else { return };
        let found: Vec<ProjectId> =
            ids(&dir, Names::Records, || PROJECT.into(), &mut self.buffer, note);
        for id in found {
            let key = EntityKey::Project(id.clone());
            self.see_record(&dir, id.as_bytes(), key, None, &[PROJECT], hand);
        }
    }

    fn see_sessions(&mut self, hand: &mut Hand<'_>) {
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let Some(all) = open_if_there(&self.root, SESSION, || SESSION.into(), note) else { return };
        let projects: Vec<ProjectId> =
            ids(&all, Names::Directories, || SESSION.into(), &mut self.buffer, note);
        for project in projects {
            let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
            let path = || [SESSION, project.as_str()].iter().collect();
            let Some(dir) = open_if_there(&all, project.as_str(), path, note) else { continue };
            let found: Vec<SessionId> = ids(&dir, Names::Records, path, &mut self.buffer, note);
            for session in found {
                if hand.over {
                    return;
                }
                let key = EntityKey::Session(session.clone().into());
                let place = [SESSION, project.as_str()];
                self.see_record(&dir, session.as_bytes(), key, Some(&project), &place, hand);
            }
        }
    }

    fn see_message_sets(&mut self, hand: &mut Hand<'_>) {
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let Some(all) = open_if_there(&self.root, MESSAGE, || MESSAGE.into(), note) else { return };
        let found: Vec<SessionId> =
            ids(&all, Names::Directories, || MESSAGE.into(), &mut self.buffer, note);
        for session in found {
            if hand.over {
                return;
            }
            self.see_set(&all, session.as_bytes(), SessionKey::from(session.clone()), hand);
        }
    }

    fn see_messages(&mut self, session: &SessionKey, hand: &mut Hand<'_>) {
        let id = session.session.as_str();
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let Some(dir) = self.open_session(session, note) else { return };
        self.see_this_set(&dir, session.clone());
        hand.set(self.set.take());
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let path = || [MESSAGE, id].iter().collect();
        let found: Vec<MessageId> = ids(&dir, Names::Records, path, &mut self.buffer, note);
        for message in found {
            if hand.over {
                return;
            }
            let key = MessageKey { session: session.session.clone(), message: message.clone() };
            self.see_record(&dir, message.as_bytes(), key.into(), None, &[MESSAGE, id], hand);
        }
    }

    fn see_part_sets(&mut self, messages: &[MessageKey], hand: &mut Hand<'_>) {
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let Some(all) = self.open_parts(note) else { return };
        for key in messages {
            if hand.over {
                return;
            }
            self.see_set(&all, key.message.as_bytes(), key.clone(), hand);
        }
    }

    fn see_parts(&mut self, message: &MessageKey, hand: &mut Hand<'_>) {
        let id = message.message.as_str();
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let all = self.open_parts(note);
        let path = || [PART, id].iter().collect();
        let Some(dir) = all.and_then(|all| open_if_there(&all, id, path, note)) else { return };
        self.see_this_set(&dir, message.clone());
        hand.set(self.set.take());
        let note = &mut |key, issue| hand.out(Seen::Issue(key, issue));
        let found: Vec<PartId> = ids(&dir, Names::Records, path, &mut self.buffer, note);
        for part in found {
            if hand.over {
                return;
            }
            let key = PartKey { message: message.message.clone(), part: part.clone() };
            self.see_record(&dir, part.as_bytes(), key.into(), None, &[PART, id], hand);
        }
    }

    fn see_record(
        &mut self,
        dir: &Dir,
        id: &[u8],
        key: EntityKey,
        project: Option<&ProjectId>,
        directory: &[&str],
        hand: &mut Hand<'_>,
    ) {
        self.name.clear();
        self.name.extend_from_slice(id);
        self.name.extend_from_slice(b".json");
        let seen = match dir.stat(&self.name) {
            Ok((FileKind::File, stamp)) => self.sighting(key, stamp, project.cloned()),
            Ok((FileKind::Link, _)) => issue(key, directory, id, IssueKind::Link),
            Ok(_) => issue(key, directory, id, IssueKind::NotAFile),
            Err(IssueKind::Vanished) => return,
            Err(kind) => issue(key, directory, id, kind),
        };
        hand.out(seen);
    }

    fn see_set(&self, all: &Dir, name: &[u8], key: impl Into<EntityKey>, hand: &mut Hand<'_>) {
        // What is no directory is an issue of whoever lists it.
        if let Ok((FileKind::Directory, stamp)) = all.stat(name) {
            hand.out(self.sighting(key.into(), stamp, None));
        }
    }

    /// Keeps what a directory looks like that is about to be listed.
    pub(super) fn see_this_set(&mut self, dir: &Dir, key: impl Into<EntityKey>) {
        self.set = dir.stamp().ok().map(|stamp| Sighting {
            key: key.into(),
            stamp,
            settled: self.settles(&stamp),
            project: None,
        });
    }

    fn sighting(&self, key: EntityKey, stamp: Stamp, project: Option<ProjectId>) -> Seen {
        let settled = self.settles(&stamp);
        Seen::Sighting(Sighting { key, stamp, settled, project })
    }

    /// Whether a stamp is old enough that a later change is sure to change it.
    pub(super) fn settles(&self, stamp: &Stamp) -> Settled {
        if self.look.settles(stamp) { Settled::Settled } else { Settled::Provisional }
    }
}

fn issue(key: EntityKey, directory: &[&str], id: &[u8], kind: IssueKind) -> Seen {
    let place = place_of(directory, &String::from_utf8_lossy(id));
    Seen::Issue(Some(key), Issue::new(place, kind))
}
