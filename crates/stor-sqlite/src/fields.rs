//! Writes the JSON fields of a record that is stored in columns.

use rusqlite::types::ValueRef;

use crate::json::Object;
use crate::schema::column::{Column, ValueType};

/// Writes the fields of all columns, in the order of `columns`. The columns of one JSON object must
/// be adjacent.
pub(crate) fn write(object: &mut Object<'_>, columns: &[Column], values: &[ValueRef<'_>]) {
    write_object(object, columns, values, 0);
}

/// Writes the fields of the object at this depth.
fn write_object(
    object: &mut Object<'_>,
    columns: &[Column],
    values: &[ValueRef<'_>],
    depth: usize,
) {
    let mut at = 0;
    while let (Some(column), Some(value)) = (columns.get(at), values.get(at)) {
        let name = column.field.object(depth);
        if name.is_empty() {
            write_column(object, column, *value);
            at += 1;
            continue;
        }
        let is_inside = |column: &&Column| column.field.object(depth) == name;
        let next = at + columns[at..].iter().take_while(is_inside).count();
        let (inner, inner_values) = (&columns[at..next], &values[at..next]);
        if is_open(inner, inner_values) {
            object.object(name, |object| write_object(object, inner, inner_values, depth + 1));
        }
        at = next;
    }
}

/// Checks whether the object is written: one of its opening columns has a value, or it has no
/// opening column.
fn is_open(columns: &[Column], values: &[ValueRef<'_>]) -> bool {
    let opening = columns.iter().zip(values).filter(|(column, _)| column.opens_object);
    let mut opening = opening.map(|(_, value)| has_value(value)).peekable();
    opening.peek().is_none() || opening.any(|has_value| has_value)
}

fn write_column(object: &mut Object<'_>, column: &Column, value: ValueRef<'_>) {
    let name = column.field.name;
    match column.value_type {
        _ if name.is_empty() => {}
        ValueType::Json => drop(object.json(name, value)),
        _ if column.is_zero_if_null => drop(object.number(name, value)),
        _ => drop(object.value(name, value)),
    }
}

pub(crate) fn has_value(value: &ValueRef<'_>) -> bool {
    !matches!(value, ValueRef::Null | ValueRef::Text(b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 6] = [
        Column::text("a", "id"),
        Column::integer("b", "time.created"),
        Column::integer("c", "sums.in").zero_if_null().opens_object(),
        Column::integer("d", "sums.cache.read").zero_if_null(),
        Column::json("e", "more"),
        Column::text("f", ""),
    ];

    fn write_to_string(values: [ValueRef<'_>; 6]) -> String {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        write(&mut object, &COLUMNS, &values);
        object.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_written_where_the_table_says() {
        use ValueRef::{Integer, Null, Text};
        let all = [Text(b"x"), Integer(1), Integer(2), Integer(3), Text(b"[4]"), Text(b"no field")];
        let expected =
            r#"{"id":"x","time":{"created":1},"sums":{"in":2,"cache":{"read":3}},"more":[4]}"#;
        assert_eq!(write_to_string(all), expected);
        let some = [Text(b"x"), Null, Integer(0), Null, Null, Null];
        assert_eq!(
            write_to_string(some),
            r#"{"id":"x","time":{},"sums":{"in":0,"cache":{"read":0}}}"#
        );
        let none = [Null, Null, Null, Integer(3), Null, Null];
        assert_eq!(write_to_string(none), r#"{"time":{}}"#, "no column opens the object");
    }
}
