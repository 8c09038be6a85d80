//! One look at all stores: whatever is about a session is asked of the store that it is of.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, MessageKey, Scope, SessionKey};
use scrollback_source::{
    Each, EachLent, EachSeen, Entry, Found, Listing, Reader, Result, ResumeToken, Resumed, Source,
    Survey, lend_scanned,
};
use scrollback_stor_mmap::MappedSpan;

use super::MergedSource;
use super::lists::too;
use super::own::{Owners, holder};

pub(super) struct MergedLook<'s> {
    source: &'s MergedSource,
    pub(super) members: Vec<&'s Arc<dyn Source>>,
    pub(super) owners: Owners<'s>,
    diffs: Option<Box<dyn Reader + 's>>,
}

impl<'s> MergedLook<'s> {
    pub(super) fn open(source: &'s MergedSource) -> Result<Self> {
        let members: Vec<&Arc<dyn Source>> = source.members().collect();
        let readers = members.iter().map(|member| member.open()).collect::<Result<Vec<_>>>()?;
        // A store of diffs need not be there: it comes with the first.
        let diffs = source.diffs.as_ref().and_then(|diffs| diffs.open().ok());
        Ok(Self { source, members, owners: Owners::new(readers), diffs })
    }

    pub(super) fn locate(&mut self, key: &EntityKey) -> Option<PathBuf> {
        let owner = match key {
            EntityKey::Session(of) | EntityKey::Todo(of) | EntityKey::Share(of) => {
                self.owners.of(of).ok()?
            }
            EntityKey::Message(of) => self.owners.of(&of.session.clone().into()).ok()?,
            EntityKey::Item(of) => self.owners.of(&of.session.clone().into()).ok()?,
            _ => 0,
        };
        self.members[owner].locate(key)
    }

    fn span(&mut self, key: &EntityKey, each: &mut Each<'_>) -> Result<ControlFlow<()>> {
        let only = match key {
            EntityKey::Session(of) | EntityKey::Todo(of) | EntityKey::Share(of) => {
                Some(self.owners.of(of)?)
            }
            EntityKey::Message(of) => Some(self.owners.of(&of.session.clone().into())?),
            EntityKey::Item(of) => Some(self.owners.of(&of.session.clone().into())?),
            EntityKey::Part(of) => self.owners.of_known_message(&of.message),
            EntityKey::Diff(of) => return self.diff(of, each),
            _ => None,
        };
        let from = only.unwrap_or(0);
        let to = only.map_or(self.members.len(), |only| only + 1);
        let mut vanished = None;
        for at in from..to {
            let listing = self.one(at, key)?;
            for mut entry in listing.entries {
                if self.owners.counts(at, &entry)? {
                    if matches!(key, EntityKey::Session(_)) {
                        self.say_where(at, &mut entry)?;
                    }
                    return Ok(each(Found::Entry(entry)));
                }
            }
            for (about, issue) in listing.issues {
                if !issue.is_vanished() {
                    return Ok(each(Found::Issue(about, issue)));
                }
                vanished.get_or_insert(issue);
            }
        }
        let issue = vanished.unwrap_or_else(|| Issue::new(Place::default(), IssueKind::Vanished));
        Ok(each(Found::Issue(Some(key.clone()), issue)))
    }

    /// The diffs of a session: of its own store, else of any that has them, as a database keeps
    /// them in files.
    fn diff(&mut self, of: &SessionKey, each: &mut Each<'_>) -> Result<ControlFlow<()>> {
        let key = EntityKey::Diff(of.clone());
        let mut last = Issue::new(Place::default(), IssueKind::Vanished);
        let readers = self.owners.readers.iter_mut().chain(&mut self.diffs);
        for reader in readers {
            let listing = Listing::collect(|each| reader.spans(std::slice::from_ref(&key), each))?;
            if let Some(entry) = listing.entries.into_iter().next() {
                return Ok(each(Found::Entry(entry)));
            }
            if let Some((_, issue)) = listing.issues.into_iter().find(|it| !it.1.is_vanished()) {
                last = issue;
            }
        }
        Ok(each(Found::Issue(Some(key), last)))
    }

    /// Says of a session which store it is of, and which have it too.
    fn say_where(&mut self, owner: usize, entry: &mut Entry) -> Result<()> {
        entry.origin = Some(self.members[owner].id().clone());
        for at in owner + 1..self.members.len() {
            for other in self.one(at, &entry.key)?.entries {
                too(entry, at, &other);
            }
        }
        Ok(())
    }

    /// Asks the store that a session is of. Of its record is said which stores have it too.
    fn of_owner<T>(
        &mut self,
        session: &SessionKey,
        each: &mut Each<'_>,
        ask: impl FnOnce(&mut dyn Reader, &mut Each<'_>) -> Result<T>,
    ) -> Result<T> {
        let owner = self.owners.of(session)?;
        let key = EntityKey::Session(session.clone());
        let mut others = Vec::new();
        for at in owner + 1..self.members.len() {
            others.extend(self.one(at, &key)?.entries.into_iter().map(|entry| (at, entry)));
        }
        let origin = self.members[owner].id();
        ask(&mut *self.owners.readers[owner], &mut |found| {
            each(match found {
                Found::Entry(mut entry) if matches!(entry.key, EntityKey::Session(_)) => {
                    entry.origin = Some(origin.clone());
                    others.iter().for_each(|(at, other)| too(&mut entry, *at, other));
                    Found::Entry(entry)
                }
                other => other,
            })
        })
    }

    fn one(&mut self, at: usize, key: &EntityKey) -> Result<Listing> {
        let reader = &mut self.owners.readers[at];
        Listing::collect(|each| reader.spans(std::slice::from_ref(key), each))
    }

    /// The keys of `keys[from..]` that one store is to be asked for in one call, and that store.
    fn run(&mut self, keys: &[EntityKey]) -> Result<Option<(usize, usize)>> {
        let mut owner = None;
        for (at, key) in keys.iter().enumerate() {
            let this = match key {
                EntityKey::Message(of) => Some(self.owners.of(&of.session.clone().into())?),
                EntityKey::Part(of) => self.owners.of_known_message(&of.message),
                _ => None,
            };
            match (this, owner) {
                (Some(this), None) => owner = Some(this),
                (Some(this), Some(of)) if this == of => {}
                _ => return Ok(owner.map(|owner| (owner, at))),
            }
        }
        Ok(owner.map(|owner| (owner, keys.len())))
    }

    fn part_sets(&mut self, of: &[MessageKey], each: &mut EachSeen<'_>) -> Result<()> {
        let mut rest = of;
        while let Some(first) = rest.first() {
            let session = SessionKey::from(first.session.clone());
            let same = rest.iter().take_while(|key| key.session == first.session).count();
            let (now, after) = rest.split_at(same);
            for key in now {
                self.owners.of_message(&key.message, &session)?;
            }
            let owner = self.owners.of(&session)?;
            let mut over = false;
            self.owners.readers[owner].survey(&Survey::PartSets(now), &mut |seen| {
                let flow = each(seen);
                over = flow.is_break();
                flow
            })?;
            if over {
                return Ok(());
            }
            rest = after;
        }
        Ok(())
    }
}

impl Reader for MergedLook<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.source.clock()
    }

    fn scan(&mut self, scope: &Scope, each: &mut Each<'_>) -> Result<()> {
        match scope {
            Scope::Messages(of) | Scope::MessageNames(of) | Scope::Items(of) => {
                let owner = self.owners.of(of)?;
                self.owners.readers[owner].scan(scope, each)
            }
            Scope::Parts(of) => {
                let session = SessionKey::from(of.session.clone());
                let owner = self.owners.of_message(&of.message, &session)?;
                self.owners.readers[owner].scan(scope, each)
            }
            Scope::AllParts => self.all_parts(each),
            _ => {
                let Listing { entries, issues, .. } = self.merge(scope)?;
                let issues = issues.into_iter().map(|(key, issue)| Found::Issue(key, issue));
                let _ = issues.chain(entries.into_iter().map(Found::Entry)).try_for_each(each);
                Ok(())
            }
        }
    }

    fn lend(&mut self, scope: &Scope, each: &mut EachLent<'_>) -> Result<()> {
        match scope {
            Scope::Messages(of) => {
                let owner = self.owners.of(of)?;
                self.owners.readers[owner].lend(scope, each)
            }
            _ => lend_scanned(self, scope, each),
        }
    }

    fn survey(&mut self, what: &Survey<'_>, each: &mut EachSeen<'_>) -> Result<()> {
        let owner = match what {
            Survey::Messages(of) | Survey::TheseMessages(of, _) => self.owners.of(of)?,
            Survey::Parts(of) => self.owners.of_message(&of.message, &of.session.clone().into())?,
            Survey::PartSets(of) => return self.part_sets(of, each),
            _ => {
                let _ = self.merge_survey(what)?.into_iter().try_for_each(each);
                return Ok(());
            }
        };
        self.owners.readers[owner].survey(what, each)
    }

    fn spans(&mut self, keys: &[EntityKey], each: &mut Each<'_>) -> Result<()> {
        let mut rest = keys;
        while let Some(first) = rest.first() {
            let mut over = false;
            let taken = match self.run(rest)? {
                Some((owner, count)) => {
                    self.owners.readers[owner].spans(&rest[..count], &mut |found| {
                        let flow = each(found);
                        over = flow.is_break();
                        flow
                    })?;
                    count
                }
                None => {
                    over = self.span(first, each)?.is_break();
                    1
                }
            };
            if over {
                break;
            }
            rest = &rest[taken..];
        }
        Ok(())
    }

    fn tree(&mut self, session: &SessionKey, each: &mut Each<'_>) -> Result<()> {
        self.of_owner(session, each, |reader, each| reader.tree(session, each))
    }

    /// Of the store that the session is of. The token of another is refused by that one.
    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        each: &mut Each<'_>,
    ) -> Result<Resumed> {
        self.of_owner(session, each, |reader, each| reader.resume(session, since, each))
    }

    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        let owner = match key {
            EntityKey::Message(of) => Some(self.owners.of(&of.session.clone().into())?),
            EntityKey::Item(of) => Some(self.owners.of(&of.session.clone().into())?),
            EntityKey::Part(of) => self.owners.of_known_message(&of.message),
            _ => return Ok(None),
        };
        let from = owner.unwrap_or(0);
        let to = owner.map_or(self.members.len(), |owner| owner + 1);
        for reader in &mut self.owners.readers[from..to] {
            if let Some(raw) = reader.raw(key)? {
                return Ok(Some(raw));
            }
        }
        Ok(None)
    }

    fn native(&mut self, session: &SessionKey) -> Result<Option<MappedSpan>> {
        let owner = self.owners.of(session)?;
        self.owners.readers[owner].native(session)
    }

    fn holds(&mut self, session: &SessionKey) -> Result<bool> {
        let owner = self.owners.of(session)?;
        self.owners.readers[owner].holds(session)
    }

    fn orphans(&mut self, each: &mut Each<'_>) -> Result<()> {
        for at in 0..self.members.len() {
            let listing = Listing::collect(|each| self.owners.readers[at].orphans(each))?;
            for (key, issue) in listing.issues {
                if self.is_told(at, key.as_ref())? && each(Found::Issue(key, issue)).is_break() {
                    return Ok(());
                }
            }
            for entry in listing.entries {
                if self.owners.counts(at, &entry)? && each(Found::Entry(entry)).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl MergedLook<'_> {
    fn all_parts(&mut self, each: &mut Each<'_>) -> Result<()> {
        for at in 0..self.members.len() {
            let (before, rest) = self.owners.readers.split_at_mut(at);
            let mut hidden: HashMap<SessionKey, bool> = HashMap::new();
            let (mut over, mut failed) = (false, Ok(()));
            let mut counts = |found: &Found| -> Result<bool> {
                let Some(session) = session_of(found) else { return Ok(true) };
                if let Some(hidden) = hidden.get(&session) {
                    return Ok(!hidden);
                }
                let is_hidden = holder(before, &session)?.is_some();
                hidden.insert(session, is_hidden);
                Ok(!is_hidden)
            };
            rest[0].scan(&Scope::AllParts, &mut |found| {
                let flow = match counts(&found) {
                    Ok(true) => each(found),
                    Ok(false) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Err(error);
                        ControlFlow::Break(())
                    }
                };
                over = flow.is_break();
                flow
            })?;
            failed?;
            if over {
                break;
            }
        }
        Ok(())
    }
}

fn session_of(found: &Found) -> Option<SessionKey> {
    match found {
        Found::Entry(entry) => super::own::session_of(entry),
        _ => None,
    }
}
