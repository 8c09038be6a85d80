//! Access to the fields of a row: little-endian, at any alignment. Reading never panics.

use std::str::FromStr;

use scrollback_core_id::{Stamp, UnixNanos};
use scrollback_core_type::{Cost, StepTotals, TokenCounts, UsageSum};

use super::layout::{
    COST_LEN, ID_LEN, LONG_ID_MARK, MAX_INLINE_ID, NO_TIME, STEPS_LEN, TOKENS_LEN, session,
};
use crate::ObservedStamp;

/// A row, or the header. A field beyond the end of the bytes reads as zero.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(pub(super) &'a [u8]);

impl<'a> Row<'a> {
    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    pub(super) fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(super) fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    pub(super) fn i64(self, at: usize) -> i64 {
        i64::from_le_bytes(self.array(at))
    }

    pub(super) fn i128(self, at: usize) -> i128 {
        i128::from_le_bytes(self.array(at))
    }

    pub(super) fn cost(self, at: usize) -> Cost {
        Cost::from_units(self.i128(at))
    }

    /// Reads a cost of eight bytes. If `outside` is set, the bytes are an offset among `texts`.
    pub(super) fn short_cost(self, at: usize, outside: bool, texts: &[u8]) -> Cost {
        if outside {
            return Row(text_slice(texts, self.u64(at), COST_LEN as u32)).cost(0);
        }
        Cost::from_units(self.i64(at).into())
    }

    pub(super) fn time(self, at: usize) -> Option<i64> {
        Some(self.i64(at)).filter(|time| *time != NO_TIME)
    }

    pub(super) fn has_flag(self, flags: usize, flag: u32) -> bool {
        self.u32(flags) & flag != 0
    }

    pub(super) fn observed(self, at: usize, clean: bool) -> ObservedStamp {
        let mtime = UnixNanos(self.i64(at + 8));
        ObservedStamp {
            stamp: Stamp { size: self.u64(at), mtime, inode: self.u64(at + 16) },
            clean,
        }
    }

    pub(super) fn tokens(self, at: usize) -> TokenCounts {
        let count = |number: usize| self.i64(at + 8 * number);
        TokenCounts {
            input: count(0),
            output: count(1),
            reasoning: count(2),
            cache_read: count(3),
            cache_write: count(4),
        }
    }

    /// Reads the offset of totals of steps, and these from `texts`: the answer's own tokens, and the sum
    /// of its steps.
    pub(super) fn steps(self, at: usize, texts: &[u8]) -> (TokenCounts, StepTotals) {
        let row = Row(text_slice(texts, self.u64(at), STEPS_LEN as u32));
        let (tokens, cost) = (row.tokens(TOKENS_LEN), row.cost(2 * TOKENS_LEN));
        (row.tokens(0), StepTotals { tokens, cost })
    }

    /// Reads the usage of all messages from the row of a session.
    pub(super) fn session_usage(self) -> UsageSum {
        UsageSum {
            messages: self.u32(session::MESSAGE_COUNT).into(),
            tokens: std::array::from_fn(|at| self.i128(session::TOKEN_SUMS + 16 * at)),
            cost: self.i128(session::COST_SUM),
            recorded_copies: self.u32(session::RECORDED_COPIES).into(),
        }
    }

    /// Returns the bytes of an id. The bytes of a long id are among `texts`.
    pub(super) fn id_bytes(self, at: usize, texts: &'a [u8]) -> &'a [u8] {
        let field = self.0.get(at..at + ID_LEN).unwrap_or_default();
        match field.first() {
            None => &[],
            Some(&LONG_ID_MARK) => text_slice(texts, self.u64(at + 8), self.u32(at + 4)),
            Some(&len) => field.get(1..1 + usize::from(len)).unwrap_or_default(),
        }
    }

    pub(super) fn id<I: FromStr>(self, at: usize, texts: &'a [u8]) -> Option<I> {
        std::str::from_utf8(self.id_bytes(at, texts)).ok()?.parse().ok()
    }

    /// Returns a text by its reference.
    pub(super) fn text(self, at: usize, texts: &'a [u8]) -> &'a [u8] {
        text_slice(texts, self.u64(at), self.u32(at + 8))
    }
}

fn text_slice(texts: &[u8], offset: u64, len: u32) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = start.saturating_add(len as usize);
    texts.get(start..end).unwrap_or_default()
}

/// A row to write to.
pub(super) struct RowMut<'a>(pub(super) &'a mut [u8]);

impl RowMut<'_> {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_le_bytes());
    }

    pub(super) fn i64(&mut self, at: usize, value: i64) {
        self.put(at, &value.to_le_bytes());
    }

    pub(super) fn i128(&mut self, at: usize, value: i128) {
        self.put(at, &value.to_le_bytes());
    }

    pub(super) fn cost(&mut self, at: usize, cost: Cost) {
        self.i128(at, cost.units());
    }

    /// Writes a cost in eight bytes. Appends a greater cost to `texts` and writes its offset. Returns
    /// whether the cost is in `texts`.
    pub(super) fn short_cost(&mut self, at: usize, cost: Cost, texts: &mut Vec<u8>) -> bool {
        let short = i64::try_from(cost.units());
        self.i64(at, short.unwrap_or(texts.len() as i64));
        if short.is_err() {
            texts.extend_from_slice(&cost.units().to_le_bytes());
        }
        short.is_err()
    }

    pub(super) fn time(&mut self, at: usize, value: Option<i64>) {
        self.i64(at, value.unwrap_or(NO_TIME));
    }

    pub(super) fn stamp(&mut self, at: usize, stamp: &Stamp) {
        self.u64(at, stamp.size);
        self.i64(at + 8, stamp.mtime.0);
        self.u64(at + 16, stamp.inode);
    }

    pub(super) fn tokens(&mut self, at: usize, tokens: &TokenCounts) {
        let TokenCounts { input, output, reasoning, cache_read, cache_write } = *tokens;
        let counts = [input, output, reasoning, cache_read, cache_write];
        for (at, count) in (at..).step_by(8).zip(counts) {
            self.i64(at, count);
        }
    }

    /// Appends the tokens of an answer and the totals of its steps to `texts`, and writes their offset.
    pub(super) fn steps(
        &mut self,
        at: usize,
        tokens: &TokenCounts,
        steps: &StepTotals,
        texts: &mut Vec<u8>,
    ) {
        let start = texts.len();
        self.u64(at, start as u64);
        texts.resize(start + STEPS_LEN, 0);
        let mut row = RowMut(&mut texts[start..]);
        row.tokens(0, tokens);
        row.tokens(TOKENS_LEN, &steps.tokens);
        row.cost(2 * TOKENS_LEN, steps.cost);
    }

    /// Writes the usage of all messages to the row of a session.
    pub(super) fn session_usage(&mut self, usage: &UsageSum) {
        let UsageSum { messages, tokens, cost, recorded_copies } = *usage;
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        self.u32(session::MESSAGE_COUNT, count(messages));
        for (at, sum) in (session::TOKEN_SUMS..).step_by(16).zip(tokens) {
            self.i128(at, sum);
        }
        self.i128(session::COST_SUM, cost);
        self.u32(session::RECORDED_COPIES, count(recorded_copies));
    }

    /// Writes an id. Appends the bytes of a long id to `texts`.
    pub(super) fn id(&mut self, at: usize, id: &[u8], texts: &mut Vec<u8>) {
        if id.len() <= MAX_INLINE_ID {
            self.0[at] = id.len() as u8;
            self.put(at + 1, id);
            return;
        }
        self.0[at] = LONG_ID_MARK;
        self.u32(at + 4, text_len(id));
        self.u64(at + 8, texts.len() as u64);
        texts.extend_from_slice(id);
    }

    /// Appends a text to `texts` and writes a reference to it.
    pub(super) fn text(&mut self, at: usize, text: &[u8], texts: &mut Vec<u8>) {
        self.u64(at, texts.len() as u64);
        self.u32(at + 8, text_len(text));
        texts.extend_from_slice(text);
    }
}

/// Returns the length of a text as four bytes. Texts come from records, which are far below 4 GiB.
fn text_len(text: &[u8]) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}
