//! Opens one file, and maps or reads it as its discipline and the policy allow.

use std::io;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Discipline;

use crate::map::Map;
use crate::{
    Arena, Directory, FileKind, MapPolicy, MappedSpan, Piece, ReadContext, ReadOptions, Settled,
};

/// A file whose bytes are in memory or mapped.
#[derive(Debug, Clone)]
pub struct MappedFile {
    span: MappedSpan,
    discipline: Discipline,
}

impl MappedFile {
    /// Opens a file in `dir` whose owner writes it as `discipline` says.
    ///
    /// An `InPlace` file is read by [`Arena::read`], which explains `context` and `is_whole`, unless
    /// the policy is frozen. Every other file is mapped if the policy allows it, and read otherwise;
    /// its discipline makes it settled. The bytes of an `Append` file end at its length when it was
    /// opened.
    ///
    /// # Errors
    /// The errors of [`Arena::read`]; [`IssueKind::Unsettled`] also for a file that its owner cuts or
    /// rewrites against its discipline; [`IssueKind::Unreadable`] for a `Database`, which only its own
    /// library may read.
    pub fn open<D: Directory>(
        dir: &D,
        name: &[u8],
        discipline: Discipline,
        policy: &MapPolicy,
        context: &ReadContext<'_>,
        is_whole: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Self, IssueKind> {
        let in_place = !matches!(
            discipline,
            Discipline::Replace | Discipline::Append | Discipline::Snapshot | Discipline::Database
        );
        if in_place && !policy.is_frozen() {
            let mut arena = Arena::new();
            let piece = arena.read(dir, name, context, is_whole)?;
            return Ok(Self { span: arena.freeze().span(&piece), discipline });
        }
        Self::open_stable(dir, name, discipline, policy, context.options())
    }

    /// Opens a file whose existing bytes never change.
    pub(crate) fn open_stable<D: Directory>(
        dir: &D,
        name: &[u8],
        discipline: Discipline,
        policy: &MapPolicy,
        limits: &ReadOptions,
    ) -> Result<Self, IssueKind> {
        if discipline == Discipline::Database {
            let refused = io::Error::new(io::ErrorKind::Unsupported, "its own library reads it");
            return Err(IssueKind::from_io("open a database", &refused));
        }
        let file = dir.open_file(name)?;
        let (kind, stamp) =
            dir.stat_open(&file).map_err(|error| IssueKind::from_io("stat", &error))?;
        if kind != FileKind::File {
            return Err(IssueKind::NotAFile);
        }
        if stamp.size > limits.max_len {
            return Err(IssueKind::TooLarge { size: stamp.size, limit: limits.max_len });
        }
        // Mapping may fail for lack of address space or of support, and reading may still work.
        if let Some(permit) = policy.permit(discipline, stamp.size)
            && let Ok(map) = Map::new(&file, stamp.size, permit)
        {
            return Ok(Self { span: MappedSpan::mapped(map, stamp), discipline });
        }
        let mut arena = Arena::new();
        let now = arena.fill(dir, &file, limits)?;
        let len = usize::try_from(stamp.size).unwrap_or(usize::MAX);
        // Bytes that were appended after the first stat belong to a later read.
        let is_intact = arena.len() >= len && (now == stamp || discipline == Discipline::Append);
        if !is_intact {
            return Err(IssueKind::Unsettled { tries: 1 });
        }
        let piece = Piece { range: 0..len, stamp, settled: Settled::Settled };
        Ok(Self { span: arena.freeze().span(&piece), discipline })
    }

    /// Returns the bytes.
    pub fn span(&self) -> &MappedSpan {
        &self.span
    }

    /// Returns the bytes and drops the file.
    pub fn into_span(self) -> MappedSpan {
        self.span
    }

    /// Returns how the file's owner writes the file.
    pub fn discipline(&self) -> Discipline {
        self.discipline
    }
}
