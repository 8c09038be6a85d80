//! One file, mapped or read as its discipline and the policy say.

use std::io;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Discipline;

use crate::map::Map;
use crate::{Arena, Directory, FileKind, MapPolicy, MappedSpan, Piece, ReadContext, Settled};

/// A file whose bytes are at hand.
#[derive(Debug, Clone)]
pub struct MappedFile {
    span: MappedSpan,
    discipline: Discipline,
}

impl MappedFile {
    /// Opens a file in `dir` whose owner writes it as `discipline` says.
    ///
    /// `InPlace` is read as [`Arena::read`] does, where `look` and `whole` are explained, unless
    /// the policy is frozen. Everything else is mapped if the policy says so, else read, and is
    /// settled by its discipline; `Append` ends at the length seen when it was opened.
    ///
    /// # Errors
    /// Those of [`Arena::read`]; [`IssueKind::Unsettled`] also for a file that its owner cuts or
    /// rewrites against its discipline; a `Database` is refused.
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
        Self::open_stable(dir, name, discipline, policy, context.options().max_len)
    }

    /// Opens a file of which no byte that is there changes.
    pub(crate) fn open_stable<D: Directory>(
        dir: &D,
        name: &[u8],
        discipline: Discipline,
        policy: &MapPolicy,
        max_len: u64,
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
        if stamp.size > max_len {
            return Err(IssueKind::TooLarge { size: stamp.size, limit: max_len });
        }
        // Where mapping fails, for want of address space or of support, reading may not.
        if let Some(permit) = policy.permit(discipline, stamp.size)
            && let Ok(map) = Map::new(&file, stamp.size, permit)
        {
            return Ok(Self { span: MappedSpan::mapped(map, stamp), discipline });
        }
        let mut arena = Arena::new();
        let now = arena.fill(dir, &file, max_len)?;
        let len = usize::try_from(stamp.size).unwrap_or(usize::MAX);
        // What was appended after the first look is left for the next one.
        let is_intact = arena.len() >= len && (now == stamp || discipline == Discipline::Append);
        if !is_intact {
            return Err(IssueKind::Unsettled { tries: 1 });
        }
        let piece = Piece { range: 0..len, stamp, settled: Settled::Settled };
        Ok(Self { span: arena.freeze().span(&piece), discipline })
    }

    /// The bytes.
    pub fn span(&self) -> &MappedSpan {
        &self.span
    }

    /// The bytes, without the file.
    pub fn into_span(self) -> MappedSpan {
        self.span
    }

    /// How the file's owner writes it.
    pub fn discipline(&self) -> Discipline {
        self.discipline
    }
}
