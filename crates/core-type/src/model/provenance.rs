//! Where a session was read from, of the several generations of storage that may have it
//! (`docs/format/opencode-v2.md`, section 6).

use std::fmt;

/// A generation of opencode's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum StoreGeneration {
    /// JSON files (until 1.1).
    #[default]
    Json = 1,
    /// Rows of messages and parts (from 1.2).
    V1 = 2,
    /// Rows of `session_message` (2.x, and the preview of it within 1.16 to 1.18).
    V2 = 4,
}

impl StoreGeneration {
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::Json, Self::V1, Self::V2];

    /// Its name: "json", "v1" or "v2".
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl fmt::Display for StoreGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Some generations of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StoreGenerations(u8);

impl StoreGenerations {
    /// Adds one.
    pub fn insert(&mut self, generation: StoreGeneration) {
        self.0 |= generation as u8;
    }

    /// Whether it is among them.
    pub fn contains(self, generation: StoreGeneration) -> bool {
        self.0 & generation as u8 != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The oldest first.
    pub fn iter(self) -> impl Iterator<Item = StoreGeneration> {
        StoreGeneration::ALL.into_iter().filter(move |it| self.contains(*it))
    }
}

impl From<StoreGeneration> for StoreGenerations {
    fn from(generation: StoreGeneration) -> Self {
        Self(generation as u8)
    }
}

/// What is particular about where a session is in a database of opencode 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[non_exhaustive]
pub enum Standing {
    /// It is where one expects it.
    #[default]
    Usual = 0,
    /// It is in the tables of 1.x alone, and the migration of 2.x has not ended: it will come.
    Awaited = 1,
    /// It is in the tables of 1.x alone, and the migration of 2.x has ended after it was made:
    /// deleted in 2.x, or skipped by the migration. The database does not say which.
    LegacyOnly = 2,
    /// It is in the tables of 1.x alone, and was made after the migration of 2.x: by a client of
    /// 1.x, which 2.x does not show.
    LateLegacy = 3,
    /// 2.x has the session and no messages of it, and the tables of 1.x have some, which were read:
    /// the migration has not come to them, or could not read them.
    WithoutRows = 4,
    /// Turns of it were written by the preview of 2.x within 1.16 to 1.18, which does not count
    /// them in the session's record.
    Preview = 5,
}

impl Standing {
    const ALL: [Self; 6] = [
        Self::Usual,
        Self::Awaited,
        Self::LegacyOnly,
        Self::LateLegacy,
        Self::WithoutRows,
        Self::Preview,
    ];

    /// Its name in JSON; none if it is the usual one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Usual => None,
            Self::Awaited => Some("awaited"),
            Self::LegacyOnly => Some("legacyOnly"),
            Self::LateLegacy => Some("lateLegacy"),
            Self::WithoutRows => Some("withoutRows"),
            Self::Preview => Some("preview"),
        }
    }
}

/// Where a session was read from, and what else there is of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Provenance {
    /// Whose messages were read; two where turns of both models belong to one session.
    pub read: StoreGenerations,
    /// Where the session is too, without being read.
    pub also: StoreGenerations,
    /// What is particular about it.
    pub standing: Standing,
}

impl Default for Provenance {
    fn default() -> Self {
        Self::of(StoreGeneration::Json)
    }
}

impl Provenance {
    /// A session that is nowhere else.
    pub fn of(read: StoreGeneration) -> Self {
        Self { read: read.into(), also: StoreGenerations::default(), standing: Standing::Usual }
    }

    /// Whether the totals that the session's own record holds are those of all its messages, and of
    /// what else it cost: titles and compactions. So in 2.x alone; see the rules in
    /// `docs/format/opencode-v2.md`, section 7.
    pub fn counts_itself(&self) -> bool {
        self.read == StoreGeneration::V2.into() && self.standing == Standing::Usual
    }

    /// As a number, for files.
    pub fn bits(&self) -> u32 {
        u32::from(self.read.0) | u32::from(self.also.0) << 8 | (self.standing as u32) << 16
    }

    /// What [`Provenance::bits`] gave; none if it gave no such number.
    pub fn from_bits(bits: u32) -> Option<Self> {
        let [read, also, standing, rest] = bits.to_le_bytes();
        let standing = *Standing::ALL.get(usize::from(standing))?;
        let sound = read < 8 && also < 8 && rest == 0;
        sound.then_some(Self {
            read: StoreGenerations(read),
            also: StoreGenerations(also),
            standing,
        })
    }
}
