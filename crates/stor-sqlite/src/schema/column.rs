//! Describes a column: its name, its type, its JSON field and its role in the stamp.

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    Text,
    /// A text that contains JSON.
    Json,
    Integer,
    Real,
}

/// What a column adds to the stamp of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StampRole {
    Nothing,
    /// The column is the time of the stamp.
    Time,
    /// The length of the text is added to the size.
    Length,
    /// The number is added to the sum of counts.
    Count,
    /// The cost in US dollars is added to the sum of counts, in units of 10⁻⁹ dollars.
    Cost,
}

/// The JSON field that a column becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// The objects around the field, from the outermost on. Unused places are empty.
    objects: [&'static str; 2],
    /// The name of the field. Empty if the column does not become a field.
    pub(crate) name: &'static str,
}

impl Field {
    /// Splits a path: `time.created` is the field `created` of the object `time`.
    const fn new(path: &'static str) -> Self {
        let mut field = Self { objects: [""; 2], name: path };
        let (mut depth, mut at) = (0, 0);
        while at < field.name.len() {
            if field.name.as_bytes()[at] == b'.' {
                let (object, rest) = field.name.split_at(at);
                (field.objects[depth], field.name) = (object, rest.split_at(1).1);
                (depth, at) = (depth + 1, 0);
            } else {
                at += 1;
            }
        }
        field
    }

    /// Returns the object around the field at this depth, or an empty name.
    pub(crate) fn object(&self, depth: usize) -> &'static str {
        self.objects.get(depth).copied().unwrap_or_default()
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) field: Field,
    pub(crate) value_type: ValueType,
    pub(crate) stamp_role: StampRole,
    /// Whether the table cannot be read without this column.
    pub(crate) is_required: bool,
    /// Whether NULL becomes 0. Otherwise the field of a NULL is left out.
    pub(crate) is_zero_if_null: bool,
    /// Whether a value in this column makes the object around the field appear. An object without
    /// such a column is always written.
    pub(crate) opens_object: bool,
}

impl Column {
    const fn new(name: &'static str, field: &'static str, value_type: ValueType) -> Self {
        Self {
            name,
            field: Field::new(field),
            value_type,
            stamp_role: StampRole::Nothing,
            is_required: false,
            is_zero_if_null: false,
            opens_object: false,
        }
    }

    pub(crate) const fn text(name: &'static str, field: &'static str) -> Self {
        Self::new(name, field, ValueType::Text)
    }

    pub(crate) const fn json(name: &'static str, field: &'static str) -> Self {
        Self::new(name, field, ValueType::Json)
    }

    pub(crate) const fn integer(name: &'static str, field: &'static str) -> Self {
        Self::new(name, field, ValueType::Integer)
    }

    pub(crate) const fn real(name: &'static str, field: &'static str) -> Self {
        Self::new(name, field, ValueType::Real)
    }

    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) const fn zero_if_null(self) -> Self {
        Self { is_zero_if_null: true, ..self }
    }

    pub(crate) const fn opens_object(self) -> Self {
        Self { opens_object: true, ..self }
    }

    /// Makes the column the time of the stamp.
    pub(crate) const fn sets_stamp_time(self) -> Self {
        Self { stamp_role: StampRole::Time, ..self }
    }

    /// Adds the length of the column to the stamp.
    pub(crate) const fn adds_length_to_stamp(self) -> Self {
        Self { stamp_role: StampRole::Length, ..self }
    }

    /// Adds the number in the column to the stamp.
    pub(crate) const fn adds_count_to_stamp(self) -> Self {
        Self { stamp_role: StampRole::Count, ..self }
    }

    /// Adds the dollars in the column to the stamp.
    pub(crate) const fn adds_cost_to_stamp(self) -> Self {
        Self { stamp_role: StampRole::Cost, ..self }
    }

    /// Checks whether a column with this declared type can hold the expected values, by the rules
    /// of type affinity in SQLite (<https://sqlite.org/datatype3.html>, section 3.1). A type
    /// without a conversion fits.
    pub(crate) fn fits(&self, declared: &str) -> bool {
        let declared = declared.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        let is_integer = has(&["INT"]);
        let is_text = !is_integer && has(&["CHAR", "CLOB", "TEXT"]);
        let is_real = !is_text && has(&["REAL", "FLOA", "DOUB"]);
        match self.value_type {
            ValueType::Text | ValueType::Json => !is_integer && !is_real,
            ValueType::Integer | ValueType::Real => !is_text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_fit_by_sqlite_affinity() {
        let (text, number) = (Column::text("a", ""), Column::integer("a", ""));
        for (declared, fits_text, fits_number) in [
            ("text", true, false),
            ("VARCHAR(20)", true, false),
            ("integer", false, true),
            ("BIGINT", false, true),
            ("real", false, true),
            ("double precision", false, true),
            ("", true, true),
            ("blob", true, true),
            ("numeric", true, true),
        ] {
            assert_eq!(text.fits(declared), fits_text, "{declared}");
            assert_eq!(number.fits(declared), fits_number, "{declared}");
        }
    }
}
