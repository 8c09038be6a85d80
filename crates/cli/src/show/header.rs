//! What stands above a transcript: which session this is, and what it used.

use std::io::{self, Write};

use scrollback_core_type::{LazyStr, Message};
use scrollback_flow::SessionHydratedTree;

use super::Options;
use crate::{safe, units};

pub(super) fn print(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    options: &Options,
) -> io::Result<()> {
    let (strong, dim) = (options.styles.strong, options.styles.dim);
    let session = tree.session.as_ref();
    let title = session.and_then(|session| session.title.as_ref()).map(LazyStr::get);
    writeln!(out, "{strong}{}{strong:#}", safe::line(title.as_deref().unwrap_or("(no title)")))?;
    let mut line = vec![tree.node.key.to_string()];
    let mut add = |text: Option<String>| line.extend(text);
    if let Some(session) = session {
        add(session.directory.as_ref().map(|directory| directory.get().into_owned()));
        add(session.version.as_ref().map(|version| format!("opencode {version}")));
    }
    writeln!(out, "{dim}{}{dim:#}", safe::line(&line.join("  ")))?;
    if let Some(time) = session.and_then(|session| session.time.as_ref()) {
        let mut times = Vec::new();
        times.extend(time.created.map(|at| format!("created {}", units::time(at))));
        times.extend(time.updated.map(|at| format!("updated {}", units::time(at))));
        times.extend(time.archived.map(|at| format!("archived {}", units::time(at))));
        writeln!(out, "{dim}{}{dim:#}", times.join("  "))?;
    }
    if let Some(parent) = session.and_then(|session| session.parent_id.as_ref()) {
        writeln!(out, "{dim}started by {}{dim:#}", safe::line(parent.as_str()))?;
    }
    if let Some(url) = session.and_then(|session| session.share.as_ref()?.url.as_ref()) {
        writeln!(out, "{dim}shared at {}{dim:#}", safe::line(&url.get()))?;
    }
    writeln!(out, "{dim}{}{dim:#}", usage(tree))
}

fn usage(tree: &SessionHydratedTree<'_>) -> String {
    let (mut read, mut cached, mut written, mut cost) = (0, 0, 0, 0.0);
    for message in &tree.messages {
        let Some(Message::Assistant(answer)) = &message.message else { continue };
        cost += answer.cost.unwrap_or_default().0;
        let Some(tokens) = &answer.tokens else { continue };
        let cache = tokens.cache.as_ref();
        let from_cache = cache.and_then(|cache| cache.read).unwrap_or(0);
        cached += from_cache;
        read += tokens.input.unwrap_or(0) + from_cache;
        written += tokens.output.unwrap_or(0) + tokens.reasoning.unwrap_or(0);
    }
    format!(
        "{} messages  {} tokens read ({} cached), {} written  {}",
        tree.messages.len(),
        units::count(read),
        units::count(cached),
        units::count(written),
        units::cost(cost)
    )
}
