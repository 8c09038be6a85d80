//! Makes and opens databases for the tests, and calls readers on them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, Scope, SessionKey, SourceId, UnixNanos};
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::{
    Listing, Observation, Probe, Reader, Source, SourceChange, Survey, SurveyItem,
};
use scrollback_source_test::{Content, Expectations};
use scrollback_stor_mmap::ReadOptions;
use scrollback_stor_sqlite::SqliteReader;
use serde_json::Value;
use tempfile::TempDir;

use crate::calls::{FAR_FUTURE, StoppedClock, key_names, scan};

/// Databases of 1.x that the real opencode wrote.
pub(crate) const REAL_CORPORA: [Corpus; 4] =
    [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated, Corpus::OpencodeVia, Corpus::OpencodeRawWal];

/// Databases with rows of 2.x: of the preview, a new one, and an upgraded one.
pub(crate) const V2_CORPORA: [Corpus; 3] =
    [Corpus::OpencodePrelaunch, Corpus::OpencodeV2Fresh, Corpus::OpencodeV2Upgraded];

/// Copies a database. The copy is deleted with the returned directory.
pub(crate) fn copy_corpus(corpus_id: Corpus) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let database = corpus(corpus_id).copy_to(dir.path()).unwrap().database;
    (dir, database)
}

pub(crate) fn open_at(database: &Path, now: UnixNanos) -> SqliteReader {
    SqliteReader::new(database, SourceId::new("test").unwrap(), Arc::new(StoppedClock(now)))
}

pub(crate) fn open(database: &Path) -> SqliteReader {
    open_at(database, FAR_FUTURE)
}

/// Opens a database with a size limit for the text of a row.
pub(crate) fn open_limited(database: &Path, max_len: u64) -> SqliteReader {
    open(database).with_options(ReadOptions { max_len, ..ReadOptions::default() })
}

/// Makes a database of 1.18.33 with these rows. It is deleted with the returned directory.
pub(crate) fn database_with_rows(rows: &str) -> (TempDir, PathBuf) {
    database_with_schema(SCHEMA, rows)
}

/// Makes a database with this schema and these rows.
pub(crate) fn database_with_schema(schema: &str, rows: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    let db = Connection::open(&database).unwrap();
    db.execute_batch("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;").unwrap();
    db.execute_batch(&format!("BEGIN; {schema}; COMMIT;")).unwrap();
    db.execute_batch(rows).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(db);
    (dir, database)
}

/// The schema of 1.18.33.
pub(crate) const SCHEMA: &str = include_str!("../../../../fixtures/schema/opencode-1.18.33.sql");

/// The schema of a new database of 2.0.
pub(crate) const V2_SCHEMA: &str = include_str!("../../../../fixtures/schema/opencode-2.0.sql");

/// A session with a message and a part, a second session, and a part without a message.
pub(crate) const SMALL_ROWS: &str = r#"
    INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
        VALUES ('p', '/w', 1, 1, '[]');
    INSERT INTO session (id, project_id, slug, directory, title, version, time_created, time_updated)
        VALUES ('ses_1', 'p', 's', '/w', 't', '1.18.33', 1, 1), ('ses_2', 'q', 's', '/w', 't', '1.18.33', 1, 2);
    INSERT INTO message VALUES ('msg_1', 'ses_1', 1, 1, '{"role":"user","time":{"created":1}}');
    INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_1', 1, 1, '{"type":"text","text":"x"}');
    INSERT INTO part VALUES ('prt_2', 'msg_gone', 'ses_1', 1, 1, '{"type":"text"}');
"#;

/// Opens a connection with the settings of opencode, but without automatic checkpoints.
pub(crate) fn open_writer(database: &Path) -> Connection {
    let db = Connection::open(database).unwrap();
    db.execute_batch(
        "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;
         PRAGMA foreign_keys=ON;",
    )
    .unwrap();
    db
}

/// Returns the path of a side file.
pub(crate) fn side_file(database: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(suffix);
    path.into()
}

/// Returns the files of a directory with their bytes.
pub(crate) fn read_files(dir: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
}

/// Returns the answer of a probe that names these sessions.
pub(crate) fn changed_probe(sessions: impl IntoIterator<Item = SessionKey>) -> Probe {
    Probe::Changed(sessions.into_iter().map(SourceChange::Session).collect())
}

/// Returns the keys of all sessions, newest first.
pub(crate) fn sessions(store: &dyn Source) -> Vec<SessionKey> {
    let key = |key| match key {
        EntityKey::Session(key) => key,
        other => panic!("{other} among sessions"),
    };
    scan(store, &Scope::Sessions).entries.into_iter().map(|entry| key(entry.key)).collect()
}

/// Parses the bytes of an entry as JSON.
pub(crate) fn entry_json(entry: &scrollback_source::Entry) -> Value {
    serde_json::from_slice(entry.span.as_deref().unwrap()).unwrap()
}

/// Returns the titles of all sessions, newest first, through an open reader.
pub(crate) fn titles(reader: &mut dyn Reader) -> Vec<String> {
    let all = Listing::collect(|visit| reader.scan(&Scope::Sessions, visit)).unwrap();
    assert!(all.issues.is_empty(), "{:?}", all.issues);
    all.entries
        .iter()
        .map(|entry| entry_json(entry)["title"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the issues of a listing, each with the name of its key.
pub(crate) fn issues(listing: &Listing) -> Vec<(Option<String>, IssueKind)> {
    let issue = |(key, issue): &(Option<EntityKey>, scrollback_core_err::Issue)| {
        (key.as_ref().map(ToString::to_string), issue.kind.clone())
    };
    listing.issues.iter().map(issue).collect()
}

/// Returns the observations of a survey, sorted by key, and its issues.
pub(crate) fn survey_sorted(
    store: &dyn Source,
    survey: &Survey<'_>,
) -> (Vec<Observation>, Vec<(Option<EntityKey>, IssueKind)>) {
    let (mut observations, mut issues) = (Vec::new(), Vec::new());
    let visit = &mut |item| {
        match item {
            SurveyItem::Observation(observation) => observations.push(observation),
            SurveyItem::Issue(key, issue) => issues.push((key, issue.kind)),
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().survey(survey, visit).unwrap();
    observations.sort_by(|a: &Observation, b| a.key.cmp(&b.key));
    (observations, issues)
}

/// Makes every kind of call. Returns the sorted names of all records, and the number of issues.
pub(crate) fn read_everything(store: &dyn Source) -> (Vec<String>, usize) {
    let (mut names, mut issues) = (Vec::new(), 0);
    let mut add = |listing: Listing| {
        issues += listing.issues.len();
        names.extend(key_names(&listing.entries));
    };
    let mut reader = store.open().unwrap();
    for scope in [Scope::Projects, Scope::Sessions] {
        add(Listing::collect(|visit| reader.scan(&scope, visit)).unwrap());
    }
    for session in sessions(store) {
        add(Listing::collect(|visit| reader.tree(&session, visit)).unwrap());
        let _ = survey_sorted(store, &Survey::Messages(&session));
        reader.has_session(&session).unwrap();
    }
    add(Listing::collect(|visit| reader.orphans(visit)).unwrap());
    let parts = Listing::collect(|visit| reader.scan(&Scope::AllParts, visit)).unwrap();
    issues += parts.issues.len();
    names.extend(key_names(&parts.entries));
    for survey in [Survey::Projects, Survey::Sessions, Survey::MessageSets] {
        issues += survey_sorted(store, &survey).1.len();
    }
    store.probe(None).unwrap();
    names.sort_unstable();
    (names, issues)
}

/// Records that a test skips something, for the gate that collects such lines.
pub(crate) fn skip(subject: &str, reason: &str) {
    if let Some(path) = std::env::var_os("SCROLLBACK_SKIPS") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{subject}: {reason}").unwrap();
    }
}

/// Runs a check on all stores, each with the expected content.
pub(crate) fn for_each_store(check: impl Fn(&dyn Source, &Expectations)) {
    let with_items = Expectations::everything().without(Content::Resume);
    let expected = with_items.clone().without(Content::Items);
    for corpus_id in REAL_CORPORA {
        let (_dir, database) = copy_corpus(corpus_id);
        let db = Connection::open(&database).unwrap();
        // Foreign keys keep orphans out of real databases, so add some.
        db.execute_batch(
            "PRAGMA foreign_keys=OFF;
             INSERT INTO message VALUES ('msg_lost', 'ses_lost', 1, 1, '{\"role\":\"user\"}');
             INSERT INTO part VALUES ('prt_lost', 'msg_none', 'ses_lost', 1, 1, '{}');",
        )
        .unwrap();
        drop(db);
        check(&open(&database), &expected);
    }
    for corpus_id in V2_CORPORA {
        let (_dir, database) = copy_corpus(corpus_id);
        let db = Connection::open(&database).unwrap();
        db.execute_batch(
            "PRAGMA foreign_keys=OFF;
             INSERT INTO session_message (id, session_id, type, seq, time_created, time_updated, data)
                VALUES ('msg_lost', 'ses_lost', 'user', 1, 1, 1, '{\"text\":\"x\"}');",
        )
        .unwrap();
        drop(db);
        check(&open(&database), &with_items);
    }
    let (_dir, database) = database_with_rows(SMALL_ROWS);
    check(&open(&database), &expected);
}
