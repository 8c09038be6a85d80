//! A store in the list, as JSON and in words.

use scrollback::{DiscoveredRoot, DiscoveredStore, StoreState};
use scrollback_stor_path::is_backup_name;
use serde::Serialize;

use super::health::Health;
use crate::{sanitize, units};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedStore {
    pub(super) kind: String,
    pub(super) path: String,
    pub(super) data_directory: String,
    pub(super) found_by: String,
    /// Whether this version can read the store.
    pub(super) read: bool,
    /// Why the store cannot be used although it should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// The content of the store by itself; `None` if the store is not or cannot be read.
    #[serde(flatten)]
    pub(super) contents: Option<StoreContents>,
    /// How many of its sessions are listed: a winning store of the same data directory hides the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shown: Option<usize>,
    /// Whether it wins over the other stores of its data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wins: Option<bool>,
    /// Whether it is a database that has the name of a backup.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) backup: bool,
    #[serde(skip)]
    pub(super) root: String,
    #[serde(skip)]
    pub(super) id: String,
}

/// The content of one store by itself.
#[derive(Serialize)]
pub(super) struct StoreContents {
    /// The number of sessions.
    pub(super) sessions: usize,
    /// The present access mode of a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access: Option<String>,
    /// Tables and columns of a database that this version does not know.
    #[serde(skip_serializing_if = "UnknownSchema::is_empty")]
    pub(super) unknown: UnknownSchema,
    #[serde(flatten)]
    pub(super) health: Health,
    /// Needed columns that are missing or have another type.
    #[serde(rename = "schemaProblems", skip_serializing_if = "Vec::is_empty")]
    pub(super) schema_problems: Vec<String>,
    /// Whether the store holds only diffs.
    #[serde(skip)]
    pub(super) is_empty: bool,
}

/// Tables and columns that are ignored.
#[derive(Serialize, Default)]
pub(super) struct UnknownSchema {
    pub(super) tables: Vec<String>,
    /// Each as `table.column`.
    pub(super) columns: Vec<String>,
}

impl ListedStore {
    pub(super) fn new(root: &DiscoveredRoot, store: &DiscoveredStore) -> Self {
        Self {
            kind: store.format.clone(),
            path: store.path.to_string_lossy().into_owned(),
            data_directory: root.data_dir.to_string_lossy().into_owned(),
            found_by: store.discovery_rule.clone(),
            read: store.state != StoreState::Unsupported,
            problem: store.problem.clone(),
            contents: None,
            shown: None,
            wins: None,
            backup: store.state == StoreState::Present && is_backup_name(&store.path),
            root: root.id.to_string(),
            id: store.id.to_string(),
        }
    }

    pub(super) fn schema_problems(&self) -> &[String] {
        self.contents.as_ref().map_or(&[], |contents| &contents.schema_problems)
    }

    /// Describes the problems of the store, and says what to do. No lines for a sound store.
    pub(super) fn health_lines(&self) -> Vec<String> {
        let Some(contents) = &self.contents else { return Vec::new() };
        let problems = contents.schema_problems.iter().map(|text| format!("problem: {text}"));
        problems.chain(contents.health.lines(&self.path)).collect()
    }

    /// Describes the state of the store in one line.
    pub(super) fn state(&self) -> String {
        let (Some(StoreContents { sessions, access, health, .. }), shown) =
            (&self.contents, self.shown.unwrap_or(0))
        else {
            return match &self.problem {
                Some(problem) => format!("cannot be used: {}", sanitize::line(problem)),
                None if self.read => "cannot be read".to_owned(),
                None => "not read by this version".to_owned(),
            };
        };
        let mut state = units::pluralize(*sessions, "session");
        let messages = units::pluralize(health.messages(), "message");
        if shown == *sessions && shown > 0 {
            state.push_str(&format!(" with {messages}"));
        }
        match self.wins {
            Some(true) => {
                state.push_str(", preferred over the other stores of this directory");
                let elsewhere = sessions.saturating_sub(shown);
                if elsewhere > 0 {
                    state.push_str(&format!(", {elsewhere} of them read from another store"));
                }
            }
            Some(false) if *sessions == 0 => state.push_str(", only diffs of other sessions"),
            Some(false) if shown == 0 => state.push_str(", all of them read from another store"),
            Some(false) => {
                state.push_str(&format!(", {shown} of them read from here, with {messages}"));
            }
            None => {}
        }
        if self.backup {
            state.push_str("; a backup, used last");
        }
        if let Some(access) = access {
            state.push_str("; read ");
            state.push_str(access);
        }
        state
    }
}

impl UnknownSchema {
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty()
    }

    /// Lists the unknown tables and columns in one line; `None` if there are none.
    pub(super) fn describe(&self) -> Option<String> {
        let all = [("table", &self.tables), ("column", &self.columns)];
        let all = all.into_iter().filter(|(_, names)| !names.is_empty()).map(|(noun, names)| {
            let plural = if names.len() == 1 { "" } else { "s" };
            format!("{noun}{plural} {}", names.join(", "))
        });
        Some(all.collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty())
    }
}
