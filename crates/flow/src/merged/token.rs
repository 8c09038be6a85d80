//! Joins the tokens of several stores into one token, and splits it again.

use scrollback_source::SourceToken;

/// The length that stands for a missing token.
const NO_TOKEN_LEN: u32 = u32::MAX;

/// Joins tokens into one; `None` if all are `None`.
///
/// Each token is written as its length (4 bytes, little endian) and its bytes.
pub(super) fn join_tokens(tokens: &[Option<SourceToken>]) -> Option<SourceToken> {
    if tokens.iter().all(Option::is_none) {
        return None;
    }
    let mut bytes = Vec::new();
    for token in tokens {
        let token = token.as_ref().map(SourceToken::bytes);
        let len = token.map_or(Some(NO_TOKEN_LEN), |token| u32::try_from(token.len()).ok())?;
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(token.map_or(&[], |token| &**token));
    }
    Some(SourceToken::new(bytes))
}

/// Splits a joined token; `None` if it was not joined from `count` tokens.
pub(super) fn split_token(token: &SourceToken, count: usize) -> Option<Vec<Option<SourceToken>>> {
    let mut rest: &[u8] = token.bytes();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len);
        let (token, after) = match len {
            NO_TOKEN_LEN => (None, after),
            len => {
                let (token, after) = after.split_at_checked(len as usize)?;
                (Some(SourceToken::new(token)), after)
            }
        };
        tokens.push(token);
        rest = after;
    }
    (tokens.len() == count).then_some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_tokens_split_into_the_same_tokens() {
        let token = |bytes: &[u8]| Some(SourceToken::new(bytes));
        for tokens in [vec![token(b"a"), None], vec![None, token(b"")], vec![token(b"abc")]] {
            let joined = join_tokens(&tokens).unwrap();
            assert_eq!(split_token(&joined, tokens.len()), Some(tokens.clone()));
            assert_eq!(split_token(&joined, tokens.len() + 1), None);
        }
        assert_eq!(join_tokens(&[None, None]), None);
        for foreign in [&b"abc"[..], b"\x05\0\0\0a", b"\xff\xff\xff\xfe"] {
            assert_eq!(split_token(&SourceToken::new(foreign), 1), None);
        }
    }
}
