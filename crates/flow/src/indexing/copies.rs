//! Finds the copies that forks of opencode 1.x made. A copy has a new id and everything else of its
//! original, so only an index of all sessions can tell. A copy counts where its original is gone.

use std::collections::HashMap;
use std::sync::Arc;

use scrollback_core_id::SessionId;
use scrollback_core_type::{Cost, Role, StepTotals, TokenCounts};
use scrollback_index::{Batch, MessageMeta, Name, SessionIndex, View};
use scrollback_stor_path::opencode::age_at_copy;

/// The times of creation of the messages that may be copies: their ids are younger than they are.
#[derive(Default)]
pub(super) struct LateTimes(Vec<i64>);

impl LateTimes {
    /// Adds a message if it may be a copy.
    pub(super) fn add(&mut self, message: &MessageMeta) {
        if may_be_copy(message) {
            self.0.extend(message.created);
        }
    }

    fn of_view(view: &View) -> Self {
        let late = view.find_messages(|message| {
            let age = || age_at_copy(message.id, message.created?);
            message.role == Role::Assistant && age().is_some()
        });
        Self(late.iter().filter_map(|message| message.created).collect())
    }
}

fn may_be_copy(message: &MessageMeta) -> bool {
    message.role == Role::Assistant && age(message).is_some()
}

fn age(message: &MessageMeta) -> Option<i64> {
    age_at_copy(message.key.message.as_bytes(), message.created?)
}

/// Checks whether a batch, which is not committed yet, may change which messages are copies.
pub(crate) fn may_change_copies(batch: &Batch, view: &View) -> bool {
    let (mut may_lose_original, mut check_times) = (false, HashMap::new());
    for (key, message) in batch.messages() {
        let Some(message) = message else {
            may_lose_original = true;
            continue;
        };
        if may_be_copy(message) {
            return true;
        }
        if message.role != Role::Assistant {
            continue;
        }
        // The answers of a new session may be the originals of copies that counted until now. So may an
        // answer that the session had not when it was verified, although it is older than that.
        let checked_at = || Some(view.session_state(&key.session)?.refresh_state.checked_at);
        let checked_at = *check_times.entry(&key.session).or_insert_with(checked_at);
        let Some(checked_at) = checked_at else { return true };
        // An answer that is being written counts nothing yet.
        let counts_nothing = || message.recorded_steps() == StepTotals::default();
        match view.message_by_key(key) {
            Some(_) if message.completed.is_none() && counts_nothing() => {}
            Some(known) => {
                may_lose_original |=
                    known.damaged || message.damaged || content(&known) != content(message);
            }
            None if message.created < Some(checked_at.as_millis()) => return true,
            None => {}
        }
    }
    may_lose_original && view.may_have_recorded_copies()
}

/// Marks the copies of the whole index, and takes marks off messages that are none any more.
pub(crate) fn mark_copies(index: &SessionIndex) {
    let view = index.view();
    let mut batch = Batch::new();
    for message in changed_marks(&view, LateTimes::of_view(&view)) {
        batch.put_message(message);
    }
    drop(view);
    if !batch.is_empty() {
        index.commit(batch);
    }
}

/// Returns the messages whose marks are wrong, with the right ones. `late` has the times of all messages
/// that may be copies.
pub(super) fn changed_marks(view: &View, late: LateTimes) -> Vec<MessageMeta> {
    let LateTimes(mut times) = late;
    if times.is_empty() {
        return Vec::new();
    }
    times.sort_unstable();
    let answers = view.find_messages(|message| {
        let is_late = |created| times.binary_search(&created).is_ok();
        message.role == Role::Assistant && message.created.is_some_and(is_late)
    });
    let (mut answers, damaged): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| !answer.damaged);
    let mut changed: Vec<MessageMeta> =
        damaged.iter().filter_map(|answer| with_mark(answer, false)).collect();
    let rank = |answer: &Arc<MessageMeta>| age(answer).unwrap_or(0);
    answers.sort_unstable_by(|one, other| {
        let by_rank = || rank(one).cmp(&rank(other)).then_with(|| one.key.cmp(&other.key));
        content(one).cmp(&content(other)).then_with(by_rank)
    });
    for answers in answers.chunk_by(|one, other| content(one) == content(other)) {
        // An answer is a copy if an earlier one is in another session. Of several copies without an
        // original, the first one stands for it.
        let mut first: Option<&SessionId> = None;
        let mut has_other_session = false;
        for answer in answers {
            let session = &answer.key.session;
            let is_first = *first.get_or_insert(session) == session;
            has_other_session |= !is_first;
            if rank(answer) > 0 {
                changed.extend(with_mark(answer, !is_first || has_other_session));
            }
        }
    }
    changed
}

/// Returns a message with another mark; `None` if its mark is right.
fn with_mark(message: &MessageMeta, is_copy: bool) -> Option<MessageMeta> {
    // A copy of 2.x says so in its id, and the totals of its session do not include it.
    let is_marked = message.is_copy && !message.is_recorded_copy;
    (message.is_recorded_copy != is_copy && !is_marked).then(|| MessageMeta {
        is_copy,
        is_recorded_copy: is_copy,
        ..message.clone()
    })
}

/// The content of an answer, as far as the index has it.
type Content<'m> =
    (Option<i64>, Option<i64>, Option<TokenCounts>, Option<Cost>, bool, [&'m Option<Name>; 5]);

/// Returns what an answer and its copies have in common.
fn content(message: &MessageMeta) -> Content<'_> {
    let MessageMeta { created, completed, tokens, cost, summary, .. } = *message;
    let MessageMeta { agent, provider, model, finish, error, .. } = message;
    (created, completed, tokens, cost, summary, [agent, provider, model, finish, error])
}
