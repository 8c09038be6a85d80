//! Reads the small fields of a record that is over the size limit.
//!
//! SQLite hands out a text as a whole or not at all. The record is read in pieces instead, and every
//! field of its object that is small is kept. So the role and the times of a message with a huge
//! field are known, and what belongs to the message has its place.

use std::io::Read;

use rusqlite::{Connection, MAIN_DB};
use scrollback_core_type::json;

use crate::query_context::QueryContext;

/// The size of a piece.
const PIECE: usize = 64 << 10;
/// The size limit of a field, with its name.
const MAX_FIELD: usize = 16 << 10;

/// Returns the record with this id as an object of its small fields. The object is empty if the
/// record cannot be read or is not an object.
pub(crate) fn small_fields(context: &QueryContext<'_>, table: &str, id: &[u8]) -> Vec<u8> {
    let max_len = usize::try_from(context.max_len()).unwrap_or(usize::MAX);
    read_small_fields(context.db, table, id, max_len)
        .ok()
        .filter(|object| json::check(object).is_ok())
        .unwrap_or_else(|| b"{}".to_vec())
}

fn read_small_fields(
    db: &Connection,
    table: &str,
    id: &[u8],
    max_len: usize,
) -> rusqlite::Result<Vec<u8>> {
    let id = String::from_utf8_lossy(id);
    let rowid = db
        .prepare_cached(&format!("SELECT rowid FROM {table} WHERE id = ?1"))?
        .query_row([&id], |row| row.get(0))?;
    let mut record = db.blob_open(MAIN_DB, table, "data", rowid, true)?;
    let (mut piece, mut fields) = (vec![0; PIECE], FieldCollector::new(max_len));
    loop {
        match record.read(&mut piece) {
            Ok(0) | Err(_) => break, // the fields before the damage are kept
            Ok(length) => fields.add(&piece[..length]),
        }
    }
    Ok(fields.finish())
}

/// Collects the small fields of an object that comes in pieces.
#[derive(Debug, Default)]
struct FieldCollector {
    /// The size limit of all fields.
    max_len: usize,
    /// The fields so far, each with a comma behind it.
    fields: Vec<u8>,
    /// The field that is not complete yet.
    field: Vec<u8>,
    is_large: bool,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl FieldCollector {
    fn new(max_len: usize) -> Self {
        Self { max_len, ..Self::default() }
    }

    fn add(&mut self, piece: &[u8]) {
        for byte in piece {
            let is_structure = !self.is_in_string;
            if self.is_in_string {
                self.is_in_string = self.is_escaped || *byte != b'"';
                self.is_escaped = !self.is_escaped && *byte == b'\\';
            } else {
                match byte {
                    b'"' => self.is_in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
            match (self.depth, byte) {
                (1, b'{') if is_structure && self.field.is_empty() && !self.is_large => continue,
                (0, b'}') if is_structure => self.end_field(),
                (1, b',') if is_structure => self.end_field(),
                _ if self.depth > 0 => self.push(*byte),
                _ => {}
            }
        }
    }

    fn push(&mut self, byte: u8) {
        self.is_large |= self.field.len() >= MAX_FIELD
            || self.fields.len().saturating_add(self.field.len()) >= self.max_len;
        if !self.is_large {
            self.field.push(byte);
        }
    }

    fn end_field(&mut self) {
        if !self.is_large && !self.field.trim_ascii().is_empty() {
            self.fields.append(&mut self.field);
            self.fields.push(b',');
        }
        self.field.clear();
        self.is_large = false;
    }

    fn finish(mut self) -> Vec<u8> {
        self.fields.pop();
        [b"{", &*self.fields, b"}"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(record: &str, piece: usize) -> String {
        let mut fields = FieldCollector::new(1 << 20);
        record.as_bytes().chunks(piece).for_each(|piece| fields.add(piece));
        String::from_utf8(fields.finish()).unwrap()
    }

    #[test]
    fn small_fields_are_kept_in_any_pieces() {
        let large = "x\\\"},{".repeat(MAX_FIELD);
        let record = format!(
            r#" {{"role":"user","time":{{"created":1}},"summary":{{"diffs":["{large}"]}}, "a":"{{\\","b":[1,{{}}] }}"#
        );
        for piece in [1, 7, record.len()] {
            let expected = r#"{"role":"user","time":{"created":1}, "a":"{\\","b":[1,{}] }"#;
            assert_eq!(collect(&record, piece), expected);
        }
        assert_eq!(collect("", 9), "{}");
        assert_eq!(collect("{}", 9), "{}");
        assert_eq!(collect(r#"{"a":1,"b":"cut"#, 3), r#"{"a":1}"#);
    }
}
