//! Tests damaged pages. They may cost only the rows on them.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{Scope, SessionId, SessionKey};
use scrollback_fixtures::Corpus;
use scrollback_source::{Source, Survey};
use scrollback_stor_mmap::ReadOptions;

use crate::calls::{key_names, orphans, scan, spans, tree};
use crate::support::{
    SMALL_ROWS, V2_SCHEMA, copy_corpus, database_with_rows, database_with_schema, entry_json, open,
    sessions, survey_sorted,
};
use crate::unsound_indexes::empty_index;

/// A page of a real database.
#[derive(Debug, Clone)]
struct Page {
    /// The table or index of the page.
    owner: String,
    kind: String,
    number: usize,
    /// The number of entries.
    cells: usize,
}

impl Page {
    fn is_of_index(&self) -> bool {
        self.owner.contains("idx") || self.owner.contains("autoindex")
    }
}

const PAGE: usize = 4096;

fn pages(database: &Path) -> Vec<Page> {
    let db = Connection::open(database).unwrap();
    let mut all = db.prepare("SELECT name, pagetype, pageno, ncell FROM dbstat").unwrap();
    let page = |row: &rusqlite::Row<'_>| {
        let number_at = |at| row.get(at).map(|number: i64| usize::try_from(number).unwrap());
        Ok(Page {
            owner: row.get(0)?,
            kind: row.get(1)?,
            number: number_at(2)?,
            cells: number_at(3)?,
        })
    };
    all.query_map([], page).unwrap().map(Result::unwrap).collect()
}

/// Returns the names of all readable entries of these sessions, and the number of issues.
fn read_sessions(store: &dyn Source, sessions: &[SessionKey]) -> (BTreeSet<String>, usize) {
    let (mut names, mut issue_count) = (BTreeSet::new(), 0);
    for session in sessions {
        let listing = tree(store, session);
        issue_count += listing.issues.len();
        names.extend(listing.entries.iter().map(|entry| entry.key.to_string()));
        // Reading by key gives the same entries, or issues for them.
        let keys: Vec<_> = listing.entries.into_iter().map(|entry| entry.key).collect();
        let by_key = spans(store, &keys);
        assert!(by_key.entries.len() + by_key.issues.len() >= keys.len());
        store.open().unwrap().has_session(session).unwrap();
    }
    (names, issue_count)
}

/// Lists, surveys and probes a store. No call may fail.
fn survey_everything(store: &dyn Source) -> (BTreeSet<String>, usize) {
    let (parts, orphan_rows) = (scan(store, &Scope::AllParts), orphans(store));
    let mut issue_count = parts.issues.len() + orphan_rows.issues.len();
    let mut names: BTreeSet<String> = key_names(&parts.entries).into_iter().collect();
    for scope in [Scope::Projects, Scope::Sessions] {
        let listed = scan(store, &scope);
        issue_count += listed.issues.len();
        names.extend(key_names(&listed.entries));
    }
    for survey in [Survey::Projects, Survey::Sessions, Survey::MessageSets] {
        let (observations, issues) = survey_sorted(store, &survey);
        issue_count += issues.len();
        names.extend(observations.iter().map(|observation| observation.key.to_string()));
    }
    let token = store.probe(None).unwrap().token;
    store.probe(token.as_ref()).unwrap();
    (names, issue_count)
}

#[test]
fn a_damaged_page_costs_only_its_own_rows() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
    let bytes = std::fs::read(&database).unwrap();
    let store = open(&database);
    let session_keys = sessions(&store);
    let (all, _) = read_sessions(&store, &session_keys);
    let (overview, _) = survey_everything(&store);
    drop(store);
    let (mut visited_kinds, mut compared) = (BTreeSet::new(), 0);
    for page in pages(&database) {
        let tables = ["session", "message", "part", "event_sequence"];
        let is_read = tables.iter().any(|table| {
            page.owner == *table
                || page.owner.starts_with(&format!("{table}_"))
                || page.owner.ends_with(&format!("index_{table}_1"))
        });
        // A few pages of each kind per table and index are enough.
        if !is_read
            || page.owner.starts_with("session_")
            || !visited_kinds.insert((page.owner.clone(), page.kind.clone(), page.cells % 3))
        {
            continue;
        }
        let mut damaged = bytes.clone();
        damaged[(page.number - 1) * PAGE..][..PAGE].fill(0x5a);
        std::fs::write(&database, damaged).unwrap();
        let store = open(&database);
        let (names, issue_count) = read_sessions(&store, &session_keys);
        let (listed, survey_issues) = survey_everything(&store);
        let missing: Vec<_> = all.difference(&names).collect();
        // A missing message also hides its parts.
        let messages =
            missing.iter().filter_map(|name| name.strip_prefix("message ")?.split('/').nth(1));
        let messages: BTreeSet<&str> = messages.collect();
        let is_alone = |name: &&&String| {
            let part = name.strip_prefix("part ").and_then(|part| part.split('/').next());
            part.is_none_or(|message| !messages.contains(message))
        };
        let alone = missing.iter().filter(is_alone).count();
        assert!(names.is_subset(&all), "{page:?}");
        let most = match &*page.kind {
            // An entry of a leaf is a row. An internal page has no rows of its own.
            "leaf" if !page.is_of_index() => page.cells,
            "overflow" => 1,
            _ if page.is_of_index() => 0,
            _ => all.len(),
        };
        assert!(alone <= most, "{page:?}: {alone}");
        assert!(missing.is_empty() || issue_count > 0, "{page:?} has no issue");
        let gone = overview.difference(&listed).count();
        assert!(gone == 0 || survey_issues > 0, "{page:?} has no issue: {gone}");
        // A session's row appears in a listing, in a survey, and in a set.
        let allowed = if page.kind == "internal" { overview.len() } else { most * 2 };
        assert!(gone <= allowed, "{page:?}: {gone} of {}", overview.len());
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn an_issue_names_its_row() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
    let page =
        pages(&database).into_iter().find(|page| page.owner == "part" && page.kind == "leaf");
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[(page.unwrap().number - 1) * PAGE..][..PAGE].fill(0);
    std::fs::write(&database, bytes).unwrap();
    let store = open(&database);
    let mut issue_count = 0;
    for session in sessions(&store) {
        let listing = tree(&store, &session);
        for (key, issue) in &listing.issues {
            assert!(matches!(issue.kind, IssueKind::Database { .. }), "{issue}");
            let name = key.as_ref().unwrap().to_string();
            assert!(name.starts_with("part "), "{name}");
            issue_count += 1;
        }
        assert_eq!(listing.entries[0].key, session.into(), "the rest is read");
    }
    assert!(issue_count > 0);
}

/// A pseudorandom number generator with the same numbers in every run.
struct PseudoRandom(u64);

impl PseudoRandom {
    fn next_below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn arbitrary_page_damage_ends_no_call() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeVia);
    let bytes = std::fs::read(&database).unwrap();
    let schema_pages: Vec<usize> = pages(&database)
        .into_iter()
        .filter(|page| page.owner == "sqlite_schema")
        .map(|page| page.number)
        .collect();
    let session_keys: Vec<_> = sessions(&open(&database)).into_iter().step_by(8).collect();
    let mut numbers = PseudoRandom(0x5eed);
    for turn in 0..120 {
        let number = 1 + numbers.next_below(bytes.len() / PAGE);
        let mut damaged = bytes.clone();
        let page = &mut damaged[(number - 1) * PAGE..][..PAGE];
        match turn % 4 {
            0 => page.fill(0),
            1 => page.iter_mut().for_each(|byte| *byte = numbers.next_below(256) as u8),
            2 => (0..8).for_each(|_| page[numbers.next_below(16)] = numbers.next_below(256) as u8),
            _ => (0..8).for_each(|_| page[numbers.next_below(PAGE)] ^= 1 << numbers.next_below(8)),
        }
        std::fs::write(&database, damaged).unwrap();
        let store = open(&database);
        match store.open() {
            Err(error) => assert!(schema_pages.contains(&number), "page {number}: {error}"),
            Ok(_) if schema_pages.contains(&number) => {} // half a schema may be a valid schema
            Ok(_) => {
                read_sessions(&store, &session_keys);
                survey_everything(&store);
            }
        }
    }
}

#[test]
fn a_truncated_database_is_a_clear_error() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeVia);
    let bytes = std::fs::read(&database).unwrap();
    for end in [bytes.len() - PAGE, bytes.len() / 2, 3 * PAGE, 50] {
        std::fs::write(&database, &bytes[..end]).unwrap();
        let error = open(&database).open().map(|_| ()).unwrap_err();
        let message = std::error::Error::source(&error).unwrap().to_string();
        assert!(message.contains(".recover"), "{end}: {message}");
    }
}

/// A row over the total limit keeps its place and its small fields, and the rows after it are read.
#[test]
fn a_session_over_the_total_limit_lacks_only_large_texts() {
    let text = |len: usize| format!(r#"{{"type":"text","text":"{}"}}"#, "x".repeat(len));
    let parts = [("prt_3", 60_000), ("prt_4", 60_000), ("prt_5", 100)].map(|(id, len)| {
        format!("INSERT INTO part VALUES ('{id}', 'msg_1', 'ses_1', 1, 1, '{}');", text(len))
    });
    let (_dir, v1) = database_with_rows(&format!("{SMALL_ROWS}{}", parts.concat()));
    let messages = [("msg_1", 60_000), ("msg_2", 60_000), ("msg_3", 100)].map(|(id, len)| {
        format!(
            "INSERT INTO session_message (id, session_id, type, seq, time_created, time_updated, data)
             VALUES ('{id}', 'ses_1', 'user', {}, 1, 1, '{}');",
            &id[4..],
            text(len)
        )
    });
    let session = "INSERT INTO session_v2 (id, project_id, slug, directory, version, time_created,
        time_updated) VALUES ('ses_1', 'p', 's', '/w', '2.0.0', 1, 1);";
    let (_dir, v2) = database_with_schema(V2_SCHEMA, &format!("{session}{}", messages.concat()));
    for (database, left_out, last) in [(v1, "prt_4", "prt_5"), (v2, "msg_2", "msg_3")] {
        let limits = ReadOptions { max_total: 100_000, ..ReadOptions::default() };
        let read = tree(&open(&database).with_options(limits), &SessionKey::from(session_id()));
        let over: Vec<_> = read
            .issues
            .iter()
            .filter(|(_, issue)| matches!(issue.kind, IssueKind::OverTotal { .. }))
            .collect();
        assert_eq!(over.len(), 1, "{:?}", read.issues);
        assert!(over[0].0.as_ref().unwrap().to_string().contains(left_out), "{over:?}");
        for (id, is_whole) in [(left_out, false), (last, true)] {
            let name = |key: &str| key == id;
            let at = key_names(&read.entries).iter().position(|key| name(key)).unwrap();
            assert_eq!(entry_json(&read.entries[at])["id"], id);
            assert!(is_whole || read.entries[at].span.as_ref().unwrap().len() < 1000);
        }
    }
}

fn session_id() -> SessionId {
    SessionId::new("ses_1").unwrap()
}

/// SQLite reads a leaf in place of an interior page without an error: it shows fewer rows.
#[test]
fn rows_below_a_replaced_page_are_issues() {
    let (_dir, sound) = copy_corpus(Corpus::OpencodeSqlite);
    let known = sessions(&open(&sound));
    for table in ["message", "part"] {
        let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
        let of_table: Vec<Page> =
            pages(&database).into_iter().filter(|page| page.owner == table).collect();
        let number = |kind: &str| of_table.iter().find(|page| page.kind == kind).unwrap().number;
        let (root, leaf) = (number("internal"), number("leaf"));
        let mut bytes = std::fs::read(&database).unwrap();
        bytes.copy_within((leaf - 1) * PAGE..leaf * PAGE, (root - 1) * PAGE);
        std::fs::write(&database, bytes).unwrap();
        let mut lost = 0;
        for session in &known {
            let listing = tree(&open(&database), session);
            let found: BTreeSet<String> = key_names(&listing.entries).into_iter().collect();
            let named: String =
                listing.issues.iter().map(|(key, issue)| format!("{key:?} {issue} ")).collect();
            for name in key_names(&tree(&open(&sound), session).entries) {
                // A part is named by itself, or its message is.
                let is_named = || named.contains(&name) || table == "message";
                assert!(found.contains(&name) || is_named(), "{table}: {name} of {session}");
                lost += usize::from(!found.contains(&name));
            }
            let is_whole = found.len() == tree(&open(&sound), session).entries.len();
            assert!(is_whole || !listing.issues.is_empty(), "{table}: {session}");
        }
        assert!(lost > 10, "{table}: the page that was replaced has too few rows below it");
    }
}

/// A read of a session compares its parts with another index. Damage below that index ends no read.
#[test]
fn damaged_parts_behind_an_empty_index_hide_no_message() {
    let (_dir, sound) = copy_corpus(Corpus::OpencodePrelaunch);
    let messages = |database: &Path, session: &SessionKey| {
        let names = key_names(&tree(&open(database), session).entries);
        names.into_iter().filter(|name| !name.starts_with("prt_")).collect::<BTreeSet<_>>()
    };
    let expected: Vec<_> =
        sessions(&open(&sound)).into_iter().map(|key| (messages(&sound, &key), key)).collect();
    let (_dir, database) = copy_corpus(Corpus::OpencodePrelaunch);
    empty_index(&database, "part_message_id_id_idx");
    let emptied = std::fs::read(&database).unwrap();
    let leaves = pages(&database).into_iter().filter(|it| it.owner == "part" && it.kind == "leaf");
    for leaf in leaves {
        let mut bytes = emptied.clone();
        bytes[(leaf.number - 1) * PAGE..leaf.number * PAGE].fill(0x5a);
        std::fs::write(&database, bytes).unwrap();
        for (expected, session) in &expected {
            assert_eq!(&messages(&database, session), expected, "{session}");
        }
    }
}
