//! Names the speaker of a message in one or two words.

use anstyle::Style;
use scrollback_core_type::{Message, Part};
use scrollback_flow::MessageHydrated;

use crate::style::Styles;

const USER: &str = "user";
const SHELL: &str = "user, shell";
const ASSISTANT: &str = "assistant";
const PROGRAM: &str = "program";
const UNUSABLE: &str = "(unusable message record)";

/// Returns the speaker of a message. In 1.x that is its role. In 2.x the type of the row decides as
/// well: the agent program writes some messages with the role of the user, and commands that the user
/// runs have the role of the model.
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

/// Returns the type of the 2.x row that holds a message; `None` for other formats.
pub(crate) fn row_kind(message: &MessageHydrated<'_>) -> Option<String> {
    let kind = match &message.message {
        Some(Message::User(user)) => user.kind.as_ref(),
        Some(Message::Assistant(answer)) => answer.kind.as_ref(),
        _ => None,
    };
    kind.map(|kind| kind.get().into_owned())
}

/// Checks whether the program started a compaction, and not the user.
fn is_automatic(message: &MessageHydrated<'_>) -> bool {
    let auto = |part: &Option<Part<'_>>| match part {
        Some(Part::Compaction(part)) => part.auto == Some(true),
        _ => false,
    };
    message.parts.iter().any(|part| auto(&part.part))
}

/// Returns the style of a speaker's name.
pub(crate) fn style(speaker: &str, styles: &Styles) -> Style {
    match speaker {
        USER | SHELL => styles.user,
        ASSISTANT => styles.assistant,
        PROGRAM | "system" | "skill" => styles.strong,
        UNUSABLE => styles.error,
        _ => styles.warn,
    }
}
