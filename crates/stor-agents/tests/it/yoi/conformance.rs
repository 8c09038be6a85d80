//! The conformance tests on the sound sessions of the corpus.

use scrollback_source::Source;
use scrollback_source_test::{Content, Expectations};
use scrollback_stor_agents::yoi::Yoi;

use super::copy_sound_sessions;
use crate::support::settled_store;

scrollback_source_test::conformance_tests!(on_all);

fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    for version in ["seed", "head"] {
        let dir = tempfile::tempdir().unwrap();
        copy_sound_sessions(version, dir.path());
        let store = settled_store(Yoi, dir.path());
        let expected =
            Expectations::everything().without(Content::Projects).without(Content::Orphans);
        check(&store, &expected);
    }
}
