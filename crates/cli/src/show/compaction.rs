//! Describes the outcome of a compaction.

use scrollback_core_id::MessageId;
use scrollback_core_type::Message;
use scrollback_flow::SessionHydratedTree;

/// Returns the outcome of the compaction that a message requests, by the summary that answers it. It is
/// done if the summary has a finish reason: the same rule as in `scrollback_flow::context`.
pub(super) fn compaction_outcome(
    tree: &SessionHydratedTree<'_>,
    request: &MessageId,
) -> &'static str {
    let summary = tree.messages.iter().rev().find_map(|message| match &message.message {
        Some(Message::Assistant(answer))
            if answer.summary == Some(true) && answer.parent_id.as_ref() == Some(request) =>
        {
            Some(answer)
        }
        _ => None,
    });
    let Some(summary) = summary else {
        return "compaction, not begun: the messages before it are to be summarized";
    };
    let has_ended = summary.time.as_ref().is_some_and(|time| time.completed.is_some());
    if summary.finish.is_some() {
        "compaction, done: the messages before it are summarized below"
    } else if summary.error.is_some() || has_ended {
        "compaction, failed: the messages before it are not summarized"
    } else {
        "compaction, running: the messages before it are being summarized"
    }
}
