//! Surveys and sets: stamps after changes, records that are too young, issues with names, and records
//! that vanish meanwhile.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, MessageKey, Scope, Stamp, UnixNanos};
use scrollback_fixtures::write_tree;
use scrollback_source::{Listing, Observation, Reader, ScanItem, Source, Survey, SurveyItem};
use scrollback_stor_mmap::Settled;

use crate::calls::{key_names, scan, session_key};
use crate::support::{issues_with_paths, open_at, store_from_text};

const INTACT_STORE: &str = r#"
    //- project/p.json
    {"id":"p"}
    //- session/p/ses_1.json
    {"id":"ses_1","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","role":"user","time":{"created":1}}
    //- message/ses_1/msg_2.json
    {"id":"msg_2","role":"user","time":{"created":2}}
    //- part/msg_1/prt_1.json
    {"id":"prt_1","type":"text"}
"#;

fn message_key(id: &str) -> MessageKey {
    MessageKey { session: session_key("ses_1").session, message: id.parse().unwrap() }
}

/// Returns the observations of a survey, sorted by key, and its issues with their paths.
fn run_survey(
    reader: &mut dyn Reader,
    query: &Survey<'_>,
) -> (Vec<Observation>, Vec<(String, IssueKind)>) {
    let (mut observations, mut issues) = (Vec::new(), Vec::new());
    let visitor = &mut |item| {
        match item {
            SurveyItem::Observation(observation) => observations.push(observation),
            SurveyItem::Issue(key, issue) => issues.push((key, issue)),
        }
        ControlFlow::Continue(())
    };
    reader.survey(query, visitor).unwrap();
    observations.sort_by(|a, b| (&a.key, &a.project).cmp(&(&b.key, &b.project)));
    (observations, sorted_issues_with_paths(issues))
}

fn sorted_issues_with_paths(issues: Vec<(Option<EntityKey>, Issue)>) -> Vec<(String, IssueKind)> {
    let mut placed = issues_with_paths(&Listing { issues, ..Listing::default() });
    placed.sort_by(|a, b| a.0.cmp(&b.0));
    placed
}

fn survey(store: &dyn Source, query: &Survey<'_>) -> (Vec<Observation>, Vec<(String, IssueKind)>) {
    run_survey(&mut *store.open().unwrap(), query)
}

/// Returns the keys and stamps of a survey without issues.
fn stamps(store: &dyn Source, query: &Survey<'_>) -> Vec<(EntityKey, Stamp)> {
    let (observations, issues) = survey(store, query);
    assert_eq!(issues, []);
    observations.into_iter().map(|observation| (observation.key, observation.stamp)).collect()
}

fn keys(observations: &[Observation]) -> Vec<String> {
    observations.iter().map(|observation| observation.key.to_string()).collect()
}

/// Sets when a file or a directory last changed, in Unix milliseconds. Do not use whole seconds: they
/// count as rounded.
fn set_changed(path: &Path, at_ms: u64) {
    File::open(path).unwrap().set_modified(UNIX_EPOCH + Duration::from_millis(at_ms)).unwrap();
}

/// An old time, so that any change is later.
const OLD_MS: u64 = 1_000_250;

#[test]
fn a_rewrite_changes_the_stamp_of_a_record_and_not_of_its_set() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let session = session_key("ses_1");
    let path = dir.path().join("message/ses_1/msg_1.json");
    set_changed(&path, OLD_MS);
    let before = stamps(&store, &Survey::Messages(&session));
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text).unwrap(); // the same number of bytes, in place
    let after = stamps(&store, &Survey::Messages(&session));
    let changed: Vec<String> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before.0.to_string())
        .collect();
    assert_eq!(changed, ["message ses_1/msg_1"]);
    assert_eq!(before.len(), 3);
}

#[test]
fn adding_removing_or_renaming_a_record_changes_its_set() {
    type Change = fn(&Path);
    let changes: [(Change, &[&str]); 3] = [
        (|set| fs::write(set.join("msg_3.json"), b"{}").unwrap(), &["msg_1", "msg_2", "msg_3"]),
        (|set| fs::remove_file(set.join("msg_2.json")).unwrap(), &["msg_1"]),
        (
            |set| fs::rename(set.join("msg_2.json"), set.join("msg_9.json")).unwrap(),
            &["msg_1", "msg_9"],
        ),
    ];
    for (change, expected) in changes {
        let (dir, store) = store_from_text(INTACT_STORE);
        let (session, set) = (session_key("ses_1"), dir.path().join("message/ses_1"));
        set_changed(&set, OLD_MS);
        let before = stamps(&store, &Survey::MessageSets);
        change(&set);
        let after = stamps(&store, &Survey::MessageSets);
        assert_eq!(before[0].0, after[0].0);
        assert_ne!(before[0].1, after[0].1);
        let (observations, _) = survey(&store, &Survey::Messages(&session));
        let mut all = vec!["session ses_1".to_owned()];
        all.extend(expected.iter().map(|id| format!("message ses_1/{id}")));
        assert_eq!(keys(&observations), all);
        assert_eq!(observations[0].stamp, after[0].1, "the set, by either survey");
    }
}

#[test]
fn records_younger_than_the_margin_are_not_settled() {
    let (dir, _) = store_from_text(INTACT_STORE);
    set_changed(&dir.path().join("message/ses_1/msg_1.json"), OLD_MS);
    set_changed(&dir.path().join("message/ses_1/msg_2.json"), OLD_MS + 500);
    set_changed(&dir.path().join("message/ses_1"), OLD_MS);
    let at = |ms_later: i64| {
        let now = UnixNanos((OLD_MS as i64 + ms_later) * 1_000_000);
        let store = open_at(dir.path(), now);
        let (observations, _) = survey(&store, &Survey::Messages(&session_key("ses_1")));
        let settled: Vec<bool> = observations
            .iter()
            .map(|observation| observation.settled == Settled::Settled)
            .collect();
        let set = scan(&store, &Scope::Messages(session_key("ses_1"))).set.unwrap();
        assert_eq!(set, observations[0], "a scan and a survey observe the same set");
        assert_eq!(survey(&store, &Survey::MessageSets).0, [set]);
        settled
    };
    // In the order of keys: the set, the old message, the message that is half a second younger.
    assert_eq!(at(50), [false, false, false], "younger than the margin of 100 ms");
    assert_eq!(at(400), [true, true, false], "from the future");
    assert_eq!(at(550), [true, true, false]);
    assert_eq!(at(700), [true, true, true]);
}

#[test]
fn a_survey_reports_the_issues_that_a_scan_reports() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let at = |path: &str| dir.path().join(path);
    let sets = ["project", "session/p", "message/ses_1", "part/msg_1"];
    for set in sets {
        symlink("nowhere", at(set).join("x_link.json")).unwrap();
        fs::create_dir(at(set).join("x_directory.json")).unwrap();
        fs::write(at(set).join("x_\u{1b}.json"), b"{}").unwrap();
        fs::write(at(set).join("notes.txt"), b"no entity").unwrap();
    }
    symlink("p", at("session/q")).unwrap();
    fs::write(at("session/r"), b"no directory").unwrap();
    let (session, first) = (session_key("ses_1"), message_key("msg_1"));
    let pairs = [
        (Scope::Projects, Survey::Projects, 3),
        (Scope::Sessions, Survey::Sessions, 5),
        (Scope::Messages(session.clone()), Survey::Messages(&session), 3),
        (Scope::Parts(first.clone()), Survey::Parts(&first), 3),
    ];
    for (scope, query, count) in pairs {
        let issues = survey(&store, &query).1;
        assert_eq!(issues, sorted_issues_with_paths(scan(&store, &scope).issues), "{query:?}");
        assert_eq!(issues.len(), count, "{query:?}");
    }
}

#[test]
fn sets_that_are_not_directories_are_issues() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let at = |path: &str| dir.path().join(path);
    symlink("ses_1", at("message/ses_2")).unwrap();
    fs::write(at("message/ses_3"), b"no directory").unwrap();
    symlink("msg_1", at("part/msg_2")).unwrap();
    fs::write(at("part/msg_3"), b"no directory").unwrap();
    let expected_issues = |link: &str, file: &str| {
        [(link.to_owned(), IssueKind::Link), (file.to_owned(), IssueKind::NotADirectory)]
    };
    let (observations, issues) = survey(&store, &Survey::MessageSets);
    assert_eq!(
        (keys(&observations), issues),
        (vec!["session ses_1".into()], expected_issues("message/ses_2", "message/ses_3").into())
    );
    let message_keys = ["msg_1", "msg_2", "msg_3", "msg_gone"].map(message_key);
    let (observations, issues) = survey(&store, &Survey::PartSets(&message_keys));
    assert_eq!(
        (keys(&observations), &issues),
        (vec!["message ses_1/msg_1".into()], &expected_issues("part/msg_2", "part/msg_3").into())
    );
    for (key, issue) in message_keys[1..3].iter().zip(issues) {
        assert_eq!(
            issues_with_paths(&scan(&store, &Scope::Parts(key.clone()))),
            [issue],
            "as a scan says"
        );
    }
    let escape =
        survey(&store, &Survey::PartSets(&[message_key(".."), message_key("msg_1/../msg_1")]));
    assert!(escape.0.is_empty());
    assert!(escape.1.iter().all(|(_, kind)| matches!(kind, IssueKind::BadId { .. })));
    assert_eq!(escape.1.len(), 2);
}

#[test]
fn a_survey_reports_every_copy_of_a_session_and_sets_without_a_session() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let more = r#"
        //- session/q/ses_1.json
        {"id":"ses_1","time":{"created":1,"updated":3}}
        //- message/ses_lost/msg_3.json
        {"id":"msg_3"}
    "#;
    write_tree(dir.path(), more).unwrap();
    let (observations, issues) = survey(&store, &Survey::Sessions);
    let places = observations.iter().map(|observation| {
        (observation.key.to_string(), observation.project.as_ref().unwrap().as_str())
    });
    assert!(places.eq(["p", "q"].map(|project| ("session ses_1".to_owned(), project))));
    assert_eq!(issues, [], "only a scan reports duplicates");
    let (sets, _) = survey(&store, &Survey::MessageSets);
    assert_eq!(keys(&sets), ["session ses_1", "session ses_lost"]);
}

#[test]
fn a_survey_of_an_empty_store_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = crate::support::open(dir.path());
    let (session, keys) = (session_key("ses_1"), [message_key("msg_1")]);
    let all = [
        Survey::Projects,
        Survey::Sessions,
        Survey::MessageSets,
        Survey::Messages(&session),
        Survey::PartSets(&keys),
        Survey::Parts(&keys[0]),
    ];
    for query in all {
        assert_eq!(survey(&store, &query), (vec![], vec![]), "{query:?}");
    }
}

#[test]
fn records_that_vanish_during_a_survey_are_not_issues() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let set = dir.path().join("message/ses_1");
    let mut messages = Vec::new();
    let visitor = &mut |item| {
        match item {
            SurveyItem::Observation(item) if matches!(item.key, EntityKey::Message(_)) => {
                messages.push(item.key);
                fs::remove_dir_all(&set).unwrap(); // after both were listed
            }
            SurveyItem::Observation(_) => {}
            SurveyItem::Issue(key, issue) => panic!("{key:?}: {issue}"),
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().survey(&Survey::Messages(&session_key("ses_1")), visitor).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(survey(&store, &Survey::MessageSets), (vec![], vec![]));
}

#[test]
fn a_reader_keeps_open_directories_and_retries_missing_directories() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let at = |path: &str| dir.path().join(path);
    let mut reader = store.open().unwrap();
    let scope = Scope::Parts(message_key("msg_1"));
    let part_names = |reader: &mut dyn Reader| {
        key_names(&Listing::collect(|visitor| reader.scan(&scope, visitor)).unwrap().entries)
    };
    fs::rename(at("part"), at("elsewhere")).unwrap();
    assert!(part_names(&mut *reader).is_empty());
    fs::rename(at("elsewhere"), at("part")).unwrap();
    assert_eq!(part_names(&mut *reader), ["prt_1"], "a missing directory is tried again");

    fs::rename(at("part"), at("elsewhere")).unwrap();
    fs::create_dir_all(at("part/msg_1")).unwrap();
    assert_eq!(part_names(&mut *reader), ["prt_1"], "the open directory stays in use");
    assert!(
        part_names(&mut *store.open().unwrap()).is_empty(),
        "a new reader opens the new directory"
    );

    fs::write(at("elsewhere/msg_1/prt_2.json"), b"{}").unwrap();
    assert_eq!(part_names(&mut *reader), ["prt_1", "prt_2"], "the entries below it are current");
    let keys = [message_key("msg_1")];
    let set = run_survey(&mut *reader, &Survey::PartSets(&keys)).0.remove(0);
    let inode = |path: &str| std::os::unix::fs::MetadataExt::ino(&fs::metadata(at(path)).unwrap());
    assert_eq!(set.stamp.inode, inode("elsewhere/msg_1"));
    assert_ne!(set.stamp.inode, inode("part/msg_1"));
}

#[test]
fn the_set_comes_first() {
    let (dir, store) = store_from_text(INTACT_STORE);
    for set in ["message/ses_1", "part/msg_1"] {
        symlink("nowhere", dir.path().join(set).join("x.json")).unwrap();
    }
    let kinds = |scope: &Scope| {
        let mut kinds = Vec::new();
        let visitor = &mut |item| {
            kinds.push(match item {
                ScanItem::Set(set) => set.key.to_string(),
                ScanItem::Issue(..) => "issue".to_owned(),
                ScanItem::Entry(_) => "entry".to_owned(),
            });
            ControlFlow::Continue(())
        };
        store.open().unwrap().scan(scope, visitor).unwrap();
        kinds
    };
    let session = session_key("ses_1");
    let messages = ["session ses_1", "issue", "entry", "entry"];
    assert_eq!(kinds(&Scope::Messages(session.clone())), messages);
    assert_eq!(kinds(&Scope::MessageNames(session)), messages);
    assert_eq!(
        kinds(&Scope::Parts(message_key("msg_1"))),
        ["message ses_1/msg_1", "issue", "entry"]
    );
    assert!(kinds(&Scope::Parts(message_key("msg_2"))).is_empty(), "no directory, no set");
    assert_eq!(kinds(&Scope::Sessions), ["entry"], "sessions are not a set");
}
