//! The library as a contestant that searches a word in the records of all parts of a store.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Result, bail};
use memchr::memmem::Finder;
use scrollback_core_id::{EntityKey, PartKey, Scope};
use scrollback_source::{BorrowedItem, Source};
use serde_json::{Value, json};

use super::source::source;
use crate::facts::TextFacts;
use crate::{Contestant, Outcome, Store};

/// A search of all parts of a store for a word.
pub struct LibraryText {
    source: Arc<dyn Source>,
    finder: Finder<'static>,
}

impl LibraryText {
    /// Returns a contestant that searches `word` in a store.
    ///
    /// # Errors
    /// If the path of the store is not a valid source id.
    pub fn new(store: &Store, word: &str) -> Result<Self> {
        Ok(Self { source: source(store)?, finder: Finder::new(word).into_owned() })
    }

    fn search(&self) -> Result<TextFacts> {
        let (mut facts, mut issues) = (TextFacts::default(), 0);
        self.source.open()?.scan_borrowed(&Scope::AllParts, &mut |item| {
            match item {
                BorrowedItem::Record(record) => {
                    facts.parts += 1;
                    if self.finder.find(record.bytes).is_some() {
                        match record.key() {
                            Ok(EntityKey::Part(PartKey { part, message })) => {
                                facts.add(part.as_bytes(), message.as_bytes(), record.stamp.size);
                            }
                            _ => issues += 1,
                        }
                    }
                }
                // Nothing writes to this store, so a rollback is an error too.
                BorrowedItem::Issue(..) | BorrowedItem::Rollback => issues += 1,
                _ => {}
            }
            ControlFlow::Continue(())
        })?;
        if issues > 0 {
            bail!("{issues} issues");
        }
        Ok(facts)
    }
}

impl Contestant for LibraryText {
    fn name(&self) -> &'static str {
        "library"
    }

    fn run(&mut self) -> Result<Outcome> {
        Ok((&self.search()?).into())
    }

    fn proof(&mut self) -> Result<Value> {
        Ok(json!(self.search()?))
    }
}
