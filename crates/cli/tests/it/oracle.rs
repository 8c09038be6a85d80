//! Tests that the binary prints the same exports and lists as opencode.

use serde_json::Value;

use crate::support::{corpus_paths, run_on_corpus};

#[test]
fn every_export_equals_what_opencode_printed() {
    let exports = corpus_paths().exports().unwrap();
    assert_eq!(exports.len(), 59);
    for export in exports {
        let oracle: Value = serde_json::from_slice(&std::fs::read(&export.path).unwrap()).unwrap();
        let ran = run_on_corpus(&["export", &export.session]);
        assert_eq!(ran.json(), oracle, "{}", export.session);
        assert!(ran.stdout.starts_with("{\n  \"info\": {\n") && ran.stdout.ends_with("}\n"));
        // The lines are equal, except for the order of fields.
        let lines = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(|it| it.trim_end_matches(',')).collect();
            lines.sort_unstable();
            lines.join("\n")
        };
        let printed = std::fs::read_to_string(&export.path).unwrap();
        assert_eq!(lines(&ran.stdout), lines(&printed), "{}", export.session);
    }
}

#[test]
fn lists_equal_what_opencode_listed() {
    let lists = std::fs::read_dir(corpus_paths().oracle.join("session-list")).unwrap();
    let mut compared = 0;
    for list in lists {
        let path = list.unwrap().path();
        let project = path.file_stem().unwrap().to_str().unwrap();
        let oracle: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let ours = run_on_corpus(&["ls", "--json", "--roots", "--project", project]).json();
        let [oracle, ours] = [&oracle, &ours].map(|list| list.as_array().unwrap());
        assert_eq!(oracle.len(), ours.len(), "{project}");
        for (theirs, ours) in oracle.iter().zip(ours) {
            for field in ["id", "title", "updated", "created", "directory"] {
                assert_eq!(theirs[field], ours[field], "{project}: {theirs}");
            }
            assert_eq!(theirs["projectId"], ours["projectID"]);
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
}
