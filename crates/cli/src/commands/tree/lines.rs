//! Prints a tree as lines.

use std::fmt::Write as _;
use std::io::Write;

use scrollback_core_type::Cost;

use super::nodes::{ItemNode, MessageNode, PartNode, Session};
use crate::failure::Result;
use crate::out::Out;
use crate::show::{questions_first, style};
use crate::style::Styles;
use crate::{sanitize, units};

/// Prints a tree.
pub(crate) fn print(out: &mut Out, tree: &Session) -> Result<()> {
    let mut text = String::new();
    line_of(tree, &out.styles).print(&mut text, "", "");
    Ok(out.write_all(text.as_bytes())?)
}

/// A line of the printed tree, and the lines below it.
struct TreeLine {
    text: String,
    children: Vec<TreeLine>,
}

impl TreeLine {
    fn print(&self, out: &mut String, first: &str, rest: &str) {
        let _ = writeln!(out, "{first}{}", self.text);
        for (at, line) in self.children.iter().enumerate() {
            let (branch, trunk) = if at + 1 == self.children.len() {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            line.print(out, &format!("{rest}{branch}"), &format!("{rest}{trunk}"));
        }
    }
}

fn line_of(session: &Session, styles: &Styles) -> TreeLine {
    let (strong, dim) = (styles.strong, styles.dim);
    let parts: usize = session.messages.iter().map(|message| message.parts.len()).sum();
    let sum = session.with_subagents.as_ref().map(|sum| {
        let subagents = units::pluralize(sum.subagents, "subagent");
        format!(", {} with {subagents}", units::cost(sum.cost))
    });
    let text = format!(
        "{strong}{}{strong:#} {dim}{}  {}, {}, {}, {}{}{dim:#}",
        sanitize::line(&units::title_with_mark(&session.record.title, session.is_unreadable)),
        sanitize::line(&session.record.id),
        units::pluralize(session.messages.len(), "message"),
        units::pluralize(parts, "part"),
        units::bytes(session.bytes),
        units::cost(session.cost),
        sum.unwrap_or_default(),
    );
    let mut lines: Vec<TreeLine> = Vec::new();
    let mut items = session.items.iter().peekable();
    let messages = questions_first(session.messages.iter().collect(), |message| {
        Some((&*message.id, message.question.as_deref()))
    });
    for at in 0..=session.messages.len() {
        while let Some(item) = items.next_if(|item| item.messages_before == at) {
            lines.push(item_line(item, styles));
        }
        lines.extend(messages.get(at).map(|message| message_line(message, styles)));
    }
    let children = session.children.iter().map(|child| line_of(child, styles));
    let deeper = session.deeper.map(|count| TreeLine {
        text: format!(
            "{dim}… {count} nested deeper; run `scrollback tree` on this session to list them{dim:#}"
        ),
        children: Vec::new(),
    });
    TreeLine { text, children: lines.into_iter().chain(children).chain(deeper).collect() }
}

fn item_line(item: &ItemNode, styles: &Styles) -> TreeLine {
    let dim = styles.dim;
    let time = item.created.map(|at| format!("  {}", units::time(at))).unwrap_or_default();
    let text = format!("{dim}{}{time}{dim:#}", sanitize::line(&item.description));
    TreeLine { text, children: Vec::new() }
}

fn message_line(message: &MessageNode, styles: &Styles) -> TreeLine {
    let (style, dim) = (style(&message.speaker, styles), styles.dim);
    let mut text = format!("{style}{}{style:#}", sanitize::line(&message.speaker));
    for detail in [&message.agent, &message.model].into_iter().flatten() {
        let _ = write!(text, " {}", sanitize::line(detail));
    }
    let time = message.created.map(units::time).unwrap_or_default();
    let _ = write!(text, " {dim}{time}  {}", units::bytes(message.total()));
    if let Some(total) = message.total {
        let _ = write!(text, "  {} tokens", units::count(total));
    }
    if let Some(cost) = message.cost.filter(|cost| *cost != Cost::ZERO) {
        let _ = write!(text, "  {}", units::cost(cost));
    }
    if message.copied {
        text.push_str("  (copied)");
    }
    let _ = write!(text, "{dim:#}");
    TreeLine { text, children: message.parts.iter().map(|part| part_line(part, styles)).collect() }
}

fn part_line(part: &PartNode, styles: &Styles) -> TreeLine {
    let dim = styles.dim;
    let mut text = sanitize::line(&part.kind).into_owned();
    if let Some(tool) = &part.tool {
        let has_failed = part.status == Some("error") || part.failure.is_some();
        let style = if has_failed { styles.error } else { styles.tool };
        let _ = write!(
            text,
            " {style}{}{style:#} {}",
            sanitize::line(tool),
            part.status.unwrap_or_default()
        );
    }
    if let Some(failure) = &part.failure {
        let _ = write!(text, " ({})", sanitize::line(&failure.to_string()));
    }
    let _ = write!(text, " {dim}{}{dim:#}", units::bytes(part.bytes));
    TreeLine {
        text,
        children: part.session.iter().map(|session| line_of(session, styles)).collect(),
    }
}
