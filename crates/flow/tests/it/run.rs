//! Flows over many sessions: scopes, order, and breaking early.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::ProjectId;
use scrollback_core_type::StageName;
use scrollback_flow::{SessionScope, run_session_flow};

use crate::store::{corpus_paths, open_store, session_key};

fn run_limited(
    scope: &SessionScope,
    limit: usize,
) -> (Vec<String>, scrollback_core_type::StageReport) {
    let store = open_store(&corpus_paths().storage);
    let mut visited = Vec::new();
    let report = run_session_flow(&store, scope, |tree| {
        visited.push(tree.node.key.to_string());
        if visited.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (visited, report.unwrap())
}

#[test]
fn a_project_is_a_scope() {
    let project = ProjectId::new("global").unwrap();
    let (visited, report) = run_limited(&SessionScope::Project(project), usize::MAX);
    assert_eq!(visited, ["ses_e049987bbffeyVTei4txf1E99s", "ses_e049a24baffeP6x0ogeuCHv3bK"]);
    assert_eq!(report.run(StageName::Plan).unwrap().counts.sessions, 2);
}

#[test]
fn given_sessions_are_visited_in_order() {
    let keys = ["ses_e049a24baffeP6x0ogeuCHv3bK", "ses_gone", "ses_e049987bbffeyVTei4txf1E99s"];
    let (visited, report) =
        run_limited(&SessionScope::Sessions(keys.map(session_key).to_vec()), usize::MAX);
    assert_eq!(visited, [keys[0], keys[2]]);
    let vanished = report
        .issues
        .iter()
        .find(|issue| issue.key == Some(session_key("ses_gone").into()))
        .unwrap();
    assert_eq!(vanished.issue.kind, IssueKind::Vanished);
}

#[test]
fn breaking_ends_the_flow() {
    let (visited, _) = run_limited(&SessionScope::Store, 3);
    assert_eq!(visited.len(), 3);
    let (all, _) = run_limited(&SessionScope::Store, usize::MAX);
    assert_eq!(visited, all[..3], "newest first");
}
