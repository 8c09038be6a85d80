//! Versions of programs whose operations differ on the same files.

/// The version of a program whose operation is asked for. The same files give different lists and
/// restores in different versions. The format text of each agent (`docs/format/`) names the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// The older version.
    Seed,
    /// The newest version that was examined.
    #[default]
    Head,
}
