//! Projects and sessions: `project/<project>.json`, `session/<project>/<session>.json`.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, OrderKey, ProjectId, SessionId, SessionKey};
use scrollback_core_type::{Provenance, order_time};
use scrollback_stor_mmap::{Arena, Dir, Directory, MappedSpan};
use scrollback_stor_path::layout::{MESSAGE, PROJECT, SESSION};
use scrollback_stor_path::opencode::{AGENT, JSON_FILES};

use crate::look::{Fetched, FileLook, Note, open_if_there, place_of};
use crate::names::{Names, ids};
use crate::place::is_safe;
use scrollback_source::Entry;

/// A session's record, where it was found.
struct Sighting {
    session: SessionId,
    project: ProjectId,
    fetched: Fetched,
}

impl FileLook<'_> {
    pub(crate) fn projects(&mut self, note: &mut Note<'_>) -> Vec<Entry> {
        let Some(dir) = open_if_there(&self.root, PROJECT, || PROJECT.into(), note) else {
            return Vec::new();
        };
        let mut arena = Arena::new();
        let mut found = Vec::new();
        for id in ids(&dir, Names::Records, || PROJECT.into(), &mut self.buffer, note) {
            let id: ProjectId = id;
            match self.fetch(&mut arena, &dir, id.as_bytes()) {
                Ok(fetched) => found.push((EntityKey::Project(id), fetched)),
                Err(kind) => {
                    let issue = Issue::new(place_of(&[PROJECT], id.as_str()), kind);
                    note(Some(id.into()), issue);
                }
            }
        }
        let arena = arena.freeze();
        let mut entries: Vec<Entry> = found
            .into_iter()
            .map(|(key, fetched)| newest_first(key, None, fetched.into_span(&arena)))
            .collect();
        sort_newest_first(&mut entries);
        entries
    }

    /// The sessions of one project, or of all, each once.
    pub(crate) fn sessions(
        &mut self,
        project: Option<&ProjectId>,
        note: &mut Note<'_>,
    ) -> Vec<Entry> {
        let Some(dir) = open_if_there(&self.root, SESSION, || SESSION.into(), note) else {
            return Vec::new();
        };
        let projects = match project {
            Some(project) => vec![project.clone()],
            None => ids(&dir, Names::Directories, || SESSION.into(), &mut self.buffer, note),
        };
        let mut arena = Arena::new();
        let mut found = Vec::new();
        for project in projects {
            let path = || [SESSION, project.as_str()].iter().collect();
            let Some(dir) = open_if_there(&dir, project.as_str(), path, note) else { continue };
            for session in ids(&dir, Names::Records, path, &mut self.buffer, note) {
                found.extend(self.sight(&mut arena, &dir, &project, session, note));
            }
        }
        newest_of_each(found, arena, note)
    }

    /// The record of one session, whichever project it is in.
    pub(crate) fn session(&mut self, key: &SessionKey, note: &mut Note<'_>) -> Option<Entry> {
        let mut arena = Arena::new();
        let found = self.sightings(&mut arena, key, note);
        newest_of_each(found, arena, note).pop()
    }

    /// Whether there is a record of a session, or a directory of its messages.
    pub(crate) fn has_session(&mut self, key: &SessionKey) -> bool {
        let note = &mut |_, _| {};
        if !is_safe(&key.clone().into(), note) {
            return false;
        }
        let id = key.session.as_bytes();
        if self.top(MESSAGE, note).is_some_and(|all| all.stat(id).is_ok()) {
            return true;
        }
        let Some(dir) = open_if_there(&self.root, SESSION, || SESSION.into(), note) else {
            return false;
        };
        let projects: Vec<ProjectId> =
            ids(&dir, Names::Directories, || SESSION.into(), &mut self.buffer, note);
        let name = [id, b".json"].concat();
        let has = |project: ProjectId| {
            dir.open_dir(project.as_bytes()).is_ok_and(|dir| dir.stat(&name).is_ok())
        };
        projects.into_iter().any(has)
    }

    fn sightings(
        &mut self,
        arena: &mut Arena,
        key: &SessionKey,
        note: &mut Note<'_>,
    ) -> Vec<Sighting> {
        let Some(dir) = open_if_there(&self.root, SESSION, || SESSION.into(), note) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let projects = ids(&dir, Names::Directories, || SESSION.into(), &mut self.buffer, note);
        for project in projects {
            let project: ProjectId = project;
            let path = || [SESSION, project.as_str()].iter().collect();
            if let Some(dir) = open_if_there(&dir, project.as_str(), path, note) {
                found.extend(self.sight(arena, &dir, &project, key.session.clone(), note));
            }
        }
        found
    }

    /// Reads the record of a session from the directory of a project, if it is there.
    fn sight(
        &mut self,
        arena: &mut Arena,
        dir: &Dir,
        project: &ProjectId,
        session: SessionId,
        note: &mut Note<'_>,
    ) -> Option<Sighting> {
        match self.fetch(arena, dir, session.as_bytes()) {
            Ok(fetched) => Some(Sighting { session, project: project.clone(), fetched }),
            Err(IssueKind::Vanished) => None, // moved to another project, or deleted
            Err(kind) => {
                let place = place_of(&[SESSION, project.as_str()], session.as_str());
                note(Some(EntityKey::Session(session.into())), Issue::new(place, kind));
                None
            }
        }
    }
}

/// Newest first, each session once: one that moves between projects may be seen in both.
fn newest_of_each(found: Vec<Sighting>, arena: Arena, note: &mut Note<'_>) -> Vec<Entry> {
    let arena = arena.freeze();
    let mut entries: Vec<Entry> = found
        .into_iter()
        .map(|Sighting { session, project, fetched }| {
            let key = EntityKey::Session(session.into());
            newest_first(key, Some(project), fetched.into_span(&arena))
        })
        .collect();
    sort_newest_first(&mut entries);
    let mut kept: HashMap<EntityKey, Option<ProjectId>> = HashMap::with_capacity(entries.len());
    entries.retain(|entry| match kept.get(&entry.key) {
        None => {
            kept.insert(entry.key.clone(), entry.project.clone());
            true
        }
        Some(project) => {
            note(Some(entry.key.clone()), duplicate(entry, project.as_ref()));
            false
        }
    });
    entries
}

fn duplicate(entry: &Entry, kept: Option<&ProjectId>) -> Issue {
    let id = match &entry.key {
        EntityKey::Session(key) => key.session.as_str(),
        _ => "",
    };
    let place = |project: Option<&ProjectId>| {
        place_of(&[SESSION, project.map_or("", ProjectId::as_str)], id)
    };
    let kept = place(kept).to_string();
    Issue::new(place(entry.project.as_ref()), IssueKind::Duplicate { used_copy: kept })
}

/// Files are of one format, and one value of it serves for all of them.
fn provenance() -> Provenance {
    static FILES: LazyLock<Provenance> = LazyLock::new(|| Provenance::new(AGENT, JSON_FILES));
    FILES.clone()
}

/// An entry that is ordered by when it last changed.
fn newest_first(key: EntityKey, project: Option<ProjectId>, span: MappedSpan) -> Entry {
    let time = order_time(&span);
    let changed = time.updated.or(time.created);
    // A damaged record sorts by its file, and behind a sound one of the same session.
    let order = OrderKey(changed.unwrap_or_else(|| span.stamp().mtime.as_millis().min(0)));
    Entry { project, provenance: provenance(), ..Entry::new(key, order, span) }
}

fn sort_newest_first(entries: &mut [Entry]) {
    entries.sort_by(|a, b| Reverse(a.order).cmp(&Reverse(b.order)).then_with(|| a.key.cmp(&b.key)));
}
