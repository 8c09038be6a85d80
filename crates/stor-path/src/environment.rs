//! The part of the process's environment that discovery reads, as values that a test can set.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::kind::DiscoveryRule;

/// The environment variables and directories that decide where opencode keeps its stores. Empty
/// values count as unset, as they do for opencode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `XDG_DATA_HOME`.
    pub xdg_data_home: Option<OsString>,
    /// `XDG_CACHE_HOME`.
    pub xdg_cache_home: Option<OsString>,
    /// The home directory: `HOME`, on Windows `USERPROFILE`, or the operating system's answer.
    pub home: Option<PathBuf>,
    /// `OPENCODE_DB` (opencode 1.18 and newer): `:memory:`, an absolute path, or one relative to
    /// the data directory.
    pub opencode_db: Option<OsString>,
    /// `OPENCODE_DISABLE_CHANNEL_DB`: with `1` or `true`, every channel uses `opencode.db`.
    pub opencode_disable_channel_db: Option<OsString>,
    /// The variables of other agents that are set: those of [`AGENT_VARIABLES`].
    pub agent_variables: BTreeMap<&'static str, OsString>,
    /// The current directory, for agents that keep a store in each project.
    pub current_dir: Option<PathBuf>,
}

/// The variables that decide where agents other than opencode keep their stores. No other variable of
/// the process is kept, because variables hold secrets.
pub const AGENT_VARIABLES: [&str; 6] = [
    "CLAW_CONFIG_HOME",
    "CODETETHER_DATA_DIR",
    "INSOMNIA_DATA_DIR",
    "INSOMNIA_HOME",
    "YOI_DATA_DIR",
    "YOI_HOME",
];

/// The databases that opencode uses.
pub(crate) enum DatabaseSelection {
    /// `opencode.db`, and `opencode-<channel>.db` of other channels.
    ByChannel,
    /// `opencode.db` alone.
    Default,
    /// No database on disk.
    Memory,
    /// One database at this path.
    At(PathBuf),
}

impl Environment {
    /// Reads the environment of this process.
    pub fn from_process() -> Self {
        Self {
            xdg_data_home: std::env::var_os("XDG_DATA_HOME"),
            xdg_cache_home: std::env::var_os("XDG_CACHE_HOME"),
            home: etcetera::home_dir().ok(),
            opencode_db: std::env::var_os("OPENCODE_DB"),
            opencode_disable_channel_db: std::env::var_os("OPENCODE_DISABLE_CHANNEL_DB"),
            agent_variables: AGENT_VARIABLES
                .into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?)))
                .collect(),
            current_dir: std::env::current_dir().ok(),
        }
    }

    /// Returns the value of a variable of [`AGENT_VARIABLES`]. An empty value counts as unset.
    pub fn agent_variable(&self, name: &str) -> Option<&OsStr> {
        non_empty(self.agent_variables.get(name).map(OsString::as_os_str))
    }

    /// Returns opencode's data directory and the rule that it follows from: `$XDG_DATA_HOME/opencode`,
    /// or else `~/.local/share/opencode`, on every operating system (docs/format/opencode.md,
    /// section 1). Returns `None` if the home directory is not known either.
    pub fn data_dir(&self) -> Option<(PathBuf, DiscoveryRule)> {
        let (base, rule) = match non_empty(self.xdg_data_home.as_deref()) {
            Some(base) => (PathBuf::from(base), DiscoveryRule::XdgDataHome),
            None => (self.home_data()?, DiscoveryRule::HomeDefault),
        };
        Some((base.join("opencode"), rule))
    }

    /// Returns the directory for scrollback's cache files: `$XDG_CACHE_HOME/scrollback`, or else
    /// `~/.cache/scrollback`, on every operating system. A relative `XDG_CACHE_HOME` counts as unset,
    /// as the XDG base directory specification says.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        let cache_home = non_empty(self.xdg_cache_home.as_deref()).map(PathBuf::from);
        let base = cache_home.filter(|base| base.is_absolute());
        let home = || self.home.as_deref().filter(|home| home.is_absolute());
        let base = base.or_else(|| Some(home()?.join(".cache")))?;
        Some(base.join("scrollback"))
    }

    /// Returns the default data directory if `XDG_DATA_HOME` overrides it.
    pub(crate) fn overridden_data_dir(&self) -> Option<PathBuf> {
        non_empty(self.xdg_data_home.as_deref())?;
        Some(self.home_data()?.join("opencode"))
    }

    fn home_data(&self) -> Option<PathBuf> {
        let home = self.home.as_deref().filter(|home| !home.as_os_str().is_empty())?;
        Some(home.join(".local").join("share"))
    }

    pub(crate) fn databases(&self, data_dir: &Path) -> DatabaseSelection {
        match non_empty(self.opencode_db.as_deref()) {
            Some(memory) if memory == ":memory:" => DatabaseSelection::Memory,
            Some(path) => DatabaseSelection::At(data_dir.join(path)), // `join` keeps an absolute path
            None => match self.opencode_disable_channel_db.as_deref() {
                Some(flag) if flag == "1" || flag.eq_ignore_ascii_case("true") => {
                    DatabaseSelection::Default
                }
                _ => DatabaseSelection::ByChannel,
            },
        }
    }
}

fn non_empty(value: Option<&OsStr>) -> Option<&OsStr> {
    value.filter(|value| !value.is_empty())
}
