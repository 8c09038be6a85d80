//! The columns of sessions and projects, in the order in which they are selected, and what is made of
//! columns in queries.

use std::collections::HashSet;

/// Columns in the order in which they are selected, as an enum and by name.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $column:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($variant,)+ }

        impl $name {
            pub(crate) const ALL: &[&str] = &[$($column,)+];

            /// The column's place in a row.
            pub(crate) fn at(self) -> usize {
                self as usize
            }
        }
    };
}

columns! {
    /// Columns of a session. The time of its last change follows them, and [`Found`] as a number.
    SessionColumn {
        Id = "id",
        Project = "project_id",
        Workspace = "workspace_id",
        Parent = "parent_id",
        Slug = "slug",
        Directory = "directory",
        Path = "path",
        Title = "title",
        Version = "version",
        ShareUrl = "share_url",
        Additions = "summary_additions",
        Deletions = "summary_deletions",
        Files = "summary_files",
        Cost = "cost",
        Input = "tokens_input",
        Output = "tokens_output",
        Reasoning = "tokens_reasoning",
        CacheRead = "tokens_cache_read",
        CacheWrite = "tokens_cache_write",
        Agent = "agent",
        Model = "model",
        Created = "time_created",
        Compacting = "time_compacting",
        Archived = "time_archived",
        Diffs = "summary_diffs",
        Metadata = "metadata",
        Revert = "revert",
        Permission = "permission",
        Fork = "fork_session_id",
        Boundary = "fork_boundary",
        Outcome = "idle_outcome",
        Idle = "time_idle",
        Viewed = "time_viewed",
        Suspended = "time_suspended",
    }
}

columns! {
    /// Columns of a project. The stamp follows them.
    ProjectColumn {
        Id = "id",
        Worktree = "worktree",
        Vcs = "vcs",
        Name = "name",
        IconUrl = "icon_url",
        IconOverride = "icon_url_override",
        IconColor = "icon_color",
        Commands = "commands",
        Sandboxes = "sandboxes",
        Created = "time_created",
        Initialized = "time_initialized",
    }
}

impl SessionColumn {
    /// What a session holds of texts that change in place.
    pub(crate) const STAMPED: [Self; 15] = [
        Self::Title,
        Self::Directory,
        Self::Path,
        Self::Agent,
        Self::Project,
        Self::Parent,
        Self::ShareUrl,
        Self::Diffs,
        Self::Metadata,
        Self::Revert,
        Self::Permission,
        Self::Model,
        Self::Fork,
        Self::Boundary,
        Self::Outcome,
    ];
    /// What a session counts, besides its cost.
    pub(crate) const COUNTED: [Self; 12] = [
        Self::Additions,
        Self::Deletions,
        Self::Files,
        Self::Input,
        Self::Output,
        Self::Reasoning,
        Self::CacheRead,
        Self::CacheWrite,
        Self::Archived,
        Self::Idle,
        Self::Viewed,
        Self::Suspended,
    ];

    fn name(self) -> &'static str {
        Self::ALL[self.at()]
    }
}

pub(crate) const PROJECT_TEXTS: [&str; 5] =
    ["worktree", "name", "icon_url", "commands", "sandboxes"];

/// Which of two columns is to be looked up: SQLite uses no index for one with a plus.
pub(crate) const BY_ID_OR_OWNER: [[&str; 2]; 2] = [["", "+"], ["+", ""]];

/// Columns, NULL in the place of those that are not there.
pub(crate) fn list(wanted: &[&str], there: &HashSet<String>, cap: Option<u64>) -> String {
    let column = |name: &&str| match there.contains(*name) {
        true => capped(name, cap),
        false => "NULL".to_owned(),
    };
    wanted.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// A column, or its size if it is a text over the limit, of which only the head is looked at then.
pub(crate) fn capped(column: &str, cap: Option<u64>) -> String {
    match cap {
        None => column.to_owned(),
        Some(cap) => format!(
            "CASE WHEN octet_length({column}) > {cap} THEN octet_length({column}) ELSE {column} END"
        ),
    }
}

/// What `sessions::stamp` makes of a row.
pub(crate) fn session_stamp(there: &HashSet<String>) -> String {
    let names = |columns: &[SessionColumn]| columns.iter().map(|it| it.name()).collect::<Vec<_>>();
    let stamp = stamp(&names(&SessionColumn::STAMPED), &names(&SessionColumn::COUNTED), there);
    match there.contains("cost") {
        true => format!("{stamp} + CAST(ifnull(cost, 0) * 1e9 AS INTEGER)"),
        false => stamp,
    }
}

/// A cost in US dollars as a stamp counts it, as SQLite makes a whole number of it.
pub(crate) fn nano_dollars(cost: f64) -> i64 {
    (cost * 1e9) as i64
}

/// When a row last changed, how long its texts are, and the sum of its counts.
pub(crate) fn stamp(texts: &[&str], counts: &[&str], there: &HashSet<String>) -> String {
    let sum = |columns: &[&str], term: fn(&str) -> String| {
        let columns = columns.iter().filter(|column| there.contains(**column));
        let terms: Vec<String> = columns.map(|column| term(column)).collect();
        if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") }
    };
    format!(
        "{}, {}, {}",
        if there.contains("time_updated") { "time_updated" } else { "0" },
        sum(texts, |column| format!("ifnull(octet_length({column}), 0)")),
        sum(counts, |column| format!("ifnull({column}, 0)")),
    )
}
