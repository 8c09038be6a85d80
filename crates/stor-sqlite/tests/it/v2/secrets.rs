//! Tests that secrets of a database of 2.x are in no result, and that reading leaves no trace.

use scrollback_core_id::{EntityKey, Scope};
use scrollback_fixtures::Corpus;
use scrollback_source::{Source, Survey};
use scrollback_stor_sqlite::Access;

use crate::calls::{orphans, scan, spans, tree};
use crate::support::{
    V2_CORPORA, copy_corpus, open, open_writer, read_everything, read_files, sessions, side_file,
    survey_sorted,
};

const SECRET: &str = "not-to-be-shown";

#[test]
fn secrets_are_in_no_answer() {
    for corpus_id in [Corpus::OpencodeV2Fresh, Corpus::OpencodeV2Upgraded] {
        let (_dir, database) = copy_corpus(corpus_id);
        let db = open_writer(&database);
        let columns = "id text, access_token text, refresh_token text";
        for table in ["account", "control_account", "credential"] {
            db.execute_batch(&format!(
                "DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns})"
            ))
            .unwrap();
            db.execute(&format!("INSERT INTO {table} VALUES (?1, ?1, ?1)"), [SECRET]).unwrap();
        }
        for (key, value) in
            [(SECRET, "{}"), ("provider.token", SECRET), ("migration.v1-v2.x", SECRET)]
        {
            db.execute("INSERT INTO kv VALUES (?1, ?2, 1, 1)", [key, value]).unwrap();
        }
        // The content of the migration marker must not appear either.
        let marker = format!(r#"{{"phase":"completed","{SECRET}":"{SECRET}"}}"#);
        db.execute("UPDATE kv SET value = ?1 WHERE key = 'migration.v1-v2'", [marker]).unwrap();
        let log = std::fs::read(side_file(&database, "-wal")).unwrap();
        assert!(
            log.windows(SECRET.len()).any(|at| at == SECRET.as_bytes()),
            "the log has the secret"
        );

        let store = open(&database);
        let mut reader = store.open().unwrap();
        let mut all = Vec::new();
        for scope in [Scope::Projects, Scope::Sessions, Scope::AllParts] {
            all.extend(scan(&store, &scope).entries);
        }
        all.extend(orphans(&store).entries);
        let mut texts = Vec::new();
        for session in sessions(&store) {
            let entries = tree(&store, &session).entries;
            for entry in &entries {
                texts.extend(reader.raw(&entry.key).unwrap().map(|span| span.to_vec()));
            }
            texts.extend(reader.native(&session).unwrap().map(|span| span.to_vec()));
            let (history, issues) = store.history(&session).unwrap();
            assert!(history.is_empty() && issues.is_empty(), "2.x keeps no log");
            let beside = [EntityKey::Share(session.clone()), EntityKey::Todo(session)];
            all.extend(entries.into_iter().chain(spans(&store, &beside).entries));
        }
        texts.extend(all.iter().filter_map(|span| span.span.as_deref()).map(<[u8]>::to_vec));
        assert!(texts.len() > 200, "{}", texts.len());
        let has_secret =
            |text: &Vec<u8>| text.windows(SECRET.len()).any(|at| at == SECRET.as_bytes());
        assert!(!texts.iter().any(has_secret), "{corpus_id:?}");
        assert!(!format!("{:?}", survey_sorted(&store, &Survey::Sessions)).contains(SECRET));
    }
}

#[test]
fn a_database_of_2x_is_read_without_a_trace() {
    for corpus_id in V2_CORPORA {
        for has_log in [false, true] {
            let (dir, database) = copy_corpus(corpus_id);
            if has_log {
                std::fs::write(side_file(&database, "-wal"), b"").unwrap();
            }
            let before = read_files(dir.path());
            let store = open(&database);
            assert_eq!(store.access().unwrap(), Access::Immutable, "{corpus_id:?}");
            assert_eq!(read_everything(&store).1, 0);
            let mut reader = store.open().unwrap();
            for session in sessions(&store) {
                for entry in tree(&store, &session).entries {
                    reader.raw(&entry.key).unwrap();
                }
                reader.native(&session).unwrap();
                store.history(&session).unwrap();
            }
            drop(reader);
            drop(store);
            assert!(read_files(dir.path()) == before, "{corpus_id:?}");
        }
    }
}
