//! Finds the copies that forks of opencode 1.x made. A copy has a new id and everything else of its
//! original, so only an index of all sessions can tell. A copy counts where its original is gone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scrollback_core_id::MessageKey;
use scrollback_core_type::Role;
use scrollback_index::{Batch, MessageMeta, SessionIndex, View};
use scrollback_stor_path::opencode::age_at_copy;

/// Checks whether a message may be a copy: its id is younger than the message.
pub(super) fn may_be_copy(message: &MessageMeta) -> bool {
    message.role == Role::Assistant && age(message).is_some()
}

fn age(message: &MessageMeta) -> Option<i64> {
    age_at_copy(&message.key.message, message.created?)
}

/// Checks whether a batch, which is not committed yet, may change which messages are copies.
pub(crate) fn may_change_copies(batch: &Batch, view: &View) -> bool {
    let (mut may_lose_original, mut new_sessions) = (false, HashMap::new());
    for (key, message) in batch.messages() {
        let Some(message) = message else {
            may_lose_original = true;
            continue;
        };
        if may_be_copy(message) {
            return true;
        }
        if message.completed.is_none() || message.role != Role::Assistant {
            continue;
        }
        // The answers of a new session may be the originals of copies that counted until now.
        let is_new = || view.session_state(&key.session).is_none();
        if *new_sessions.entry(&key.session).or_insert_with(is_new) {
            return true;
        }
        may_lose_original |=
            view.message_by_key(key).is_some_and(|known| !is_equal(&known, message));
    }
    may_lose_original && view.has_recorded_copies()
}

/// Marks the copies of the whole index, and takes marks off messages that are none any more.
pub(crate) fn mark_copies(index: &SessionIndex) {
    let batch = changed_marks(&index.view());
    if !batch.is_empty() {
        index.commit(batch);
    }
}

fn changed_marks(view: &View) -> Batch {
    let mut batch = Batch::new();
    let is_late = |created: Option<i64>, id: &_| created.and_then(|time| age_at_copy(id, time));
    let late = view.find_messages(|id, created| is_late(created, id).is_some());
    let times: HashSet<Option<i64>> =
        late.iter().filter(|late| late.role == Role::Assistant).map(|late| late.created).collect();
    if times.is_empty() {
        return batch;
    }
    let mut groups: HashMap<Option<i64>, Vec<Arc<MessageMeta>>> = HashMap::new();
    for message in view.find_messages(|_, created| times.contains(&created)) {
        if message.role == Role::Assistant {
            groups.entry(message.created).or_default().push(message);
        }
    }
    for group in groups.values() {
        for message in group.iter().filter(|message| age(message).is_some()) {
            let is_copy = group.iter().any(|other| is_original(other, message));
            // A copy of 2.x says so in its id, and the totals of its session do not include it.
            let is_marked = message.is_copy && !message.is_recorded_copy;
            if message.is_recorded_copy != is_copy && !is_marked {
                batch.put_message(MessageMeta {
                    is_copy,
                    is_recorded_copy: is_copy,
                    ..MessageMeta::clone(message)
                });
            }
        }
    }
    batch
}

/// Checks whether `copy` was copied from `message`, or both from one that is gone. Of several copies
/// without an original, the first one stands for it.
fn is_original(message: &MessageMeta, copy: &MessageMeta) -> bool {
    let rank = |message: &MessageMeta| (age(message).unwrap_or(0), message.key.clone());
    let ranks: [(i64, MessageKey); 2] = [rank(message), rank(copy)];
    message.key.session != copy.key.session && ranks[0] < ranks[1] && is_equal(message, copy)
}

/// Checks whether two answers have the same content, as far as the index has it.
fn is_equal(one: &MessageMeta, other: &MessageMeta) -> bool {
    let content = |it: &MessageMeta| {
        let MessageMeta { created, completed, tokens, cost, summary, damaged, .. } = *it;
        (created, completed, tokens, cost, summary, damaged)
    };
    let names = |it: &MessageMeta| {
        [&it.agent, &it.provider, &it.model, &it.finish, &it.error].map(Clone::clone)
    };
    !one.damaged && content(one) == content(other) && names(one) == names(other)
}
