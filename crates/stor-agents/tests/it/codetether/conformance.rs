//! The conformance tests on the sound sessions of the corpus.

use scrollback_source::Source;
use scrollback_source_test::{Content, Expectations};
use scrollback_stor_agents::codetether::Codetether;

use super::copy_sound_sessions;
use crate::support::settled_store;

scrollback_source_test::conformance_tests!(on_all);

fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    let dir = tempfile::tempdir().unwrap();
    copy_sound_sessions(dir.path());
    let store = settled_store(Codetether, dir.path());
    // A document is replaced as a whole, so no read of it is resumed.
    let missing = [Content::Projects, Content::Orphans, Content::Resume];
    let expected = missing.into_iter().fold(Expectations::everything(), Expectations::without);
    check(&store, &expected);
}
