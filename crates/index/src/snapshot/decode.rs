//! The decoder of a snapshot. It checks all bytes once, and then decodes single rows on request.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use scrollback_core_id::{Cursor, Epoch, Revision, SourceId};
use scrollback_core_type::Provenance;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::encode::SnapshotInfo;
use super::layout::{MAGIC, Section, TEXT_REF_LEN, VERSION, header, lineage};
use super::row::{Row, RowMut};
use super::{provenances, table};
use crate::Name;
use crate::epoch::lineage_contains;

/// The reason why bytes cannot be used as a snapshot. Build the index anew from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes do not begin with the magic number of a snapshot.
    #[error("not a snapshot")]
    Foreign,
    /// A version of the program with another format wrote the snapshot.
    #[error("a snapshot of format {version}, but this version reads format {VERSION}")]
    Version {
        /// The format number in the header.
        version: u32,
    },
    /// The bytes differ from those that were written.
    #[error("a damaged snapshot")]
    Damaged,
}

/// The bytes of a snapshot: a mapped file, or memory.
pub type SnapshotBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The whole state of an index in flat bytes, which are used in place.
///
/// ```
/// use std::sync::Arc;
///
/// use scrollback_core_id::SourceId;
/// use scrollback_index::{SessionIndex, Snapshot, snapshot_file_name};
///
/// let store = SourceId::new("a store")?;
/// let index = SessionIndex::new(store.clone());
/// let bytes = index.snapshot().to_header_and_body().concat();
/// assert!(snapshot_file_name(&store).ends_with(".snapshot"));
///
/// let snapshot = Snapshot::open(Arc::new(bytes))?;
/// assert_eq!(snapshot.store(), &store);
/// assert!(snapshot.continues(&index.cursor()));
/// let reopened = SessionIndex::from_snapshot(snapshot);
/// assert!(reopened.continues(&index.cursor()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    bytes: SnapshotBytes,
    sections: [Range<usize>; Section::COUNT],
    pub(super) names: Arc<[Name]>,
    provenances: Arc<[Provenance]>,
    seed: u64,
    info: Arc<SnapshotInfo>,
}

impl Snapshot {
    /// Opens the bytes of a snapshot, after checking all of them.
    ///
    /// # Errors
    /// [`SnapshotError::Foreign`] if the bytes are not a snapshot, [`SnapshotError::Version`] if another
    /// version wrote them in another format, [`SnapshotError::Damaged`] if they differ from those that
    /// were written.
    pub fn open(bytes: SnapshotBytes) -> Result<Self, SnapshotError> {
        let all = (*bytes).as_ref();
        let header_row = Row(all);
        if !all.starts_with(&MAGIC) {
            return Err(SnapshotError::Foreign);
        }
        let version = header_row.u32(header::VERSION);
        if version != VERSION {
            return Err(SnapshotError::Version { version });
        }
        let covered = all.get(header::LEN_OF_FILE..).ok_or(SnapshotError::Damaged)?;
        if header_row.u32(header::LEN_OF_HEADER) as usize != header::LEN
            || header_row.u64(header::LEN_OF_FILE) != all.len() as u64
            || header_row.u64(header::CHECKSUM) != xxh3_64(covered)
        {
            return Err(SnapshotError::Damaged);
        }
        Self::from_trusted_bytes(bytes)
    }

    /// Opens bytes that are known to pass the checks of [`Snapshot::open`], such as bytes that were just
    /// encoded.
    pub(crate) fn from_trusted_bytes(bytes: SnapshotBytes) -> Result<Self, SnapshotError> {
        let all = (*bytes).as_ref();
        let header_row = Row(all);
        let sections = sections(header_row, all.len()).ok_or(SnapshotError::Damaged)?;
        let section = |section: Section| &all[sections[section as usize].clone()];
        let texts = section(Section::Texts);
        let name = |row| std::str::from_utf8(Row(row).text(0, texts)).map(Name::from);
        let names: Result<Arc<[Name]>, _> =
            section(Section::Names).chunks_exact(TEXT_REF_LEN).map(name).collect();
        let provenances = section(Section::Provenances).chunks_exact(TEXT_REF_LEN);
        let provenances =
            provenances.map(|row| provenances::decode(Row(row).text(0, texts))).collect();
        let store = std::str::from_utf8(section(Section::Store)).ok();
        let store = store.and_then(|store| SourceId::new(store).ok());
        let ancestor = |row| {
            let row = Row(row);
            (Epoch(row.u64(lineage::EPOCH)), Revision(row.u64(lineage::REVISION)))
        };
        let token = section(Section::Token);
        let info = SnapshotInfo {
            token: (!token.is_empty()).then(|| token.into()),
            store: store.ok_or(SnapshotError::Damaged)?,
            epoch: Epoch(header_row.u64(header::EPOCH)),
            revision: Revision(header_row.u64(header::REVISION)),
            floor: Revision(header_row.u64(header::FLOOR)),
            lineage: section(Section::Lineage).chunks_exact(lineage::LEN).map(ancestor).collect(),
        };
        let names = names.map_err(|_| SnapshotError::Damaged)?;
        let (seed, info) = (header_row.u64(header::SEED), Arc::new(info));
        Ok(Self { sections, names, provenances, seed, info, bytes })
    }

    /// Returns the id of the indexed store.
    pub fn store(&self) -> &SourceId {
        &self.info.store
    }

    /// Returns the revision of the state.
    pub fn revision(&self) -> Revision {
        self.info.revision
    }

    /// Returns the state as a cursor of the index that wrote the snapshot.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.info.epoch, revision: self.info.revision }
    }

    /// Checks whether an index that starts from this snapshot accepts a cursor.
    pub fn continues(&self, cursor: &Cursor) -> bool {
        lineage_contains(&self.info.lineage, cursor)
    }

    /// Returns the bytes to write to a file: the header with the checksum, and the body.
    pub fn to_header_and_body(&self) -> [Cow<'_, [u8]>; 2] {
        let (header_row, body) = self.bytes().split_at(header::LEN);
        let mut hasher = Xxh3::new();
        hasher.update(&header_row[header::LEN_OF_FILE..]);
        hasher.update(body);
        let mut header_row = header_row.to_vec();
        RowMut(&mut header_row).u64(header::CHECKSUM, hasher.digest());
        [Cow::Owned(header_row), Cow::Borrowed(body)]
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> usize {
        self.bytes().len()
    }

    fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    pub(crate) fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    pub(super) fn section(&self, section: Section) -> &[u8] {
        // In bounds: `open` has checked the ranges.
        self.bytes().get(self.sections[section as usize].clone()).unwrap_or_default()
    }

    pub(super) fn texts(&self) -> &[u8] {
        self.section(Section::Texts)
    }

    pub(super) fn count(&self, section: Section, len: usize) -> u32 {
        (self.sections[section as usize].len() / len) as u32
    }

    pub(super) fn row(&self, section: Section, len: usize, number: u32) -> Row<'_> {
        let start = (number as usize).saturating_mul(len);
        let row = self.section(section).get(start..start.saturating_add(len));
        Row(row.unwrap_or_default())
    }

    /// Returns the place of a row in the bytes of the snapshot.
    pub(super) fn row_start(&self, section: Section, len: usize, number: u32) -> usize {
        self.sections[section as usize].start + number as usize * len
    }

    pub(super) fn name(&self, number: u32) -> Option<Name> {
        self.names.get((number as usize).checked_sub(1)?).cloned()
    }

    pub(super) fn provenance(&self, number: u32) -> Provenance {
        let at = (number as usize).checked_sub(1);
        at.and_then(|at| self.provenances.get(at)).cloned().unwrap_or_default()
    }

    pub(super) fn find(
        &self,
        table: Section,
        rows: Section,
        len: usize,
        id: &[u8],
    ) -> impl Iterator<Item = u32> {
        table::candidates(self.section(table), id, self.seed)
            .filter(move |row| self.row(rows, len, *row).id_bytes(0, self.texts()) == id)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("info", &self.info)
            .field("bytes", &self.bytes().len())
            .finish_non_exhaustive()
    }
}

/// Returns the ranges of the sections, or `None` if a range is outside the file.
fn sections(header_row: Row<'_>, len: usize) -> Option<[Range<usize>; Section::COUNT]> {
    let mut sections = [const { 0..0 }; Section::COUNT];
    for (at, (section, row)) in (header::SECTIONS..).step_by(16).zip(Section::ALL) {
        let start = usize::try_from(header_row.u64(at)).ok()?;
        let count = usize::try_from(header_row.u64(at + 8)).ok()?;
        let end = start.checked_add(count.checked_mul(row)?)?;
        if start < header::LEN || end > len {
            return None;
        }
        sections[section as usize] = start..end;
    }
    Some(sections)
}
