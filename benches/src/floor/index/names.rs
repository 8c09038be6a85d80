//! Interns names that many rows share. Each thread numbers its own names; the numbers are merged at
//! the end.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::rows::Name;

/// Names and their numbers.
#[derive(Debug, Default)]
pub(in super::super) struct Names {
    numbers: HashMap<Box<str>, Name, BuildHasherDefault<FoldHasher>>,
}

impl Names {
    /// Returns the number of a name.
    pub(in super::super) fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.numbers.len() as Name + 1;
        self.numbers.insert(name.into(), number);
        number
    }

    /// Returns the names in the order of their numbers.
    pub(super) fn into_list(self) -> Vec<Box<str>> {
        let mut list: Vec<_> = self.numbers.into_iter().collect();
        list.sort_unstable_by_key(|(_, number)| *number);
        list.into_iter().map(|(name, _)| name).collect()
    }
}

/// A hash of eight bytes at a time. The store is trusted, so the hash need not resist attacks.
#[derive(Debug, Default)]
struct FoldHasher(u64);

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        for word in words.iter().chain([&last]) {
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(*word))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u8(&mut self, _: u8) {} // `str` ends its hash with this byte

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn equal_names_get_equal_numbers() {
        let mut names = Names::default();
        let texts = ["build", "plan", "a longer name", "build", "", "plan"];
        assert_eq!(texts.map(|text| names.number(text)), [1, 2, 3, 1, 4, 2]);
        let list: Vec<Box<str>> = ["build", "plan", "a longer name", ""].map(Box::from).into();
        assert_eq!(names.into_list(), list);
    }
}
