//! Translates rows without a message type in 1.x: commands of the user, and compactions.

use super::failure;
use super::fields::{Fields, Model, fields, if_partly_unknown, key, put_field, put_optional_field};
use super::row::RowContext;
use super::sink::Sink;
use super::walk::{Raw, Walk, Walked, string_body};
use crate::json::write_text;
use crate::v2::ids::{Slot, summary_id};

fields! {
    Shell {
        time = b"time", call = b"shellID" | b"callID", command = b"command", status = b"status",
        exit = b"exit", output = b"output", metadata = b"metadata",
    }
}

fields! {
    Output { output = b"output", cursor = b"cursor", size = b"size", truncated = b"truncated", }
}

fields! {
    /// When a row was made, and when it was completed.
    Time { created = b"created", completed = b"completed", }
}

/// Checks whether a command runs. The preview has no status, so there a command runs until it has
/// an end.
pub(super) fn is_running(status: Option<Raw<'_>>, completed: Option<Raw<'_>>) -> bool {
    match status {
        Some(_) => string_body(status) == Some(b"running"),
        None => completed.is_none(),
    }
}

/// Writes a command of the user as an answer with one call of the tool `shell`.
pub(super) fn shell(
    walk: &mut Walk<'_>,
    row_context: &RowContext<'_>,
    sink: &mut Sink<'_>,
) -> Walked<()> {
    let shell = Shell::read(walk)?;
    let (row, first) = (sink.row, sink.position());
    sink.put_message(first, &row.id, |out| {
        out.extend_from_slice(b"{\"role\":\"assistant\"");
        put_optional_field(out, key!("time"), shell.time);
        out.extend_from_slice(key!("type"));
        write_text(out, row.kind_name);
        row_context.write_parent(out);
        shell.rest.write(out);
        row_context.write(out);
    });
    let (time, output) = (Time::read_value(shell.time)?, Output::read_value(shell.output)?);
    // The preview stores the output as a string.
    let output_text =
        output.output.or(shell.output.filter(|value| string_body(Some(value)).is_some()));
    let is_running = is_running(shell.status, time.completed);
    sink.put_part(&row.id, Slot::item(0), |out, _| {
        out.extend_from_slice(b"{\"type\":\"tool\",\"tool\":\"shell\"");
        put_optional_field(out, key!("callID"), shell.call);
        out.extend_from_slice(match is_running {
            true => b",\"state\":{\"status\":\"running\"",
            false => b",\"state\":{\"status\":\"completed\"",
        });
        put_field(out, key!("input"), b"{\"command\":");
        out.extend_from_slice(shell.command.unwrap_or(b"\"\""));
        out.push(b'}');
        if !is_running {
            put_field(out, key!("output"), output_text.unwrap_or(b"\"\""));
        }
        put_field(out, key!("metadata"), b"{");
        let first = out.len();
        put_optional_field(out, key!("status"), shell.status);
        put_optional_field(out, key!("exit"), shell.exit);
        put_optional_field(out, key!("truncated"), output.truncated);
        put_optional_field(out, key!("cursor"), output.cursor);
        put_optional_field(out, key!("size"), output.size);
        put_optional_field(out, key!("output"), output_text.filter(|_| is_running));
        if out.len() > first {
            out.remove(first); // the comma before the first field
        }
        out.push(b'}');
        if let Some(start) = time.created {
            put_field(out, key!("time"), b"{\"start\":");
            out.extend_from_slice(start);
            put_optional_field(out, key!("end"), time.completed);
            out.push(b'}');
        }
        out.push(b'}');
        put_optional_field(out, key!("metadata"), shell.metadata);
    });
    Ok(())
}

fields! {
    Compaction {
        time = b"time", status = b"status", reason = b"reason", model = b"model",
        summary = b"summary", cost = b"cost", tokens = b"tokens", error = b"error",
    }
}

/// Writes a compaction as two messages: the request, and the summary that answers it.
pub(super) fn compaction(
    walk: &mut Walk<'_>,
    row_context: &RowContext<'_>,
    sink: &mut Sink<'_>,
) -> Walked<()> {
    let compaction = Compaction::read(walk)?;
    let row = sink.row;
    let time = Time::read_value(compaction.time)?;
    let is_auto = string_body(compaction.reason) == Some(b"auto");
    sink.put_message(sink.position(), &row.id, |out| {
        out.extend_from_slice(b"{\"role\":\"user\"");
        put_optional_field(out, key!("time"), compaction.time);
        out.extend_from_slice(key!("type"));
        write_text(out, row.kind_name);
    });
    sink.put_part(&row.id, Slot::START, |out, _| {
        out.extend_from_slice(b"{\"type\":\"compaction\"");
        put_field(out, key!("auto"), if is_auto { b"true" } else { b"false" });
        put_optional_field(out, key!("reason"), compaction.reason);
    });
    // The suffix keeps a valid id valid.
    let Ok(summary) = summary_id(&row.id) else { return Ok(()) };
    let model = Model::read_value(compaction.model)?;
    // The preview writes the row at the end of the compaction, without a status.
    let status = string_body(compaction.status);
    let (is_running, is_done) =
        (status == Some(b"running"), status.is_none_or(|status| status == b"completed"));
    sink.put_message(sink.position(), &summary, |out| {
        out.extend_from_slice(b"{\"role\":\"assistant\",\"time\":{\"created\":");
        out.extend_from_slice(time.created.unwrap_or(b"null"));
        // Without a time of completion, the last change of the row was its end.
        let updated = row.updated.to_string();
        let completed = time.completed.or((!is_running).then_some(updated.as_bytes()));
        put_optional_field(out, key!("completed"), completed);
        time.rest.write(out);
        out.push(b'}');
        out.extend_from_slice(key!("type"));
        write_text(out, row.kind_name);
        out.extend_from_slice(key!("parentID"));
        write_text(out, row.id.as_bytes());
        put_optional_field(out, key!("modelID"), model.id);
        put_optional_field(out, key!("providerID"), model.provider);
        put_optional_field(out, key!("variant"), model.variant);
        out.extend_from_slice(b",\"agent\":\"compaction\",\"summary\":true");
        put_optional_field(out, key!("cost"), compaction.cost);
        put_optional_field(out, key!("tokens"), compaction.tokens);
        if is_done {
            // 1.x requires this field of a finished summary (`opencode.md`, section 4).
            out.extend_from_slice(b",\"finish\":\"stop\"");
        }
        if let Some(error) = compaction.error {
            failure::write(out, error, model.provider);
        }
        put_optional_field(out, key!("status"), compaction.status);
        put_optional_field(out, key!("model"), if_partly_unknown(compaction.model, &model.rest));
        compaction.rest.write(out);
        row_context.write(out);
    });
    sink.put_part(&summary, Slot::START, |out, _| {
        out.extend_from_slice(b"{\"type\":\"text\"");
        put_field(out, key!("text"), compaction.summary.unwrap_or(b"\"\""));
    });
    Ok(())
}
