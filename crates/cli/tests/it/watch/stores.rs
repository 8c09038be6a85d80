//! Stores that come later, and become others.

use rustix::process::Signal;
use serde_json::Value;

use super::World;
use crate::support::scrollback;

fn titled(title: &str) -> impl Fn(&Value) -> bool {
    move |event| event["now"]["title"] == title
}

#[test]
fn one_that_is_not_there_is_waited_for() {
    let world = World::new();
    for feed in ["best", "poll"] {
        let following = world.follow(&["watch", "--json", "--feed", feed]);
        assert_eq!(following.event()["type"], "fresh");
        world.session("ses_1", "came");
        following.events_until(titled("came"));
        following.stop(Signal::TERM);
        std::fs::remove_dir_all(world.data()).unwrap();
    }
}

#[test]
fn files_become_a_database_and_the_stream_goes_on() {
    let world = World::new();
    world.session("ses_1", "in files");
    let following = world.follow(&["watch", "--json"]);
    following.events_until(titled("in files"));
    let db = scrollback_fixtures::writer::database(&world.data(), "migrated").unwrap();
    let events = following.events_until(titled("migrated"));
    let last = events.last().unwrap();
    assert_eq!((&last["what"], &last["old"]["title"]), (&"updated".into(), &"in files".into()));
    assert!(last["now"]["source"].as_str().unwrap().ends_with("opencode.db"), "{last}");
    following.stop(Signal::TERM);
    // By another process, too.
    let since = last["cursor"].as_str().unwrap();
    let following = world.follow(&["watch", "--json", "--since", since]);
    db.execute_batch("UPDATE session SET title = 'renamed', time_updated = 2").unwrap();
    let events = following.events_until(titled("renamed"));
    assert!(events.iter().all(|event| event["type"] != "fresh"), "{events:#?}");
    following.stop(Signal::TERM);
}

#[test]
fn what_cannot_be_followed_is_said() {
    let world = World::new();
    world.session("ses_1", "one");
    for (args, code, why) in [
        (&["watch", "ses_none"][..], 1, "no session"),
        (&["tail", "ses_none"], 1, "no session"),
        (&["tail", "latest", "--json"], 2, "watch SESSION --json"),
        (&["watch", "--feed", "smoke"], 2, "possible values"),
    ] {
        let (ended, said) = world.follow(args).end();
        assert_eq!(ended, Some(code), "{args:?}: {said}");
        assert!(said.contains(why), "{args:?}: {said}");
    }
    for (stores, code) in [(&["/dev/null"][..], 3), (&["/a", "/b"], 2)] {
        let stores = stores.iter().flat_map(|store| ["--store", *store]);
        let ran = scrollback().arg("watch").args(stores).output().unwrap();
        assert_eq!(ran.status.code(), Some(code));
    }
}
