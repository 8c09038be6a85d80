//! What the program derives from the messages of a session: their pages, and its title.

use super::model::{ContentPart, Message, PageKind, Role, Session};

/// Returns the page of each message. Constraints, plans and preferences are marked by hand only, so a
/// new classification loses them.
pub fn classify_all(messages: &[Message]) -> Vec<PageKind> {
    let is_result = |part: &ContentPart| matches!(part, ContentPart::ToolResult { .. });
    let page = |message: &Message| match message.role {
        Role::System | Role::Developer => PageKind::Bootstrap,
        Role::Tool => PageKind::Evidence,
        _ if message.content.iter().any(is_result) => PageKind::Evidence,
        _ => PageKind::Conversation,
    };
    messages.iter().map(page).collect()
}

/// Classifies the messages again if a session has another number of pages than of messages.
pub fn normalize_sidecars(session: &mut Session) {
    if session.pages.len() != session.messages.len() {
        session.pages = classify_all(&session.messages);
    }
}

/// Returns the title that the program makes of the first message of the user: its texts, cut to 47
/// characters. `None` without such a message.
pub fn generate_title(messages: &[Message]) -> Option<String> {
    /// The number of characters that a title keeps.
    const MAX: usize = 47;
    let message = messages.iter().find(|message| message.role == Role::User)?;
    let text = |part: &ContentPart| match part {
        ContentPart::Text { text } => Some(text.clone()),
        _ => None,
    };
    let texts: Vec<String> = message.content.iter().filter_map(text).collect();
    let whole = texts.join(" ");
    match whole.char_indices().nth(MAX) {
        Some((end, _)) => Some(format!("{}...", &whole[..end])),
        None => Some(whole),
    }
}
