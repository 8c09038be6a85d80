//! What an index keeps for its Source: the token of the last probe, and the Source's memo.

use std::sync::Arc;

use scrollback_source::SourceToken;

/// The first bytes. An older version kept the token alone, which is then dropped.
const MAGIC: &[u8; 8] = b"srcstate";
/// The length that stands for a missing token.
const NO_TOKEN_LEN: u64 = u64::MAX;

/// Joins a token and a memo to the bytes that the index keeps; `None` without both.
pub(super) fn join(token: Option<&SourceToken>, memo: Option<&[u8]>) -> Option<Arc<[u8]>> {
    if token.is_none() && memo.is_none() {
        return None;
    }
    let len = token.map_or(NO_TOKEN_LEN, |token| token.bytes().len() as u64);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(token.map_or(&[], |token| &**token.bytes()));
    bytes.extend_from_slice(memo.unwrap_or_default());
    Some(bytes.into())
}

/// Splits bytes that [`join`] returned. Other bytes have neither a token nor a memo.
pub(super) fn split(bytes: &[u8]) -> (Option<SourceToken>, Option<&[u8]>) {
    let parts = || {
        let (len, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let len = u64::from_le_bytes(*len);
        if len == NO_TOKEN_LEN {
            return Some((None, rest));
        }
        let (token, memo) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        Some((Some(SourceToken::new(token)), memo))
    };
    let (token, memo) = parts().unwrap_or_default();
    (token, Some(memo).filter(|memo| !memo.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_states_split_into_the_same_parts() {
        let token = SourceToken::new(&b"token"[..]);
        for (token, memo) in
            [(Some(&token), Some(&b"memo"[..])), (Some(&token), None), (None, Some(&b"memo"[..]))]
        {
            let joined = join(token, memo).unwrap();
            assert_eq!(split(&joined), (token.cloned(), memo));
        }
        assert_eq!(join(None, None), None);
        for foreign in [&b""[..], b"token", b"srcstate", b"srcstate\x09\0\0\0\0\0\0\0token"] {
            assert_eq!(split(foreign), (None, None));
        }
    }
}
