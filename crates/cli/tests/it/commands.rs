//! Tests of each command on the JSON corpus: output and exit codes.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{RunOutput, corpus_paths, run_on, run_on_corpus, scrollback, step_session};

fn titles(args: &[&str]) -> Vec<String> {
    let list = run_on_corpus(args).json();
    list.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn stores_prints_the_discovery_rule() {
    let stores = run_on_corpus(&["stores", "--json"]).json();
    assert_eq!(stores[0]["sessions"], 59);
    assert_eq!(stores[0]["read"], true);

    let home = tempfile::tempdir().unwrap();
    corpus_paths().copy_to(&home.path().join("opencode")).unwrap();
    let ran: RunOutput =
        scrollback().args(["stores"]).env("XDG_DATA_HOME", home.path()).output().unwrap().into();
    assert!(ran.code == 0 && ran.stdout.contains("XDG_DATA_HOME"), "{}", ran.stdout);
}

#[test]
fn an_empty_search_lists_the_searched_places() {
    let nowhere = tempfile::tempdir().unwrap();
    for args in [&["ls"][..], &["show", "latest"], &["stores"], &["export", "latest"]] {
        let ran: RunOutput =
            scrollback().args(args).env("XDG_DATA_HOME", nowhere.path()).output().unwrap().into();
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{args:?}");
        assert!(ran.stderr.contains(nowhere.path().to_str().unwrap()), "{}", ran.stderr);
    }
    let missing = run_on(&nowhere.path().join("gone"), &["ls"]);
    assert_eq!(missing.code, 3);
    assert!(
        missing.stderr.contains("gone") && missing.stderr.contains("hint: "),
        "{}",
        missing.stderr
    );
}

#[test]
fn an_empty_database_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("opencode.db"), b"").unwrap();
    let ran = run_on(dir.path(), &["ls"]);
    assert_eq!(ran.code, 3);
    let says_why =
        ran.stderr.contains("opencode.db") && ran.stderr.contains("no table of sessions");
    assert!(says_why, "{}", ran.stderr);
    let stores = run_on(dir.path(), &["stores"]);
    assert!(stores.code == 3 && stores.stdout.contains("cannot be read"), "{}", stores.stdout);
}

#[test]
fn ls_filters_sessions() {
    let all = titles(&["ls", "--json"]);
    assert_eq!(all.len(), 59);
    let archived = titles(&["ls", "--json", "--archived"]);
    assert!(!archived.is_empty() && archived.len() < 59);
    assert_eq!(titles(&["ls", "--json", "--no-archived"]).len(), 59 - archived.len());
    assert!(titles(&["ls", "--json", "--roots"]).len() < 59);
    assert_eq!(titles(&["ls", "--json", "-n", "3"]), all[..3]);
    assert_eq!(titles(&["ls", "--json", "--since", "2026-11-01"]), all);
    assert_eq!(run_on_corpus(&["ls", "--since", "2200-01-01"]).code, 1);
    assert_eq!(run_on_corpus(&["ls", "--since", "soon"]).code, 2);
    // Source: the part "9999-12-31 is a date" of the report on hostile input.
    for never in
        ["9999-12-31", "9999-12-31T23:59:59", "9999-12-31T23:59:59Z", "9999-12-31T12:00+14"]
    {
        let ran = run_on_corpus(&["ls", "--since", never]);
        assert_eq!(ran.code, 1, "{never}: {}", ran.stderr);
    }
    for ever in ["-009999-01-01", "-009999-01-01T00:00:00Z", "0001-01-01", "19000 years"] {
        assert_eq!(titles(&["ls", "--json", &format!("--since={ever}")]), all, "{ever}");
    }
    for no_date in ["9999-12-32", "10000-01-01", "2026-13-01", ""] {
        assert_eq!(run_on_corpus(&["ls", "--since", no_date]).code, 2, "{no_date}");
    }
    assert_eq!(run_on_corpus(&["ls", "--archived", "--no-archived"]).code, 2);
    // A project by its id, a prefix of the id, or a directory.
    let by_id = titles(&["ls", "--json", "--project", "global"]);
    assert_eq!(by_id.len(), 2);
    assert_eq!(titles(&["ls", "--json", "--project", "glob"]), by_id);
    assert_eq!(run_on_corpus(&["ls", "--project", ""]).code, 2, "a prefix of every id");
    assert_eq!(titles(&["ls", "--json", "--project", "/tmp/demo/plain"]), by_id);
    assert_eq!(run_on_corpus(&["ls", "--project", "nope"]).code, 1);
    assert!(run_on_corpus(&["ls"]).stdout.contains("(archived)"));
}

#[test]
fn listed_sessions_have_the_documented_fields() {
    let list = run_on_corpus(&["ls", "--json"]).json();
    let child = list.as_array().unwrap().iter().find(|it| it["parentID"].is_string()).unwrap();
    for field in ["id", "title", "projectID", "directory", "source"] {
        assert!(child[field].is_string(), "{field}");
    }
    for field in ["created", "updated", "messages"] {
        assert!(child[field].is_u64(), "{field}");
    }
    let messages: u64 =
        list.as_array().unwrap().iter().map(|it| it["messages"].as_u64().unwrap()).sum();
    assert_eq!(messages, 186);
}

#[test]
fn sessions_are_found_by_id_prefix_or_latest() {
    let id = step_session("rust");
    let title = |name: &str| {
        let ran = run_on_corpus(&["show", name]);
        (ran.code, ran.stdout.lines().next().unwrap_or_default().to_owned())
    };
    let expected = (0, "Rust greeting".to_owned());
    assert_eq!(title(&id), expected);
    assert_eq!(title(&id[..14]), expected);
    assert_eq!(title(&id[4..14]), expected);
    let newest = titles(&["ls", "--json", "--roots", "-n", "3"]);
    for (name, title_of) in [("latest", 0), ("last", 0), ("recent", 0), ("latest~2", 2)] {
        assert_eq!(title(name), (0, newest[title_of].clone()), "{name}");
    }
    assert_eq!(title("ses_nothing").0, 1);
    assert_eq!(title("latest~x").0, 2);
    assert_eq!(title("latest~100000").0, 1);
    // Source: the part "overflow in latest~N" of the report on hostile input.
    for number in ["18446744073709551615", "18446744073709551616", "99999999999999999999999999"] {
        let ran = run_on_corpus(&["show", &format!("latest~{number}")]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("there are only"), "{}", ran.stderr);
    }
    for text in ["latest~", "latest~-1", "latest~1.5"] {
        assert_eq!(title(text).0, 2, "{text}");
    }
    let many = run_on_corpus(&["show", "ses_e049"]);
    assert!(many.code == 2 && many.stderr.contains("is a prefix of"), "{}", many.stderr);
    assert_eq!(title("../../etc/passwd").0, 1);
}

#[test]
fn the_default_session_is_the_newest() {
    for command in ["show", "tree", "export"] {
        let (none, latest) = (run_on_corpus(&[command]), run_on_corpus(&[command, "latest"]));
        assert_eq!((none.code, &none.stdout), (0, &latest.stdout), "{command}");
        assert!(!none.stdout.is_empty());
    }
}

#[test]
fn a_transcript_prints_messages_and_tool_calls() {
    let ran = run_on_corpus(&["show", &step_session("fix")]);
    for text in
        ["user", "assistant", "✓ edit", "✓ bash", "division by zero", "│ ", "+    if b == 0:"]
    {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("more lines (--full shows them)"));
    assert!(!run_on_corpus(&["show", "--full", &step_session("fix")]).stdout.contains("--full"));
    let compacted = run_on_corpus(&["show", &step_session("compacted")]).stdout;
    assert!(compacted.contains("──── compaction, done: the messages before it"), "{compacted}");
    assert!(run_on_corpus(&["show", &step_session("unauthorized")]).stdout.contains("Error: "));
    assert!(
        run_on_corpus(&["show", &step_session("reverted")])
            .stdout
            .contains("reverted from here on")
    );
    // Every session of the corpus has a transcript.
    for session in run_on_corpus(&["ls", "--json"]).json().as_array().unwrap() {
        let ran = run_on_corpus(&["show", session["id"].as_str().unwrap()]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    }
}

#[test]
fn context_is_what_the_model_still_sees() {
    let ran = run_on_corpus(&["show", "--context", &step_session("compacted")]);
    assert!(ran.stdout.contains("2 earlier messages summarized below"), "{}", ran.stdout);
    let ran = run_on_corpus(&["show", "--context", &step_session("pruned")]);
    assert!(ran.stdout.contains("(output pruned from what the model sees)"), "{}", ran.stdout);
    // JSON has the messages of the export from the compaction on.
    let all = run_on_corpus(&["show", "--json", &step_session("compacted")]).json();
    let context =
        run_on_corpus(&["show", "--json", "--context", &step_session("compacted")]).json();
    assert_eq!((&context["compacted"], &context["reverted"]), (&2.into(), &0.into()));
    assert_eq!(context["messages"].as_array().unwrap(), &all["messages"].as_array().unwrap()[2..]);
    assert_eq!(context["info"], all["info"]);
}

#[test]
fn a_tree_nests_subagents() {
    let id = step_session("subagents");
    let tree = run_on_corpus(&["tree", "--json", &id]).json();
    assert_eq!(tree["id"], id.as_str());
    fn depth(session: &Value) -> usize {
        let messages = session["messages"].as_array().unwrap().iter();
        let parts = messages.flat_map(|message| message["parts"].as_array().unwrap());
        1 + parts
            .filter(|it| it["session"].is_object())
            .map(|it| depth(&it["session"]))
            .max()
            .unwrap_or(0)
    }
    assert_eq!(depth(&tree), 3);
    let printed = run_on_corpus(&["tree", &id]).stdout;
    assert!(printed.contains("│  │  └─ Survey sources"), "{printed}");
    let answer = &tree["messages"][1];
    assert!(answer["tokens"]["input"].is_u64() && answer["cost"].is_f64(), "{answer}");
    assert!(printed.contains(" tokens  $"), "{printed}");
    let manual = run_on_corpus(&["tree", "--json", &step_session("empty")]).json();
    assert_eq!(manual["children"].as_array().map_or(0, Vec::len), 1, "{manual}");
}

#[test]
fn raw_prints_the_bytes_of_the_file() {
    let storage = corpus_paths().storage;
    let (mut parts, mut messages) = (0, 0);
    for (dir, count) in [("part", &mut parts), ("message", &mut messages)] {
        for owner in std::fs::read_dir(storage.join(dir)).unwrap().take(6) {
            for file in std::fs::read_dir(owner.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let ran = run_on_corpus(&["raw", path.file_stem().unwrap().to_str().unwrap()]);
                assert_eq!(
                    ran.stdout.as_bytes(),
                    std::fs::read(&path).unwrap(),
                    "{}",
                    path.display()
                );
                *count += 1;
            }
        }
    }
    assert!(parts > 5 && messages > 5);
    let session = step_session("rust");
    assert!(run_on_corpus(&["raw", &session]).json()["title"] == "Rust greeting");
    assert!(run_on_corpus(&["raw", "global"]).json()["id"] == "global");
    assert!(run_on_corpus(&["raw", &format!("diff:{session}")]).json().is_array());
    assert_eq!(run_on_corpus(&["raw", "prt_nothing"]).code, 1);
    assert_eq!(run_on_corpus(&["raw", "../../../etc/passwd"]).code, 1);
}

#[test]
fn colours_follow_the_option_and_the_environment() {
    let id = step_session("fix");
    let escapes = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = scrollback();
        command.arg("--store").arg(corpus_paths().data_dir).args(["show", &id]).args(args);
        RunOutput::from(command.envs(env.iter().copied()).output().unwrap())
            .stdout
            .contains('\u{1b}')
    };
    let (force, no_color) = (("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1"));
    assert!(!escapes(&[], &[]), "a pipe");
    assert!(escapes(&["--color", "always"], &[]));
    assert!(escapes(&[], &[force]));
    assert!(!escapes(&[], &[force, no_color]));
    assert!(!escapes(&["--color", "never"], &[force]));
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let mut child = scrollback()
        .arg("--store")
        .arg(corpus_paths().data_dir)
        .args(["export", &step_session("large-report")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut start).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}
