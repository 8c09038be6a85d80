//! Fast checks of ASCII bytes. Most names and ids pass them, and need no UTF-8 decoding.

/// Checks whether all bytes are printable ASCII: `0x20` to `0x7e`.
#[inline]
pub fn is_printable_ascii(bytes: &[u8]) -> bool {
    all_bytes(bytes, |byte| (0x20..0x7f).contains(&byte))
}

/// Checks whether `predicate` holds for all bytes.
///
/// Checks words of 16 bytes, each as one vector operation without an early exit. The last word covers the
/// last 16 bytes, so it may overlap the word before it.
#[inline]
pub fn all_bytes(bytes: &[u8], predicate: impl Fn(u8) -> bool + Copy) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let (words, _) = bytes.as_chunks::<16>();
        return words.iter().all(|word| all_bytes_in_word(word, predicate))
            && all_bytes_in_word(last, predicate);
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            all_bytes_in_word(first, predicate) & all_bytes_in_word(last, predicate)
        }
        _ => bytes.iter().all(|byte| predicate(*byte)),
    }
}

#[inline]
fn all_bytes_in_word<const LEN: usize>(word: &[u8; LEN], predicate: impl Fn(u8) -> bool) -> bool {
    word.iter().fold(true, |all, byte| all & predicate(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_detected_at_every_position() {
        for len in 0..70 {
            assert!(is_printable_ascii(&vec![b' '; len]) && is_printable_ascii(&vec![b'~'; len]));
            for (at, other) in (0..len).zip([0, 0x1f, 0x7f, 0xff].into_iter().cycle()) {
                let mut bytes = vec![b'a'; len];
                bytes[at] = other;
                assert!(!is_printable_ascii(&bytes), "{at} of {len}");
            }
        }
    }
}
