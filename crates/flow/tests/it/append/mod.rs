//! Append logs: a refresh costs as much as what was appended, and a log that was changed in any other
//! way is read again.

mod cost;
mod machine;
mod merged;
mod rewritten;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::SystemClock;
use scrollback_flow::{PartDetail, RefreshOptions, SessionMaterializer, Snapshots, build_index};
use scrollback_source::Source;
use scrollback_source_test::jsonl::JsonlSource;

use crate::index::state::State;
use crate::support::source_id;

fn log_source(root: &Path) -> JsonlSource {
    JsonlSource::new(root, source_id("logs"), Arc::new(SystemClock))
}

fn open(source: impl Source + 'static, snapshots: Option<Snapshots>) -> SessionMaterializer {
    let options =
        RefreshOptions { parts_of_dirty: PartDetail::Stamps, ..RefreshOptions::default() };
    let go_on = |_| ControlFlow::Continue(());
    match SessionMaterializer::open(Arc::new(source), snapshots, options, &go_on).unwrap() {
        ControlFlow::Continue(result) => result.value,
        ControlFlow::Break(()) => panic!("nobody broke"),
    }
}

fn refresh(materializer: &SessionMaterializer) {
    let options = RefreshOptions::default();
    let refreshed = materializer.refresh(&options, &|_| ControlFlow::Continue(())).unwrap();
    assert!(refreshed.is_continue());
}

/// Returns the state of an index that is built now, with all parts.
fn rebuilt_state(source: &dyn Source) -> State {
    match build_index(source, PartDetail::Stamps, &|_| ControlFlow::Continue(())).unwrap() {
        ControlFlow::Continue(result) => State::from_view(&result.value.view()),
        ControlFlow::Break(()) => panic!("nobody broke"),
    }
}

/// Checks that an index equals one that is built now.
#[track_caller]
fn check_equals_rebuild(materializer: &SessionMaterializer, source: &dyn Source) {
    let (incremental, rebuilt) = (State::from_view(&materializer.view()), rebuilt_state(source));
    assert_eq!(incremental.entities, rebuilt.entities);
    incremental.parts_agree_with(&rebuilt).unwrap();
}
