//! What sessions used: tokens and costs, summed by day, model, project, session or agent.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use scrollback_core_id::{SessionId, UnixMillis};
use scrollback_core_type::{TokenCounts, Usage};
use scrollback_index::{MessageMeta, SessionMeta, View};

use crate::root::Root;
use crate::store::Store;
use crate::{Error, Result};

/// What the sessions of a store used. Costs are exact: the sums by day, by session and in total are
/// the same amount, and each prints as its exact decimal.
///
/// ```
/// use scrollback::Store;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let usage = Store::builder().path(path).without_cache().build()?.usage()?;
/// for (day, used) in usage.by_day("UTC")? {
///     println!("{day}  {} tokens  ${}", used.tokens.total(), used.cost);
/// }
/// # let days: scrollback::Cost = usage.by_day("UTC")?.into_iter().map(|(_, it)| it.cost).sum();
/// # assert_eq!(days, usage.total().cost);
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct UsageReport {
    entries: Vec<UsageEntry>,
}

/// What one message used, or what a session used outside its messages.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageEntry {
    /// When: the message's creation, else that of the message before it, else that of its session.
    pub time: Option<UnixMillis>,
    /// The agent, as `opencode`.
    pub agent: &'static str,
    /// The session.
    pub session: SessionId,
    /// The project of the session.
    pub project: Option<String>,
    /// The model, as `provider/model`; none outside messages and for prompts.
    pub model: Option<String>,
    /// What was used.
    pub usage: Usage,
}

impl Store {
    /// Sums what the sessions of all roots used. Copies (forks, the same session in several stores)
    /// count once.
    ///
    /// # Errors
    /// If a root cannot be read.
    pub fn usage(&self) -> Result<UsageReport> {
        let mut report = UsageReport::default();
        let mut global: HashSet<(&'static str, SessionId)> = HashSet::new();
        for root in self.roots() {
            let view = root.view()?;
            let is_global = root.source().has_global_ids();
            for session in view.session_ids() {
                // The same unique id in two roots is one session.
                if is_global && !global.insert((root.agent(), session.clone())) {
                    continue;
                }
                add_session(root, &view, &session, &mut report.entries);
            }
        }
        Ok(report)
    }
}

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
    let outside = unlisted_usage(&view.usage(id), &listed);
    if outside != Usage::default() {
        entries.push(entry(time, None, outside));
    }
}

/// What a session used that its messages do not list: titles, compactions, deleted messages.
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
    /// The entries, in no order.
    pub fn entries(&self) -> &[UsageEntry] {
        &self.entries
    }

    /// What all sessions used.
    pub fn total(&self) -> Usage {
        let mut total = Usage::default();
        self.entries.iter().for_each(|entry| total += entry.usage);
        total
    }

    /// By day (`2026-11-30`), the oldest first, in a time zone: an IANA name, or `local`. What has no
    /// time is under an empty day.
    ///
    /// # Errors
    /// [`Error::TimeZone`] if the zone is not known.
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

    /// By model (`provider/model`). What is of no model is under an empty name.
    pub fn by_model(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.model.clone().unwrap_or_default())
    }

    /// By project id. What is of no project is under an empty id.
    pub fn by_project(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.project.clone().unwrap_or_default())
    }

    /// By session id, without subagents.
    pub fn by_session(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.session.to_string())
    }

    /// By agent.
    pub fn by_agent(&self) -> Vec<(String, Usage)> {
        self.group_by(|entry| entry.agent.to_owned())
    }

    /// By anything else, sorted by it.
    pub fn group_by<K: Ord>(&self, key: impl Fn(&UsageEntry) -> K) -> Vec<(K, Usage)> {
        let mut sums: BTreeMap<K, Usage> = BTreeMap::new();
        for entry in &self.entries {
            *sums.entry(key(entry)).or_default() += entry.usage;
        }
        sums.into_iter().collect()
    }
}
