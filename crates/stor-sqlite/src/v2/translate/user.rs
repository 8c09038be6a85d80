//! Rows on the user's side: prompts, and texts that the program put there.

use scrollback_core_type::json::{Scan, Scanner};

use super::fields::{Fields, Mention, fields, inside};
use super::sink::Sink;
use crate::json::Object;
use crate::v2::kind::{RowKind, Slot};

fields! {
    Prompt { time = "time", text = "text", files = "files", agents = "agents", skills = "skills", }
}

fields! {
    /// A file that goes with a prompt. The preview has `uri` and `source`, 2.x the bytes.
    File {
        data = "data", uri = "uri", mime = "mime", name = "name", source = "source",
        mention = "mention",
    }
}

fields! {
    FileSource { kind = "type", uri = "uri", start = "start", }
}

fields! {
    Agent { name = "name", mention = "mention" | "source", }
}

fields! {
    Skill { id = "id", name = "name", text = "text", mention = "mention", }
}

/// The message of the row, and its parts: the text, the files, the agents, the skills.
pub(super) fn read(scanner: &mut Scanner<'_>, sink: &mut Sink<'_>) -> Scan<Option<()>> {
    let Some(prompt) = Prompt::read(scanner)? else { return Ok(None) };
    let (row, first) = (sink.row, sink.mark());
    sink.message(first, &row.id, |message| {
        message.raw("role", "\"user\"").raw_if_any("time", prompt.time);
        if row.kind != RowKind::User {
            message.text("type", row.kind_name);
        }
        prompt.rest.write(message);
    });
    if !sink.wants_parts() {
        return Ok(Some(()));
    }
    let mut numbers = (0..).map(Slot::Number);
    let mut put = |write: &dyn Fn(&mut Object<'_>)| {
        if let Some(slot) = numbers.next() {
            sink.part(&row.id, slot, |part, _| write(part));
        }
    };
    put(&|part| {
        part.raw("type", "\"text\"").raw("text", prompt.text.unwrap_or("\"\""));
        if row.kind != RowKind::User {
            part.raw("synthetic", "true");
        }
    });
    for file in File::each_of(prompt.files) {
        put(&|part| file.write(part));
    }
    for agent in Agent::each_of(prompt.agents) {
        put(&|part| {
            part.raw("type", "\"agent\"").raw_if_any("name", agent.name);
            if agent.mention.is_some() {
                part.object("source", |source| Mention::of(agent.mention).write(source));
            }
            agent.rest.write(part);
        });
    }
    for skill in Skill::each_of(prompt.skills) {
        put(&|part| {
            part.raw("type", "\"text\"").raw("text", skill.text.unwrap_or("\"\""));
            part.raw("synthetic", "true").object("skill", |it| {
                it.raw_if_any("id", skill.id).raw_if_any("name", skill.name);
                it.raw_if_any("mention", skill.mention);
                skill.rest.write(it);
            });
        });
    }
    Ok(Some(()))
}

impl File<'_> {
    fn write(&self, part: &mut Object<'_>) {
        part.raw("type", "\"file\"").raw_if_any("mime", self.mime);
        part.raw_if_any("filename", self.name);
        match inside(self.data) {
            Some(data) => {
                let mime = inside(self.mime).unwrap_or_default();
                part.string("url", |url| {
                    for piece in ["data:", mime, ";base64,", data] {
                        url.extend_from_slice(piece.as_bytes());
                    }
                });
            }
            None => {
                part.raw_if_any("url", self.uri);
            }
        }
        self.source(part);
        self.rest.write(part);
    }

    /// Where the file is from, and where the user's text names it.
    fn source(&self, part: &mut Object<'_>) {
        let source = FileSource::of(self.source);
        // The preview has the mention itself there.
        let mention = self.mention.or(self.source.filter(|_| source.start.is_some()));
        if mention.is_none() && source.uri.is_none() {
            return;
        }
        part.object("source", |to| {
            to.object("text", |text| Mention::of(mention).write(text));
            match source.uri {
                Some(uri) => {
                    to.raw("type", "\"resource\"").raw("clientName", "\"\"").raw("uri", uri)
                }
                None => {
                    let path = self.uri.filter(|_| self.data.is_none()).or(self.name);
                    to.raw("type", "\"file\"").raw("path", path.unwrap_or("\"\""))
                }
            };
        });
    }
}
