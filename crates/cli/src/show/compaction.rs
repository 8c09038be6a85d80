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
        return "compaction, not begun: what comes before is to be summed up";
    };
    let has_ended = summary.time.as_ref().is_some_and(|time| time.completed.is_some());
    if summary.finish.is_some() {
        "compaction, done: what comes before is summed up below"
    } else if summary.error.is_some() || has_ended {
        "compaction, failed: what comes before is not summed up"
    } else {
        "compaction, running: what comes before is being summed up"
    }
}
