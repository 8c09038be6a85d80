//! Contestants may be compared only if they deliver the same: on real sessions too, with every kind
//! of record that opencode left there.

#![cfg(target_os = "linux")]

mod agree;
mod index;
#[cfg(target_os = "linux")]
mod sqlite;

use scrollback_benches::{Size, Store, StoreFormat};
use scrollback_fixtures::synth::Expected;
use scrollback_fixtures::{Corpus, corpus};

/// A store that opencode itself wrote.
fn real_store(which: Corpus, form: StoreFormat) -> Store {
    let corpus = corpus(which);
    Store {
        size: Size::S,
        format: form,
        seed: 0,
        storage: corpus.storage,
        database: corpus.database,
        expected: Expected::default(),
    }
}
