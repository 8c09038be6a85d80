//! Who speaks in a message, in a word or two.

use anstyle::Style;
use scrollback_core_type::{Message, Part};
use scrollback_flow::MessageHydrated;

use crate::style::Styles;

const USER: &str = "user";
const SHELL: &str = "user, shell";
const ASSISTANT: &str = "assistant";
const PROGRAM: &str = "program";
const UNUSABLE: &str = "(unusable message record)";

/// Who speaks: by its role, and in 2.x by the type of its row, as the program puts much on the side
/// of the user, and what the user runs stands on the side of the model.
pub(crate) fn speaker(message: &MessageHydrated<'_>) -> String {
    let kind = row_kind(message);
    let name = match &message.message {
        Some(Message::User(_)) => match kind.as_deref() {
            Some("synthetic") => PROGRAM,
            Some("compaction") if is_automatic(message) => PROGRAM,
            Some(kind @ ("system" | "skill")) => kind,
            _ => USER,
        },
        Some(Message::Assistant(_)) => match kind.as_deref() {
            Some("shell") => SHELL,
            _ => ASSISTANT,
        },
        Some(Message::Unknown(unknown)) => {
            let role = unknown.role.as_ref().map(|role| role.get().into_owned());
            return role.unwrap_or_else(|| "(no role)".to_owned());
        }
        None => UNUSABLE,
    };
    name.to_owned()
}

/// The type of the row that a message was made from, where its record keeps one.
pub(crate) fn row_kind(message: &MessageHydrated<'_>) -> Option<String> {
    let kind = match &message.message {
        Some(Message::User(user)) => user.kind.as_ref(),
        Some(Message::Assistant(answer)) => answer.kind.as_ref(),
        _ => None,
    };
    kind.map(|kind| kind.get().into_owned())
}

/// Whether the program chose to compact, and not the user.
fn is_automatic(message: &MessageHydrated<'_>) -> bool {
    let auto = |part: &Option<Part<'_>>| match part {
        Some(Part::Compaction(part)) => part.auto == Some(true),
        _ => false,
    };
    message.parts.iter().any(|part| auto(&part.part))
}

/// The style of a speaker's name.
pub(crate) fn style(speaker: &str, styles: &Styles) -> Style {
    match speaker {
        USER | SHELL => styles.user,
        ASSISTANT => styles.assistant,
        PROGRAM | "system" | "skill" => styles.strong,
        UNUSABLE => styles.error,
        _ => styles.warn,
    }
}
