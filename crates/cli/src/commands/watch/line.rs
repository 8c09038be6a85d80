//! Prints events for people, one per line.

use std::io::{self, Write};

use anstyle::Style;
use scrollback::{Event, Store};
use scrollback_core_id::{Clock, SessionId, SystemClock};
use scrollback_core_type::{Cost, Parse, Part, PartKind};
use scrollback_index::{MessageMeta, ObservedStamp};
use scrollback_watch::{ChangeKind, Subject};

use crate::commands::fields::role;
use crate::show::part_summary;
use crate::style::Styles;
use crate::table::truncate;
use crate::{sanitize, units};

/// How many columns of a text are printed if the output is not a terminal.
const MAX_COLUMNS: usize = 120;

/// The printer of event lines.
pub(super) struct LinePrinter<'l> {
    pub(super) store: &'l Store,
    pub(super) styles: Styles,
    pub(super) width: Option<usize>,
}

impl LinePrinter<'_> {
    /// Prints an event. Events that only repeat the present state print nothing.
    pub(super) fn print(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        let (kind, content, about) = match &event.subject {
            Subject::Fresh => {
                let warn = self.styles.warn;
                return writeln!(
                    out,
                    "{warn}events since the cursor are lost; continuing from the present state{warn:#}"
                );
            }
            _ if event.change == ChangeKind::Present => return Ok(()),
            Subject::Project { now, key, .. } => {
                let worktree = now.as_ref().and_then(|meta| meta.worktree.as_deref());
                ("project", worktree.map_or_else(|| key.to_string(), str::to_owned), String::new())
            }
            Subject::Session { now, old, key } => {
                let title = now.as_ref().or(old.as_ref()).and_then(|meta| meta.title.as_deref());
                ("session", title.unwrap_or_default().to_owned(), key.to_string())
            }
            Subject::Message { now, old, key } => {
                if event.change == ChangeKind::Updated && is_same(now.as_deref(), old.as_deref()) {
                    return Ok(()); // only a part changed, which has an event of its own
                }
                let content = now.as_ref().or(old.as_ref()).map(|meta| message(meta));
                ("message", content.unwrap_or_default(), self.title(event.root, &key.session))
            }
            Subject::Part { now, old, message, span, text, .. } => {
                let record = span.as_ref().and_then(|span| Some(Part::parse(span).ok()?.value));
                let kind = record.as_ref().map(Part::kind);
                let kind = kind.or(now.as_ref().or(old.as_ref()).and_then(|part| part.kind));
                let kind = kind.map_or("part", PartKind::name);
                let content = match (text, &record) {
                    (Some(edit), _) if !edit.insert.is_empty() => edit.insert.clone(),
                    (Some(_), _) => return Ok(()), // the end of the text was cut, or only times changed
                    (None, Some(part)) => part_summary(part),
                    (None, None) => String::new(),
                };
                (kind, content, self.title(event.root, &message.session))
            }
            _ => return Ok(()),
        };
        self.print_line(out, event.change, kind, &content, &about)
    }

    fn print_line(
        &self,
        out: &mut dyn Write,
        change: ChangeKind,
        kind: &str,
        content: &str,
        about: &str,
    ) -> io::Result<()> {
        let styles = &self.styles;
        let (sign, style): (&str, Style) = match change {
            ChangeKind::Created => ("+", styles.added),
            ChangeKind::Removed => ("-", styles.removed),
            _ => ("~", styles.warn),
        };
        let now = units::time_of_day(SystemClock.now().as_millis());
        let about = truncate(&sanitize::line(about), 30);
        let room = self.width.map_or(MAX_COLUMNS, |width| width.saturating_sub(61));
        let content = content.split_whitespace().collect::<Vec<_>>().join(" ");
        let content = truncate(&sanitize::line(&content), room.max(20));
        let dim = styles.dim;
        writeln!(
            out,
            "{dim}{now}{dim:#} {style}{sign} {kind:<11}{style:#} {dim}{about:<30}{dim:#} {content}"
        )
    }

    fn title(&self, root: usize, session: &SessionId) -> String {
        let view = self.store.roots()[root].view().ok();
        let meta = view.and_then(|view| view.session(session));
        let title = meta.and_then(|meta| meta.title.as_deref().map(str::to_owned));
        title.filter(|title| !title.is_empty()).unwrap_or_else(|| session.to_string())
    }
}

/// Summarizes a message: role, agent, model, result, duration and cost.
fn message(meta: &MessageMeta) -> String {
    let mut words = vec![role(meta.role).to_owned()];
    words.extend([&meta.agent, &meta.model].into_iter().flatten().map(ToString::to_string));
    words.extend(meta.error.as_ref().map(|error| format!("failed: {error}")));
    words.extend(meta.finish.as_ref().map(|finish| format!("ended: {finish}")));
    let times = meta.created.zip(meta.completed);
    words.extend(times.map(|(from, to)| units::duration(to.saturating_sub(from))));
    words.extend(meta.cost.filter(|cost| *cost > Cost::ZERO).map(units::cost));
    words.join("  ")
}

/// Checks whether two versions of a message differ only in their parts.
fn is_same(now: Option<&MessageMeta>, old: Option<&MessageMeta>) -> bool {
    let without_parts = |meta: &MessageMeta| MessageMeta {
        parts: None,
        observed: ObservedStamp::default(),
        ..meta.clone()
    };
    now.map(without_parts) == old.map(without_parts)
}
