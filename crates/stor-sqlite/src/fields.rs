//! The fields of a record that is made of columns.

use rusqlite::types::ValueRef;

use crate::json::Object;
use crate::schema::column::{Column, Holds};

/// Writes the fields that columns become, in the order of the table. The columns of one object stand
/// together.
pub(crate) fn write(object: &mut Object<'_>, columns: &[Column], values: &[ValueRef<'_>]) {
    within(object, columns, values, 0);
}

/// Writes those of an object at this depth.
fn within(object: &mut Object<'_>, columns: &[Column], values: &[ValueRef<'_>], depth: usize) {
    let mut at = 0;
    while let (Some(column), Some(value)) = (columns.get(at), values.get(at)) {
        let name = column.field.object(depth);
        if name.is_empty() {
            put(object, column, *value);
            at += 1;
            continue;
        }
        let is_in_it = |it: &&Column| it.field.object(depth) == name;
        let next = at + columns[at..].iter().take_while(is_in_it).count();
        let (inner, inner_values) = (&columns[at..next], &values[at..next]);
        if is_open(inner, inner_values) {
            object.object(name, |object| within(object, inner, inner_values, depth + 1));
        }
        at = next;
    }
}

/// Whether one of the columns that open an object has a value, or none of them opens it.
fn is_open(columns: &[Column], values: &[ValueRef<'_>]) -> bool {
    let opening = columns.iter().zip(values).filter(|(column, _)| column.opens_object);
    let mut opening = opening.map(|(_, value)| is_there(value)).peekable();
    opening.peek().is_none() || opening.any(|is_there| is_there)
}

fn put(object: &mut Object<'_>, column: &Column, value: ValueRef<'_>) {
    let name = column.field.name;
    match column.holds {
        _ if name.is_empty() => {}
        Holds::Json => drop(object.json(name, value)),
        _ if column.is_zero_if_null => drop(object.number(name, value)),
        _ => drop(object.value(name, value)),
    }
}

pub(crate) fn is_there(value: &ValueRef<'_>) -> bool {
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

    fn written(values: [ValueRef<'_>; 6]) -> String {
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
        assert_eq!(written(all), expected);
        let some = [Text(b"x"), Null, Integer(0), Null, Null, Null];
        assert_eq!(written(some), r#"{"id":"x","time":{},"sums":{"in":0,"cache":{"read":0}}}"#);
        let none = [Null, Null, Null, Integer(3), Null, Null];
        assert_eq!(written(none), r#"{"time":{}}"#, "nothing opens it");
    }
}
