//! Reads the steps of answers where they can matter: an answer of several steps may have only the
//! tokens of its last step, and its parts have those of all.

use std::ops::ControlFlow;

use scrollback_core_id::EntityKey;
use scrollback_core_type::{LazyStr, PartKind, Role, StepHead, StepTotals};
use scrollback_index::{MessageMeta, SessionMeta};
use scrollback_source::{Reader, Result, ScanItem};
use scrollback_stor_path::opencode;

use super::issue_log::IssueLog;

/// Reads the steps of the messages that `is_fresh` accepts, if steps can matter in their session.
/// `messages` are all messages of the session. The steps of the others are known.
pub(super) fn read_steps(
    reader: &mut dyn Reader,
    record: Option<&SessionMeta>,
    messages: &mut [MessageMeta],
    is_fresh: impl Fn(&MessageMeta) -> bool,
    issue_log: &mut IssueLog,
) -> Result<()> {
    let Some(record) = record else { return Ok(()) };
    let do_totals_differ = record.recorded_totals.map(|totals| {
        let mut sum = StepTotals::default();
        for message in messages.iter().filter(|message| message.role == Role::Assistant) {
            sum.add(message.recorded_steps());
        }
        !totals.are_sum(&sum)
    });
    if can_matter(record, do_totals_differ) {
        let answers = messages.iter_mut().filter(|message| message.role == Role::Assistant);
        for message in answers.filter(|message| is_fresh(message)) {
            read_steps_of(reader, message, issue_log)?;
        }
    }
    Ok(())
}

/// Reads the steps of single messages, if steps can matter in their session. The messages may be
/// some of a session, so the session's totals cannot be compared.
pub(crate) fn read_steps_of_some(
    reader: &mut dyn Reader,
    record: Option<&SessionMeta>,
    messages: &mut [MessageMeta],
    issue_log: &mut IssueLog,
) -> Result<()> {
    let can_matter =
        |record: &SessionMeta| can_matter(record, record.recorded_totals.map(|_| true));
    if record.is_some_and(can_matter) {
        for message in messages.iter_mut().filter(|message| message.role == Role::Assistant) {
            read_steps_of(reader, message, issue_log)?;
        }
    }
    Ok(())
}

fn can_matter(record: &SessionMeta, do_totals_differ: Option<bool>) -> bool {
    let provenance = &record.provenance;
    provenance.agent() == opencode::AGENT
        && opencode::can_steps_matter(
            provenance.formats(),
            record.version.as_deref(),
            do_totals_differ,
        )
}

/// Reads the parts of an answer that end its steps. An answer whose parts cannot all be read is not
/// clean, so that the next refresh reads it again.
fn read_steps_of(
    reader: &mut dyn Reader,
    message: &mut MessageMeta,
    issue_log: &mut IssueLog,
) -> Result<()> {
    let (mut steps, mut is_clean): (Option<StepTotals>, bool) = (None, true);
    reader.step_parts(&message.key, &mut |item| {
        match item {
            ScanItem::Entry(entry) if matches!(entry.key, EntityKey::Part(_)) => {
                let Some(span) = &entry.span else { return ControlFlow::Continue(()) };
                is_clean &= span.is_settled();
                let mut step = StepHead::default();
                match step.parse_into(span) {
                    Ok(issues) if is_step_end(&step) => {
                        is_clean &= issues.is_empty();
                        let key = || Some(entry.key.clone());
                        issues.into_iter().for_each(|issue| issue_log.note(key(), issue));
                        steps.get_or_insert_default().add(step.into());
                    }
                    Ok(_) => {}
                    Err(issue) => {
                        is_clean = false;
                        issue_log.note(Some(entry.key), *issue);
                    }
                }
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {}
            ScanItem::Issue(key, issue) => {
                is_clean = false;
                issue_log.note(key, issue);
            }
            ScanItem::Entry(_) | ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    if steps.is_none() && !is_clean {
        message.observed.clean = false; // what is known of the steps stays
        return Ok(());
    }
    message.steps = None;
    let own = message.recorded_steps();
    message.steps = steps.filter(|steps| *steps != own).map(Box::new);
    message.observed.clean &= is_clean;
    Ok(())
}

fn is_step_end(step: &StepHead<'_>) -> bool {
    let kind = step.kind.as_ref().map(LazyStr::get);
    kind.is_some_and(|kind| PartKind::from_name(&kind) == PartKind::StepFinish)
}
