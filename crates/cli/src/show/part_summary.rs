//! Summarizes one part in a few words, for `watch`.

use scrollback_core_type::{LazyStr, Part, ToolState, ToolStatus};

use super::{file, tool};

/// Returns the main text of a part. The text is empty if the kind of the part says everything.
pub(crate) fn part_summary(part: &Part<'_>) -> String {
    let get = |text: &Option<LazyStr<'_>>| {
        text.as_ref().map(|it| it.get().into_owned()).unwrap_or_default()
    };
    match part {
        Part::Text(text) => get(&text.text),
        Part::Reasoning(reasoning) => get(&reasoning.text),
        Part::Tool(call) => {
            let (name, state) = (get(&call.tool), call.state.as_ref());
            let status = state.map(|state| status_name(state.status())).unwrap_or_default();
            let failure = state.and_then(ToolState::command_failure);
            let failure = failure.map(|failure| format!(" ({failure})")).unwrap_or_default();
            let input = state.and_then(ToolState::input);
            let input = input.map(|input| tool::summary(&name, input)).unwrap_or_default();
            format!("{name} {status}{failure}  {input}")
        }
        Part::File(attached) => file::describe(attached),
        Part::Patch(patch) => {
            let files = patch.files.iter().flatten().map(|file| file.get().into_owned());
            files.collect::<Vec<_>>().join(", ")
        }
        Part::Agent(agent) => get(&agent.name),
        Part::Subtask(task) => get(&task.description),
        Part::StepStart(_)
        | Part::StepFinish(_)
        | Part::Snapshot(_)
        | Part::Retry(_)
        | Part::Compaction(_)
        | Part::Unknown(_) => String::new(),
    }
}

/// Returns the name of a call's status, as records spell it.
pub(crate) fn status_name(status: ToolStatus) -> &'static str {
    match status {
        ToolStatus::Pending => "pending",
        ToolStatus::Running => "running",
        ToolStatus::Completed => "completed",
        ToolStatus::Error => "error",
        ToolStatus::Unknown => "unknown",
    }
}
