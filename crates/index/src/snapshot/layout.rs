//! Where everything lies in a snapshot, byte by byte. `docs/format/snapshot.md` says it in prose.

/// The first bytes of every snapshot.
pub(super) const MAGIC: [u8; 8] = *b"SCROLLBK";
/// Grows with every change of the layout, and of what the fields mean.
pub(super) const VERSION: u32 = 7;

/// The header.
pub(super) mod header {
    pub(crate) const VERSION: usize = 8;
    pub(crate) const LEN_OF_HEADER: usize = 12;
    pub(crate) const CHECKSUM: usize = 16;
    /// What the checksum covers begins here.
    pub(crate) const LEN_OF_FILE: usize = 24;
    pub(crate) const EPOCH: usize = 32;
    pub(crate) const REVISION: usize = 40;
    pub(crate) const FLOOR: usize = 48;
    pub(crate) const SEED: usize = 56;
    pub(crate) const SECTIONS: usize = 64;
    pub(crate) const LEN: usize = SECTIONS + super::Section::COUNT * 16;
}

/// The sections; each has an offset and a count of rows in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Rows of messages, those of a session side by side and in order.
    Messages,
    /// Rows of parts, those of a message side by side and in order.
    Parts,
    /// Rows of sessions, newest first; those without a record last.
    Sessions,
    /// Rows of projects.
    Projects,
    /// References to texts that rows share.
    Names,
    /// References to provenances among the texts; `provenances` says what they are made of.
    Provenances,
    /// Hash table of session rows.
    SessionTable,
    /// Hash table of message rows.
    MessageTable,
    /// Hash table of part rows.
    PartTable,
    /// Keys that were removed.
    Tombstones,
    /// Epochs that this state continues.
    Lineage,
    /// Bytes of all texts.
    Texts,
    /// The id of the store, as text.
    Store,
    /// What the store was like when it was last looked at, in its own words.
    Token,
}

impl Section {
    pub(super) const COUNT: usize = 14;
    pub(super) const ALL: [(Self, usize); Self::COUNT] = [
        (Self::Messages, message::LEN),
        (Self::Parts, part::LEN),
        (Self::Sessions, session::LEN),
        (Self::Projects, project::LEN),
        (Self::Names, TEXT_REF_LEN),
        (Self::Provenances, TEXT_REF_LEN),
        (Self::SessionTable, SLOT_LEN),
        (Self::MessageTable, SLOT_LEN),
        (Self::PartTable, SLOT_LEN),
        (Self::Tombstones, tombstone::LEN),
        (Self::Lineage, lineage::LEN),
        (Self::Texts, 1),
        (Self::Store, 1),
        (Self::Token, 1),
    ];
}

/// An id: its length and up to 31 bytes; or 255, four bytes of length and, from the eighth byte on,
/// eight of offset among the texts. Length 0 is no id.
pub(super) const ID_LEN: usize = 32;
pub(super) const MAX_INLINE_ID: usize = ID_LEN - 1;
pub(super) const LONG_ID_MARK: u8 = 255;
/// A text: its offset among the texts, and its length in four bytes.
pub(super) const TEXT_REF_LEN: usize = 12;
/// A slot of a hash table: a row's number plus one, or 0.
pub(super) const SLOT_LEN: usize = 4;
/// A stamp: size, mtime in nanoseconds, inode.
pub(super) const STAMP_LEN: usize = 24;
/// A cost: units of 10^-12 US dollars, signed.
pub(super) const COST_LEN: usize = 16;
/// A cost that has room for 9 million dollars; the offset of a greater one among the texts.
pub(super) const SHORT_COST_LEN: usize = 8;
/// An absent time.
pub(super) const NO_TIME: i64 = i64::MIN;

/// A row of a project.
pub(super) mod project {
    pub(crate) const ID: usize = 0;
    pub(crate) const STAMP: usize = ID + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = STAMP + super::STAMP_LEN;
    pub(crate) const WORKTREE: usize = SEQUENCE + 8;
    pub(crate) const FLAGS: usize = WORKTREE + 4;
    pub(crate) const LEN: usize = FLAGS + 4;
    pub(crate) const CLEAN: u32 = 1;
}

/// A row of a session.
pub(super) mod session {
    pub(crate) const ID: usize = 0;
    pub(crate) const PARENT: usize = ID + super::ID_LEN;
    pub(crate) const FORKED_FROM: usize = PARENT + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = FORKED_FROM + super::ID_LEN;
    pub(crate) const ORDER: usize = SEQUENCE + 8;
    pub(crate) const CREATED: usize = ORDER + 8;
    pub(crate) const UPDATED: usize = CREATED + 8;
    pub(crate) const ARCHIVED: usize = UPDATED + 8;
    pub(crate) const STAMP: usize = ARCHIVED + 8;
    pub(crate) const MESSAGE_SET: usize = STAMP + super::STAMP_LEN;
    pub(crate) const CHECKED_AT: usize = MESSAGE_SET + super::STAMP_LEN;
    pub(crate) const NEWEST_CHANGE: usize = CHECKED_AT + 8;
    /// As those of a message.
    pub(crate) const TOKENS: usize = NEWEST_CHANGE + 8;
    pub(crate) const COST: usize = TOKENS + 5 * 8;
    /// The sum over the messages: tokens as those of a message, and the cost, 16 bytes each.
    pub(crate) const TOKEN_SUMS: usize = COST + super::COST_LEN;
    pub(crate) const COST_SUM: usize = TOKEN_SUMS + 5 * 16;
    pub(crate) const TITLE: usize = COST_SUM + 16;
    pub(crate) const RESUME: usize = TITLE + super::TEXT_REF_LEN;
    pub(crate) const UNFINISHED_MESSAGES: usize = RESUME + super::TEXT_REF_LEN;
    pub(crate) const UNCLEAN_MESSAGES: usize = UNFINISHED_MESSAGES + 4;
    pub(crate) const UNLISTED_MESSAGES: usize = UNCLEAN_MESSAGES + 4;
    pub(crate) const PROJECT: usize = UNLISTED_MESSAGES + 4;
    pub(crate) const DIRECTORY: usize = PROJECT + 4;
    pub(crate) const PROGRAM_VERSION: usize = DIRECTORY + 4;
    pub(crate) const ORIGIN: usize = PROGRAM_VERSION + 4;
    /// A row of the provenances plus one, or 0.
    pub(crate) const PROVENANCE: usize = ORIGIN + 4;
    pub(crate) const FIRST_MESSAGE: usize = PROVENANCE + 4;
    pub(crate) const MESSAGE_COUNT: usize = FIRST_MESSAGE + 4;
    pub(crate) const FLAGS: usize = MESSAGE_COUNT + 4;
    pub(crate) const LEN: usize = FLAGS + 4;
    pub(crate) const HAS_RECORD: u32 = 1;
    pub(crate) const CLEAN: u32 = 1 << 1;
    pub(crate) const DAMAGED: u32 = 1 << 2;
    pub(crate) const HAS_MESSAGE_SET: u32 = 1 << 3;
    pub(crate) const MESSAGE_SET_CLEAN: u32 = 1 << 4;
    pub(crate) const HAS_RESUME: u32 = 1 << 5;
    pub(crate) const UNSETTLED: u32 = 1 << 6;
    pub(crate) const HAS_TITLE: u32 = 1 << 7;
    pub(crate) const HAS_TOTALS: u32 = 1 << 8;
}

/// A row of a message.
pub(super) mod message {
    pub(crate) const ID: usize = 0;
    pub(crate) const PARENT: usize = ID + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = PARENT + super::ID_LEN;
    pub(crate) const ORDER: usize = SEQUENCE + 8;
    pub(crate) const CREATED: usize = ORDER + 8;
    pub(crate) const COMPLETED: usize = CREATED + 8;
    /// Input, output, reasoning, cache read, cache write.
    pub(crate) const TOKENS: usize = COMPLETED + 8;
    pub(crate) const COST: usize = TOKENS + 5 * 8;
    pub(crate) const STAMP: usize = COST + super::SHORT_COST_LEN;
    pub(crate) const PART_SET: usize = STAMP + super::STAMP_LEN;
    pub(crate) const SESSION: usize = PART_SET + super::STAMP_LEN;
    pub(crate) const AGENT: usize = SESSION + 4;
    pub(crate) const PROVIDER: usize = AGENT + 4;
    pub(crate) const MODEL: usize = PROVIDER + 4;
    pub(crate) const FINISH: usize = MODEL + 4;
    pub(crate) const ERROR: usize = FINISH + 4;
    pub(crate) const FIRST_PART: usize = ERROR + 4;
    pub(crate) const PART_COUNT: usize = FIRST_PART + 4;
    pub(crate) const FLAGS: usize = PART_COUNT + 4;
    pub(crate) const LEN: usize = FLAGS + 4;
    /// The role: 0 the user, 1 the model, 2 another.
    pub(crate) const ROLE_MASK: u32 = 0b11;
    pub(crate) const CLEAN: u32 = 1 << 2;
    pub(crate) const DAMAGED: u32 = 1 << 3;
    pub(crate) const SUMMARY: u32 = 1 << 4;
    pub(crate) const HAS_TOKENS: u32 = 1 << 5;
    pub(crate) const HAS_COST: u32 = 1 << 6;
    pub(crate) const HAS_PARTS: u32 = 1 << 7;
    pub(crate) const HAS_PART_SET: u32 = 1 << 8;
    pub(crate) const PART_SET_CLEAN: u32 = 1 << 9;
    pub(crate) const IS_COPY: u32 = 1 << 10;
    pub(crate) const COST_OUTSIDE: u32 = 1 << 11;
}

/// A row of a part.
pub(super) mod part {
    pub(crate) const ID: usize = 0;
    pub(crate) const STAMP: usize = ID + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = STAMP + super::STAMP_LEN;
    pub(crate) const MESSAGE: usize = SEQUENCE + 8;
    pub(crate) const FLAGS: usize = MESSAGE + 4;
    pub(crate) const LEN: usize = FLAGS + 4;
    // The first byte is the number of the kind; 0 that it was not read yet.
    pub(crate) const HAS_STAMP: u32 = 1 << 8;
    pub(crate) const CLEAN: u32 = 1 << 9;
}

/// A key that was removed.
pub(super) mod tombstone {
    pub(crate) const ID: usize = 0;
    /// The session of a message.
    pub(crate) const SESSION: usize = ID + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = SESSION + super::ID_LEN;
    /// 1 a project, 2 a session, 3 a message.
    pub(crate) const KIND: usize = SEQUENCE + 8;
    pub(crate) const LEN: usize = KIND + 4;
}

// What `docs/format/snapshot.md` says: a change of these is another version.
const _: () = assert!(header::LEN == 288 && project::LEN == 72 && session::LEN == 420);
const _: () = assert!(message::LEN == 228 && part::LEN == 72 && tombstone::LEN == 76);

/// An epoch that this state continues, and the last of its revisions that is part of it.
pub(super) mod lineage {
    pub(crate) const EPOCH: usize = 0;
    pub(crate) const REVISION: usize = EPOCH + 8;
    pub(crate) const LEN: usize = REVISION + 8;
}
