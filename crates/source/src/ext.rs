//! Single calls over any Source, for those who want one thing and not a flow.

use scrollback_core_id::{EntityKey, MessageKey, PartKey, ProjectId, Scope, SessionKey};
use scrollback_core_type::{Message, Parse, Parsed, Part, Project, Session, Todo};
use scrollback_stor_mmap::MappedSpan;

use crate::{Entry, Error, Listing, Reader, Result, Source};

/// Parses the bytes of a span, borrowing from it.
///
/// # Errors
/// [`Error::Entity`] if the whole text is unusable; less is in [`Parsed::issues`].
pub fn parse_span<'s, T: Parse<'s>>(span: &'s MappedSpan) -> Result<Parsed<T>> {
    Ok(T::parse(span)?)
}

/// Single calls over any [`Source`]. Each opens a look of its own; for many calls at once, open a
/// [`Reader`].
pub trait SourceExt: Source {
    /// Lists the projects, newest first.
    ///
    /// # Errors
    /// If the store cannot be opened.
    fn list_projects(&self) -> Result<Listing> {
        self.list(&Scope::Projects)
    }

    /// Lists the sessions of all projects, newest first.
    ///
    /// # Errors
    /// If the store cannot be opened.
    fn list_sessions(&self) -> Result<Listing> {
        self.list(&Scope::Sessions)
    }

    /// Lists the messages of a session, in order.
    ///
    /// # Errors
    /// If the store cannot be opened.
    fn list_messages(&self, session: &SessionKey) -> Result<Listing> {
        self.list(&Scope::Messages(session.clone()))
    }

    /// Lists the names of a message's parts, in order.
    ///
    /// # Errors
    /// If the store cannot be opened.
    fn list_parts(&self, message: &MessageKey) -> Result<Listing> {
        self.list(&Scope::Parts(message.clone()))
    }

    /// Lists what a scope holds.
    ///
    /// # Errors
    /// If the store cannot be opened.
    fn list(&self, scope: &Scope) -> Result<Listing> {
        let mut reader = self.open()?;
        Listing::collect(|visitor| reader.scan(scope, visitor))
    }

    /// Reads one entity, with what the store says of it besides its bytes.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_entry(&self, key: &EntityKey) -> Result<Entry> {
        read_one(&mut *self.open()?, key)
    }

    /// Reads the bytes of one entity.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not there, [`Error::Entity`] if it cannot be read.
    fn read_span(&self, key: &EntityKey) -> Result<MappedSpan> {
        Ok(self.read_entry(key)?.span.unwrap_or_default())
    }

    /// Reads the bytes of a session's record.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_session_span(&self, session: &SessionKey) -> Result<MappedSpan> {
        self.read_span(&session.clone().into())
    }

    /// Reads the bytes of a message's record.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_message_span(&self, message: &MessageKey) -> Result<MappedSpan> {
        self.read_span(&message.clone().into())
    }

    /// Reads the bytes of a part.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_part_span(&self, part: &PartKey) -> Result<MappedSpan> {
        self.read_span(&part.clone().into())
    }

    /// Reads the bytes of a session's diffs.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_diff_span(&self, session: &SessionKey) -> Result<MappedSpan> {
        self.read_span(&EntityKey::Diff(session.clone()))
    }

    /// Reads the bytes of a session's todo list.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_todo_span(&self, session: &SessionKey) -> Result<MappedSpan> {
        self.read_span(&EntityKey::Todo(session.clone()))
    }

    /// Reads a project's record, owned.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`], or if the text is unusable.
    fn read_project(&self, project: &ProjectId) -> Result<Parsed<Project<'static>>> {
        let span = self.read_span(&project.clone().into())?;
        Ok(parse_span::<Project<'_>>(&span)?.map(Project::into_owned))
    }

    /// Reads a session's record, owned.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`], or if the text is unusable.
    fn read_session(&self, session: &SessionKey) -> Result<Parsed<Session<'static>>> {
        let span = self.read_session_span(session)?;
        Ok(parse_span::<Session<'_>>(&span)?.map(Session::into_owned))
    }

    /// Reads a message's record, owned.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`], or if the text is unusable.
    fn read_message(&self, message: &MessageKey) -> Result<Parsed<Message<'static>>> {
        let span = self.read_message_span(message)?;
        Ok(parse_span::<Message<'_>>(&span)?.map(Message::into_owned))
    }

    /// Reads a part, owned.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`], or if the text is unusable.
    fn read_part(&self, part: &PartKey) -> Result<Parsed<Part<'static>>> {
        let span = self.read_part_span(part)?;
        Ok(parse_span::<Part<'_>>(&span)?.map(Part::into_owned))
    }

    /// Reads a session's todo list, owned.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`], or if the text is unusable.
    fn read_todo(&self, session: &SessionKey) -> Result<Parsed<Vec<Todo<'static>>>> {
        let span = self.read_todo_span(session)?;
        let todos = parse_span::<Vec<Todo<'_>>>(&span)?;
        Ok(todos.map(|todos| todos.into_iter().map(Todo::into_owned).collect()))
    }
}

impl<S: Source + ?Sized> SourceExt for S {}

/// Reads one entity in a look that is open.
fn read_one(reader: &mut dyn Reader, key: &EntityKey) -> Result<Entry> {
    let listing = Listing::collect(|visitor| reader.spans(std::slice::from_ref(key), visitor))?;
    if let Some(entry) = listing.entries.into_iter().find(|entry| entry.span.is_some()) {
        return Ok(entry);
    }
    let issue = listing
        .issues
        .into_iter()
        .map(|(_, issue)| issue)
        .find(|issue| !matches!(issue.kind, scrollback_core_err::IssueKind::Vanished));
    Err(issue.map_or_else(|| Error::NotFound(key.clone()), |issue| Box::new(issue).into()))
}
