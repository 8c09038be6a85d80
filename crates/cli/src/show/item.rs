//! Prints the items between messages, one line each.

use std::io::{self, Write};

use scrollback_core_type::{LazyStr, ModelRef, RawJson, TimelineItem};
use scrollback_flow::ItemHydrated;

use super::options::{Options, divider};
use crate::table::truncate;
use crate::{sanitize, units};

pub(super) fn print(
    out: &mut dyn Write,
    item: &ItemHydrated<'_>,
    options: &Options,
) -> io::Result<()> {
    let Some(item) = &item.item else { return divider(out, "(unusable item record)", options) };
    let at = item.created().map(|at| format!("  {}", units::time(at))).unwrap_or_default();
    let description = truncate(&sanitize::line(&describe_item(item)), options.max_columns());
    divider(out, &format!("{description}{at}"), options)
}

/// Describes an item in words.
pub(crate) fn describe_item(item: &TimelineItem<'_>) -> String {
    let text = |text: &Option<LazyStr<'_>>| text.as_ref().map(|text| text.get().into_owned());
    let previous = |name: Option<String>| name.map(|it| format!(", was {it}")).unwrap_or_default();
    match item {
        TimelineItem::AgentSwitched(it) => {
            let agent = text(&it.agent).unwrap_or_default();
            format!("agent {agent}{}", previous(text(&it.previous)))
        }
        TimelineItem::ModelSwitched(it) => {
            let model = it.model.as_ref().map(model).unwrap_or_default();
            format!("model {model}{}", previous(it.previous.as_ref().map(self::model)))
        }
        TimelineItem::LocationSwitched(it) => {
            let directory = it.location.as_ref().and_then(|it| text(&it.directory));
            let before = it.previous.as_ref().and_then(|it| it.location.as_ref());
            let before = before.and_then(|it| text(&it.directory));
            format!("directory {}{}", directory.unwrap_or_default(), previous(before))
        }
        TimelineItem::Idle(it) => {
            let outcome = text(&it.outcome).unwrap_or_default();
            let reason = it.error.as_ref().and_then(|error| text(&error.message));
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("idle, {outcome}{reason}")
        }
        TimelineItem::Pending(it) => {
            let kind = text(&it.content_kind).unwrap_or_default();
            let delivery =
                text(&it.delivery).map(|delivery| format!(" ({delivery})")).unwrap_or_default();
            let prompt = |it: &RawJson<'_>| it.field::<String>("text");
            let prompt = it.payload.as_ref().and_then(prompt);
            let prompt = prompt.map(|text| format!(": {text}")).unwrap_or_default();
            format!("waiting{delivery}: {kind}{prompt}")
        }
        TimelineItem::Unknown(it) => {
            let size = units::bytes(it.raw.get().len() as u64);
            format!("item of an unknown kind {:?}, {size}", item.kind())
        }
        other => other.kind().into_owned(),
    }
}

fn model(model: &ModelRef<'_>) -> String {
    let id = model.id.as_ref().or(model.model_id.as_ref());
    let parts = [model.provider_id.as_ref(), id];
    parts.into_iter().flatten().map(LazyStr::get).collect::<Vec<_>>().join("/")
}
