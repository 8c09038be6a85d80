//! Writes the record of a session from its columns, by the mapping in `docs/format/opencode.md`,
//! section 5.

use crate::fields;
use crate::json::Object;
use crate::schema::tables::session::SessionColumn;
use crate::values::Values;

pub(crate) fn session_json(values: &Values<'_>, out: &mut Vec<u8>) {
    let mut record = Object::begin(out);
    fields::write(&mut record, SessionColumn::ALL, &values.all);
    record.end();
}
