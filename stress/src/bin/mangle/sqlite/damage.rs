//! Damage to the file of a database: bytes, pages, indexes that lack rows, a file that is cut.

use std::collections::BTreeSet;

use anyhow::Result;

use super::base::{Base, Object, TABLES};
use crate::random::Random;

/// A damaged file.
#[derive(Debug)]
pub(crate) struct Damaged {
    pub(crate) bytes: Vec<u8>,
    /// What was done, one text for each change. Numbers are in parentheses, so that the text before
    /// them is the class.
    pub(crate) changes: Vec<String>,
}

impl Damaged {
    /// Returns the file as it is in the base.
    pub(crate) fn new(base: &Base) -> Self {
        Self { bytes: base.bytes.clone(), changes: Vec::new() }
    }

    /// Returns the pages whose bytes differ from the base, or that are gone.
    pub(crate) fn pages(&self, base: &Base) -> Result<BTreeSet<u32>> {
        let pages = base.pages()?;
        let differs = |page: &u32| {
            let range = pages.range(*page);
            self.bytes.get(range.clone()) != base.bytes.get(range)
        };
        Ok((1..=pages.count()).filter(differs).collect())
    }

    /// Makes one change.
    pub(crate) fn change(&mut self, base: &Base, random: &mut Random) -> Result<()> {
        let kind = random.below(20);
        if kind == 0 {
            let length = random.below(self.bytes.len());
            let length = if random.one_in(2) { length } else { length / 4096 * 4096 };
            self.bytes.truncate(length);
            self.changes.push(format!("file cut (to {length} bytes)"));
            return Ok(());
        }
        if kind <= 6 {
            let indexes: Vec<&Object> = base
                .objects
                .iter()
                .filter(|it| it.is_index && TABLES.contains(&&*it.table))
                .collect();
            if let Some(index) = random.pick(&indexes) {
                return self.change_index(base, index, kind <= 3, random);
            }
        }
        let page = pick_page(base, random);
        let place = base.use_of(page);
        let range = base.pages()?.range(page);
        let other = pick_page(base, random);
        let other_place = base.use_of(other);
        let other = base.pages()?.range(other);
        let source = base.bytes[other.clone()].to_vec();
        let Some(target) = self.bytes.get_mut(range) else { return Ok(()) };
        let change = match kind {
            7..=10 => {
                let count = 1 + random.below(8);
                for _ in 0..count {
                    let at = random.below(target.len());
                    target[at] = random.byte();
                }
                format!("bytes of {place} (page {page}, {count} bytes)")
            }
            11 | 12 => {
                // The header and the pointers to cells matter most.
                let at = random.below(32);
                target[at] ^= 1 << random.below(8);
                format!("a bit in the head of {place} (page {page}, byte {at})")
            }
            13 | 14 => {
                target.fill(0);
                format!("{place} zeroed (page {page})")
            }
            15 => {
                target.fill_with(|| random.byte());
                format!("{place} random (page {page})")
            }
            16 => {
                let at = 512 * (1 + random.below(target.len() / 512 - 1));
                target[at..].copy_from_slice(&source[at..]);
                format!("{place} torn (page {page}, from byte {at})")
            }
            _ => {
                let before = target.to_vec();
                target.copy_from_slice(&source);
                let both = kind >= 18;
                if both && let Some(target) = self.bytes.get_mut(other) {
                    target.copy_from_slice(&before);
                }
                let how = if both { "swapped with" } else { "replaced by" };
                format!("{place} {how} {other_place} (page {page})")
            }
        };
        self.changes.push(change);
        Ok(())
    }

    /// Removes all rows of an index, or some rows of one of its pages.
    fn change_index(
        &mut self,
        base: &Base,
        index: &Object,
        whole: bool,
        random: &mut Random,
    ) -> Result<()> {
        let pages = base.pages()?;
        let name = &index.name;
        if whole {
            let Some(root) = self.bytes.get_mut(pages.range(index.root)) else { return Ok(()) };
            let size = u16::try_from(root.len()).unwrap_or(0).to_be_bytes();
            root.fill(0);
            root[0] = 10; // a leaf of an index, without cells
            root[5..7].copy_from_slice(&size);
            self.changes.push(format!("index {name} emptied"));
            return Ok(());
        }
        let Some(leaf) = random.pick(&index.tree.leaves) else { return Ok(()) };
        let Some(page) = self.bytes.get_mut(pages.range(*leaf)) else { return Ok(()) };
        let count = usize::from(u16::from_be_bytes([page[3], page[4]]));
        // An earlier change may have left garbage here.
        if count == 0 || 8 + 2 * count > page.len() {
            return Ok(());
        }
        let removed = 1 + random.below(count);
        let from = random.below(count - removed + 1);
        let pointers = 8..8 + 2 * count;
        page.copy_within(pointers.start + 2 * (from + removed)..pointers.end, 8 + 2 * from);
        let left = u16::try_from(count - removed).unwrap_or(0).to_be_bytes();
        page[3..5].copy_from_slice(&left);
        self.changes.push(format!("index {name} lacks rows (page {leaf}, {removed} of {count})"));
        Ok(())
    }
}

/// Picks a page: mostly one of the tables that must be read and of their indexes.
fn pick_page(base: &Base, random: &mut Random) -> u32 {
    let relevant: Vec<&Object> =
        base.objects.iter().filter(|it| TABLES.contains(&&*it.table)).collect();
    if !random.one_in(8)
        && let Some(object) = random.pick(&relevant)
    {
        let tree = &object.tree;
        let lists = [&tree.interior, &tree.leaves, &tree.leaves, &tree.overflow];
        if let Some(page) = random.pick(&lists).and_then(|pages| random.pick(pages)) {
            return *page;
        }
    }
    let count = u32::try_from(base.bytes.len() / base.page_size).unwrap_or(1);
    1 + u32::try_from(random.below(count as usize)).unwrap_or(0)
}
