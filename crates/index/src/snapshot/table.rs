//! Hash tables of row numbers, used in place: open addressing, linear probing, at most two thirds full.
//! Ids come from a store that may be hostile, so each snapshot has a random seed.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::layout::SLOT_LEN;
use super::row::Row;

/// Returns the number of slots for `rows` rows: a power of two.
fn slot_count(rows: usize) -> usize {
    if rows == 0 { 0 } else { (rows + rows / 2 + 1).next_power_of_two() }
}

/// Returns the hash of an id, which selects its slot.
pub(super) fn hash(id: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(id, seed)
}

/// Builds the table of rows 0, 1, 2, … from the hashes of their ids.
pub(super) fn build(hashes: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    let slots = slot_count(hashes.len());
    let mut table = vec![0_u32; slots];
    for (row, hash) in hashes.enumerate() {
        let mut at = hash as usize & (slots - 1);
        while table[at] != 0 {
            at = (at + 1) & (slots - 1);
        }
        table[at] = row as u32 + 1;
    }
    table.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Returns the rows that may have this id. All rows with this id are among them.
pub(super) fn candidates(table: &[u8], id: &[u8], seed: u64) -> impl Iterator<Item = u32> {
    let slots = table.len() / SLOT_LEN;
    // A written table has a power of two slots. Another length is damage: probe slot 0 only.
    let mask = if slots.is_power_of_two() { slots - 1 } else { 0 };
    let start = hash(id, seed) as usize;
    (0..slots)
        .map(move |step| Row(table).u32(((start.wrapping_add(step)) & mask) * SLOT_LEN))
        .take_while(|slot| *slot != 0)
        .map(|slot| slot - 1)
}
