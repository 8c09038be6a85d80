//! A reader of SQLite's b-trees: which pages each row, table and index uses. It reads undamaged
//! databases only, and shares no code with SQLite or with scrollback.
//!
//! Source: the file format description, <https://sqlite.org/fileformat2.html>.

use std::ops::Range;

use anyhow::{Result, bail, ensure};

use super::record::{Cell, decode_record, varint};

/// The bytes of a database file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages<'b> {
    bytes: &'b [u8],
    pub(crate) size: usize,
}

/// The pages and rows of one table or index.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree {
    pub(crate) interior: Vec<u32>,
    pub(crate) leaves: Vec<u32>,
    pub(crate) overflow: Vec<u32>,
    /// The rows of a table. Empty for an index.
    pub(crate) rows: Vec<Row>,
}

/// A row with the pages that hold its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    pub(crate) pages: Vec<u32>,
}

/// The parts of a b-tree page.
struct Header {
    is_leaf: bool,
    is_table: bool,
    /// The offsets of the cells.
    cells: Vec<usize>,
    right: u32,
}

impl<'b> Pages<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Result<Self> {
        ensure!(bytes.len() >= 512 && bytes.starts_with(b"SQLite format 3\0"), "not a database");
        let size = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65536,
            size => usize::from(size),
        };
        ensure!(bytes[20] == 0, "pages with reserved bytes are not supported");
        Ok(Self { bytes, size })
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.bytes.len() / self.size).unwrap_or_default()
    }

    /// Returns the place of a page in the file. Pages are numbered from 1.
    pub(crate) fn range(&self, page: u32) -> Range<usize> {
        let start = (page as usize).saturating_sub(1) * self.size;
        start..start + self.size
    }

    fn page(&self, page: u32) -> Result<&'b [u8]> {
        let Some(bytes) = self.bytes.get(self.range(page)).filter(|_| page > 0) else {
            bail!("page {page} is outside the file");
        };
        Ok(bytes)
    }

    fn header(&self, number: u32) -> Result<Header> {
        let page = self.page(number)?;
        let start = if number == 1 { 100 } else { 0 };
        let (is_leaf, is_table) = match page[start] {
            2 => (false, false),
            5 => (false, true),
            10 => (true, false),
            13 => (true, true),
            other => bail!("page {number} has type {other}"),
        };
        let count = usize::from(u16::from_be_bytes([page[start + 3], page[start + 4]]));
        let pointers = start + if is_leaf { 8 } else { 12 };
        let cell = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
        let cells = (0..count).map(|index| cell(pointers + 2 * index)).collect();
        let right = if is_leaf { 0 } else { number_at(page, start + 8) };
        Ok(Header { is_leaf, is_table, cells, right })
    }

    /// Reads the table or index with this root page.
    pub(crate) fn tree(&self, root: u32) -> Result<Tree> {
        let mut tree = Tree::default();
        let mut pending = vec![root];
        while let Some(number) = pending.pop() {
            ensure!(tree.interior.len() + tree.leaves.len() < 1_000_000, "the tree has a cycle");
            let header = self.header(number)?;
            let page = self.page(number)?;
            if header.is_leaf {
                tree.leaves.push(number);
            } else {
                tree.interior.push(number);
                pending.push(header.right);
                pending.extend(header.cells.iter().map(|at| number_at(page, *at)));
            }
            if header.is_leaf || !header.is_table {
                for at in header.cells {
                    let at = if header.is_leaf { at } else { at + 4 };
                    self.cell(&mut tree, number, at, header.is_table)?;
                }
            }
        }
        Ok(tree)
    }

    /// Reads the payload of a cell, with its overflow pages.
    fn cell(&self, tree: &mut Tree, number: u32, at: usize, is_table: bool) -> Result<()> {
        let page = self.page(number)?;
        let (length, mut start) = varint(page, at)?;
        if is_table {
            start = varint(page, start)?.1; // the rowid
        }
        let length = usize::try_from(length)?;
        let largest = match is_table {
            true => self.size - 35,
            false => (self.size - 12) * 64 / 255 - 23,
        };
        let least = (self.size - 12) * 32 / 255 - 23;
        let local = match length <= largest {
            true => length,
            false => {
                let fitting = least + (length - least) % (self.size - 4);
                if fitting <= largest { fitting } else { least }
            }
        };
        ensure!(start + local <= page.len(), "a cell of page {number} is outside the page");
        let mut payload = page[start..start + local].to_vec();
        let mut pages = vec![number];
        if local < length {
            let mut next = number_at(page, start + local);
            while payload.len() < length {
                let overflow = self.page(next)?;
                let rest = (length - payload.len()).min(self.size - 4);
                payload.extend_from_slice(&overflow[4..4 + rest]);
                pages.push(next);
                tree.overflow.push(next);
                next = number_at(overflow, 0);
            }
        }
        if is_table {
            tree.rows.push(Row { cells: decode_record(&payload)?, pages });
        }
        Ok(())
    }
}

fn number_at(page: &[u8], at: usize) -> u32 {
    let bytes = page.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}
