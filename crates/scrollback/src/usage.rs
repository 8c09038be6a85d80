//! Sums up tokens and costs by day, model, project, session or agent.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use scrollback_core_id::{SessionId, UnixMillis};
use scrollback_core_type::{TokenCounts, Usage};
use scrollback_index::{MessageMeta, SessionMeta, View};

use crate::root::Root;
use crate::store::Store;
use crate::{Error, Result};

/// The usage of the sessions of a store. Costs are exact decimals: every grouping has the same total.
///
/// ```
/// use scrollback::Store;
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let usage = Store::builder().path(path).without_cache().build()?.usage()?;
/// for (day, used) in usage.by_day("UTC")? {
///     println!("{day}  {} tokens  ${}", used.tokens.total(), used.cost);
/// }
/// let sum: scrollback::Cost = usage.by_model().into_iter().map(|(_, used)| used.cost).sum();
/// assert_eq!(sum, usage.total().cost);
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct UsageReport {
    entries: Vec<UsageEntry>,
}

/// The usage of one message, or the usage of a session outside its messages.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageEntry {
    /// The creation time of the message, otherwise of the message before it, otherwise of its session.
    pub time: Option<UnixMillis>,
    /// The name of the agent, such as `opencode`.
    pub agent: &'static str,
    /// The session.
    pub session: SessionId,
    /// The project of the session.
    pub project: Option<String>,
    /// The model as `provider/model`; `None` for prompts and for usage outside messages.
    pub model: Option<String>,
    /// The messages, tokens and cost.
    pub usage: Usage,
}

impl Store {
    /// Returns the usage of the sessions of all roots. Copies count once: copied messages of a fork, and
    /// the same session in several stores.
    ///
    /// # Errors
    /// [`Error::Store`] if a root cannot be read.
    pub fn usage(&self) -> Result<UsageReport> {
        let mut report = UsageReport::default();
        let mut global: HashSet<(&'static str, SessionId)> = HashSet::new();
        for root in self.roots() {
            let view = root.view()?;
            let is_global = root.source().has_global_ids();
            for session in view.session_ids() {
                // With globally unique ids, the same id in two roots is one session.
                if is_global && !global.insert((root.agent(), session.clone())) {
                    continue;
                }
                add_session(root, &view, &session, &mut report.entries);
            }
        }
        Ok(report)
    }
}

/// Adds one entry for each message, and one for the usage outside messages.
fn add_session(root: &Root, view: &View, id: &SessionId, entries: &mut Vec<UsageEntry>) {
    let record = view.session(id);
    let mut time = record.as_ref().and_then(|record| record.created);
    let mut listed = Usage::default();
    let entry = |time: Option<i64>, model, usage| UsageEntry {
        time: time.map(UnixMillis),
        agent: root.agent(),
        session: id.clone(),
        project: record.as_deref().and_then(project_id),
        model,
        usage,
    };
    for message in view.by_session(id) {
        time = message.created.or(time);
        let usage = message.usage();
        listed += usage;
        entries.push(entry(time, model_name(&message), usage));
    }
    // The session record can count more than its messages do.
    let outside = unlisted_usage(&view.usage(id), &listed);
    if outside != Usage::default() {
        entries.push(entry(time, None, outside));
    }
}

/// Returns the usage of a session that its messages do not list: titles, compactions, deleted messages.
fn unlisted_usage(all: &Usage, listed: &Usage) -> Usage {
    let (all_tokens, tokens) = (&all.tokens, &listed.tokens);
    Usage {
        messages: 0,
        tokens: TokenCounts {
            input: all_tokens.input.saturating_sub(tokens.input),
            output: all_tokens.output.saturating_sub(tokens.output),
            reasoning: all_tokens.reasoning.saturating_sub(tokens.reasoning),
            cache_read: all_tokens.cache_read.saturating_sub(tokens.cache_read),
            cache_write: all_tokens.cache_write.saturating_sub(tokens.cache_write),
        },
        cost: scrollback_core_type::Cost::from_units(
            all.cost.units().saturating_sub(listed.cost.units()),
        ),
    }
}

fn project_id(record: &SessionMeta) -> Option<String> {
    record.project.as_ref().map(ToString::to_string)
}

fn model_name(message: &MessageMeta) -> Option<String> {
    match (&message.provider, &message.model) {
        (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
        (None, Some(name)) | (Some(name), None) => Some(name.to_string()),
        (None, None) => None,
    }
}

impl UsageReport {
    /// Returns the entries, in no particular order.
    pub fn entries(&self) -> &[UsageEntry] {
        &self.entries
    }

    /// Returns the usage of all sessions.
    pub fn total(&self) -> Usage {
        let mut total = Usage::default();
        self.entries.iter().for_each(|entry| total += entry.usage);
        total
    }

    /// Sums up by day (`2026-11-30`), the oldest first, in a time zone: an IANA name, or `local`. Entries
    /// without a time have an empty day.
    ///
    /// # Errors
    /// [`Error::TimeZone`] if the zone is unknown.
    pub fn by_day(&self, zone: &str) -> Result<Vec<(String, Usage)>> {
        let zone = match zone {
            "local" => TimeZone::system(),
            name => TimeZone::get(name).map_err(|_| Error::TimeZone(name.to_owned()))?,
        };
        Ok(self.group_by(|entry| {
            let time = entry.time.and_then(|time| Timestamp::from_millisecond(time.0).ok());
            time.map(|time| time.to_zoned(zone.clone()).date().to_string()).unwrap_or_default()
        }))
    }

    /// Sums up by model (`provider/model`). Entries without a model have an empty name.
    pub fn by_model(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.model.clone().unwrap_or_default())
    }

    /// Sums up by project id. Entries without a project have an empty id.
    pub fn by_project(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.project.clone().unwrap_or_default())
    }

    /// Sums up by session id. A subagent is a session of its own.
    pub fn by_session(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.session.to_string())
    }

    /// Sums up by agent.
    pub fn by_agent(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.agent.to_owned())
    }

    /// Sums up by any key, sorted by the key.
    pub fn group_by<K: Ord>(&self, key: impl Fn(&UsageEntry) -> K) -> Vec<(K, Usage)> {
        let mut sums: BTreeMap<K, Usage> = BTreeMap::new();
        for entry in &self.entries {
            *sums.entry(key(entry)).or_default() += entry.usage;
        }
        sums.into_iter().collect()
    }
}
