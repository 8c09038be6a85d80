//! What a session used.

use scrollback_core_type::{Message, Tokens};
use scrollback_index::{Counted, TokenCounts, Usage};

use crate::hydrate::SessionHydratedTree;

/// What a session used, without its subagents, by the rules of `docs/format/opencode-v2.md`,
/// section 7: what its record counts, where that counts all of it ([`Usage::or_counted`]), else the
/// sum of its answers. What a fork copied was used by its source.
pub fn usage(tree: &SessionHydratedTree<'_>) -> Usage {
    let mut usage = Usage { messages: tree.messages.len() as u64, ..Usage::default() };
    for message in &tree.messages {
        if let Some(Message::Assistant(answer)) = &message.message
            && !message.node.key.message.is_fork_copy()
        {
            usage.tokens += answer.tokens.as_ref().map(counts).unwrap_or_default();
            usage.cost += answer.cost.unwrap_or_default().0;
        }
    }
    let record = tree.session.as_ref().filter(|_| tree.node.provenance.counts_itself());
    usage.or_counted(record.map(|session| Counted {
        tokens: session.tokens.as_ref().map(counts).unwrap_or_default(),
        cost: session.cost.unwrap_or_default().0,
    }))
}

fn counts(tokens: &Tokens<'_>) -> TokenCounts {
    let cache = tokens.cache.as_ref();
    TokenCounts {
        input: tokens.input.unwrap_or(0),
        output: tokens.output.unwrap_or(0),
        reasoning: tokens.reasoning.unwrap_or(0),
        cache_read: cache.and_then(|cache| cache.read).unwrap_or(0),
        cache_write: cache.and_then(|cache| cache.write).unwrap_or(0),
    }
}
