//! Selects the messages and parts of a session that the model still sees.

use scrollback_core_id::MessageId;
use scrollback_core_type::{Message, Part, Revert};

use crate::hydrate::{MessageHydrated, PartHydrated, SessionHydratedTree};

/// The messages of a session that the model still sees. [`context`] makes it.
#[derive(Debug, Clone)]
pub struct Context<'t, 'a> {
    /// The messages, in order.
    pub messages: Vec<ContextMessage<'t, 'a>>,
    /// The number of earlier messages, which a compaction replaced by a summary.
    pub compacted: usize,
    /// The number of later messages, which a pending revert hides.
    pub reverted: usize,
    /// The number of parts that a pending revert hides in the last of the messages.
    pub reverted_parts: usize,
}

/// A message that the model still sees.
#[derive(Debug, Clone)]
pub struct ContextMessage<'t, 'a> {
    /// The message.
    pub message: &'t MessageHydrated<'a>,
    /// The parts that the model sees: neither reverted nor marked as ignored.
    pub parts: Vec<ContextPart<'t, 'a>>,
}

/// A part of a message that the model still sees.
#[derive(Debug, Clone, Copy)]
pub struct ContextPart<'t, 'a> {
    /// The part.
    pub part: &'t PartHydrated<'a>,
    /// Whether the part is a tool call whose output was pruned. The model sees that the tool ran,
    /// without its output.
    pub pruned: bool,
}

/// Returns what the model still sees of a session: everything from the last completed compaction
/// on, without the messages and parts that a pending revert hides.
///
/// A compaction is a user message with a compaction part. It is complete when an answer to it is a
/// finished summary (source: `docs/format/opencode.md`, section 4).
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{context, run_session_tree_flow};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// run_session_tree_flow(&store, &session, |tree| {
///     let context = context(tree);
///     let total = context.compacted + context.messages.len() + context.reverted;
///     assert_eq!(total, tree.messages.len());
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn context<'t, 'a>(tree: &'t SessionHydratedTree<'a>) -> Context<'t, 'a> {
    let messages = &tree.messages;
    let revert = tree.session.as_ref().and_then(|session| session.revert.as_ref());
    let end = revert
        .and_then(|revert| revert_point(messages, revert))
        .unwrap_or(RevertPoint::after_last(messages));
    let visible = &messages[..end.message + usize::from(end.part.is_some())];
    let start =
        visible.iter().rposition(|message| is_finished_compaction(message, visible)).unwrap_or(0);
    let last = end.part.map(|part| (end.message, part));
    let context = (start..visible.len()).map(|at| {
        let message = &messages[at];
        let kept_parts = match last {
            Some((cut, part)) if cut == at => &message.parts[..part],
            _ => &message.parts[..],
        };
        ContextMessage {
            message,
            parts: kept_parts.iter().filter(|part| is_shown(part)).map(context_part).collect(),
        }
    });
    Context {
        messages: context.collect(),
        compacted: start,
        reverted: messages.len() - visible.len(),
        reverted_parts: last.map_or(0, |(at, part)| messages[at].parts.len() - part),
    }
}

/// The place where a revert begins: the first message that is hidden, or the message whose parts
/// are hidden from `part` on.
struct RevertPoint {
    message: usize,
    part: Option<usize>,
}

impl RevertPoint {
    fn after_last(messages: &[MessageHydrated<'_>]) -> Self {
        Self { message: messages.len(), part: None }
    }
}

fn revert_point(messages: &[MessageHydrated<'_>], revert: &Revert<'_>) -> Option<RevertPoint> {
    let id = revert.message_id.as_ref()?;
    let message = messages.iter().position(|message| message.node.key.message == *id)?;
    let part = revert
        .part_id
        .as_ref()
        .and_then(|id| messages[message].parts.iter().position(|part| part.node.key.part == *id));
    Some(RevertPoint { message, part })
}

/// Checks whether this message asked for a compaction whose summary is finished: the model then
/// starts reading here.
fn is_finished_compaction(message: &MessageHydrated<'_>, visible: &[MessageHydrated<'_>]) -> bool {
    let compacts = message.parts.iter().any(|part| matches!(part.part, Some(Part::Compaction(_))));
    compacts && visible.iter().any(|answer| is_summary_of(answer, &message.node.key.message))
}

fn is_summary_of(answer: &MessageHydrated<'_>, prompt: &MessageId) -> bool {
    let Some(Message::Assistant(answer)) = &answer.message else { return false };
    answer.summary == Some(true)
        && answer.finish.is_some()
        && answer.parent_id.as_ref() == Some(prompt)
}

fn is_shown(part: &PartHydrated<'_>) -> bool {
    !matches!(&part.part, Some(Part::Text(text)) if text.ignored == Some(true))
}

fn context_part<'t, 'a>(part: &'t PartHydrated<'a>) -> ContextPart<'t, 'a> {
    let pruned = match &part.part {
        Some(Part::Tool(call)) => call.state.as_ref().is_some_and(|state| state.is_pruned()),
        _ => false,
    };
    ContextPart { part, pruned }
}
