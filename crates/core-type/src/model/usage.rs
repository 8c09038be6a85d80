//! What models used: tokens and money, of an answer, of a session, of many.
//!
//! This is the one place that decides what a message and a session used.

use std::ops::AddAssign;

use super::{AssistantMessage, Cost, Message, Role, Session, Tokens, TokensHead};

/// Tokens of an answer, or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenCounts {
    /// Read anew.
    pub input: i64,
    /// Written.
    pub output: i64,
    /// Written as reasoning.
    pub reasoning: i64,
    /// Read from the provider's cache.
    pub cache_read: i64,
    /// Written to the provider's cache.
    pub cache_write: i64,
}

impl TokenCounts {
    /// All of them.
    pub fn total(&self) -> i64 {
        self.to_array().into_iter().fold(0, i64::saturating_add)
    }

    /// Input, output, reasoning, cache read, cache write.
    fn to_array(self) -> [i64; 5] {
        let Self { input, output, reasoning, cache_read, cache_write } = self;
        [input, output, reasoning, cache_read, cache_write]
    }

    fn from_array([input, output, reasoning, cache_read, cache_write]: [i64; 5]) -> Self {
        Self { input, output, reasoning, cache_read, cache_write }
    }

    /// Whether any of them is less.
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

/// What the record of a session counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedTotals {
    /// Tokens.
    pub tokens: TokenCounts,
    /// Cost.
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

/// What messages used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many messages there are.
    pub messages: u64,
    /// Their tokens.
    pub tokens: TokenCounts,
    /// Their cost.
    pub cost: Cost,
}

impl Usage {
    /// What one message used. Only an answer uses anything; a copy was used where it was copied
    /// from, and counts there.
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

    /// What a session used whose messages used this: what its record counts, if it does, because
    /// titles, compactions and what was deleted since are in it; but not where it counts less than
    /// the messages do, as where an import left its columns empty. A cost that is less by a
    /// billionth is not less: who keeps a sum in doubles loses its last digits.
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
    /// What the message used.
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

/// A sum of what messages used that what was added can be taken away from: 2³² messages do not
/// overflow it, whatever they used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageSum {
    /// How many messages there are.
    pub messages: u64,
    /// Input, output, reasoning, cache read, cache write.
    pub tokens: [i128; 5],
    /// Units of [`Cost`].
    pub cost: i128,
}

impl UsageSum {
    /// Adds what a message used.
    pub fn add(&mut self, usage: &Usage) {
        self.messages = self.messages.wrapping_add(usage.messages);
        for (sum, count) in self.tokens.iter_mut().zip(usage.tokens.to_array()) {
            *sum = sum.wrapping_add(count.into());
        }
        self.cost = self.cost.wrapping_add(usage.cost.units());
    }

    /// Takes away what a message used that was added.
    pub fn subtract(&mut self, usage: &Usage) {
        self.messages = self.messages.wrapping_sub(usage.messages);
        for (sum, count) in self.tokens.iter_mut().zip(usage.tokens.to_array()) {
            *sum = sum.wrapping_sub(count.into());
        }
        self.cost = self.cost.wrapping_sub(usage.cost.units());
    }

    /// The sum, with counts that are too large or too small for it at its limits.
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
