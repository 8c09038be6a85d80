//! Logs that their writers keep open: under every feed each append is an event, at any depth, in
//! old and in new directories.

use std::fs;
use std::path::Path;
use std::time::Duration;

use scrollback_core_id::MessageId;
use scrollback_watch::{FeedKind, LiveOptions};

use crate::logs::{ALL_FEEDS, FollowedLogs, Log};

#[test]
fn append_is_reported() {
    for feed in ALL_FEEDS {
        let mut log = None;
        let prepare = |root: &Path| log = Some(Log::create(root, "2026/11/29/ses_1"));
        let Some(mut followed) = FollowedLogs::start(feed, prepare) else { continue };
        let mut log = log.unwrap();
        let refreshes = followed.live.stats().refreshes;
        for _ in 0..24 {
            let id = log.append();
            followed.wait_for_event(&id);
        }
        followed.assert_reported_by_feed(refreshes, 24);
    }
}

#[test]
fn append_in_a_new_nested_directory_is_reported() {
    for feed in ALL_FEEDS {
        let Some(mut followed) = FollowedLogs::start(feed, |_| {}) else { continue };
        let refreshes = followed.live.stats().refreshes;
        // The first lines may precede the watches on the new directories.
        let mut log = Log::create(&followed.root, "2026/11/30/ses_1");
        for _ in 0..24 {
            let id = log.append();
            followed.wait_for_event(&id);
        }
        if feed != FeedKind::Poll {
            // New directories are verified by comparing the records, once per directory.
            assert!(
                followed.live.stats().refreshes - refreshes <= 6,
                "{:?}",
                followed.live.stats()
            );
        }
    }
}

/// Directories appear faster than they can be watched, each with a log that is never closed.
#[test]
fn appends_during_directory_creation_are_indexed() {
    for feed in ALL_FEEDS {
        let Some(followed) = FollowedLogs::start(feed, |_| {}) else { continue };
        let mut logs: Vec<Log> = (0..40)
            .map(|number| {
                let (year, month, day) = (number % 3, number % 7, number);
                Log::create(&followed.root, &format!("{year}/{month}/{day}/ses_{number}"))
            })
            .collect();
        for _ in 0..2 {
            let last: Vec<MessageId> = logs.iter_mut().map(Log::append).collect();
            last.iter().for_each(|id| followed.wait_until_indexed(id));
        }
        // All directories are watched now.
        let refreshes = followed.live.stats().refreshes;
        for log in &mut logs {
            let id = log.append();
            followed.wait_until_indexed(&id);
        }
        followed.assert_reported_by_feed(refreshes, logs.len() as u64);
    }
}

#[test]
fn replaced_tree_is_followed() {
    for feed in ALL_FEEDS {
        let mut old = None;
        let prepare = |root: &Path| old = Some(Log::create(root, "2026/11/30/ses_1"));
        let Some(mut followed) = FollowedLogs::start(feed, prepare) else { continue };
        let mut old = old.unwrap();
        let id = old.append();
        followed.wait_for_event(&id);
        let year = followed.root.join("2026");
        fs::rename(&year, followed.root.with_file_name("aside")).unwrap();
        let mut log = Log::create(&followed.root, "2026/11/30/ses_2");
        let id = log.append();
        followed.wait_for_event(&id);
        let refreshes = followed.live.stats().refreshes;
        for _ in 0..24 {
            old.append(); // outside the store now
            let id = log.append();
            followed.wait_for_event(&id);
        }
        followed.assert_reported_by_feed(refreshes, 24);
        let view = followed.live.index().view();
        let is_there = |id: &str| view.session(&id.parse().unwrap()).is_some();
        assert!(is_there("2026/11/30/ses_2") && !is_there("2026/11/30/ses_1"), "{feed}");
    }
}

#[test]
fn burst_of_appends_is_refreshed_together() {
    const APPENDS: u64 = 1000;
    for feed in ALL_FEEDS {
        let mut log = None;
        let prepare = |root: &Path| log = Some(Log::create(root, "2026/11/30/ses_1"));
        // Without a debounce, a slow writer could have each append verified before the next.
        let (debounce, max_delay) = (Duration::from_millis(100), Duration::from_secs(2));
        let options = LiveOptions { debounce, max_delay, ..LiveOptions::default() };
        let Some(followed) = FollowedLogs::start_with_options(feed, options, prepare) else {
            continue;
        };
        let mut log = log.unwrap();
        let refreshed_scopes = followed.live.stats().scopes;
        let last = (0..APPENDS).map(|_| log.append()).last().unwrap();
        followed.wait_until_indexed(&last);
        let refreshed_scopes = followed.live.stats().scopes - refreshed_scopes;
        assert!(
            refreshed_scopes * 10 <= APPENDS,
            "{feed}: {refreshed_scopes} scopes for {APPENDS} appends"
        );
        let view = followed.live.index().view();
        assert_eq!(
            view.by_session(&"2026/11/30/ses_1".parse().unwrap()).len() as u64,
            APPENDS,
            "{feed}"
        );
    }
}
