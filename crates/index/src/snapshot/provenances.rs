//! Provenances in a snapshot. Each distinct provenance is stored once, and sessions refer to it.

use std::collections::HashMap;

use scrollback_core_type::Provenance;

use super::row::Row;

// The bits of the first byte.
const COMPLETE_TOTALS: u8 = 1;
const IN_MIGRATION: u8 = 1 << 1;

/// The distinct provenances and their numbers, from 1 on. 0 means that the provenance is unknown.
#[derive(Default)]
pub(super) struct ProvenanceTable {
    pub(super) entries: Vec<Provenance>,
    numbers: HashMap<Provenance, u32>,
}

impl ProvenanceTable {
    pub(super) fn number_of(&mut self, provenance: &Provenance) -> u32 {
        if *provenance == Provenance::default() {
            return 0;
        }
        if let Some(number) = self.numbers.get(provenance) {
            return *number;
        }
        self.entries.push(provenance.clone());
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.numbers.insert(provenance.clone(), number);
        number
    }
}

/// Encodes a provenance: a byte of flags, the number of formats, the number of other places; then the
/// texts: agent, migration state, formats, places. Numbers and text lengths are four bytes each.
pub(super) fn encode(provenance: &Provenance) -> Vec<u8> {
    let migration = provenance.migration();
    let has = |flag, is_set| if is_set { flag } else { 0 };
    let mut out = vec![
        has(COMPLETE_TOTALS, provenance.has_complete_totals())
            | has(IN_MIGRATION, migration.is_some()),
    ];
    let (formats, places): (Vec<&str>, Vec<&str>) =
        (provenance.formats().collect(), provenance.also_in().collect());
    for count in [formats.len(), places.len()] {
        out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
    let texts = [provenance.agent(), migration.unwrap_or_default()];
    for text in texts.into_iter().chain(formats).chain(places) {
        out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Decodes the bytes of [`encode`]. Other bytes decode as an unknown provenance.
pub(super) fn decode(bytes: &[u8]) -> Provenance {
    read(bytes).unwrap_or_default()
}

fn read(bytes: &[u8]) -> Option<Provenance> {
    let flags = *bytes.first()?;
    let (formats, places) = (Row(bytes).u32(1), Row(bytes).u32(5));
    let mut rest = bytes.get(9..)?;
    let mut text = || {
        let (len, after) = rest.split_first_chunk()?;
        let (text, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        rest = after;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    };
    let (agent, migration) = (text()?, text()?);
    let first = if formats == 0 { return None } else { text()? };
    let mut provenance = Provenance::new(agent, first);
    for _ in 1..formats {
        provenance = provenance.with_format(text()?);
    }
    for _ in 0..places {
        provenance = provenance.with_also_in(text()?);
    }
    if flags & IN_MIGRATION != 0 {
        provenance = provenance.with_migration(migration);
    }
    Some(provenance.with_complete_totals(flags & COMPLETE_TOTALS != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_provenance() -> Provenance {
        Provenance::new("an agent", "log")
            .with_format("table")
            .with_also_in("archive")
            .with_migration("awaited")
            .with_complete_totals(true)
    }

    #[test]
    fn encoded_provenances_are_decoded() {
        for provenance in [sample_provenance(), Provenance::new("", ""), Provenance::new("a", "b")]
        {
            assert_eq!(decode(&encode(&provenance)), provenance);
        }
    }

    #[test]
    fn other_bytes_decode_as_unknown() {
        let sound = encode(&sample_provenance());
        for len in 0..sound.len() {
            assert_eq!(decode(&sound[..len]), Provenance::default(), "the first {len} bytes");
        }
        assert_eq!(decode(&[0xff; 64]), Provenance::default());
    }

    #[test]
    fn equal_provenances_share_a_number() {
        let mut table = ProvenanceTable::default();
        assert_eq!(table.number_of(&Provenance::default()), 0);
        assert_eq!(
            [table.number_of(&sample_provenance()), table.number_of(&Provenance::new("a", "b"))],
            [1, 2]
        );
        assert_eq!(table.number_of(&sample_provenance()), 1);
    }
}
