//! Tool calls.

use scrollback_core_type::json::{Scan, Scanner};

use super::failure;
use super::fields::{Fields, Rest, fields, inside};
use super::sink::Ids;
use crate::json::Object;

/// How far a call is, and what came of it.
#[derive(Debug, Default)]
pub(super) struct State<'a> {
    status: Option<&'a str>,
    input: Option<&'a str>,
    content: Vec<Content<'a>>,
    content_text: Option<&'a str>,
    metadata: Option<&'a str>,
    structured: Option<&'a str>,
    error: Option<&'a str>,
    rest: Rest<'a>,
}

fields! {
    /// Something that a tool answered: a text, or a file.
    Content { kind = "type", text = "text", uri = "uri", mime = "mime", name = "name", }
}

fields! {
    Time { created = "created", ran = "ran", completed = "completed", pruned = "pruned", }
}

impl<'a> State<'a> {
    /// Reads the state that comes next, the answers of tools but once, as they are the largest that
    /// there is. Declines what is no object.
    pub(super) fn read(scanner: &mut Scanner<'a>) -> Scan<Option<Self>> {
        let mut it = Self::default();
        let object = scanner.object(|scanner, key| {
            match &*key.get() {
                "status" => it.status = Some(scanner.raw()?),
                "input" => it.input = Some(scanner.raw()?),
                "content" => {
                    let (contents, text) = scanner.spanned(contents)?;
                    (it.content, it.content_text) = (contents, Some(text));
                }
                "metadata" => it.metadata = Some(scanner.raw()?),
                "structured" => it.structured = Some(scanner.raw()?),
                "error" => it.error = Some(scanner.raw()?),
                _ => it.rest.push(key, scanner.raw()?),
            }
            Ok(())
        })?;
        Ok(object.map(|()| it))
    }

    /// Whether it is a state of a call, and not a provider's own under the same name.
    pub(super) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// Whether its status is one that there is.
    pub(super) fn is_known(&self) -> bool {
        let status = inside(self.status).unwrap_or_default();
        matches!(status, "streaming" | "pending" | "running" | "completed" | "error")
    }

    /// Writes a state whose status is known.
    pub(super) fn write(&self, to: &mut Object<'_>, time: Option<&str>, ids: &Ids<'_>) {
        let time = Time::of(time);
        let status = inside(self.status).unwrap_or_default();
        match status {
            "streaming" | "pending" => {
                let is_text = inside(self.input).is_some();
                to.raw("status", "\"pending\"");
                to.raw("input", self.input.filter(|_| !is_text).unwrap_or("{}"));
                to.raw("raw", self.input.filter(|_| is_text).unwrap_or("\"\""));
                self.metadata(to);
            }
            "running" => {
                to.raw("status", "\"running\"").raw_if_any("input", self.input);
                self.metadata(to);
                time.write(to);
            }
            "completed" => {
                to.raw("status", "\"completed\"").raw_if_any("input", self.input);
                self.output(to);
                self.metadata(to);
                time.write(to);
                self.attachments(to, ids);
            }
            _ => {
                to.raw("status", "\"error\"").raw_if_any("input", self.input);
                to.raw("error", failure::message_of(self.error));
                self.metadata(to);
                time.write(to);
                to.raw_if_any("cause", self.error);
            }
        }
        let is_said = status == "completed" && self.content.iter().all(Content::is_known);
        to.raw_if_any("content", self.content_text.filter(|text| !is_said && *text != "[]"));
        self.rest.write(to);
    }

    /// What the tool says of itself; the preview of 2.x called it another name.
    fn metadata(&self, to: &mut Object<'_>) {
        to.raw_if_any("metadata", self.metadata.or(self.structured));
        to.raw_if_any("structured", self.structured.filter(|_| self.metadata.is_some()));
    }

    /// What the model was told: the texts, line by line.
    fn output(&self, to: &mut Object<'_>) {
        let mut texts =
            self.content.iter().filter(|it| it.is_text()).filter_map(|it| inside(it.text));
        let first = texts.next().unwrap_or_default();
        to.string("output", |out| {
            out.extend_from_slice(first.as_bytes());
            for text in texts {
                out.extend_from_slice(b"\\n");
                out.extend_from_slice(text.as_bytes());
            }
        });
    }

    fn attachments(&self, to: &mut Object<'_>, ids: &Ids<'_>) {
        let files = self.content.iter().filter(|it| it.is_file());
        if files.clone().next().is_none() {
            return;
        }
        to.array("attachments", |out| {
            for (at, file) in files.enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                let mut part = Object::begin(out);
                part.raw("type", "\"file\"").raw_if_any("mime", file.mime);
                part.raw_if_any("filename", file.name).raw_if_any("url", file.uri);
                file.rest.write(&mut part);
                part.end_with(format!("{}_{at}", ids.part).as_bytes(), ids.owners);
            }
        });
    }
}

impl Content<'_> {
    fn is_text(&self) -> bool {
        self.kind == Some("\"text\"")
    }

    fn is_file(&self) -> bool {
        self.kind == Some("\"file\"")
    }

    /// Whether it has a place in a record of 1.x.
    fn is_known(&self) -> bool {
        self.is_text() && self.rest.is_empty() || self.is_file()
    }
}

impl Time<'_> {
    fn write(&self, to: &mut Object<'_>) {
        let Some(start) = self.ran.or(self.created) else { return };
        to.object("time", |time| {
            time.raw("start", start).raw_if_any("end", self.completed);
            time.raw_if_any("compacted", self.pruned);
            time.raw_if_any("created", self.created.filter(|_| self.ran.is_some()));
            self.rest.write(time);
        });
    }
}

/// The contents that come next; none of what is no array.
fn contents<'a>(scanner: &mut Scanner<'a>) -> Scan<Vec<Content<'a>>> {
    let mut all = Vec::new();
    let array = scanner.array(|scanner| {
        let content = match Content::read(scanner)? {
            Some(content) => content,
            None => {
                scanner.skip_value()?;
                Content::default()
            }
        };
        all.push(content);
        Ok(Some(()))
    })?;
    if array.is_none() {
        scanner.skip_value()?;
    }
    Ok(all)
}
