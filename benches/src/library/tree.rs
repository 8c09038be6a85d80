//! The library as a contestant that loads one session with its messages and parts through a flow.

use std::sync::Arc;

use anyhow::{Result, bail};
use scrollback_core_id::{SessionId, SessionKey};
use scrollback_core_type::{LazyStr, Message, Part, Tokens, ToolState};
use scrollback_flow::{Export, SessionHydratedTree, run_session_tree_flow};
use scrollback_source::Source;
use serde_json::Value;

use super::source::source;
use crate::{Contestant, Outcome, Store, StoreFormat, TreeSums};

/// A contestant that loads one session.
pub struct LibraryTree {
    source: Arc<dyn Source>,
    session: SessionKey,
    format: StoreFormat,
}

impl LibraryTree {
    /// Returns a contestant that loads `session` from a store.
    ///
    /// # Errors
    /// If `session` is not a valid id, or the path of the store is not a valid source id.
    pub fn new(store: &Store, session: &str) -> Result<Self> {
        let session = SessionId::new(session)?.into();
        Ok(Self { source: source(store)?, session, format: store.format })
    }

    fn load<R>(&self, then: impl FnOnce(&SessionHydratedTree<'_>) -> R) -> Result<R> {
        let loaded = run_session_tree_flow(&*self.source, &self.session, then)?;
        if loaded.report.runs.iter().any(|run| run.counts.provisional > 0) {
            bail!("the store is being written");
        }
        Ok(loaded.value)
    }
}

impl Contestant for LibraryTree {
    fn name(&self) -> &'static str {
        "library"
    }

    fn run(&mut self) -> Result<Outcome> {
        Ok(self.load(|tree| sums(tree, self.format))?.into())
    }

    fn proof(&mut self) -> Result<Value> {
        Ok(self.load(|tree| serde_json::to_value(Export(tree)))??)
    }
}

/// Sums over a session. The bytes are those of the files' records only: in a database the session
/// is a row of columns, and in 2.x a part is inside the row of its message.
fn sums(tree: &SessionHydratedTree<'_>, form: StoreFormat) -> TreeSums {
    let mut sums = TreeSums::default();
    let session = tree.session.as_ref().and_then(|session| session.time.as_ref());
    sums.created += session.and_then(|time| time.created).unwrap_or(0);
    if form == StoreFormat::Files {
        sums.bytes += tree.node.span.as_ref().map_or(0, |span| span.stamp().size);
    }
    for message in &tree.messages {
        sums.messages += 1;
        sums.bytes += message.node.span.as_ref().map_or(0, |span| span.stamp().size);
        if let Some(typed) = &message.message {
            sums.created += typed.created().unwrap_or(0);
        }
        if let Some(Message::Assistant(answer)) = &message.message {
            sums.tokens += tokens(answer.tokens.as_ref());
        }
        for part in &message.parts {
            sums.parts += 1;
            let span = part.node.span.as_ref().filter(|_| form != StoreFormat::DatabaseV2);
            sums.bytes += span.map_or(0, |span| span.stamp().size);
            part.part.iter().for_each(|part| add_part(&mut sums, part));
        }
    }
    sums
}

fn add_part(sums: &mut TreeSums, part: &Part<'_>) {
    match part {
        Part::Text(text) => sums.add_text(is_empty(text.text.as_ref())),
        Part::Reasoning(reasoning) => sums.add_text(is_empty(reasoning.text.as_ref())),
        Part::Tool(call) => {
            let Some(state) = &call.state else { return };
            if let Some(time) = state.time() {
                sums.add_call(time.start, time.end);
            }
            if let ToolState::Completed(done) = state {
                sums.add_text(is_empty(done.output.as_ref()));
            }
        }
        Part::StepFinish(step) => sums.tokens += tokens(step.tokens.as_ref()),
        Part::Patch(patch) => sums.files += patch.files.as_ref().map_or(0, Vec::len) as u64,
        _ => {}
    }
}

fn tokens(tokens: Option<&Tokens<'_>>) -> i64 {
    let Some(Tokens { input, output, reasoning, cache, .. }) = tokens else { return 0 };
    let cached = cache.as_ref().map(|cache| [cache.read, cache.write]).unwrap_or_default();
    [*input, *output, *reasoning].into_iter().chain(cached).flatten().sum()
}

fn is_empty(text: Option<&LazyStr<'_>>) -> bool {
    text.is_none_or(LazyStr::is_empty)
}
