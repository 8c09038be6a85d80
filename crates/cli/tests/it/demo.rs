//! Tests of the demo, which needs no store.

use scrollback_core_type::Cost;

use crate::support::{RunOutput, scrollback};

#[test]
fn the_demo_needs_no_store() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = scrollback();
    command.env("TMPDIR", temporary.path());
    let ran: RunOutput = command.arg("demo").output().unwrap().into();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for text in ["Fix divide helper", "Delegate the survey", "└─ ", "tokens read", "12 sessions"]
    {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "no temporary files remain"
    );
}

#[test]
fn the_demo_prints_the_start_of_a_transcript() {
    let run = |args: &[&str]| RunOutput::from(scrollback().args(args).output().unwrap()).stdout;
    let transcript = |demo: String| -> Vec<String> {
        let from = demo.split_once("\nscrollback show ses_").unwrap().1;
        let text = from.rsplit_once("\n\ntotals").unwrap().0;
        text.lines().skip(1).map(str::to_owned).collect()
    };
    let (some, all) = (transcript(run(&["demo"])), transcript(run(&["demo", "--full"])));
    assert_eq!(some.len(), 21);
    assert_eq!(some[..20], all[..20]);
    let left = format!("… {} more lines; `scrollback demo --full` prints them", all.len() - 20);
    assert_eq!(some[20], left);
    assert!(all.len() > 21 && all.iter().any(|line| line == "Delegate the survey"), "{all:#?}");
}

#[test]
fn demo_totals_equal_the_sums_of_its_sessions() {
    let demo = RunOutput::from(scrollback().args(["demo", "--json"]).output().unwrap()).json();
    let sessions = demo["sessions"].as_array().unwrap();
    assert_eq!(demo["totals"]["sessions"], sessions.len());
    let messages: u64 = sessions.iter().map(|it| it["messages"].as_u64().unwrap()).sum();
    assert_eq!(demo["totals"]["messages"], messages);
    let units =
        |value: &serde_json::Value| Cost::from_dollars(value["cost"].as_f64().unwrap()).units();
    assert_eq!(units(&demo["totals"]), sessions.iter().map(units).sum::<i128>());
    assert!(units(&demo["totals"]) > 0);
}
