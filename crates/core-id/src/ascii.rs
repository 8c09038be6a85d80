//! The check that most names and ids pass without being decoded.

/// Whether all bytes are printable ASCII: `0x20` to `0x7e`.
///
/// Words of eight without an early exit are one vector each, and names are shorter than two of the
/// larger ones.
#[inline]
pub fn is_printable_ascii(bytes: &[u8]) -> bool {
    let printable = |bytes: &[u8]| bytes.iter().fold(true, |all, b| all & (0x20..0x7f).contains(b));
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().all(|word| printable(word)) && printable(rest)
}
