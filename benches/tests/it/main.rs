//! Checks that contestants deliver the same, also for real sessions with every kind of record that
//! opencode writes. Otherwise their times could not be compared.

#![cfg(target_os = "linux")]

mod agree;
mod index;
#[cfg(target_os = "linux")]
mod sqlite;

use scrollback_benches::{Size, Store, StoreFormat};
use scrollback_fixtures::synth::Expected;
use scrollback_fixtures::{Corpus, corpus};

/// Returns a store that opencode itself wrote.
fn real_store(name: Corpus, form: StoreFormat) -> Store {
    let corpus = corpus(name);
    Store {
        size: Size::S,
        format: form,
        seed: 0,
        storage: corpus.storage,
        database: corpus.database,
        expected: Expected::default(),
    }
}
