//! Slugs: the parts of the names of sessions.

/// Returns the slug of an agent or a sender: letters, digits and single hyphens.
///
/// Only ASCII letters become lower case. Different names can have the same slug.
///
/// ```
/// use scrollback_stor_agents::crabtalk::program::sender_slug;
///
/// assert_eq!(sender_slug("tg:98 Ünïcode/7"), "tg-98-Ünïcode-7");
/// ```
pub fn sender_slug(name: &str) -> String {
    let plain = name.chars().map(|character| match character {
        '-' => '-',
        character if character.is_alphanumeric() => character.to_ascii_lowercase(),
        _ => '-',
    });
    let plain: String = plain.collect();
    let pieces: Vec<&str> = plain.split('-').filter(|piece| !piece.is_empty()).collect();
    pieces.join("-")
}
