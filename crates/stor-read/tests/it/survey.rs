//! Surveys and sets: what a change does to stamps, what is too young to trust, what is wrong with
//! names, and what vanishes meanwhile.

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

/// What a survey comes to, sorted by key; and what is wrong, as `placed` has it.
fn run_survey(
    reader: &mut dyn Reader,
    what: &Survey<'_>,
) -> (Vec<Observation>, Vec<(String, IssueKind)>) {
    let (mut sightings, mut issues) = (Vec::new(), Vec::new());
    let each = &mut |seen| {
        match seen {
            SurveyItem::Observation(sighting) => sightings.push(sighting),
            SurveyItem::Issue(key, issue) => issues.push((key, issue)),
        }
        ControlFlow::Continue(())
    };
    reader.survey(what, each).unwrap();
    sightings.sort_by(|a, b| (&a.key, &a.project).cmp(&(&b.key, &b.project)));
    (sightings, sorted_issues_with_paths(issues))
}

fn sorted_issues_with_paths(issues: Vec<(Option<EntityKey>, Issue)>) -> Vec<(String, IssueKind)> {
    let mut placed = issues_with_paths(&Listing { issues, ..Listing::default() });
    placed.sort_by(|a, b| a.0.cmp(&b.0));
    placed
}

fn survey(store: &dyn Source, what: &Survey<'_>) -> (Vec<Observation>, Vec<(String, IssueKind)>) {
    run_survey(&mut *store.open().unwrap(), what)
}

/// The stamps that a survey of a sound store comes to.
fn stamps(store: &dyn Source, what: &Survey<'_>) -> Vec<(EntityKey, Stamp)> {
    let (sightings, issues) = survey(store, what);
    assert_eq!(issues, []);
    sightings.into_iter().map(|it| (it.key, it.stamp)).collect()
}

fn keys(sightings: &[Observation]) -> Vec<String> {
    sightings.iter().map(|it| it.key.to_string()).collect()
}

/// Says when a file or a directory last changed, in Unix milliseconds. Whole seconds would be taken
/// for rounded.
fn set_changed(path: &Path, at_ms: u64) {
    File::open(path).unwrap().set_modified(UNIX_EPOCH + Duration::from_millis(at_ms)).unwrap();
}

/// Long ago, so that any change is a later one.
const OLD_MS: u64 = 1_000_250;

#[test]
fn a_rewrite_changes_the_stamp_of_a_record_and_not_of_its_set() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let session = session_key("ses_1");
    let path = dir.path().join("message/ses_1/msg_1.json");
    set_changed(&path, OLD_MS);
    let before = stamps(&store, &Survey::Messages(&session));
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text).unwrap(); // as many bytes, in place
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
fn what_joins_leaves_or_is_renamed_changes_its_set() {
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
        let (seen, _) = survey(&store, &Survey::Messages(&session));
        let mut all = vec!["session ses_1".to_owned()];
        all.extend(expected.iter().map(|id| format!("message ses_1/{id}")));
        assert_eq!(keys(&seen), all);
        assert_eq!(seen[0].stamp, after[0].1, "the set, by either survey");
    }
}

#[test]
fn what_is_as_young_as_the_look_is_not_settled() {
    let (dir, _) = store_from_text(INTACT_STORE);
    set_changed(&dir.path().join("message/ses_1/msg_1.json"), OLD_MS);
    set_changed(&dir.path().join("message/ses_1/msg_2.json"), OLD_MS + 500);
    set_changed(&dir.path().join("message/ses_1"), OLD_MS);
    let at = |ms_later: i64| {
        let now = UnixNanos((OLD_MS as i64 + ms_later) * 1_000_000);
        let store = open_at(dir.path(), now);
        let (seen, _) = survey(&store, &Survey::Messages(&session_key("ses_1")));
        let settled: Vec<bool> = seen.iter().map(|it| it.settled == Settled::Settled).collect();
        let set = scan(&store, &Scope::Messages(session_key("ses_1"))).set.unwrap();
        assert_eq!(set, seen[0], "a scan says of the set what a survey says");
        assert_eq!(survey(&store, &Survey::MessageSets).0, [set]);
        settled
    };
    // In the order of keys: the set, the old message, the one that is half a second younger.
    assert_eq!(at(50), [false, false, false], "younger than the margin of 100 ms");
    assert_eq!(at(400), [true, true, false], "from the future");
    assert_eq!(at(550), [true, true, false]);
    assert_eq!(at(700), [true, true, true]);
}

#[test]
fn a_survey_finds_wrong_what_a_scan_finds_wrong() {
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
    for (scope, what, count) in pairs {
        let issues = survey(&store, &what).1;
        assert_eq!(issues, sorted_issues_with_paths(scan(&store, &scope).issues), "{what:?}");
        assert_eq!(issues.len(), count, "{what:?}");
    }
}

#[test]
fn sets_that_are_no_directories_are_issues() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let at = |path: &str| dir.path().join(path);
    symlink("ses_1", at("message/ses_2")).unwrap();
    fs::write(at("message/ses_3"), b"no directory").unwrap();
    symlink("msg_1", at("part/msg_2")).unwrap();
    fs::write(at("part/msg_3"), b"no directory").unwrap();
    let wrong = |link: &str, file: &str| {
        [(link.to_owned(), IssueKind::Link), (file.to_owned(), IssueKind::NotADirectory)]
    };
    let (seen, issues) = survey(&store, &Survey::MessageSets);
    assert_eq!(
        (keys(&seen), issues),
        (vec!["session ses_1".into()], wrong("message/ses_2", "message/ses_3").into())
    );
    let asked = ["msg_1", "msg_2", "msg_3", "msg_gone"].map(message_key);
    let (seen, issues) = survey(&store, &Survey::PartSets(&asked));
    assert_eq!(
        (keys(&seen), &issues),
        (vec!["message ses_1/msg_1".into()], &wrong("part/msg_2", "part/msg_3").into())
    );
    for (key, issue) in asked[1..3].iter().zip(issues) {
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
fn a_session_is_sighted_wherever_it_is_and_its_messages_without_it() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let more = r#"
        //- session/q/ses_1.json
        {"id":"ses_1","time":{"created":1,"updated":3}}
        //- message/ses_lost/msg_3.json
        {"id":"msg_3"}
    "#;
    write_tree(dir.path(), more).unwrap();
    let (seen, issues) = survey(&store, &Survey::Sessions);
    let found = seen.iter().map(|it| (it.key.to_string(), it.project.as_ref().unwrap().as_str()));
    assert!(found.eq(["p", "q"].map(|project| ("session ses_1".to_owned(), project))));
    assert_eq!(issues, [], "what is kept is for a scan to say");
    let (sets, _) = survey(&store, &Survey::MessageSets);
    assert_eq!(keys(&sets), ["session ses_1", "session ses_lost"]);
}

#[test]
fn what_is_not_there_is_nothing() {
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
    for what in all {
        assert_eq!(survey(&store, &what), (vec![], vec![]), "{what:?}");
    }
}

#[test]
fn what_vanishes_meanwhile_is_no_issue() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let set = dir.path().join("message/ses_1");
    let mut seen = Vec::new();
    let each = &mut |it| {
        match it {
            SurveyItem::Observation(it) if matches!(it.key, EntityKey::Message(_)) => {
                seen.push(it.key);
                fs::remove_dir_all(&set).unwrap(); // after both were listed
            }
            SurveyItem::Observation(_) => {}
            SurveyItem::Issue(key, issue) => panic!("{key:?}: {issue}"),
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().survey(&Survey::Messages(&session_key("ses_1")), each).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(survey(&store, &Survey::MessageSets), (vec![], vec![]));
}

#[test]
fn a_look_stays_at_what_it_opened_and_looks_again_for_what_was_missing() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let at = |path: &str| dir.path().join(path);
    let mut reader = store.open().unwrap();
    let scope = Scope::Parts(message_key("msg_1"));
    let listed = |reader: &mut dyn Reader| {
        key_names(&Listing::collect(|each| reader.scan(&scope, each)).unwrap().entries)
    };
    fs::rename(at("part"), at("elsewhere")).unwrap();
    assert!(listed(&mut *reader).is_empty());
    fs::rename(at("elsewhere"), at("part")).unwrap();
    assert_eq!(listed(&mut *reader), ["prt_1"], "it was missing, and is there now");

    fs::rename(at("part"), at("elsewhere")).unwrap();
    fs::create_dir_all(at("part/msg_1")).unwrap();
    assert_eq!(listed(&mut *reader), ["prt_1"], "the same look at the same directory");
    assert!(listed(&mut *store.open().unwrap()).is_empty(), "another look");

    fs::write(at("elsewhere/msg_1/prt_2.json"), b"{}").unwrap();
    assert_eq!(listed(&mut *reader), ["prt_1", "prt_2"], "below it, it sees what is there now");
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
        let each = &mut |found| {
            kinds.push(match found {
                ScanItem::Set(set) => set.key.to_string(),
                ScanItem::Issue(..) => "issue".to_owned(),
                ScanItem::Entry(_) => "entry".to_owned(),
            });
            ControlFlow::Continue(())
        };
        store.open().unwrap().scan(scope, each).unwrap();
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
    assert_eq!(kinds(&Scope::Sessions), ["entry"], "no set is asked for");
}
