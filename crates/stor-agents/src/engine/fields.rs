//! The fields of one JSON object, each as a slice of its text.

use std::borrow::Cow;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_type::LazyStr;
use scrollback_core_type::json::{Scanner, SyntaxError};

/// The fields of one JSON object. A value is kept as its JSON text, and it is parsed on request. So a
/// dialect reads what it needs, and copies the rest as it stands. If a name comes twice, the last
/// value counts.
///
/// ```
/// use scrollback_stor_agents::engine::Fields;
///
/// let fields = Fields::parse(r#"{"role": "user", "content": [{"text": "a\nb"}], "n": 3}"#)?;
/// assert_eq!(fields.text("role").as_deref(), Some("user"));
/// assert_eq!(fields.whole_number("n"), Some(3));
/// let block = Fields::parse(fields.array("content").unwrap()[0])?;
/// assert_eq!(block.raw("text"), Some(r#""a\nb""#), "the text as it stands");
/// assert_eq!(block.text("text").as_deref(), Some("a\nb"));
/// assert_eq!(fields.text("n"), None, "another type");
/// # Ok::<(), Box<scrollback_core_err::Issue>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Fields<'b> {
    entries: Vec<(LazyStr<'b>, &'b str)>,
}

/// The usual number of fields of a record.
const USUAL_FIELDS: usize = 8;

impl<'b> Fields<'b> {
    /// Parses a text that is one JSON object.
    ///
    /// # Errors
    /// The [`Issue`] of a text that is not JSON, goes on after the object, or is not an object. Its place
    /// has the offset in the text.
    pub fn parse(text: &'b str) -> Result<Self, Box<Issue>> {
        let (fields, rest) = Self::parse_first(text)?;
        if rest.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Ok(fields);
        }
        let place = Place::default().at_offset((text.len() - rest.len()) as u64);
        let problem = "more after the end of the value";
        Err(Box::new(Issue::new(place, IssueKind::BadJson { problem })))
    }

    /// Parses the object at the start of a text, and returns the text after it.
    ///
    /// # Errors
    /// The [`Issue`] of a text that does not begin with a JSON object.
    pub fn parse_first(text: &'b str) -> Result<(Self, &'b str), Box<Issue>> {
        let mut scanner = Scanner::new(text);
        let mut fields = Self { entries: Vec::with_capacity(USUAL_FIELDS) };
        match fields.fill(&mut scanner).map_err(|error| error.into_issue(text))? {
            Some(()) => Ok((fields, scanner.rest())),
            None => {
                let place = Place::default().at_offset(scanner.offset() as u64);
                Err(Box::new(Issue::new(place, IssueKind::WrongShape { expected: "an object" })))
            }
        }
    }

    /// Returns the fields at the start of a text that are whole, for a text that may be cut off.
    pub fn parse_start(text: &'b str) -> Self {
        let mut fields = Self::default();
        let _ = fields.fill(&mut Scanner::new(text)); // the fields before the error are whole
        fields
    }

    /// Reads an object at the place of a scanner. `None` if it is another value, which is not passed
    /// over.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub fn read(scanner: &mut Scanner<'b>) -> Result<Option<Self>, SyntaxError> {
        let mut fields = Self { entries: Vec::with_capacity(USUAL_FIELDS) };
        Ok(fields.fill(scanner)?.map(|()| fields))
    }

    fn fill(&mut self, scanner: &mut Scanner<'b>) -> Result<Option<()>, SyntaxError> {
        scanner.object(|scanner, key| {
            let value = scanner.raw()?;
            self.entries.push((key.clone(), value));
            Ok(())
        })
    }

    /// Returns the fields as the JSON text of an object, without those that `is_left_out` names by name
    /// and JSON text.
    pub fn without(&self, is_left_out: impl Fn(&LazyStr<'b>, &str) -> bool) -> String {
        let kept = self.iter().filter(|(name, value)| !is_left_out(name, value));
        let field = |(name, value): (&LazyStr<'b>, &str)| {
            format!("{}:{value}", serde_json::Value::from(&*name.get()))
        };
        format!("{{{}}}", kept.map(field).collect::<Vec<_>>().join(","))
    }

    /// Returns the fields in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&LazyStr<'b>, &'b str)> {
        self.entries.iter().map(|(name, value)| (name, *value))
    }

    /// Returns the JSON text of a field, also of a field that is `null`.
    pub fn raw(&self, name: &str) -> Option<&'b str> {
        self.entries.iter().rev().find(|(key, _)| *key == *name).map(|(_, value)| *value)
    }

    /// Returns the JSON text of a field that is there and not `null`.
    pub fn present(&self, name: &str) -> Option<&'b str> {
        self.raw(name).filter(|value| *value != "null")
    }

    /// Returns the JSON text of a field that is a string, with its quotes.
    pub fn string(&self, name: &str) -> Option<&'b str> {
        self.raw(name).filter(|value| value.starts_with('"'))
    }

    /// Returns the value of a field that is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'b, str>> {
        unescaped(self.raw(name)?)
    }

    /// Returns the value of a field that is a whole number.
    pub fn whole_number(&self, name: &str) -> Option<i64> {
        self.raw(name)?.parse().ok()
    }

    /// Returns the value of a field that is `true` or `false`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.raw(name)?.parse().ok()
    }

    /// Returns the fields of a field that is an object.
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.raw(name)?).ok()
    }

    /// Returns the JSON texts of the elements of a field that is an array.
    pub fn array(&self, name: &str) -> Option<Vec<&'b str>> {
        elements(self.raw(name)?)
    }
}

/// Returns the value of a JSON text that is a string. It is borrowed unless it has escapes.
pub fn unescaped(json: &str) -> Option<Cow<'_, str>> {
    if !json.starts_with('"') {
        return None;
    }
    let text = Scanner::new(json).string().ok()?;
    Some(text.plain().map_or_else(|| Cow::Owned(text.get().into_owned()), Cow::Borrowed))
}

/// Returns the JSON texts of the elements of a JSON text that is an array.
pub fn elements(json: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    let mut scanner = Scanner::new(json);
    let array = scanner.array(|scanner| {
        elements.push(scanner.raw()?);
        Ok(Some(()))
    });
    array.ok()?.map(|()| elements)
}
