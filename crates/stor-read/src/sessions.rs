//! Reads projects and sessions: `project/<project>.json`, `session/<project>/<session>.json`.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, OrderKey, ProjectId, SessionId, SessionKey, Stamp};
use scrollback_core_type::{Provenance, order_time, text_field};
use scrollback_stor_mmap::{Arena, Dir, Directory, FileKind, MappedSpan};
use scrollback_stor_path::layout::{MESSAGE, PROJECT, SESSION};
use scrollback_stor_path::opencode::{AGENT, JSON_FILES};

use crate::entity_location::check_ids;
use crate::foreign_records::is_plain_name;
use crate::name_kind::NameKind;
use crate::names::list_ids;
use crate::transaction::{
    FetchedBytes, FileTransaction, IssueSink, RecordedSessions, open_optional_dir, record_place,
    with_owner,
};
use scrollback_source::Entry;

/// A session's record, and the directory that contains it. The directory has the name of a project,
/// unless it is a copy that another program made.
struct FetchedSession {
    session: SessionId,
    directory: ProjectId,
    record: FetchedRecord,
}

/// The bytes of a record; or its order, if the record exists and cannot be read.
enum FetchedRecord {
    Read(FetchedBytes),
    Unread(OrderKey),
}

impl FileTransaction<'_> {
    pub(crate) fn projects(&mut self, note: &mut IssueSink<'_>) -> Vec<Entry> {
        let Some(dir) = open_optional_dir(&self.root, PROJECT, || PROJECT.into(), note) else {
            return Vec::new();
        };
        let mut arena = Arena::new();
        let mut fetched_projects = Vec::new();
        for id in list_ids(
            &dir,
            NameKind::Records,
            || PROJECT.into(),
            (&mut self.list_buffer, &self.context),
            note,
        ) {
            let id: ProjectId = id;
            match self.fetch(&mut arena, &dir, id.as_bytes()) {
                Ok(fetched) => fetched_projects.push((EntityKey::Project(id), fetched)),
                Err(kind) => {
                    let issue = Issue::new(record_place(&[PROJECT], id.as_str()), kind);
                    note(Some(id.into()), issue);
                }
            }
        }
        let arena = arena.freeze();
        let mut entries: Vec<Entry> = fetched_projects
            .into_iter()
            .map(|(key, fetched)| newest_first_entry(key, None, fetched.into_span(&arena)))
            .collect();
        sort_newest_first(&mut entries);
        entries
    }

    /// Reads the sessions of one project, or of all projects, each session once.
    pub(crate) fn sessions(
        &mut self,
        project: Option<&ProjectId>,
        note: &mut IssueSink<'_>,
    ) -> Vec<Entry> {
        let Some(dir) = open_optional_dir(&self.root, SESSION, || SESSION.into(), note) else {
            return Vec::new();
        };
        let mut directories: Vec<ProjectId> = list_ids(
            &dir,
            NameKind::Directories,
            || SESSION.into(),
            (&mut self.list_buffer, &self.context),
            note,
        );
        if let Some(project) = project {
            // A copy of a directory may hold records of the project under any name.
            directories.retain(|name| name == project || !is_plain_name(name.as_str()));
        }
        let mut arena = Arena::new();
        let mut records = Vec::new();
        for directory in directories {
            let Some((dir, sessions)) = self.list_sessions_of(&dir, &directory, note) else {
                continue;
            };
            for session in sessions {
                records
                    .extend(self.fetch_session_record(&mut arena, &dir, &directory, session, note));
            }
        }
        let mut entries = newest_per_session(records, arena, note);
        if project.is_some() {
            entries.retain(|entry| entry.project.as_ref() == project);
        }
        entries
    }

    /// Opens the directory of a project, and lists the sessions in it. `all` is the directory of all
    /// projects. `None` if the directory is missing or cannot be read.
    pub(crate) fn list_sessions_of(
        &mut self,
        all: &Dir,
        project: &ProjectId,
        note: &mut IssueSink<'_>,
    ) -> Option<(Dir, Vec<SessionId>)> {
        let path = || [SESSION, project.as_str()].iter().collect();
        let note = &mut with_owner(|| project.clone().into(), note);
        let dir = open_optional_dir(all, project.as_str(), path, note)?;
        let sessions =
            list_ids(&dir, NameKind::Records, path, (&mut self.list_buffer, &self.context), note);
        Some((dir, sessions))
    }

    /// Reads the record of one session, in any project.
    pub(crate) fn session(&mut self, key: &SessionKey, note: &mut IssueSink<'_>) -> Option<Entry> {
        let mut arena = Arena::new();
        let records = self.fetch_session_records(&mut arena, key, note);
        newest_per_session(records, arena, note).pop()
    }

    /// Checks whether a session has a record or a directory of messages, or may have them because a
    /// directory cannot be read.
    pub(crate) fn session_exists(&mut self, key: &SessionKey) -> bool {
        if !check_ids(&key.clone().into(), &mut |_, _| {}) {
            return false;
        }
        let mut is_unread = false;
        let note = &mut |_, issue: Issue| is_unread |= issue.is_unread();
        let messages = self.top_directory(MESSAGE, note);
        let found = messages.map(|all| all.stat(key.session.as_bytes()));
        if is_unread || found.is_some_and(|found| !matches!(found, Err(IssueKind::Vanished))) {
            return true;
        }
        // A merged store asks for session after session, so the records are listed once.
        if self.recorded_sessions.is_none() {
            let mut is_unread = false;
            let note = &mut |_, issue: Issue| is_unread |= issue.is_unread();
            let ids = self.list_recorded_sessions(note);
            self.recorded_sessions = Some(RecordedSessions { ids, is_unread });
        }
        let recorded = self.recorded_sessions.as_ref();
        recorded.is_some_and(|all| all.is_unread || all.ids.contains(&key.session))
    }

    fn fetch_session_records(
        &mut self,
        arena: &mut Arena,
        key: &SessionKey,
        note: &mut IssueSink<'_>,
    ) -> Vec<FetchedSession> {
        let Some(dir) = open_optional_dir(&self.root, SESSION, || SESSION.into(), note) else {
            return Vec::new();
        };
        let mut records = Vec::new();
        let directories = list_ids(
            &dir,
            NameKind::Directories,
            || SESSION.into(),
            (&mut self.list_buffer, &self.context),
            note,
        );
        for directory in directories {
            let directory: ProjectId = directory;
            let path = || [SESSION, directory.as_str()].iter().collect();
            let note = &mut with_owner(|| directory.clone().into(), note);
            if let Some(dir) = open_optional_dir(&dir, directory.as_str(), path, note) {
                records.extend(self.fetch_session_record(
                    arena,
                    &dir,
                    &directory,
                    key.session.clone(),
                    note,
                ));
            }
        }
        records
    }

    /// Reads the record of a session from the directory of a project, if it exists there.
    fn fetch_session_record(
        &mut self,
        arena: &mut Arena,
        dir: &Dir,
        directory: &ProjectId,
        session: SessionId,
        note: &mut IssueSink<'_>,
    ) -> Option<FetchedSession> {
        match self.fetch(arena, dir, session.as_bytes()) {
            Ok(fetched) => {
                let record = FetchedRecord::Read(fetched);
                Some(FetchedSession { session, directory: directory.clone(), record })
            }
            Err(IssueKind::Vanished) => None, // moved to another project, or deleted
            // A file that is not there cannot be opened either if no descriptor is left.
            Err(IssueKind::Unreadable { .. }) if is_missing(dir, &session) => None,
            Err(kind) => {
                let place = record_place(&[SESSION, directory.as_str()], session.as_str());
                let issue = Issue::new(place, kind);
                let unread = issue.is_unread().then(|| FetchedSession {
                    directory: directory.clone(),
                    record: FetchedRecord::Unread(self.order_of_unread(dir, &session)),
                    session: session.clone(),
                });
                note(Some(EntityKey::Session(session.into())), issue);
                unread
            }
        }
    }

    /// Returns the order of a session whose record cannot be read.
    ///
    /// A record that is being written has just changed, so its file's time counts: the session stays
    /// the newest one. The time of any other file may be that of a copy, so the time of the id counts.
    fn order_of_unread(&self, dir: &Dir, session: &SessionId) -> OrderKey {
        let now = self.context.started().as_millis();
        let stamp = stat_record(dir, session).map(|(_, stamp)| stamp);
        match stamp {
            Ok(stamp) if !self.context.settles(&stamp) => OrderKey(stamp.mtime.as_millis()),
            _ => OrderKey(session.time(now).unwrap_or_default()),
        }
    }
}

/// Stats the record of a session in the directory of a project. This needs no file descriptor.
fn stat_record(dir: &Dir, session: &SessionId) -> Result<(FileKind, Stamp), IssueKind> {
    dir.stat(&[session.as_bytes(), b".json"].concat())
}

fn is_missing(dir: &Dir, session: &SessionId) -> bool {
    matches!(stat_record(dir, session), Err(IssueKind::Vanished))
}

/// Sorts sessions newest first and keeps each session once: a session that moves between projects may
/// be read from both, and a sync program may copy a directory. The newest copy is kept, and every other
/// copy is an issue. Of copies with one time, the one in the directory that its record names is kept.
fn newest_per_session(
    records: Vec<FetchedSession>,
    arena: Arena,
    note: &mut IssueSink<'_>,
) -> Vec<Entry> {
    let arena = arena.freeze();
    let entry = |FetchedSession { session, directory, record }| {
        let key = EntityKey::Session(session.into());
        match record {
            FetchedRecord::Read(fetched) => {
                let span = fetched.into_span(&arena);
                let project = project_of(&directory, &span);
                (newest_first_entry(key, Some(project), span), directory)
            }
            FetchedRecord::Unread(order) => {
                let (project, provenance) = (Some(directory.clone()), json_files_provenance());
                let entry = Entry { project, provenance, ..Entry::without_span(key, order) };
                (entry, directory)
            }
        }
    };
    let mut entries: Vec<(Entry, ProjectId)> = records.into_iter().map(entry).collect();
    entries.sort_by(|(a, _), (b, _)| newest_first(a, b));
    for copies in entries.chunk_by_mut(|(a, _), (b, _)| newest_first(a, b).is_eq()) {
        if copies.len() > 1 {
            copies.sort_by_key(|(entry, directory)| !is_in_own_directory(entry, directory));
        }
    }
    // A copy that can be read comes before the others of its session, whatever their order.
    if entries.iter().any(|(entry, _)| entry.span.is_none()) {
        let read: HashSet<EntityKey> = entries
            .iter()
            .filter(|(entry, _)| entry.span.is_some())
            .map(|(entry, _)| entry.key.clone())
            .collect();
        entries.retain(|(entry, _)| entry.span.is_some() || !read.contains(&entry.key));
    }
    // The entries are sorted, so the first entry of a session is its newest copy.
    let mut used_directories: HashMap<EntityKey, ProjectId> = HashMap::with_capacity(entries.len());
    entries.retain(|(entry, directory)| match used_directories.get(&entry.key) {
        None => {
            used_directories.insert(entry.key.clone(), directory.clone());
            true
        }
        Some(used) => {
            note(Some(entry.key.clone()), duplicate_issue(&entry.key, directory, used));
            false
        }
    });
    let mut entries: Vec<Entry> = entries.into_iter().map(|(entry, _)| entry).collect();
    // Only now, because a damaged copy must not come before an intact one.
    let mut is_sorted = true;
    for entry in entries.iter_mut().filter(|entry| entry.order.0 <= 0) {
        if let Some(created) = time_in_id(entry) {
            (entry.order, is_sorted) = (OrderKey(created), false);
        }
    }
    if !is_sorted {
        sort_newest_first(&mut entries);
    }
    entries
}

/// Returns the project of a session: the name of its directory. Another program may have copied a
/// directory under a name that opencode does not make. Then the record decides.
fn project_of(directory: &ProjectId, record: &[u8]) -> ProjectId {
    let stated = match is_plain_name(directory.as_str()) {
        true => None,
        false => project_in(record),
    };
    stated.unwrap_or_else(|| directory.clone())
}

fn project_in(record: &[u8]) -> Option<ProjectId> {
    text_field(record, "projectID")?.parse().ok()
}

fn is_in_own_directory(entry: &Entry, directory: &ProjectId) -> bool {
    let stated = entry.span.as_ref().and_then(|span| project_in(span));
    stated.as_ref() == Some(directory)
}

/// Returns the time in the id of a session whose record has no times, as a damaged one.
fn time_in_id(entry: &Entry) -> Option<i64> {
    let (EntityKey::Session(key), Some(span)) = (&entry.key, &entry.span) else { return None };
    let time = order_time(span);
    match time.updated.or(time.created) {
        Some(_) => None,
        None => key.session.time(span.stamp().mtime.as_millis()),
    }
}

fn duplicate_issue(key: &EntityKey, directory: &ProjectId, used: &ProjectId) -> Issue {
    let id = match key {
        EntityKey::Session(key) => key.session.as_str(),
        _ => "",
    };
    let place = |directory: &ProjectId| record_place(&[SESSION, directory.as_str()], id);
    let used_copy = place(used).to_string();
    Issue::new(place(directory), IssueKind::Duplicate { used_copy })
}

/// Returns the provenance of this format. All records share one value.
fn json_files_provenance() -> Provenance {
    static FILES: LazyLock<Provenance> = LazyLock::new(|| Provenance::new(AGENT, JSON_FILES));
    FILES.clone()
}

/// Returns an entry whose order is the time of its last change.
fn newest_first_entry(key: EntityKey, project: Option<ProjectId>, span: MappedSpan) -> Entry {
    let time = order_time(&span);
    let changed = time.updated.or(time.created);
    // A damaged record has the order of its file's time, but at most 0. So it comes after an intact
    // record of the same session.
    let order = OrderKey(changed.unwrap_or_else(|| span.stamp().mtime.as_millis().min(0)));
    Entry { project, provenance: json_files_provenance(), ..Entry::new(key, order, span) }
}

fn sort_newest_first(entries: &mut [Entry]) {
    entries.sort_by(newest_first);
}

fn newest_first(a: &Entry, b: &Entry) -> Ordering {
    b.order.cmp(&a.order).then_with(|| a.key.cmp(&b.key))
}
