//! Rows that 1.x has no kind of message for: commands of the user, and compactions.

use scrollback_core_type::json::{Scan, Scanner};

use super::fields::{Fields, fields, inside};
use super::sink::Sink;
use super::{Place, failure};
use crate::v2::kind::{Slot, summary_of};

fields! {
    Shell {
        time = "time", call = "shellID" | "callID", command = "command", status = "status",
        exit = "exit", output = "output", metadata = "metadata",
    }
}

fields! {
    Output { output = "output", cursor = "cursor", size = "size", truncated = "truncated", }
}

fields! {
    Time { created = "created", completed = "completed", }
}

/// A command that the user ran: an answer that is one call of the tool `shell`.
pub(super) fn shell(
    scanner: &mut Scanner<'_>,
    place: &Place<'_>,
    sink: &mut Sink<'_>,
) -> Scan<Option<()>> {
    let Some(shell) = Shell::read(scanner)? else { return Ok(None) };
    let (row, first) = (sink.row, sink.mark());
    sink.message(first, &row.id, |message| {
        message.raw("role", "\"assistant\"").raw_if_any("time", shell.time);
        message.text("type", row.kind_name);
        if let Some(parent) = place.parent {
            message.text("parentID", parent.as_bytes());
        }
        shell.rest.write(message);
        place.write(message);
    });
    let (time, output) = (Time::of(shell.time), Output::of(shell.output));
    // The preview has the output as a string, and writes the row when the command has ended.
    let text = output.output.or(shell.output.filter(|it| inside(Some(it)).is_some()));
    let is_running = inside(shell.status) == Some("running");
    sink.part(&row.id, Slot::item(0), |part, _| {
        part.raw("type", "\"tool\"").raw_if_any("callID", shell.call).raw("tool", "\"shell\"");
        part.object("state", |state| {
            state.raw("status", if is_running { "\"running\"" } else { "\"completed\"" });
            state.object("input", |input| {
                input.raw_if_any("command", shell.command);
            });
            if !is_running {
                state.raw("output", text.unwrap_or("\"\""));
            }
            state.object("metadata", |to| {
                to.raw_if_any("status", shell.status).raw_if_any("exit", shell.exit);
                to.raw_if_any("truncated", output.truncated).raw_if_any("cursor", output.cursor);
                to.raw_if_any("size", output.size);
                to.raw_if_any("output", text.filter(|_| is_running));
            });
            if let Some(start) = time.created {
                state.object("time", |to| {
                    to.raw("start", start).raw_if_any("end", time.completed);
                });
            }
        });
        part.raw_if_any("metadata", shell.metadata);
    });
    Ok(Some(()))
}

fields! {
    Compaction {
        time = "time", status = "status", reason = "reason", model = "model", summary = "summary",
        cost = "cost", tokens = "tokens", error = "error",
    }
}

fields! {
    Model { id = "id", provider = "providerID", variant = "variant", }
}

/// A compaction: the message that asks for it, and the summary that answers.
pub(super) fn compaction(
    scanner: &mut Scanner<'_>,
    place: &Place<'_>,
    sink: &mut Sink<'_>,
) -> Scan<Option<()>> {
    let Some(compaction) = Compaction::read(scanner)? else { return Ok(None) };
    let row = sink.row;
    let time = Time::of(compaction.time);
    let is_auto = inside(compaction.reason) == Some("auto");
    sink.message(sink.mark(), &row.id, |message| {
        message.raw("role", "\"user\"").raw_if_any("time", compaction.time);
        message.text("type", row.kind_name);
    });
    sink.part(&row.id, Slot::START, |part, _| {
        part.raw("type", "\"compaction\"").raw("auto", if is_auto { "true" } else { "false" });
        part.raw_if_any("reason", compaction.reason);
    });
    // An id that can be read makes one that can be read.
    let Ok(summary) = summary_of(&row.id) else { return Ok(Some(())) };
    let model = Model::of(compaction.model);
    // The preview writes the row when all is done.
    let status = inside(compaction.status).unwrap_or("completed");
    sink.message(sink.mark(), &summary, |message| {
        message.raw("role", "\"assistant\"").object("time", |to| {
            to.raw_if_any("created", time.created);
            match time.completed {
                Some(completed) => {
                    to.raw("completed", completed);
                }
                // The row says when it last changed.
                None if status != "running" => {
                    to.raw("completed", &row.updated.to_string());
                }
                None => {}
            }
            time.rest.write(to);
        });
        message.text("type", row.kind_name).text("parentID", row.id.as_bytes());
        message.raw_if_any("modelID", model.id).raw_if_any("providerID", model.provider);
        message.raw_if_any("variant", model.variant).raw("agent", "\"compaction\"");
        message.raw("summary", "true").raw_if_any("cost", compaction.cost);
        message.raw_if_any("tokens", compaction.tokens);
        if let Some(error) = compaction.error {
            failure::write(message, "error", error, model.provider);
        }
        message.raw_if_any("status", compaction.status);
        compaction.rest.write(message);
        place.write(message);
    });
    sink.part(&summary, Slot::START, |part, _| {
        part.raw("type", "\"text\"").raw("text", compaction.summary.unwrap_or("\"\""));
    });
    Ok(Some(()))
}
