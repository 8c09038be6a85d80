//! What a look answers: every question of [`Reader`], handed to the module that walks for it.

use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey};

use crate::look::{FileLook, Note};
use crate::survey::Hand;
use scrollback_source::{Each, EachSeen, Entry, Found, Reader, Survey};

impl FileLook<'_> {
    /// Walks something as it is from now on, and hands out what is found: the set that was listed,
    /// issues, entries.
    fn walk<Entries: IntoIterator<Item = Entry>>(
        &mut self,
        each: &mut Each<'_>,
        walk: impl FnOnce(&mut Self, &mut Note<'_>) -> Entries,
    ) -> scrollback_source::Result<()> {
        self.begin();
        let mut issues = Vec::new();
        self.set = None;
        let entries = walk(self, &mut |key, issue| issues.push(Found::Issue(key, issue)));
        let set = self.set.take().map(Found::Set);
        // Entries are made as they are handed out: each is large, and many are but a name.
        let entries = entries.into_iter().map(Found::Entry);
        let _ = set.into_iter().chain(issues).chain(entries).try_for_each(each);
        Ok(())
    }
}

impl Reader for FileLook<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        match scope {
            Scope::Projects => self.walk(each, Self::projects),
            Scope::Sessions => self.walk(each, |look, note| look.sessions(None, note)),
            Scope::Project(id) => self.walk(each, |look, note| look.sessions(Some(id), note)),
            Scope::Messages(of) => self.walk(each, |look, note| look.messages(of, note)),
            Scope::MessageNames(of) => self.walk(each, |look, note| look.name_messages(of, note)),
            Scope::Parts(of) => self.walk(each, |look, note| look.parts(of, note)),
            Scope::AllParts => self.all_parts(each),
            _ => Ok(()),
        }
    }

    fn survey(
        &mut self,
        what: &Survey<'_>,
        each: &mut EachSeen<'_>,
    ) -> scrollback_source::Result<()> {
        self.begin();
        self.walk_over(what, &mut Hand::new(each));
        Ok(())
    }

    fn spans(&mut self, keys: &[EntityKey], each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.walk(each, |look, note| look.entities(keys, note))
    }

    fn tree(&mut self, session: &SessionKey, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.walk(each, |look, note| look.whole(session, note))
    }

    fn holds(&mut self, session: &SessionKey) -> scrollback_source::Result<bool> {
        self.begin();
        Ok(self.has_session(session))
    }

    fn orphans(&mut self, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.walk(each, Self::lost)
    }
}
