//! An index over a store, and its comparison with one that is built now.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_flow::{Dirty, PartDetail, RefreshOptions, SessionMaterializer, build_index};
use scrollback_index::View;
use scrollback_source::Source;

/// Opens an index over a store, without a snapshot.
pub(crate) fn open(source: Arc<dyn Source>) -> SessionMaterializer {
    let options =
        RefreshOptions { parts_of_dirty: PartDetail::Stamps, ..RefreshOptions::default() };
    let go_on = |_| ControlFlow::Continue(());
    let opened = SessionMaterializer::open(source, None, options, &go_on).unwrap();
    opened.continue_value().unwrap().value
}

/// Refreshes an index, only these sessions if it is watched, and checks that it equals one that is
/// built now.
#[track_caller]
pub(crate) fn refresh_and_check(
    materializer: &SessionMaterializer,
    source: &dyn Source,
    changed: Vec<SessionKey>,
    is_watched: bool,
) {
    match is_watched {
        true => refresh_dirty(materializer, changed),
        false => refresh(materializer),
    }
    check_equals_rebuild(materializer, source);
}

/// Refreshes an index by a survey of the whole store.
pub(crate) fn refresh(materializer: &SessionMaterializer) {
    let options = RefreshOptions::default();
    let refreshed = materializer.refresh(&options, &|_| ControlFlow::Continue(())).unwrap();
    assert!(refreshed.is_continue());
}

/// Refreshes only these sessions, as a watcher does.
pub(crate) fn refresh_dirty(materializer: &SessionMaterializer, sessions: Vec<SessionKey>) {
    materializer.refresh_dirty(&Dirty { sessions, ..Dirty::default() }).unwrap();
}

/// Returns the sessions and messages of a view, with their parts. The cleanness of stamps is left
/// out, because it depends on the time of reading.
fn state(view: &View) -> BTreeMap<EntityKey, String> {
    let mut state = BTreeMap::new();
    for session in view.sessions() {
        let mut meta = (*session).clone();
        meta.observed.clean = true;
        state.insert(meta.key.clone().into(), format!("{meta:?}"));
    }
    for id in view.session_ids() {
        for message in view.by_session(&id) {
            let mut meta = (*message).clone();
            meta.observed.clean = true;
            meta.parts = None;
            state.insert(meta.key.clone().into(), format!("{meta:?}"));
        }
    }
    state
}

/// Returns the parts of the messages whose parts an index knows.
fn parts(view: &View) -> BTreeMap<EntityKey, Vec<String>> {
    let mut parts = BTreeMap::new();
    for id in view.session_ids() {
        for message in view.by_session(&id) {
            let Some(list) = &message.parts else { continue };
            let part = |part: &scrollback_index::PartRef| {
                format!("{} {:?}", part.id, part.observed.map(|observed| observed.stamp))
            };
            parts.insert(message.key.clone().into(), list.refs.iter().map(part).collect());
        }
    }
    parts
}

/// Checks that an index equals one that is built now, and that it has the same parts where it has
/// listed them.
#[track_caller]
pub(crate) fn check_equals_rebuild(materializer: &SessionMaterializer, source: &dyn Source) {
    let go_on = |_| ControlFlow::Continue(());
    let rebuilt = build_index(source, PartDetail::Stamps, &go_on).unwrap();
    let rebuilt = rebuilt.continue_value().unwrap();
    let (view, rebuilt) = (materializer.view(), rebuilt.value.view());
    assert_eq!(state(&view), state(&rebuilt));
    let rebuilt_parts = parts(&rebuilt);
    for (message, listed) in parts(&view) {
        let names = |parts: &[String]| -> Vec<String> {
            parts.iter().map(|part| part.split(' ').next().unwrap().to_owned()).collect()
        };
        let expected = &rebuilt_parts[&message];
        assert_eq!(names(&listed), names(expected), "{message}");
        for (part, expected) in listed.iter().zip(expected) {
            assert!(part.ends_with("None") || part == expected, "{message}: {part} {expected}");
        }
    }
}
