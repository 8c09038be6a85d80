//! The formats of stores, and the rules that find stores.

use std::fmt;

/// The format of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreKind {
    /// `storage/` of opencode 0.6 to 1.1. Later versions still keep diffs there.
    OpencodeJson,
    /// A database of opencode 1.2 and newer.
    OpencodeSqlite,
    /// `project/<slug>/storage/` of opencode 0.5 and older: reported, but no version reads it.
    OpencodeLegacyJson,
}

/// The rule that found a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiscoveryRule {
    /// The user gave the path.
    Explicit,
    /// `$XDG_DATA_HOME/opencode`.
    XdgDataHome,
    /// `~/.local/share/opencode`.
    HomeDefault,
    /// The path in `OPENCODE_DB`.
    OpencodeDb,
    /// A database beside `opencode.db`, which builds of other channels and previews use.
    ChannelDatabase,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OpencodeJson => "opencode JSON store",
            Self::OpencodeSqlite => "opencode database",
            Self::OpencodeLegacyJson => "opencode JSON store of 0.5 or older",
        })
    }
}

impl fmt::Display for DiscoveryRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Explicit => "the given path",
            Self::XdgDataHome => "XDG_DATA_HOME",
            Self::HomeDefault => "default place in the home directory",
            Self::OpencodeDb => "OPENCODE_DB",
            Self::ChannelDatabase => "name of a channel database",
        })
    }
}
