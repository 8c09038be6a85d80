//! Translates rows on the user's side: prompts, and texts that the program inserted.

use super::fields::{Fields, Mention, fields, key, put_field, put_optional_field};
use super::sink::Sink;
use super::walk::{Walk, Walked, string_body};
use crate::json::write_text;
use crate::schema::row_kind::RowKind;
use crate::v2::ids::Slot;

fields! {
    Prompt {
        time = b"time", text = b"text", files = b"files", agents = b"agents", skills = b"skills",
    }
}

fields! {
    /// A file of a prompt. The preview stores `uri` and `source`, and 2.x stores the bytes.
    File {
        data = b"data", uri = b"uri", mime = b"mime", name = b"name", source = b"source",
        mention = b"mention",
    }
}

fields! {
    FileSource { kind = b"type", uri = b"uri", start = b"start", }
}

fields! {
    Agent { name = b"name", mention = b"mention" | b"source", }
}

fields! {
    Skill { id = b"id", name = b"name", text = b"text", mention = b"mention", }
}

/// Writes the message of the row and its parts: the text, the files, the agents and the skills.
pub(super) fn read(walk: &mut Walk<'_>, sink: &mut Sink<'_>) -> Walked<()> {
    let prompt = Prompt::read(walk)?;
    let (row, first) = (sink.row, sink.position());
    sink.put_message(first, &row.id, |out| {
        out.extend_from_slice(b"{\"role\":\"user\"");
        put_optional_field(out, key!("time"), prompt.time);
        if row.kind != RowKind::User {
            out.extend_from_slice(key!("type"));
            write_text(out, row.kind_name);
        }
        prompt.rest.write(out);
    });
    if !sink.wants_parts() {
        return Ok(());
    }
    let mut numbers = (0..).map(Slot::Number);
    let mut put_part = |write: &dyn Fn(&mut Vec<u8>)| {
        if let Some(slot) = numbers.next() {
            sink.put_part(&row.id, slot, |out, _| write(out));
        }
    };
    put_part(&|out| {
        out.extend_from_slice(b"{\"type\":\"text\"");
        put_field(out, key!("text"), prompt.text.unwrap_or(b"\"\""));
        if row.kind != RowKind::User {
            put_field(out, key!("synthetic"), b"true");
        }
    });
    let (files, unreadable_files) = File::read_elements(prompt.files);
    for file in files {
        put_part(&|out| file.write(out));
    }
    let (agents, unreadable_agents) = Agent::read_elements(prompt.agents);
    for agent in agents {
        put_part(&|out| {
            out.extend_from_slice(b"{\"type\":\"agent\"");
            put_optional_field(out, key!("name"), agent.name);
            if agent.mention.is_some() {
                out.extend_from_slice(key!("source"));
                Mention::read_or_default(agent.mention).write(out);
            }
            agent.rest.write(out);
        });
    }
    let (skills, unreadable_skills) = Skill::read_elements(prompt.skills);
    for skill in skills {
        put_part(&|out| {
            out.extend_from_slice(b"{\"type\":\"text\"");
            put_field(out, key!("text"), skill.text.unwrap_or(b"\"\""));
            put_field(out, key!("synthetic"), b"true");
            put_field(out, key!("skill"), b"{\"id\":");
            out.extend_from_slice(skill.id.unwrap_or(b"null"));
            put_optional_field(out, key!("name"), skill.name);
            put_optional_field(out, key!("mention"), skill.mention);
            skill.rest.write(out);
            out.push(b'}');
        });
    }
    for unreadable in [unreadable_files, unreadable_agents, unreadable_skills].into_iter().flatten()
    {
        if let Some(slot) = numbers.next() {
            sink.put_unreadable_list(&row.id, slot, unreadable);
        }
    }
    Ok(())
}

impl File<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"file\"");
        put_optional_field(out, key!("mime"), self.mime);
        put_optional_field(out, key!("filename"), self.name);
        match string_body(self.data) {
            Some(data) => {
                let mime = string_body(self.mime).unwrap_or_default();
                for piece in [b",\"url\":\"data:", mime, b";base64,", data, b"\""] {
                    out.extend_from_slice(piece);
                }
            }
            None => put_optional_field(out, key!("url"), self.uri),
        }
        self.write_source(out);
        self.rest.write(out);
    }

    /// Writes where the file comes from, and where the user's text mentions it.
    fn write_source(&self, out: &mut Vec<u8>) {
        let source = FileSource::read_or_default(self.source);
        // The preview stores the mention itself in this field.
        let mention = self.mention.or(self.source.filter(|_| source.start.is_some()));
        if mention.is_none() && source.uri.is_none() {
            return;
        }
        match source.uri {
            Some(uri) => {
                put_field(out, key!("source"), b"{\"type\":\"resource\",\"clientName\":\"\"");
                put_field(out, key!("uri"), uri);
            }
            None => {
                let path = self.uri.filter(|_| self.data.is_none()).or(self.name);
                put_field(out, key!("source"), b"{\"type\":\"file\"");
                put_field(out, key!("path"), path.unwrap_or(b"\"\""));
            }
        }
        out.extend_from_slice(key!("text"));
        Mention::read_or_default(mention).write(out);
        out.push(b'}');
    }
}
