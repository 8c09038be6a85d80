//! The views of a session's messages: one Markdown file per message, which the program makes anew each
//! time.

use std::path::{Path, PathBuf};

use super::model::{ContentPart, Message, Role, Session};

/// Returns the directory of the views of a session, in a data directory.
pub fn history_dir_for_session(data_dir: &Path, session: &Session) -> PathBuf {
    data_dir.join("history").join(&session.id)
}

/// Returns the path of the view of a message, which is counted from 0.
pub fn format_turn_path(history_dir: &Path, turn: usize, role: Role) -> PathBuf {
    let role = match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
        Role::Developer => "developer",
    };
    history_dir.join(format!("turn-{turn:04}-{role}.md"))
}

/// Returns the text of the view of a message. An empty part leaves no blank line behind it, if it
/// is the first.
pub fn render_turn(message: &Message) -> String {
    let mut text = String::new();
    for part in &message.content {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&match part {
            ContentPart::Text { text } => text.clone(),
            ContentPart::ToolResult { tool_call_id, content } => {
                format!("[tool_result tool_call_id={tool_call_id}]\n{content}")
            }
            ContentPart::ToolCall { name, arguments, .. } => {
                format!("[tool_call {name}]\n{arguments}")
            }
            ContentPart::Image { url, .. } => format!("[image {url}]"),
            ContentPart::File { path, .. } => format!("[file {path}]"),
            ContentPart::Thinking { text, .. } => format!("[thinking]\n{text}"),
        });
    }
    text
}
