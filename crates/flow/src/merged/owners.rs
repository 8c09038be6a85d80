//! Decides which member owns a session: which copy of the session is shown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, MessageId, SessionKey, SourceId};
use scrollback_source::{Entry, Observation, Reader, Result, Survey, SurveyItem};
use scrollback_stor_mmap::Settled;

use super::choices::{Choice, Choices, UNKNOWN_STAMP};
use super::choose::{choose, lost_messages};
use super::outline::{OutlineRead, SetStamp, newest_message, read_outline};
use super::ownership::{KnownOwners, Ownership, session_of};

/// The read transactions of all members, with the owners that were determined so far.
pub(super) struct Owners<'s> {
    pub(super) readers: Vec<Box<dyn Reader + 's>>,
    /// The number of each reader's member among all members, and its id.
    members: Vec<(usize, &'s SourceId)>,
    /// The choices of earlier transactions.
    choices: &'s Choices,
    /// The member that supplies every session that it has, by its place among the readers.
    forced: Option<usize>,
    sessions: KnownOwners,
    /// Whether `sessions` has every session that several members have.
    is_whole_store_decided: bool,
    /// The owners of messages whose parts were listed. The key of a part names its message and not
    /// its session, so the owner of a part is known only from here.
    messages: HashMap<MessageId, usize>,
}

/// The knowledge that verifies an earlier choice.
enum Evidence<'e> {
    /// The sets of messages of this session, observed one by one.
    Single,
    /// The records of the sessions. The last probe named the sessions whose messages changed.
    Records,
    /// The sets of messages of each member.
    Sets(&'e [MemberSets]),
}

/// The sets of messages of one member.
pub(super) struct MemberSets {
    /// The sets that were surveyed.
    pub(super) surveyed: HashMap<SessionKey, SetStamp>,
    /// Whether the member is the same as at the last refresh. Then only sets of sessions without a record
    /// were surveyed.
    pub(super) is_unchanged: bool,
}

impl<'s> Owners<'s> {
    pub(super) fn new(
        readers: Vec<Box<dyn Reader + 's>>,
        members: Vec<(usize, &'s SourceId)>,
        choices: &'s Choices,
        forced: Option<&SourceId>,
    ) -> Self {
        let forced = members.iter().position(|(_, id)| Some(*id) == forced);
        Self {
            readers,
            members,
            choices,
            forced,
            sessions: KnownOwners::default(),
            is_whole_store_decided: false,
            messages: HashMap::new(),
        }
    }

    /// Returns the place of the member that owns a session; the last member if none holds it.
    pub(super) fn owner_of(&mut self, session: &SessionKey) -> Result<usize> {
        let last = self.readers.len() - 1;
        if last == 0 {
            return Ok(0);
        }
        Ok(self.ownership_of(session)?.owner.unwrap_or(last))
    }

    /// Returns the owner of a session and its copies.
    pub(super) fn ownership_of(&mut self, session: &SessionKey) -> Result<Rc<Ownership>> {
        if let Some(known) = self.sessions.0.get(session) {
            return Ok(Rc::clone(known));
        }
        let mut holders = Vec::new();
        for (at, reader) in self.readers.iter_mut().enumerate() {
            if reader.has_session(session)? {
                holders.push(at);
            }
        }
        self.decide(session, holders, &Evidence::Single)
    }

    /// Returns the owner of a message, and remembers it for the message's parts.
    pub(super) fn owner_of_message(
        &mut self,
        message: &MessageId,
        session: &SessionKey,
    ) -> Result<usize> {
        let owner = self.owner_of(session)?;
        if self.readers.len() > 1 && !self.messages.contains_key(message) {
            self.messages.insert(message.clone(), owner);
        }
        Ok(owner)
    }

    /// Returns the owner of a message's parts, if the parts were listed before.
    pub(super) fn cached_owner_of_message(&self, message: &MessageId) -> Option<usize> {
        if self.readers.len() == 1 {
            return Some(0);
        }
        self.messages.get(message).copied()
    }

    /// Checks whether a member's entity is visible: no other copy of its session hides it. A part whose
    /// session is unknown is visible.
    pub(super) fn is_visible(&mut self, at: usize, entry: &Entry) -> Result<bool> {
        match session_of(entry) {
            Some(session) => self.is_session_visible(at, &session),
            _ => Ok(true),
        }
    }

    pub(super) fn is_session_visible(&mut self, at: usize, session: &SessionKey) -> Result<bool> {
        Ok(self.readers.len() == 1 || !self.ownership_of(session)?.hides(at))
    }

    /// Returns an issue for each copy of a session that has messages which the owner lacks.
    pub(super) fn loss_issues(&mut self, session: &SessionKey) -> Result<Vec<Issue>> {
        if self.readers.len() == 1 {
            return Ok(Vec::new());
        }
        let ownership = self.ownership_of(session)?;
        let issue = |(at, count): &(usize, usize)| {
            let copy = self.members[*at].1.to_string();
            Issue::new(Place::default(), IssueKind::CopyHasMore { copy, count: *count })
        };
        Ok(ownership.lost.iter().map(issue).collect())
    }

    /// Returns the sessions with an issue of [`Owners::loss_issues`], among those decided so far.
    pub(super) fn sessions_with_loss(&self) -> Vec<SessionKey> {
        let with_loss = self.sessions.0.iter().filter(|(_, known)| !known.lost.is_empty());
        let mut with_loss: Vec<SessionKey> = with_loss.map(|(key, _)| key.clone()).collect();
        with_loss.sort_unstable();
        with_loss
    }

    /// Decides the owners of all sessions of which several members have records or messages, given the
    /// sessions that have records. Lists the messages of these sessions.
    pub(super) fn decide_listed(&mut self, mut holders: Vec<HashSet<SessionKey>>) -> Result<()> {
        for (at, holders) in holders.iter_mut().enumerate() {
            self.survey_keys(at, &Survey::LostSets, holders)?;
        }
        self.decide_all(&holders, &Evidence::Single)
    }

    /// Decides the owners as [`Owners::decide_listed`] does, given the sessions that have records and
    /// the sets of messages. Earlier choices are used if all sets have the same stamps.
    pub(super) fn decide_surveyed(
        &mut self,
        mut holders: Vec<HashSet<SessionKey>>,
        sets: &[MemberSets],
    ) -> Result<()> {
        for (holders, sets) in holders.iter_mut().zip(sets) {
            holders.extend(sets.surveyed.keys().cloned());
        }
        self.decide_all(&holders, &Evidence::Sets(sets))
    }

    /// Decides the owners given only the sessions that have records. Earlier choices are used.
    pub(super) fn decide_by_records(&mut self, records: &[HashSet<SessionKey>]) -> Result<()> {
        self.decide_all(records, &Evidence::Records)
    }

    /// Decides the owners of all sessions of the store.
    pub(super) fn decide_whole_store(&mut self) -> Result<()> {
        if self.is_whole_store_decided {
            return Ok(());
        }
        let mut records = vec![HashSet::new(); self.readers.len()];
        for (at, records) in records.iter_mut().enumerate() {
            self.survey_keys(at, &Survey::Sessions, records)?;
        }
        self.decide_listed(records)
    }

    /// Checks whether a member's copy of a session is visible. After the whole store was decided, a
    /// session that was not compared has one copy.
    pub(super) fn is_listed_visible(&mut self, at: usize, session: &SessionKey) -> Result<bool> {
        if self.is_whole_store_decided {
            return Ok(self.sessions.is_visible(at, session));
        }
        self.is_session_visible(at, session)
    }

    /// Returns all readers, and the owners that were determined so far.
    pub(super) fn split(&mut self) -> (&mut [Box<dyn Reader + 's>], &KnownOwners) {
        (&mut self.readers, &self.sessions)
    }

    fn survey_keys(
        &mut self,
        at: usize,
        survey: &Survey<'_>,
        keys: &mut HashSet<SessionKey>,
    ) -> Result<()> {
        self.readers[at].survey(survey, &mut |item| {
            // A record with an issue is unreadable, and exists.
            if let SurveyItem::Observation(Observation { key: EntityKey::Session(key), .. })
            | SurveyItem::Issue(Some(EntityKey::Session(key)), _) = item
            {
                keys.insert(key);
            }
            ControlFlow::Continue(())
        })
    }

    fn decide_all(
        &mut self,
        holders: &[HashSet<SessionKey>],
        evidence: &Evidence<'_>,
    ) -> Result<()> {
        let incomplete = self.choices.filter(|session, choice| {
            let mut places = choice.copies.iter().filter_map(|(member, _)| self.place(*member));
            places.any(|at| !holders[at].contains(session))
        });
        let mut holders_of: BTreeMap<&SessionKey, Vec<usize>> = BTreeMap::new();
        for (at, sessions) in holders.iter().enumerate() {
            for session in sessions {
                holders_of.entry(session).or_default().push(at);
            }
        }
        for (session, choice) in &incomplete {
            let copies = choice.copies.iter().filter_map(|(member, _)| self.place(*member));
            self.add_unlisted_holders(session, copies.collect(), &mut holders_of)?;
        }
        // A session with new messages may have a copy without a record, which no list of records names.
        let reported = match evidence {
            Evidence::Records => self.choices.reported(),
            Evidence::Single | Evidence::Sets(_) => HashSet::new(),
        };
        for session in &reported {
            let all = (0..self.readers.len()).collect();
            self.add_unlisted_holders(session, all, &mut holders_of)?;
        }
        holders_of.retain(|_, holders| holders.len() > 1);
        if !matches!(evidence, Evidence::Records) {
            self.choices.retain(|session| holders_of.contains_key(session));
        }
        for (session, holders) in holders_of {
            if !self.sessions.0.contains_key(session) {
                self.decide(session, holders, evidence)?;
            }
        }
        self.is_whole_store_decided = true;
        Ok(())
    }

    /// Adds those of the members at these places that have a copy, although the lists do not name it. A
    /// list lacks the sessions of a directory or table that cannot be read.
    fn add_unlisted_holders<'k>(
        &mut self,
        session: &'k SessionKey,
        places: Vec<usize>,
        holders_of: &mut BTreeMap<&'k SessionKey, Vec<usize>>,
    ) -> Result<()> {
        let holders = holders_of.entry(session).or_default();
        for at in places {
            if !holders.contains(&at) && self.readers[at].has_session(session)? {
                holders.push(at);
            }
        }
        holders.sort_unstable();
        Ok(())
    }

    /// Decides the owner of a session that these members have.
    fn decide(
        &mut self,
        session: &SessionKey,
        holders: Vec<usize>,
        evidence: &Evidence<'_>,
    ) -> Result<Rc<Ownership>> {
        let ownership = match holders[..] {
            [] => Ownership::default(),
            [single] => Ownership::of_single(single),
            _ => match self.forced.filter(|forced| holders.contains(forced)) {
                Some(forced) => Ownership { owner: Some(forced), holders, lost: Vec::new() },
                None => match self.known_choice(session, &holders, evidence)? {
                    Some(choice) => self.ownership_by(&choice, holders),
                    None => self.compare(session, holders)?,
                },
            },
        };
        let ownership = Rc::new(ownership);
        self.sessions.0.insert(session.clone(), Rc::clone(&ownership));
        Ok(ownership)
    }

    /// Returns the choice of an earlier transaction, if the evidence says that it is still right.
    fn known_choice(
        &mut self,
        session: &SessionKey,
        holders: &[usize],
        evidence: &Evidence<'_>,
    ) -> Result<Option<Choice>> {
        let Some(choice) = self.choices.get(session) else { return Ok(None) };
        let numbers = holders.iter().map(|at| self.members[*at].0);
        if !choice.copies.iter().map(|(member, _)| *member).eq(numbers) {
            return Ok(None);
        }
        let is_reported =
            matches!(evidence, Evidence::Records) && self.choices.is_reported(session);
        for (at, (_, known)) in holders.iter().zip(&choice.copies) {
            if *known == Some(UNKNOWN_STAMP) {
                return Ok(None);
            }
            let current = match evidence {
                Evidence::Records if !is_reported => continue,
                Evidence::Sets(sets) if sets[*at].is_unchanged => continue,
                Evidence::Sets(sets) => sets[*at].surveyed.get(session).copied(),
                Evidence::Records | Evidence::Single => {
                    let set = self.readers[*at].message_set(session)?;
                    set.map(|set| (set.stamp, set.settled))
                }
            };
            let is_same = match (current, known) {
                (None, None) => true,
                (Some((current, Settled::Settled)), Some(known)) => current == *known,
                _ => false,
            };
            if !is_same {
                return Ok(None);
            }
        }
        Ok(Some(choice))
    }

    /// Converts a choice, which numbers all members, to places among the readers.
    fn ownership_by(&self, choice: &Choice, holders: Vec<usize>) -> Ownership {
        let lost = choice.lost.iter();
        let lost = lost.filter_map(|(member, lost)| Some((self.place(*member)?, *lost)));
        Ownership { owner: self.place(choice.owner), holders, lost: lost.collect() }
    }

    /// Returns the place of a member among the readers, given its number among all members.
    fn place(&self, number: usize) -> Option<usize> {
        self.members.iter().position(|(member, _)| *member == number)
    }

    /// Compares the copies of a session by the rule, and remembers the choice.
    ///
    /// If a copy cannot be read, the choice stays as it was.
    fn compare(&mut self, session: &SessionKey, holders: Vec<usize>) -> Result<Ownership> {
        let mut outlines = Vec::with_capacity(holders.len());
        let mut copies = Vec::with_capacity(holders.len());
        let mut is_settled = true;
        for at in &holders {
            let OutlineRead { outline, set, is_unread } =
                read_outline(&mut *self.readers[*at], session)?;
            if is_unread
                && let Some(choice) = self.choices.get(session)
                && let ownership = self.ownership_by(&choice, holders.clone())
                && ownership.owner.is_some_and(|owner| holders.contains(&owner))
            {
                self.choices.doubt(session);
                return Ok(ownership);
            }
            is_settled &= !is_unread;
            is_settled &= set.is_none_or(|(_, settled)| settled == Settled::Settled);
            outlines.push(outline);
            copies.push((self.members[*at].0, set.map(|(stamp, _)| stamp)));
        }
        let mut newest: Vec<Option<Option<i64>>> = vec![None; holders.len()];
        let readers = &mut self.readers;
        let chosen = choose(&outlines, &mut |at| match newest[at] {
            Some(known) => Ok(known),
            None => {
                let time = newest_message(&mut *readers[holders[at]], session)?;
                newest[at] = Some(time);
                Ok(time)
            }
        })?;
        let lost = lost_messages(&outlines, chosen);
        if is_settled {
            let number = |at: usize| self.members[holders[at]].0;
            let lost = lost.iter().map(|(at, count)| (number(*at), *count)).collect();
            self.choices.insert(session, Choice { owner: number(chosen), copies, lost });
        } else {
            self.choices.doubt(session);
        }
        let lost = lost.into_iter().map(|(at, count)| (holders[at], count)).collect();
        Ok(Ownership { owner: Some(holders[chosen]), holders, lost })
    }
}
