//! Tests of usage: every grouping has the same total.

use scrollback::{Cost, Error, Store, Usage};
use scrollback_fixtures::{Corpus, corpus};

fn sum_usage<K>(parts: Vec<(K, Usage)>) -> Usage {
    let mut all = Usage::default();
    parts.into_iter().for_each(|(_, part)| all += part);
    all
}

#[test]
fn every_grouping_has_the_same_total() {
    let json = corpus(Corpus::OpencodeJson).storage.clone();
    let mut paths = vec![json];
    if cfg!(feature = "sqlite") {
        paths.extend(
            [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated]
                .map(|it| corpus(it).database.clone()),
        );
    }
    for path in paths {
        let store = Store::builder().path(&path).without_cache().build().unwrap();
        let usage = store.usage().unwrap();
        let total = usage.total();
        assert!(total.cost > Cost::ZERO, "{}", path.display());
        for by in [
            sum_usage(usage.by_day("UTC").unwrap()),
            sum_usage(usage.by_day("Asia/Kathmandu").unwrap()),
            sum_usage(usage.by_model()),
            sum_usage(usage.by_project()),
            sum_usage(usage.by_session()),
            sum_usage(usage.by_agent()),
            sum_usage(usage.group_by(|entry| entry.time)),
        ] {
            assert_eq!(by, total);
        }
        // The usage of each session adds up to the same total.
        let mut listed = Usage::default();
        for session in store.sessions().unwrap() {
            listed += session.usage().unwrap();
        }
        assert_eq!(listed, total);
    }
}

#[test]
fn days_follow_the_time_zone() {
    let dir = tempfile::tempdir().unwrap();
    // 2025-11-30T23:30:00Z, and a message without a time.
    let text = r#"
        //- session/p/ses_1.json
        {"id":"ses_1","time":{"created":1764545300000,"updated":1764545400000}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"assistant","cost":0.1,"time":{"created":1764545400000}}
        //- message/ses_1/msg_2.json
        {"id":"msg_2","sessionID":"ses_1","role":"assistant","cost":0.2}
    "#;
    scrollback_fixtures::write_tree(&dir.path().join("storage"), text).unwrap();
    let store = Store::builder().path(dir.path()).without_cache().build().unwrap();
    let usage = store.usage().unwrap();
    let days = |zone: &str| -> Vec<(String, String)> {
        let days = usage.by_day(zone).unwrap().into_iter();
        days.map(|(day, used)| (day, used.cost.to_string())).collect()
    };
    let both = |day: &str| vec![(day.to_owned(), "0.3".to_owned())];
    assert_eq!(days("UTC"), both("2025-11-30"));
    assert_eq!(days("Europe/Berlin"), both("2025-12-01"));
    assert!(matches!(usage.by_day("Nowhere/Else"), Err(Error::TimeZone(_))));
}
