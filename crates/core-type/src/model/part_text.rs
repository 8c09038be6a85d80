//! Accessors that return the text of a part in one call.

use std::borrow::Cow;

use super::{ReasoningPart, TextPart, ToolPart, ToolState, ToolStatus};

impl TextPart<'_> {
    /// Returns the text; empty if the record has no text. It is borrowed unless it has escapes.
    pub fn as_str(&self) -> Cow<'_, str> {
        self.text.as_ref().map(|text| text.get()).unwrap_or_default()
    }
}

impl ReasoningPart<'_> {
    /// Returns the text; empty if the record has no text. It is borrowed unless it has escapes.
    pub fn as_str(&self) -> Cow<'_, str> {
        self.text.as_ref().map(|text| text.get()).unwrap_or_default()
    }
}

impl ToolPart<'_> {
    /// Returns the name of the tool; empty if the record has no name.
    pub fn name(&self) -> Cow<'_, str> {
        self.tool.as_ref().map(|tool| tool.get()).unwrap_or_default()
    }

    /// Checks whether the call ended with an error.
    pub fn failed(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.status() == ToolStatus::Error)
    }

    /// Returns the error of the call; `None` if the call did not fail.
    pub fn error(&self) -> Option<Cow<'_, str>> {
        match &self.state {
            Some(ToolState::Error(state)) => {
                Some(state.error.as_ref().map(|error| error.get()).unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Returns the output of the call; `None` if the call did not complete.
    pub fn output(&self) -> Option<Cow<'_, str>> {
        match &self.state {
            Some(ToolState::Completed(state)) => {
                Some(state.output.as_ref().map(|output| output.get()).unwrap_or_default())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Parse, Part};

    #[test]
    fn a_call_says_whether_it_failed_and_with_what() {
        let call = |json: &'static str| match Part::parse(json.as_bytes()).unwrap().value {
            Part::Tool(call) => call,
            other => panic!("{other:?}"),
        };
        let state = call(
            r#"{"type":"tool","tool":"bash","state":{"status":"error","error":"no\u0020way"}}"#,
        );
        assert!(state.failed() && state.output().is_none());
        assert_eq!((state.name(), state.error().unwrap()), ("bash".into(), "no way".into()));
        let state = call(r#"{"type":"tool","state":{"status":"completed","output":"out"}}"#);
        assert!(!state.failed() && state.error().is_none());
        assert_eq!(state.output().unwrap(), "out");
        let Part::Text(text) = Part::parse(br#"{"type":"text","text":"hello"}"#).unwrap().value
        else {
            panic!("a text");
        };
        assert_eq!(text.as_str(), "hello");
    }
}
