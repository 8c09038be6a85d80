//! Decodes records: the values of a row.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    /// A blob, or a text that is not UTF-8.
    Bytes,
}

impl Cell {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Parses a text as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.text()?).ok()
    }
}

/// Reads a variable-length integer. Returns it with the offset after it.
pub(crate) fn varint(bytes: &[u8], start: usize) -> Result<(u64, usize)> {
    let mut value = 0_u64;
    for index in 0..9 {
        let byte = *bytes.get(start + index).context("a number ends outside its page")?;
        if index == 8 {
            return Ok((value << 8 | u64::from(byte), start + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Ok((value, start + index + 1));
        }
    }
    bail!("a number has more than 9 bytes")
}

/// Decodes all values of a record.
pub(crate) fn decode_record(payload: &[u8]) -> Result<Vec<Cell>> {
    let (header, mut at) = varint(payload, 0)?;
    let mut content = usize::try_from(header)?;
    let end = content;
    let mut cells = Vec::new();
    while at < end {
        let (kind, next) = varint(payload, at)?;
        at = next;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => (kind.max(12) - 12) / 2,
        };
        let length = usize::try_from(length)?;
        let bytes = payload.get(content..content + length).context("a value is cut off")?;
        content += length;
        cells.push(match kind {
            0 => Cell::Null,
            8 => Cell::Integer(0),
            9 => Cell::Integer(1),
            1..=6 => Cell::Integer(signed(bytes)),
            7 => Cell::Real(f64::from_be_bytes(bytes.try_into()?)),
            kind if kind % 2 == 1 => match std::str::from_utf8(bytes) {
                Ok(text) => Cell::Text(text.to_owned()),
                Err(_) => Cell::Bytes,
            },
            _ => Cell::Bytes,
        });
    }
    Ok(cells)
}

/// Reads a signed big-endian number of up to 8 bytes.
fn signed(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}
