//! Shared texts by their numbers.

use std::collections::HashMap;

use crate::name::{Name, PLACES, place};

/// The numbers of shared texts: 0 is none.
pub(super) struct Names {
    pub(super) all: Vec<Name>,
    numbers: HashMap<Name, u32>,
    /// Clones of a name share their text, and the same few come again and again. Names, not addresses: the
    /// text of one that is gone makes room for another.
    recent: [Option<(Name, u32)>; PLACES],
}

impl Default for Names {
    fn default() -> Self {
        let recent = [const { None }; PLACES];
        Self { all: Vec::new(), numbers: HashMap::new(), recent }
    }
}

impl Names {
    pub(super) fn get(&mut self, name: Option<&Name>) -> u32 {
        let Some(name) = name else { return 0 };
        let address = name.address();
        let recent = &mut self.recent[place(address as u64)];
        if let Some((_, number)) = recent.as_ref().filter(|(known, _)| known.address() == address) {
            return *number;
        }
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                self.all.push(name.clone());
                let number = self.all.len() as u32;
                self.numbers.insert(name.clone(), number);
                number
            }
        };
        *recent = Some((name.clone(), number));
        number
    }

    pub(super) fn text(&mut self, text: &str) -> u32 {
        match self.numbers.get(text) {
            Some(number) => *number,
            None => self.get(Some(&Name::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, Names};

    #[test]
    fn a_name_that_is_gone_is_not_taken_for_the_next_in_its_place() {
        let mut names = Names::default();
        let texts = ["the first text", "another: of 14", "a third, of 14"];
        for text in texts {
            names.get(Some(&Name::from(text)));
        }
        // Most allocators give the place of the last to the next.
        for round in 0..1000 {
            let at = round % texts.len();
            let name = Name::from(texts[at]);
            assert_eq!(names.get(Some(&name)) as usize, at + 1, "{round}");
        }
    }
}
