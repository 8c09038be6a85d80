//! An event of a store.

use scrollback_core_type::{LazyStr, Parse, Part, Role, TextPart};
use scrollback_index::View;
use scrollback_watch::{ChangeKind, Subject};

use super::cursor::StoreCursor;

/// Something that happened in one of the roots of a store.
#[derive(Debug, Clone)]
pub struct Event {
    /// Which of [`Store::roots`](crate::Store::roots).
    pub root: usize,
    /// The position behind this event. [`WatchBuilder::since`](crate::WatchBuilder::since) continues
    /// there. None until the first root has sent its whole state.
    pub cursor: Option<StoreCursor>,
    /// What happened.
    pub change: ChangeKind,
    /// To what.
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

    /// The text that a user typed, if the event is that a prompt came.
    pub fn prompt(&self) -> Option<&str> {
        self.prompt.as_deref()
    }
}

/// The text of a new part of a user's message, unless the agent wrote it for the user.
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
