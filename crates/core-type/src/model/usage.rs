//! Usage: the tokens and the cost of answers, sessions and sums of them.
//!
//! Only this module decides how much a message or a session counts.

use std::ops::AddAssign;

use super::{AssistantMessage, Cost, Message, Role, Session, Tokens, TokensHead};

/// The tokens of one or more answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

    /// Checks whether any count is less than the same count of `other`.
    fn is_any_less(self, other: Self) -> bool {
        self.to_array().iter().zip(other.to_array()).any(|(own, other)| *own < other)
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

/// The totals in the record of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedTotals {
    /// The tokens.
    pub tokens: TokenCounts,
    /// The cost.
    pub cost: Cost,
}

impl From<&Session<'_>> for RecordedTotals {
    fn from(session: &Session<'_>) -> Self {
        Self {
            tokens: session.tokens.as_ref().map(TokenCounts::from).unwrap_or_default(),
            cost: session.cost.map(Cost::from).unwrap_or_default(),
        }
    }
}

/// The usage of a set of messages.
///
/// ```
/// use scrollback_core_type::{Cost, Role, TokenCounts, Usage};
///
/// let tokens = TokenCounts { input: 100, output: 20, ..TokenCounts::default() };
/// let cost = Cost::from_dollars(0.5);
/// let mut usage = Usage::of_message(Role::User, false, None, None);
/// usage += Usage::of_message(Role::Assistant, false, Some(tokens), Some(cost));
/// // A copy from another session counts as a message, but adds no tokens and no cost.
/// usage += Usage::of_message(Role::Assistant, true, Some(tokens), Some(cost));
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
    /// the session that it was copied from.
    pub fn of_message(
        role: Role,
        is_copy: bool,
        tokens: Option<TokenCounts>,
        cost: Option<Cost>,
    ) -> Self {
        if role != Role::Assistant || is_copy {
            return Self { messages: 1, ..Self::default() };
        }
        Self { messages: 1, tokens: tokens.unwrap_or_default(), cost: cost.unwrap_or_default() }
    }

    /// Returns the usage of a session, for `self` as the sum of its messages and `record` as the totals in
    /// its record.
    ///
    /// Uses the totals if the record has them, because they include titles, compactions and deleted
    /// messages. Uses the sum if a total is less than the sum, as after an import that left the columns
    /// empty. A cost that is less by at most a billionth still counts as equal, because a writer that adds
    /// doubles loses the last digits.
    #[must_use]
    pub fn or_recorded_totals(self, record: Option<RecordedTotals>) -> Self {
        let Some(RecordedTotals { tokens, cost }) = record else { return self };
        let message_cost = self.cost.units();
        let lower_limit = message_cost.saturating_sub(message_cost / 1_000_000_000);
        let is_less = tokens.is_any_less(self.tokens) || cost.units() < lower_limit;
        if is_less { self } else { Self { tokens, cost, ..self } }
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
    /// Returns the usage of the message.
    pub fn usage(&self, is_copy: bool) -> Usage {
        let (tokens, cost) = match self {
            Self::Assistant(answer) => {
                let AssistantMessage { tokens, cost, .. } = &**answer;
                (tokens.as_ref().map(TokenCounts::from), cost.map(Cost::from))
            }
            Self::User(_) | Self::Unknown(_) => (None, None),
        };
        Usage::of_message(self.role(), is_copy, tokens, cost)
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

    /// Subtracts the usage of a message that was added before.
    pub fn subtract(&mut self, usage: &Usage) {
        self.messages = self.messages.wrapping_sub(usage.messages);
        for (sum, count) in self.tokens.iter_mut().zip(usage.tokens.to_array()) {
            *sum = sum.wrapping_sub(count.into());
        }
        self.cost = self.cost.wrapping_sub(usage.cost.units());
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

impl AddAssign for UsageSum {
    /// Adds another sum, or a difference of sums.
    fn add_assign(&mut self, other: Self) {
        self.messages = self.messages.wrapping_add(other.messages);
        for (sum, count) in self.tokens.iter_mut().zip(other.tokens) {
            *sum = sum.wrapping_add(count);
        }
        self.cost = self.cost.wrapping_add(other.cost);
    }
}
