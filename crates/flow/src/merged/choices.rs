//! The choices among copies of sessions that a merged Source remembers, also from process to process.
//!
//! A choice depends on the sets of messages of all copies. So it is valid as long as no set has another
//! stamp, and a choice from an earlier process is verified by the stamps that a refresh surveys anyway.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scrollback_core_id::{SessionId, SessionKey, SourceId, Stamp, UnixNanos};

/// The choice among the copies of one session. Members are numbered among all members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// The member that supplies the session.
    pub(super) owner: usize,
    /// The members that have the session, each with the stamp of its set of messages.
    pub(super) copies: Vec<(usize, Option<Stamp>)>,
    /// The members that have messages which the owner lacks, each with the number of messages.
    pub(super) lost: Vec<(usize, usize)>,
}

/// The stamp of a set that differs from the one that a choice depends on. No set has it.
pub(super) const UNKNOWN_STAMP: Stamp =
    Stamp { size: u64::MAX, mtime: UnixNanos(i64::MIN), inode: u64::MAX };

/// The remembered choices.
#[derive(Debug, Default)]
pub(super) struct Choices(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    choices: HashMap<SessionKey, Choice>,
    /// The memo of the choices, until one of them changes.
    memo: Option<Arc<[u8]>>,
    is_recalled: bool,
    /// The sessions that the last probe named.
    reported: HashSet<SessionKey>,
}

impl Choices {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, session: &SessionKey) -> Option<Choice> {
        self.lock().choices.get(session).cloned()
    }

    /// Returns the choices for which `is_wanted` returns `true`.
    pub(super) fn filter(
        &self,
        is_wanted: impl Fn(&SessionKey, &Choice) -> bool,
    ) -> Vec<(SessionKey, Choice)> {
        let state = self.lock();
        let wanted = state.choices.iter().filter(|(session, choice)| is_wanted(session, choice));
        wanted.map(|(session, choice)| (session.clone(), choice.clone())).collect()
    }

    /// Keeps the sessions that a probe names. A set of their messages may have changed.
    pub(super) fn set_reported(&self, reported: HashSet<SessionKey>) {
        self.lock().reported = reported;
    }

    /// Returns the sessions that the last probe named.
    pub(super) fn reported(&self) -> HashSet<SessionKey> {
        self.lock().reported.clone()
    }

    pub(super) fn is_reported(&self, session: &SessionKey) -> bool {
        self.lock().reported.contains(session)
    }

    pub(super) fn insert(&self, session: &SessionKey, choice: Choice) {
        let mut state = self.lock();
        if state.choices.get(session) != Some(&choice) {
            state.choices.insert(session.clone(), choice);
            state.memo = None;
        }
    }

    /// Notes that the copies were compared again and could not all be read. So the next comparison
    /// needs all of them again, even if a member is then unchanged.
    pub(super) fn doubt(&self, session: &SessionKey) {
        let Some(mut choice) = self.get(session) else { return };
        choice.copies.iter_mut().for_each(|(_, stamp)| *stamp = Some(UNKNOWN_STAMP));
        self.insert(session, choice);
    }

    /// Forgets the sessions that have only one copy now.
    pub(super) fn retain(&self, has_copies: impl Fn(&SessionKey) -> bool) {
        let mut state = self.lock();
        let before = state.choices.len();
        state.choices.retain(|session, _| has_copies(session));
        if state.choices.len() != before {
            state.memo = None;
        }
    }

    /// Returns the choices as bytes, valid for these members; `None` without choices.
    pub(super) fn memo(&self, members: &[&SourceId]) -> Option<Arc<[u8]>> {
        let mut state = self.lock();
        if state.choices.is_empty() {
            return None;
        }
        if state.memo.is_none() {
            state.memo = Some(encode(&state.choices, members).into());
        }
        state.memo.clone()
    }

    /// Takes the choices of an earlier process, if they are of the same members. Only the first call
    /// has an effect.
    pub(super) fn recall(&self, memo: &[u8], members: &[&SourceId]) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_recalled, true) || !state.choices.is_empty() {
            return;
        }
        if let Some(choices) = decode(memo, members) {
            state.choices = choices;
            state.memo = Some(memo.into());
        }
    }
}

/// Writes the ids of the members, and then the choices. Numbers are 8 bytes, little endian; a text is
/// its length and its bytes.
fn encode(choices: &HashMap<SessionKey, Choice>, members: &[&SourceId]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(choices.len() * 160);
    put_number(&mut bytes, members.len() as u64);
    members.iter().for_each(|member| put_text(&mut bytes, member.as_str()));
    put_number(&mut bytes, choices.len() as u64);
    for (session, choice) in choices {
        put_text(&mut bytes, session.session.as_str());
        put_number(&mut bytes, choice.owner as u64);
        put_number(&mut bytes, choice.copies.len() as u64);
        for (member, stamp) in &choice.copies {
            put_number(&mut bytes, *member as u64);
            put_number(&mut bytes, u64::from(stamp.is_some()));
            let Stamp { size, mtime, inode } = stamp.unwrap_or_default();
            [size, mtime.0 as u64, inode].into_iter().for_each(|it| put_number(&mut bytes, it));
        }
        put_number(&mut bytes, choice.lost.len() as u64);
        for (member, count) in &choice.lost {
            put_number(&mut bytes, *member as u64);
            put_number(&mut bytes, *count as u64);
        }
    }
    bytes
}

fn put_number(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Reads what [`encode`] wrote; `None` if the bytes are damaged or of other members.
fn decode(mut bytes: &[u8], members: &[&SourceId]) -> Option<HashMap<SessionKey, Choice>> {
    let bytes = &mut bytes;
    if take_number(bytes)? != members.len() as u64 {
        return None;
    }
    for member in members {
        if take_text(bytes)? != member.as_str() {
            return None;
        }
    }
    let take_member = |bytes: &mut &[u8]| {
        let member = usize::try_from(take_number(bytes)?).ok()?;
        (member < members.len()).then_some(member)
    };
    let mut choices = HashMap::new();
    for _ in 0..take_number(bytes)? {
        let session: SessionId = take_text(bytes)?.parse().ok()?;
        let owner = take_member(bytes)?;
        let mut copies = Vec::new();
        for _ in 0..take_number(bytes)? {
            let (member, has_stamp) = (take_member(bytes)?, take_number(bytes)? != 0);
            let (size, mtime) = (take_number(bytes)?, UnixNanos(take_number(bytes)? as i64));
            let stamp = Stamp { size, mtime, inode: take_number(bytes)? };
            copies.push((member, has_stamp.then_some(stamp)));
        }
        let mut lost = Vec::new();
        for _ in 0..take_number(bytes)? {
            lost.push((take_member(bytes)?, usize::try_from(take_number(bytes)?).ok()?));
        }
        choices.insert(session.into(), Choice { owner, copies, lost });
    }
    bytes.is_empty().then_some(choices)
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    let len = usize::try_from(take_number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memo_restores_the_choices_of_the_same_members_only() {
        let ids = ["a", "b"].map(|id| SourceId::new(id).unwrap());
        let members: Vec<&SourceId> = ids.iter().collect();
        let stamp = Stamp { size: 1, mtime: UnixNanos(-2), inode: u64::MAX };
        let choice =
            Choice { owner: 1, copies: vec![(0, None), (1, Some(stamp))], lost: vec![(0, 3)] };
        let session = SessionKey::from(SessionId::new("ses_1").unwrap());
        let choices = Choices::default();
        assert_eq!(choices.memo(&members), None);
        choices.insert(&session, choice.clone());
        let memo = choices.memo(&members).unwrap();

        let restored = Choices::default();
        restored.recall(&memo, &members);
        assert_eq!(restored.get(&session), Some(choice));
        let other = Choices::default();
        other.recall(&memo, &members[..1]);
        assert_eq!(other.get(&session), None);
        // Damaged bytes are never half used, whatever they are.
        for len in 0..memo.len() {
            assert!(decode(&memo[..len], &members).is_none(), "{len}");
        }
        for at in 0..memo.len() {
            let mut damaged = memo.to_vec();
            damaged[at] ^= 0xff;
            let _ = decode(&damaged, &members);
        }
    }
}
