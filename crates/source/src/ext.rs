//! Single calls over any Source, for programs that read one entity or one list.

use scrollback_core_id::{EntityKey, MessageKey, PartKey, ProjectId, Scope, SessionKey};
use scrollback_core_type::{Message, Parse, Parsed, Part, Project, Session, Todo};
use scrollback_stor_mmap::MappedSpan;

use crate::{Entry, Error, Listing, Reader, Result, Source};

/// Parses the bytes of a span, borrowing from it.
///
/// # Errors
/// [`Error::Entity`] if the whole text is unusable. Smaller problems are in [`Parsed::issues`].
pub fn parse_span<'s, T: Parse<'s>>(span: &'s MappedSpan) -> Result<Parsed<T>> {
    Ok(T::parse(span)?)
}

/// Single calls over any [`Source`]. Each call opens its own read transaction. For many calls, open
/// a [`Reader`] once and use it directly.
pub trait SourceExt: Source {
    /// Lists the projects, newest first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened.
    fn list_projects(&self) -> Result<Listing> {
        self.list(&Scope::Projects)
    }

    /// Lists the sessions of all projects, newest first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened.
    fn list_sessions(&self) -> Result<Listing> {
        self.list(&Scope::Sessions)
    }

    /// Lists the messages of a session, in order.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened.
    fn list_messages(&self, session: &SessionKey) -> Result<Listing> {
        self.list(&Scope::Messages(session.clone()))
    }

    /// Lists the names of a message's parts, in order.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened.
    fn list_parts(&self, message: &MessageKey) -> Result<Listing> {
        self.list(&Scope::Parts(message.clone()))
    }

    /// Lists the entities of a scope.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened.
    fn list(&self, scope: &Scope) -> Result<Listing> {
        let mut reader = self.open()?;
        Listing::collect(|visitor| reader.scan(scope, visitor))
    }

    /// Reads one entity, with its order and provenance.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`].
    fn read_entry(&self, key: &EntityKey) -> Result<Entry> {
        read_one(&mut *self.open()?, key)
    }

    /// Reads the bytes of one entity.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the store does not have the entity, [`Error::Entity`] if the entity
    /// cannot be read.
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

    /// Reads a project's record as an owned value.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`]; [`Error::Entity`] also if the text is unusable.
    fn read_project(&self, project: &ProjectId) -> Result<Parsed<Project<'static>>> {
        let span = self.read_span(&project.clone().into())?;
        Ok(parse_span::<Project<'_>>(&span)?.map(Project::into_owned))
    }

    /// Reads a session's record as an owned value.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`]; [`Error::Entity`] also if the text is unusable.
    fn read_session(&self, session: &SessionKey) -> Result<Parsed<Session<'static>>> {
        let span = self.read_session_span(session)?;
        Ok(parse_span::<Session<'_>>(&span)?.map(Session::into_owned))
    }

    /// Reads a message's record as an owned value.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`]; [`Error::Entity`] also if the text is unusable.
    fn read_message(&self, message: &MessageKey) -> Result<Parsed<Message<'static>>> {
        let span = self.read_message_span(message)?;
        Ok(parse_span::<Message<'_>>(&span)?.map(Message::into_owned))
    }

    /// Reads a part as an owned value.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`]; [`Error::Entity`] also if the text is unusable.
    fn read_part(&self, part: &PartKey) -> Result<Parsed<Part<'static>>> {
        let span = self.read_part_span(part)?;
        Ok(parse_span::<Part<'_>>(&span)?.map(Part::into_owned))
    }

    /// Reads a session's todo list as an owned value.
    ///
    /// # Errors
    /// As [`SourceExt::read_span`]; [`Error::Entity`] also if the text is unusable.
    fn read_todo(&self, session: &SessionKey) -> Result<Parsed<Vec<Todo<'static>>>> {
        let span = self.read_todo_span(session)?;
        let todos = parse_span::<Vec<Todo<'_>>>(&span)?;
        Ok(todos.map(|todos| todos.into_iter().map(Todo::into_owned).collect()))
    }
}

impl<S: Source + ?Sized> SourceExt for S {}

/// Reads one entity in an open read transaction.
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
