//! The byte layout of a snapshot. `docs/format/snapshot.md` describes it in prose.

/// The first bytes of every snapshot.
pub(super) const MAGIC: [u8; 8] = *b"SCROLLBK";
/// The format number. Increase it with every change of the layout or of a field's meaning.
pub(super) const VERSION: u32 = 9;

/// The header.
pub(super) mod header {
    pub(crate) const VERSION: usize = 8;
    pub(crate) const LEN_OF_HEADER: usize = 12;
    pub(crate) const CHECKSUM: usize = 16;
    /// The checksum covers the bytes from here to the end.
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
    /// Rows of messages. The messages of a session are adjacent and in order.
    Messages,
    /// Rows of parts. The parts of a message are adjacent and in order.
    Parts,
    /// Rows of sessions, newest first. Sessions without a record are last.
    Sessions,
    /// Rows of projects.
    Projects,
    /// References to texts that rows share.
    Names,
    /// References to encoded provenances among the texts; see the module `provenances`.
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
    /// The caller's state of the Source: its token, and what else the caller keeps.
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

/// The length of an id field. A short id: its length in one byte and up to 31 bytes. A long id: 255 in
/// the first byte, the length in bytes 4 to 7, the offset among the texts in bytes 8 to 15. Length 0 means
/// that the id is absent.
pub(super) const ID_LEN: usize = 32;
pub(super) const MAX_INLINE_ID: usize = ID_LEN - 1;
pub(super) const LONG_ID_MARK: u8 = 255;
/// The length of a text reference: an offset among the texts in eight bytes, a length in four.
pub(super) const TEXT_REF_LEN: usize = 12;
/// The length of a slot of a hash table: a row number plus one, or 0 for an empty slot.
pub(super) const SLOT_LEN: usize = 4;
/// The length of a stamp: size, mtime in nanoseconds, inode.
pub(super) const STAMP_LEN: usize = 24;
/// The length of a cost: units of 10^-12 US dollars, signed.
pub(super) const COST_LEN: usize = 16;
/// The length of the totals of steps: the answer's own tokens, the tokens of its steps, their cost. They
/// are among the texts.
pub(super) const STEPS_LEN: usize = 2 * TOKENS_LEN + COST_LEN;
/// The length of tokens: input, output, reasoning, cache read, cache write.
pub(super) const TOKENS_LEN: usize = 5 * 8;
/// The length of a short cost, which holds up to 9 million dollars. For a greater cost, the field holds
/// its offset among the texts.
pub(super) const SHORT_COST_LEN: usize = 8;
/// The value of an absent time.
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
    /// In the order of a message's tokens.
    pub(crate) const TOKENS: usize = NEWEST_CHANGE + 8;
    pub(crate) const COST: usize = TOKENS + 5 * 8;
    /// The sum over the messages: the tokens in the order of a message, then the cost, 16 bytes each.
    pub(crate) const TOKEN_SUMS: usize = COST + super::COST_LEN;
    pub(crate) const COST_SUM: usize = TOKEN_SUMS + 5 * 16;
    pub(crate) const TITLE: usize = COST_SUM + 16;
    pub(crate) const RESUME: usize = TITLE + super::TEXT_REF_LEN;
    pub(crate) const UNFINISHED_MESSAGES: usize = RESUME + super::TEXT_REF_LEN;
    pub(crate) const UNCLEAN_MESSAGES: usize = UNFINISHED_MESSAGES + 4;
    pub(crate) const UNLISTED_MESSAGES: usize = UNCLEAN_MESSAGES + 4;
    pub(crate) const MESSAGES_WITH_ISSUES: usize = UNLISTED_MESSAGES + 4;
    /// A shared text, as the next four.
    pub(crate) const ISSUES: usize = MESSAGES_WITH_ISSUES + 4;
    pub(crate) const PROJECT: usize = ISSUES + 4;
    pub(crate) const DIRECTORY: usize = PROJECT + 4;
    pub(crate) const PROGRAM_VERSION: usize = DIRECTORY + 4;
    pub(crate) const ORIGIN: usize = PROGRAM_VERSION + 4;
    /// A row of the provenances plus one, or 0.
    pub(crate) const PROVENANCE: usize = ORIGIN + 4;
    pub(crate) const FIRST_MESSAGE: usize = PROVENANCE + 4;
    pub(crate) const MESSAGE_COUNT: usize = FIRST_MESSAGE + 4;
    /// How many messages are copies that the totals in the record include.
    pub(crate) const RECORDED_COPIES: usize = MESSAGE_COUNT + 4;
    pub(crate) const FLAGS: usize = RECORDED_COPIES + 4;
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
    /// Input, output, reasoning, cache read, cache write. With `HAS_STEPS`, the first eight bytes are the
    /// offset of the totals of steps among the texts.
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
    pub(crate) const ISSUES: usize = ERROR + 4;
    pub(crate) const FIRST_PART: usize = ISSUES + 4;
    pub(crate) const PART_COUNT: usize = FIRST_PART + 4;
    pub(crate) const FLAGS: usize = PART_COUNT + 4;
    pub(crate) const LEN: usize = FLAGS + 4;
    /// The role: 0 is the user, 1 the model, 2 an unknown role.
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
    pub(crate) const HAS_STEPS: u32 = 1 << 12;
    pub(crate) const IS_RECORDED_COPY: u32 = 1 << 13;
}

/// A row of a part.
pub(super) mod part {
    pub(crate) const ID: usize = 0;
    pub(crate) const STAMP: usize = ID + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = STAMP + super::STAMP_LEN;
    pub(crate) const MESSAGE: usize = SEQUENCE + 8;
    pub(crate) const FLAGS: usize = MESSAGE + 4;
    pub(crate) const LEN: usize = FLAGS + 4;
    // The first byte of the flags is the number of the kind; 0 means that the part was not read yet.
    pub(crate) const HAS_STAMP: u32 = 1 << 8;
    pub(crate) const CLEAN: u32 = 1 << 9;
}

/// A row of a removed key.
pub(super) mod tombstone {
    pub(crate) const ID: usize = 0;
    /// The session of a message.
    pub(crate) const SESSION: usize = ID + super::ID_LEN;
    pub(crate) const SEQUENCE: usize = SESSION + super::ID_LEN;
    /// 1 is a project, 2 a session, 3 a message.
    pub(crate) const KIND: usize = SEQUENCE + 8;
    pub(crate) const LEN: usize = KIND + 4;
}

// `docs/format/snapshot.md` quotes these lengths. A change of them needs a new format number.
const _: () = assert!(header::LEN == 288 && project::LEN == 72 && session::LEN == 432);
const _: () = assert!(message::LEN == 232 && part::LEN == 72 && tombstone::LEN == 76);

/// A row of an epoch that this state continues, with the last revision that the state includes.
pub(super) mod lineage {
    pub(crate) const EPOCH: usize = 0;
    pub(crate) const REVISION: usize = EPOCH + 8;
    pub(crate) const LEN: usize = REVISION + 8;
}
