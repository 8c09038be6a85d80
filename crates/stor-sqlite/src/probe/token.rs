//! Encodes what a probe remembers of a database state as the bytes of a token.

use scrollback_core_id::{Stamp, UnixNanos};
use scrollback_source::SourceToken;

use crate::files::FileStamps;

/// How many tables have a mark.
pub(super) const MARK_COUNT: usize = 4;

/// The state of a database at the time of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Token {
    /// The connection that `version` belongs to, or 0 for no connection.
    pub(super) connection_id: u64,
    pub(super) version: u64,
    pub(super) files: FileStamps,
    /// Whether a later change of the files is certain to change their stamps.
    pub(super) settled: bool,
    pub(super) schema: u64,
    pub(super) marks: [Mark; MARK_COUNT],
    /// For 2.x: a hash of each session, and the number of its last event.
    pub(super) sequences: Vec<(u64, u64)>,
}

/// The last row of a table: its rowid and a hash of its id. Both are 0 if the table is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) rowid: u64,
    pub(super) id: u64,
}

impl Token {
    /// The version of the layout. Increase it with every change of the fields.
    const FORMAT: u64 = 2;

    pub(super) fn write(&self) -> SourceToken {
        let mut words =
            vec![Self::FORMAT, self.connection_id, self.version, u64::from(self.settled)];
        for stamp in [self.files.database, self.files.wal, self.files.journal] {
            let is_present = u64::from(stamp.is_some());
            let Stamp { size, mtime, inode } = stamp.unwrap_or_default();
            words.extend([is_present, size, mtime.0.cast_unsigned(), inode]);
        }
        words.push(self.schema);
        words.extend(self.marks.iter().flat_map(|mark| [mark.rowid, mark.id]));
        words.extend(self.sequences.iter().flat_map(|(session, last)| [*session, *last]));
        SourceToken::new(words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        if !rest.is_empty() || words.next()? != Self::FORMAT {
            return None;
        }
        let (connection_id, version, settled) = (words.next()?, words.next()?, words.next()? == 1);
        let mut stamp = || {
            let [is_present, size, mtime, inode] =
                [words.next()?, words.next()?, words.next()?, words.next()?];
            let stamp = Stamp { size, mtime: UnixNanos(mtime.cast_signed()), inode };
            Some((is_present == 1).then_some(stamp))
        };
        let files = FileStamps { database: stamp()?, wal: stamp()?, shm: None, journal: stamp()? };
        let schema = words.next()?;
        let mut marks = [Mark::default(); MARK_COUNT];
        for mark in &mut marks {
            *mark = Mark { rowid: words.next()?, id: words.next()? };
        }
        let mut sequences = Vec::new();
        while let Some(session) = words.next() {
            sequences.push((session, words.next()?));
        }
        Some(Self { connection_id, version, files, settled, schema, marks, sequences })
    }
}
