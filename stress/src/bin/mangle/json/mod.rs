//! Damaged JSON trees: the fixture, and one iteration over it.

mod damage;
mod tree;
mod truth;

use std::path::Path;

use anyhow::Result;
use scrollback_fixtures::{Corpus, corpus};

use self::tree::Tree;
use crate::case::Case;
use crate::random::Random;

/// A copy of the fixture that is damaged and restored again and again.
pub(crate) struct JsonStore(Tree);

impl JsonStore {
    /// Copies the fixture into `dir`.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let source = corpus(Corpus::OpencodeJson).storage;
        Ok(Self(Tree::copy(&source, &dir.join("storage"))?))
    }

    /// Restores the store, and damages it anew. `sound` is called in between.
    pub(crate) fn damage(
        &mut self,
        can_deny: bool,
        only: Option<usize>,
        random: &mut Random,
        sound: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Case> {
        self.0.restore()?;
        if random.one_in(4) {
            sound()?;
        }
        let changes = damage::damage(&mut self.0, can_deny, only, random)?;
        Ok(Case { store: "OpencodeJson".to_owned(), changes, truth: truth::truth(&self.0.files) })
    }
}
