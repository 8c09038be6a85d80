//! Usage: the tokens and the cost of answers, sessions and sums of them.
//!
//! Only this module decides how much a message or a session counts.

use std::ops::{AddAssign, SubAssign};

use super::{
    AssistantMessage, Cost, Message, Role, Session, StepFinishPart, StepHead, Tokens, TokensHead,
};

/// The tokens of one or more answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TokenCounts {
    /// Input tokens that were not in the cache.
    pub input: i64,
    /// Output tokens.
    pub output: i64,
    /// Reasoning tokens.
    pub reasoning: i64,
    /// Tokens read from the provider's cache.
    pub cache_read: i64,
    /// Tokens written to the provider's cache.
    pub cache_write: i64,
}

impl TokenCounts {
    /// Returns the sum of all five counts.
    pub fn total(&self) -> i64 {
        self.to_array().into_iter().fold(0, i64::saturating_add)
    }

    /// Returns input, output, reasoning, cache read and cache write.
    fn to_array(self) -> [i64; 5] {
        let Self { input, output, reasoning, cache_read, cache_write } = self;
        [input, output, reasoning, cache_read, cache_write]
    }

    fn from_array([input, output, reasoning, cache_read, cache_write]: [i64; 5]) -> Self {
        Self { input, output, reasoning, cache_read, cache_write }
    }

    /// Returns the larger one of each two counts.
    #[must_use]
    fn max(self, other: Self) -> Self {
        let (own, other) = (self.to_array(), other.to_array());
        Self::from_array(std::array::from_fn(|at| own[at].max(other[at])))
    }

    #[must_use]
    fn minus(self, other: Self) -> Self {
        let (own, other) = (self.to_array(), other.to_array());
        Self::from_array(std::array::from_fn(|at| own[at].saturating_sub(other[at])))
    }
}

impl AddAssign for TokenCounts {
    fn add_assign(&mut self, other: Self) {
        let (sums, counts) = (self.to_array(), other.to_array());
        *self = Self::from_array(std::array::from_fn(|at| sums[at].saturating_add(counts[at])));
    }
}

impl From<&Tokens<'_>> for TokenCounts {
    fn from(tokens: &Tokens<'_>) -> Self {
        let cache = tokens.cache.as_ref();
        Self {
            input: tokens.input.unwrap_or(0),
            output: tokens.output.unwrap_or(0),
            reasoning: tokens.reasoning.unwrap_or(0),
            cache_read: cache.and_then(|cache| cache.read).unwrap_or(0),
            cache_write: cache.and_then(|cache| cache.write).unwrap_or(0),
        }
    }
}

impl From<TokensHead<'_>> for TokenCounts {
    fn from(tokens: TokensHead<'_>) -> Self {
        let cache = tokens.cache.unwrap_or_default();
        Self {
            input: tokens.input.unwrap_or(0),
            output: tokens.output.unwrap_or(0),
            reasoning: tokens.reasoning.unwrap_or(0),
            cache_read: cache.read.unwrap_or(0),
            cache_write: cache.write.unwrap_or(0),
        }
    }
}

/// The sum over the steps of one answer, as its parts have them. A program may write only the last
/// step's tokens to the answer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepTotals {
    /// The tokens.
    pub tokens: TokenCounts,
    /// The cost.
    pub cost: Cost,
}

impl StepTotals {
    /// Adds the totals of another step.
    pub fn add(&mut self, step: Self) {
        self.tokens += step.tokens;
        self.cost += step.cost;
    }
}

impl From<&StepFinishPart<'_>> for StepTotals {
    fn from(step: &StepFinishPart<'_>) -> Self {
        Self {
            tokens: step.tokens.as_ref().map(TokenCounts::from).unwrap_or_default(),
            cost: step.cost.map(Cost::from).unwrap_or_default(),
        }
    }
}

impl From<StepHead<'_>> for StepTotals {
    fn from(step: StepHead<'_>) -> Self {
        Self {
            tokens: step.tokens.map(TokenCounts::from).unwrap_or_default(),
            cost: step.cost.map(Cost::from).unwrap_or_default(),
        }
    }
}

/// The totals in the record of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedTotals {
    /// The tokens.
    pub tokens: TokenCounts,
    /// The cost.
    pub cost: Cost,
}

impl RecordedTotals {
    /// Returns the totals in a record; `None` if the record has none.
    pub fn of_session(session: &Session<'_>) -> Option<Self> {
        let tokens = session.tokens.as_ref().map(TokenCounts::from)?;
        Some(Self { tokens, cost: session.cost.map(Cost::from).unwrap_or_default() })
    }

    /// Returns the totals without an answer that was copied from another session and counts there.
    #[must_use]
    pub fn without_copy(self, copied: &StepTotals) -> Self {
        let cost = self.cost.units().saturating_sub(copied.cost.units());
        Self { tokens: self.tokens.minus(copied.tokens), cost: Cost::from_units(cost) }
    }

    /// Checks whether these totals are the sum of all steps. Ignores rounding in costs.
    pub fn are_sum(&self, sum: &StepTotals) -> bool {
        let difference = self.cost.units().abs_diff(sum.cost.units());
        self.tokens == sum.tokens && difference <= cost_tolerance(sum.cost).unsigned_abs()
    }
}

/// Returns the difference up to which a total is equal to the exact cost: a billionth, because a
/// writer that adds doubles loses the last digits.
fn cost_tolerance(cost: Cost) -> i128 {
    (cost.units() / 1_000_000_000).abs()
}

/// The usage of a set of messages.
///
/// ```
/// use scrollback_core_type::{Cost, Role, TokenCounts, Usage};
///
/// let tokens = TokenCounts { input: 100, output: 20, ..TokenCounts::default() };
/// let cost = Cost::from_dollars(0.5);
/// let mut usage = Usage::of_message(Role::User, false, None, None, None);
/// usage += Usage::of_message(Role::Assistant, false, Some(tokens), Some(cost), None);
/// // A copy from another session counts as a message, but adds no tokens and no cost.
/// usage += Usage::of_message(Role::Assistant, true, Some(tokens), Some(cost), None);
/// assert_eq!((usage.messages, usage.tokens.total(), usage.cost), (3, 120, cost));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The number of messages.
    pub messages: u64,
    /// The tokens of the messages.
    pub tokens: TokenCounts,
    /// The cost of the messages.
    pub cost: Cost,
}

impl Usage {
    /// Returns the usage of one message. Only answers have tokens and a cost. The usage of a copy counts in
    /// the session that it was copied from. If the steps of an answer are known, the larger one of its own
    /// figure and the sum of its steps counts, field by field.
    pub fn of_message(
        role: Role,
        is_copy: bool,
        tokens: Option<TokenCounts>,
        cost: Option<Cost>,
        steps: Option<&StepTotals>,
    ) -> Self {
        if role != Role::Assistant || is_copy {
            return Self { messages: 1, ..Self::default() };
        }
        let (tokens, cost) = (tokens.unwrap_or_default(), cost.unwrap_or_default());
        let StepTotals { tokens: step_tokens, cost: step_cost } =
            steps.copied().unwrap_or(StepTotals { tokens, cost });
        Self { messages: 1, tokens: tokens.max(step_tokens), cost: cost.max(step_cost) }
    }

    /// Returns the usage of a session, for `self` as the sum of its messages and `record` as the totals in
    /// its record.
    ///
    /// The totals can be more than the sum, because they include titles, compactions, deleted messages and
    /// all steps. They are less after an import that left the columns empty. So the larger one counts,
    /// field by field. A cost that is less by at most a billionth still counts as equal, because a writer
    /// that adds doubles loses the last digits.
    #[must_use]
    pub fn or_recorded_totals(self, record: Option<RecordedTotals>) -> Self {
        let Some(RecordedTotals { tokens, cost }) = record else { return self };
        let lower_limit = self.cost.units().saturating_sub(cost_tolerance(self.cost));
        let cost = if cost.units() < lower_limit { self.cost } else { cost };
        Self { tokens: self.tokens.max(tokens), cost, ..self }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.tokens += other.tokens;
        self.cost += other.cost;
    }
}

impl Message<'_> {
    /// Returns the usage of the message. `steps` is the sum of its steps, if its parts have any.
    pub fn usage(&self, is_copy: bool, steps: Option<&StepTotals>) -> Usage {
        let (tokens, cost) = match self {
            Self::Assistant(answer) => {
                let AssistantMessage { tokens, cost, .. } = &**answer;
                (tokens.as_ref().map(TokenCounts::from), cost.map(Cost::from))
            }
            Self::User(_) | Self::Unknown(_) => (None, None),
        };
        Usage::of_message(self.role(), is_copy, tokens, cost, steps)
    }
}

/// A sum of usage that messages can be added to and subtracted from. Up to 2³² messages cannot overflow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageSum {
    /// The number of messages.
    pub messages: u64,
    /// The tokens: input, output, reasoning, cache read, cache write.
    pub tokens: [i128; 5],
    /// The cost in units of [`Cost`].
    pub cost: i128,
    /// The number of copies that the totals in the session's record include.
    pub recorded_copies: u64,
}

impl UsageSum {
    /// Adds the usage of a message.
    pub fn add(&mut self, usage: &Usage) {
        self.messages = self.messages.wrapping_add(usage.messages);
        for (sum, count) in self.tokens.iter_mut().zip(usage.tokens.to_array()) {
            *sum = sum.wrapping_add(count.into());
        }
        self.cost = self.cost.wrapping_add(usage.cost.units());
    }

    /// Returns the sum. Counts that do not fit are limited to the range of their type.
    pub fn usage(&self) -> Usage {
        let clamp = |sum: i128| {
            let limit = if sum < 0 { i64::MIN } else { i64::MAX };
            i64::try_from(sum).unwrap_or(limit)
        };
        Usage {
            messages: self.messages,
            tokens: TokenCounts::from_array(self.tokens.map(clamp)),
            cost: Cost::from_units(self.cost),
        }
    }
}

impl SubAssign for UsageSum {
    /// Subtracts a sum that was added before.
    fn sub_assign(&mut self, other: Self) {
        self.messages = self.messages.wrapping_sub(other.messages);
        for (sum, count) in self.tokens.iter_mut().zip(other.tokens) {
            *sum = sum.wrapping_sub(count);
        }
        self.cost = self.cost.wrapping_sub(other.cost);
        self.recorded_copies = self.recorded_copies.wrapping_sub(other.recorded_copies);
    }
}

impl AddAssign for UsageSum {
    /// Adds another sum, or a difference of sums.
    fn add_assign(&mut self, other: Self) {
        self.messages = self.messages.wrapping_add(other.messages);
        for (sum, count) in self.tokens.iter_mut().zip(other.tokens) {
            *sum = sum.wrapping_add(count);
        }
        self.cost = self.cost.wrapping_add(other.cost);
        self.recorded_copies = self.recorded_copies.wrapping_add(other.recorded_copies);
    }
}
