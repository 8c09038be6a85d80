//! The table of shared texts: rows refer to a text by its number.

use std::collections::HashMap;

use crate::name::{CACHE_SLOTS, Name, cache_slot};

/// The shared texts of a snapshot and their numbers, from 1 on. 0 means that a text is absent.
pub(super) struct NameTable {
    pub(super) entries: Vec<Name>,
    numbers: HashMap<Name, u32>,
    /// A cache by the address of the text: clones of a name share it, and a few names make up most calls.
    /// The cache holds the names, so that the allocator cannot reuse an address for another text.
    recent: [Option<(Name, u32)>; CACHE_SLOTS],
}

impl Default for NameTable {
    fn default() -> Self {
        let recent = [const { None }; CACHE_SLOTS];
        Self { entries: Vec::new(), numbers: HashMap::new(), recent }
    }
}

impl NameTable {
    pub(super) fn number_of(&mut self, name: Option<&Name>) -> u32 {
        let Some(name) = name else { return 0 };
        let address = name.address();
        let recent = &mut self.recent[cache_slot(address as u64)];
        if let Some((_, number)) = recent.as_ref().filter(|(known, _)| known.address() == address) {
            return *number;
        }
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                self.entries.push(name.clone());
                let number = self.entries.len() as u32;
                self.numbers.insert(name.clone(), number);
                number
            }
        };
        *recent = Some((name.clone(), number));
        number
    }

    pub(super) fn number_of_text(&mut self, text: &str) -> u32 {
        match self.numbers.get(text) {
            Some(number) => *number,
            None => self.number_of(Some(&Name::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, NameTable};

    #[test]
    fn a_reused_address_does_not_give_another_name() {
        let mut names = NameTable::default();
        let texts = ["the first text", "another: of 14", "a third, of 14"];
        for text in texts {
            names.number_of(Some(&Name::from(text)));
        }
        // Most allocators reuse the address of the name that was dropped last.
        for round in 0..1000 {
            let at = round % texts.len();
            let name = Name::from(texts[at]);
            assert_eq!(names.number_of(Some(&name)) as usize, at + 1, "{round}");
        }
    }
}
