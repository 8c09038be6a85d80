//! Parses `docs/json.md`: the fields and examples of each object.

use std::collections::BTreeMap;

use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../../../docs/json.md");

/// The type of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Null,
    /// A record that opencode defines.
    Foreign,
    /// The name of an object.
    Object(String),
    List(Box<Type>),
}

/// A field, from its row in a table.
#[derive(Debug)]
pub(crate) struct Field {
    /// The possible types.
    pub(crate) types: Vec<Type>,
    pub(crate) is_optional: bool,
}

/// The definition of an object.
#[derive(Debug, Default)]
pub(crate) struct Object {
    pub(crate) fields: BTreeMap<String, Field>,
    /// The object that supplies further fields.
    base: Option<String>,
    pub(crate) examples: Vec<Value>,
}

/// The parsed page.
pub(crate) struct Document {
    objects: BTreeMap<String, Object>,
    /// Fields that the tests do not produce, each with its object.
    pub(crate) untested_fields: Vec<(String, String)>,
    /// Commands, each with the description of its output.
    pub(crate) commands: Vec<(String, String)>,
}

impl Document {
    pub(crate) fn read() -> Self {
        let mut document =
            Self { objects: BTreeMap::new(), untested_fields: Vec::new(), commands: Vec::new() };
        for section in DOCUMENT.split("\n## ") {
            let (heading, text) = section.split_once('\n').unwrap();
            document.section(&heading.replace('`', ""), text);
        }
        document
    }

    fn section(&mut self, heading: &str, text: &str) {
        let mut rows = text.lines().filter_map(|line| line.strip_prefix("| "));
        let Some(head) = rows.next() else { return };
        let cells = |row: &str| -> Vec<String> {
            row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let rows: Vec<Vec<String>> = rows.map(cells).collect();
        match head.split('|').next().unwrap().trim() {
            "command" => {
                self.commands.extend(rows.iter().map(|row| (code_span(&row[0]), row[1].clone())))
            }
            "object" => self
                .untested_fields
                .extend(rows.iter().map(|row| (row[0].replace('`', ""), code_span(&row[1])))),
            "field" => {
                let base = text.split_once("All fields of [");
                let base = base.map(|(_, rest)| rest.split_once(']').unwrap().0.to_owned());
                let field = |row: &Vec<String>| {
                    assert_eq!(row.len(), 5, "{heading}: {row:?}");
                    assert!(!row[3].is_empty() && !row[4].is_empty(), "{heading}: {row:?}");
                    (
                        code_span(&row[0]),
                        Field { types: parse_types(&row[1]), is_optional: row[3] != "never" },
                    )
                };
                let blocks = text.split("```json\n").skip(1);
                let examples = blocks.map(|block| block.split_once("```").unwrap().0);
                let parse = |example| serde_json::from_str(example).unwrap();
                let object = Object {
                    fields: rows.iter().map(field).collect(),
                    base,
                    examples: examples.map(parse).collect(),
                };
                assert!(
                    self.objects.insert(heading.to_owned(), object).is_none(),
                    "{heading} twice"
                );
            }
            other => panic!("{heading}: a table of {other}"),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&String, &Object)> {
        self.objects.iter()
    }

    pub(crate) fn object(&self, name: &str) -> &Object {
        self.objects.get(name).unwrap_or_else(|| panic!("docs/json.md does not define {name}"))
    }

    /// Returns the fields of an object and of its base objects, each with the object that defines it.
    pub(crate) fn fields(&self, name: &str) -> BTreeMap<&str, (&Field, String)> {
        let object = self.object(name);
        let mut fields = match &object.base {
            Some(base) => self.fields(base),
            None => BTreeMap::new(),
        };
        fields.extend(
            object.fields.iter().map(|(at, field)| (at.as_str(), (field, name.to_owned()))),
        );
        fields
    }
}

/// Returns the text between the first two backticks.
fn code_span(cell: &str) -> String {
    cell.split('`').nth(1).unwrap_or_else(|| panic!("no name in {cell:?}")).to_owned()
}

/// Parses the types that a cell names: `string or null`, `list of [Tokens](#tokens)`.
pub(crate) fn parse_types(cell: &str) -> Vec<Type> {
    cell.replace(" or ", ", ").split(", ").map(parse_type).collect()
}

fn parse_type(text: &str) -> Type {
    if let Some(item) = text.strip_prefix("list of ") {
        return Type::List(Box::new(parse_type(item)));
    }
    if let Some(link) = text.strip_prefix('[') {
        return Type::Object(link.split_once("](#").unwrap().0.replace('`', ""));
    }
    match text {
        "string" => Type::String,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        "null" => Type::Null,
        _ if text.starts_with("opencode's ") => Type::Foreign,
        _ => panic!("no type: {text:?}"),
    }
}
