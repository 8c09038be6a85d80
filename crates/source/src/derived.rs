//! The provided methods of a reader, made of the required ones.

use std::collections::HashSet;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::slice;

use scrollback_core_id::{EntityKey, MessageId, Scope, SessionKey};

use crate::{Each, Entry, Found, Listing, Reader, Result, Seen, Survey};

/// [`Reader::tree`].
pub(crate) fn tree<R: Reader + ?Sized>(
    reader: &mut R,
    session: &SessionKey,
    each: &mut Each<'_>,
) -> Result<()> {
    let key = EntityKey::Session(session.clone());
    let record = Listing::collect(|each| reader.spans(slice::from_ref(&key), each))?;
    let messages = Listing::collect(|each| reader.scan(&Scope::Messages(session.clone()), each))?;
    let items = Listing::collect(|each| reader.scan(&Scope::Items(session.clone()), each))?;
    // A session of which nothing is there is no issue.
    let of_record = record.issues.into_iter().filter(|(_, issue)| !issue.is_vanished());
    let mut found = of_record
        .chain(messages.issues)
        .chain(items.issues)
        .map(|(key, issue)| Found::Issue(key, issue))
        .chain(record.entries.into_iter().map(Found::Entry));
    if found.try_for_each(&mut *each).is_break() {
        return Ok(());
    }
    let mut items = items.entries.into_iter().peekable();
    for message in messages.entries {
        let EntityKey::Message(key) = &message.key else { continue };
        let scope = Scope::Parts(key.clone());
        let names = Listing::collect(|each| reader.scan(&scope, each))?;
        let keys: Vec<EntityKey> = names.entries.iter().map(|part| part.key.clone()).collect();
        let parts = match keys.is_empty() {
            true => Listing::default(),
            false => Listing::collect(|each| reader.spans(&keys, each))?,
        };
        let issues = names.issues.into_iter().chain(parts.issues);
        let mut found = issues
            .map(|(key, issue)| Found::Issue(key, issue))
            .chain(before(&mut items, &message))
            .chain([Found::Entry(message)])
            .chain(in_order(parts.entries, &names.entries).map(Found::Entry));
        if found.try_for_each(&mut *each).is_break() {
            return Ok(());
        }
    }
    let _ = items.map(Found::Entry).try_for_each(each);
    Ok(())
}

/// The items that happened before a message.
fn before(items: &mut Peekable<impl Iterator<Item = Entry>>, message: &Entry) -> Vec<Found> {
    let next = || items.next_if(|item| item.order < message.order).map(Found::Entry);
    std::iter::from_fn(next).collect()
}

/// Parts that were read, each with the order that its name was listed with.
fn in_order(read: Vec<Entry>, names: &[Entry]) -> impl Iterator<Item = Entry> {
    let mut names = names.iter();
    read.into_iter().map(move |part| {
        // They come as they were asked for; some may be missing.
        let name = names.find(|name| name.key == part.key);
        Entry { order: name.map_or(part.order, |name| name.order), ..part }
    })
}

/// [`Reader::holds`].
pub(crate) fn holds<R: Reader + ?Sized>(reader: &mut R, session: &SessionKey) -> Result<bool> {
    let mut there = false;
    let key = EntityKey::Session(session.clone());
    reader.spans(slice::from_ref(&key), &mut |found| {
        there |= match found {
            Found::Entry(_) => true,
            Found::Issue(_, issue) => !issue.is_vanished(), // there, and unreadable
            Found::Set(_) => false,
        };
        ControlFlow::Continue(())
    })?;
    if !there {
        reader.scan(&Scope::MessageNames(session.clone()), &mut |found| match found {
            Found::Entry(_) => {
                there = true;
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })?;
    }
    Ok(there)
}

/// [`Reader::orphans`].
pub(crate) fn orphans<R: Reader + ?Sized>(reader: &mut R, each: &mut Each<'_>) -> Result<()> {
    for session in sets(reader, &Survey::LostSets)? {
        if without_sets(reader, &Scope::Messages(session), each)?.is_break() {
            return Ok(());
        }
    }
    let mut messages: HashSet<MessageId> = HashSet::new();
    for session in sets(reader, &Survey::MessageSets)? {
        reader.scan(&Scope::MessageNames(session), &mut |found| {
            if let Found::Entry(Entry { key: EntityKey::Message(key), .. }) = found {
                messages.insert(key.message);
            }
            ControlFlow::Continue(())
        })?;
    }
    reader.scan(&Scope::AllParts, &mut |found| match &found {
        Found::Entry(Entry { key: EntityKey::Part(key), .. })
            if !messages.contains(&key.message) =>
        {
            each(found)
        }
        Found::Issue(Some(EntityKey::Part(key)), _) if !messages.contains(&key.message) => {
            each(found)
        }
        _ => ControlFlow::Continue(()),
    })
}

/// The sessions whose sets a survey comes to. What is wrong with others is told by a refresh.
fn sets<R: Reader + ?Sized>(reader: &mut R, what: &Survey<'_>) -> Result<Vec<SessionKey>> {
    let mut sessions = Vec::new();
    reader.survey(what, &mut |seen| {
        if let Seen::Sighting(sighting) = seen
            && let EntityKey::Session(key) = sighting.key
        {
            sessions.push(key);
        }
        ControlFlow::Continue(())
    })?;
    Ok(sessions)
}

/// What a scan hands out but the set: several are walked, and none is what the caller asked for.
fn without_sets<R: Reader + ?Sized>(
    reader: &mut R,
    scope: &Scope,
    each: &mut Each<'_>,
) -> Result<ControlFlow<()>> {
    let mut flow = ControlFlow::Continue(());
    reader.scan(scope, &mut |found| {
        if !matches!(found, Found::Set(_)) {
            flow = each(found);
        }
        flow
    })?;
    Ok(flow)
}
