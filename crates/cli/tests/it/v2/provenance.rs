//! Tests of provenance: sessions in the tables of 2.x, of 1.x, of both, and in other stores.

use std::collections::BTreeMap;

use scrollback_fixtures::{Corpus, corpus};
use serde_json::Value;

use super::{FRESH, PREVIEW, UPGRADED, session_id};
use crate::support::run_on;

/// Joins the provenance fields of a list entry: generation, also, standing, leftOver.
fn provenance_text(session: &Value) -> String {
    let list = |name: &str| {
        let all = session[name].as_array().into_iter().flatten();
        all.map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join("+")
    };
    let rest = [list("also"), session["standing"].as_str().unwrap_or_default().to_owned()];
    let rest = rest.into_iter().zip([" also ", " "]).filter(|(it, _)| !it.is_empty());
    let rest: String = rest.map(|(it, before)| format!("{before}{it}")).collect();
    let left = if session["leftOver"] == true { " left over" } else { "" };
    list("generation") + &rest + left
}

fn sessions_by_id(store: &std::path::Path) -> BTreeMap<String, Value> {
    let list = run_on(store, &["ls", "--json"]).json();
    let all = list.as_array().unwrap().iter();
    all.map(|it| (it["id"].as_str().unwrap().to_owned(), it.clone())).collect()
}

/// Counts the sessions of each provenance.
fn count_by_provenance(all: &BTreeMap<String, Value>) -> Vec<(String, usize)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    all.values().for_each(|it| *places.entry(provenance_text(it)).or_default() += 1);
    places.into_iter().collect()
}

#[test]
fn a_list_prints_the_provenance_of_sessions() {
    let expected: [(Corpus, &[(&str, usize)]); 3] = [
        (FRESH, &[("v2", 14)]),
        (UPGRADED, &[("v1 lateLegacy", 1), ("v1 legacyOnly", 1), ("v2", 14), ("v2 also v1", 58)]),
        (PREVIEW, &[("v1", 3), ("v1+v2 preview", 2), ("v2 preview", 32)]),
    ];
    for (which, expected) in expected {
        let all = sessions_by_id(&corpus(which).database);
        let expected: Vec<_> = expected.iter().map(|(it, n)| ((*it).to_owned(), *n)).collect();
        assert_eq!(count_by_provenance(&all), expected, "{which:?}");
    }
    let all = sessions_by_id(&corpus(UPGRADED).database);
    for (name, expected) in
        [("late_v1", "v1 lateLegacy"), ("deleted_in_v2", "v1 legacyOnly"), ("empty", "v2")]
    {
        assert_eq!(provenance_text(&all[&session_id(UPGRADED, name)]), expected, "{name}");
    }
    let all = sessions_by_id(&corpus(PREVIEW).database);
    for (name, expected) in [
        ("v1_only", "v1"),
        ("hybrid_v2_then_v1", "v1+v2 preview"),
        ("hello", "v2 preview"),
        ("pending", "v1"),
    ] {
        assert_eq!(provenance_text(&all[&session_id(PREVIEW, name)]), expected, "{name}");
    }
}

#[test]
fn a_list_names_fork_sources_and_counts_usage_once() {
    let all = sessions_by_id(&corpus(FRESH).database);
    let session_by_name = |name: &str| &all[&session_id(FRESH, name)];
    for (fork, source, tokens) in [
        ("fork_through", "markers", 1010), // the answer in the fork
        ("fork_before", "markers", 0),
        ("fork_of_fork", "fork_through", 0),
    ] {
        let session = session_by_name(fork);
        assert_eq!(session["forkOf"], *session_id(FRESH, source), "{fork}");
        assert_eq!(session["parentID"], Value::Null, "a fork is not a child");
        let own = &session["tokens"];
        assert_eq!(own["input"].as_i64().unwrap() + own["output"].as_i64().unwrap(), tokens);
    }
    assert_eq!(session_by_name("markers")["forkOf"], Value::Null);
    assert_eq!(session_by_name("child")["parentID"], *session_id(FRESH, "parent"));
    let forks = all.values().filter(|it| it["forkOf"].is_string()).count();
    assert_eq!(forks, 3);
}

#[test]
fn marks_stand_before_titles() {
    let printed = run_on(&corpus(UPGRADED).database, &["ls"]).stdout;
    for (name, mark) in [
        ("late_v1", "  (of 1.x) V1 after migration"),
        ("deleted_in_v2", "  (not in 2.x) Crash text"),
        ("archived", "  (archived) Archived"),
        ("kitchen", "  Kitchen sink"),
    ] {
        let id = session_id(UPGRADED, name);
        assert!(printed.contains(&format!("{id}{mark}")), "{name}: {printed}");
    }
    assert!(!run_on(&corpus(PREVIEW).database, &["ls"]).stdout.contains("(of 1.x)"));
}

#[test]
fn stores_of_2x_are_named() {
    for (which, sessions) in [(FRESH, 14), (UPGRADED, 74), (PREVIEW, 37)] {
        let store = run_on(&corpus(which).data_dir, &["stores", "--json"]).json();
        assert_eq!(store[0]["sessions"], sessions, "{which:?}");
        assert_eq!(store[0]["kind"], "opencode database");
        assert_eq!(store.as_array().unwrap().len(), 1);
    }
}

/// One data directory has files, a database of 1.18, and a database of 2.x of another channel.
#[test]
fn three_generations_in_one_directory_are_one_store() {
    let dir = tempfile::tempdir().unwrap();
    corpus(Corpus::OpencodeJson).copy_to(dir.path()).unwrap();
    corpus(Corpus::OpencodeSqlite).copy_to(dir.path()).unwrap();
    let next = dir.path().join("opencode-next.db");
    std::fs::copy(corpus(UPGRADED).database, &next).unwrap();
    let all = sessions_by_id(dir.path());
    let count = |from: &str| {
        let ends = |it: &&Value| it["source"].as_str().unwrap().ends_with(from);
        all.values().filter(ends).count()
    };
    // From the other database the sessions that it has in the newer format, and those that the first
    // database lacks; from files those that both lack.
    assert_eq!([count("opencode.db"), count("opencode-next.db"), count("storage")], [1, 73, 59]);
    let expected = [
        ("json left over", 59),
        ("v1 also v1", 1), // not migrated in the other database
        ("v1 lateLegacy", 1),
        ("v2", 14),
        ("v2 also v1", 58),
    ];
    let expected = expected.map(|(it, n)| (it.to_owned(), n));
    assert_eq!(count_by_provenance(&all), expected);
    let stores = run_on(dir.path(), &["stores", "--json"]).json();
    let stores_listed: Vec<_> =
        stores.as_array().unwrap().iter().map(|it| (&it["sessions"], &it["wins"])).collect();
    let expected =
        [(59, true), (74, false), (59, false)].map(|(n, wins)| (Value::from(n), Value::from(wins)));
    assert_eq!(stores_listed, expected.iter().map(|(n, wins)| (n, wins)).collect::<Vec<_>>());
    // Each session is read from the store that lists it.
    let shown = run_on(dir.path(), &["show", &session_id(UPGRADED, "markers")]);
    assert!(shown.code == 0 && shown.stdout.contains("agent plan, was build"), "{}", shown.stdout);
    let migrated = all.iter().find(|(_, it)| provenance_text(it) == "v2 also v1").unwrap().0;
    let v2 = run_on(dir.path(), &["export", migrated]).json();
    assert_eq!(v2, run_on(&corpus(UPGRADED).database, &["export", migrated]).json());
    // With the usual name, the database of 2.x wins too, and the database of 1.18 adds nothing.
    let dir = tempfile::tempdir().unwrap();
    corpus(Corpus::OpencodeJson).copy_to(dir.path()).unwrap();
    corpus(UPGRADED).copy_to(dir.path()).unwrap();
    std::fs::copy(corpus(Corpus::OpencodeSqlite).database, dir.path().join("opencode-old.db"))
        .unwrap();
    let all = sessions_by_id(dir.path());
    let expected = [
        ("json left over", 59),
        ("v1 also v1 legacyOnly", 1),
        ("v1 lateLegacy", 1),
        ("v2", 14),
        ("v2 also v1", 58),
    ];
    assert_eq!(count_by_provenance(&all), expected.map(|(it, n)| (it.to_owned(), n)));
}
