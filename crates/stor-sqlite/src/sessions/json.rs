//! The record of a session, made of its columns as `docs/format/opencode.md`, section 5 maps them.

use crate::fields;
use crate::json::Object;
use crate::schema::tables::session::SessionColumn;
use crate::values::Values;

pub(crate) fn session_json(values: &Values<'_>, out: &mut Vec<u8>) {
    let mut record = Object::begin(out);
    fields::write(&mut record, SessionColumn::ALL, &values.all);
    record.end();
}
