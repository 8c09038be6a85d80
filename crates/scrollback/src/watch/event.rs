//! An event of a store, and the prompt text of a new prompt.

use scrollback_core_type::{LazyStr, Parse, Part, Role, TextPart};
use scrollback_index::View;
use scrollback_watch::{ChangeKind, Subject};

use super::cursor::StoreCursor;

/// A change in one of the roots of a store.
#[derive(Debug, Clone)]
pub struct Event {
    /// The position of the root in [`Store::roots`](crate::Store::roots).
    pub root: usize,
    /// The cursor after this event. [`WatchBuilder::since`](crate::WatchBuilder::since) continues there.
    /// `None` until the first root has sent its whole state.
    pub cursor: Option<StoreCursor>,
    /// The kind of the change.
    pub change: ChangeKind,
    /// The session, message, part or project that changed.
    pub subject: Subject,
    prompt: Option<String>,
}

impl Event {
    pub(super) fn new(
        root: usize,
        cursor: Option<StoreCursor>,
        event: scrollback_watch::Event,
        view: impl FnOnce() -> View,
    ) -> Self {
        let scrollback_watch::Event { kind: change, subject, .. } = event;
        let prompt = prompt_text(change, &subject, view);
        Self { root, cursor, change, subject, prompt }
    }

    /// Returns the text that the user typed, if the event is a new prompt.
    pub fn prompt(&self) -> Option<&str> {
        self.prompt.as_deref()
    }
}

/// Returns the text of a new part of a user message, unless the agent program wrote the part.
fn prompt_text(
    change: ChangeKind,
    subject: &Subject,
    view: impl FnOnce() -> View,
) -> Option<String> {
    let Subject::Part { message, span: Some(span), .. } = subject else { return None };
    if change != ChangeKind::Created {
        return None;
    }
    let Ok(Part::Text(part)) = Part::parse(span).map(|parsed| parsed.value) else { return None };
    let TextPart { text: Some(text), synthetic, .. } = &*part else { return None };
    let role = view().message_by_key(message)?.role;
    let is_prompt = role == Role::User && *synthetic != Some(true);
    is_prompt.then(|| LazyStr::get(text).into_owned())
}
