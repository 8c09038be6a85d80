//! Flows over many sessions: scopes, order, breaking off.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::ProjectId;
use scrollback_core_type::StageName;
use scrollback_flow::{SessionScope, run_session_flow};

use crate::store::{corpus_paths, open_store, session_key};

fn run_limited(
    scope: &SessionScope,
    most: usize,
) -> (Vec<String>, scrollback_core_type::StageReport) {
    let store = open_store(&corpus_paths().storage);
    let mut seen = Vec::new();
    let report = run_session_flow(&store, scope, |tree| {
        seen.push(tree.node.key.to_string());
        if seen.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (seen, report.unwrap())
}

#[test]
fn a_project_is_a_scope() {
    let project = ProjectId::new("global").unwrap();
    let (seen, report) = run_limited(&SessionScope::Project(project), usize::MAX);
    assert_eq!(seen, ["ses_e049987bbffeyVTei4txf1E99s", "ses_e049a24baffeP6x0ogeuCHv3bK"]);
    assert_eq!(report.run(StageName::Plan).unwrap().counts.sessions, 2);
}

#[test]
fn given_sessions_are_gone_through_in_their_order() {
    let keys = ["ses_e049a24baffeP6x0ogeuCHv3bK", "ses_gone", "ses_e049987bbffeyVTei4txf1E99s"];
    let (seen, report) =
        run_limited(&SessionScope::Sessions(keys.map(session_key).to_vec()), usize::MAX);
    assert_eq!(seen, [keys[0], keys[2]]);
    let gone =
        report.issues.iter().find(|it| it.key == Some(session_key("ses_gone").into())).unwrap();
    assert_eq!(gone.issue.kind, IssueKind::Vanished);
}

#[test]
fn breaking_ends_the_flow() {
    let (seen, _) = run_limited(&SessionScope::Store, 3);
    assert_eq!(seen.len(), 3);
    let (all, _) = run_limited(&SessionScope::Store, usize::MAX);
    assert_eq!(seen, all[..3], "newest first");
}
