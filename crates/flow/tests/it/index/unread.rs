//! Records that exist and cannot be read keep their last known state. A record is removed only after
//! its directory was read. Sources: hostile cases 01 (a torn record hides its session) and 02 (what
//! cannot be read is not removed), and anomalyco/opencode#3618 (session files of hundreds of MB).

use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;
use scrollback_core_type::StageReport;
use scrollback_flow::{PartDetail, RefreshOptions, Verify, build_index, refresh_index};
use scrollback_index::{Delta, SessionIndex};
use scrollback_source::Source;
use scrollback_stor_mmap::ReadOptions;

use super::world::{World, message, part, session};

const SECOND: Duration = Duration::from_secs(1);
const RECORD: &str = "session/p/ses_2.json";

fn id(text: &str) -> SessionId {
    SessionId::new(text).unwrap()
}

/// Two sessions of two projects, each with two messages that have a part. `ses_2` is the newest one.
fn written_world() -> World {
    let world = World::new();
    for (project, owner) in [("q", "ses_1"), ("p", "ses_2")] {
        let updated = world.clock_ms();
        let record = session(owner, project, 0, updated);
        world.write(&format!("session/{project}/{owner}.json"), &record);
        for at in 1..3 {
            let name = format!("msg_{owner}_{at}");
            world.write(&format!("message/{owner}/{name}.json"), &message(&name, owner, 1));
            let text = part("prt_1", &name, 3);
            world.write(&format!("part/{name}/prt_1.json"), &text);
        }
        world.advance_clock(SECOND);
    }
    world
}

fn build(source: &dyn Source, parts: PartDetail) -> (SessionIndex, StageReport) {
    let built = build_index(source, parts, &|_| ControlFlow::Continue(())).unwrap();
    let built = built.continue_value().unwrap();
    (built.value, built.report)
}

fn refresh(source: &dyn Source, index: &SessionIndex) -> StageReport {
    let options = RefreshOptions { verify: Verify::Full, ..RefreshOptions::default() };
    let refreshed = refresh_index(source, index, &options, &|_| ControlFlow::Continue(()));
    refreshed.unwrap().continue_value().unwrap().report
}

fn newest_first(index: &SessionIndex) -> Vec<String> {
    index.view().sessions().map(|meta| meta.key.to_string()).collect()
}

/// Writes the first half of a record, as a reader may meet it in the middle of a write.
fn tear(world: &World, path: &str) -> String {
    let whole = std::fs::read_to_string(world.storage().join(path)).unwrap();
    world.write(path, &whole[..whole.len() / 2]);
    whole
}

#[test]
fn a_torn_young_session_record_stays_as_it_was() {
    let world = written_world();
    let source = world.source();
    let (index, _) = build(&source, PartDetail::Later);
    let before = index.cursor();
    let whole = tear(&world, RECORD);
    let report = refresh(&source, &index);
    let kinds: Vec<_> = report.issues.iter().map(|found| &found.issue.kind).collect();
    assert!(matches!(kinds[..], [IssueKind::Unsettled { .. }]), "{kinds:?}");
    let kept = index.view().session(&id("ses_2")).unwrap();
    assert_eq!((kept.title.as_deref(), kept.damaged), (Some("title 0"), false));
    assert!(!kept.observed.clean, "it has to be read again");
    assert_eq!(newest_first(&index), ["ses_2", "ses_1"]);
    let Delta::Changed(changes) = index.changes(Some(&before)).delta else {
        panic!("a fresh start")
    };
    assert!(changes.is_empty(), "{changes:?}");

    world.write(RECORD, &whole.replace("title 0", "title 7"));
    world.advance_clock(SECOND);
    assert!(refresh(&source, &index).issues.is_empty());
    let read = index.view().session(&id("ses_2")).unwrap();
    assert_eq!((read.title.as_deref(), read.observed.clean), (Some("title 7"), true));
}

#[test]
fn a_torn_young_session_record_is_listed_first_without_an_index() {
    let world = written_world();
    tear(&world, RECORD);
    let (index, report) = build(&world.source(), PartDetail::Later);
    assert_eq!(report.issues.len(), 1, "{:?}", report.issues);
    assert_eq!(newest_first(&index), ["ses_2", "ses_1"]);
    let (view, unread) = (index.view(), index.view().session(&id("ses_2")).unwrap());
    assert!(unread.damaged && !unread.observed.clean);
    assert_eq!(unread.project.as_ref().map(ToString::to_string).as_deref(), Some("p"));
    assert_eq!(view.by_session(&id("ses_2")).len(), 2);
}

#[test]
fn a_session_record_over_the_size_limit_is_listed_with_its_messages() {
    let world = written_world();
    let diff = "x".repeat(5000);
    world.write(RECORD, &format!(r#"{{"id":"ses_2","title":"large","diff":"{diff}"}}"#));
    world.advance_clock(SECOND);
    let limited =
        || world.source().with_options(ReadOptions { max_len: 2000, ..ReadOptions::default() });
    let (cold, report) = build(&limited(), PartDetail::Later);
    assert!(matches!(report.issues[0].issue.kind, IssueKind::TooLarge { .. }));
    let warm = build(&world.source(), PartDetail::Later).0;
    world.write(RECORD, &format!(r#"{{"id":"ses_2","title":"larger","diff":"{diff}"}}"#));
    refresh(&limited(), &warm);
    for (index, title) in [(cold, None), (warm, Some("large"))] {
        let meta = index.view().session(&id("ses_2")).unwrap();
        assert_eq!((meta.title.as_deref(), meta.damaged), (title, title.is_none()));
        let usage = index.view().usage(&id("ses_2"));
        assert_eq!((usage.messages, usage.cost.to_string()), (2, "1".to_owned()));
    }
}

#[test]
fn torn_young_messages_and_parts_stay_as_they_were() {
    let world = written_world();
    let source = world.source();
    let (index, _) = build(&source, PartDetail::Stamps);
    let before = index.view().by_session(&id("ses_2"));
    tear(&world, "message/ses_2/msg_ses_2_1.json");
    let cursor = index.cursor();
    assert_eq!(refresh(&source, &index).issues.len(), 1);
    let after = index.view().by_session(&id("ses_2"));
    assert_eq!(after.len(), before.len());
    assert_eq!(after[0].model, before[0].model);
    assert!(!after[0].observed.clean && after[0].parts == before[0].parts);
    let Delta::Changed(changes) = index.changes(Some(&cursor)).delta else {
        panic!("a fresh start")
    };
    assert!(changes.is_empty(), "{changes:?}");
}

#[test]
fn what_is_gone_is_removed_while_something_else_is_unread() {
    let world = written_world();
    let source = world.source();
    let (index, _) = build(&source, PartDetail::Later);
    tear(&world, RECORD);
    world.remove("message/ses_2/msg_ses_2_2.json");
    world.remove("session/q/ses_1.json");
    world.remove_all("message/ses_1");
    refresh(&source, &index);
    assert_eq!(newest_first(&index), ["ses_2"]);
    assert_eq!(index.view().by_session(&id("ses_2")).len(), 1);
    assert!(index.view().by_session(&id("ses_1")).is_empty());
    world.remove(RECORD);
    world.remove_all("message/ses_2");
    refresh(&source, &index);
    assert!(newest_first(&index).is_empty());
}
