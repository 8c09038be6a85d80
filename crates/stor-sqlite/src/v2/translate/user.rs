//! Rows on the user's side: prompts, and texts that the program put there.

use super::fields::{Fields, Mention, fields, key, put, put_any};
use super::sink::Sink;
use super::walk::{Walk, Walked, inside};
use crate::json::text;
use crate::schema::row_kind::RowKind;
use crate::v2::ids::Slot;

fields! {
    Prompt {
        time = b"time", text = b"text", files = b"files", agents = b"agents", skills = b"skills",
    }
}

fields! {
    /// A file that goes with a prompt. The preview has `uri` and `source`, 2.x the bytes.
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

/// The message of the row, and its parts: the text, the files, the agents, the skills.
pub(super) fn read(walk: &mut Walk<'_>, sink: &mut Sink<'_>) -> Walked<()> {
    let prompt = Prompt::read(walk)?;
    let (row, first) = (sink.row, sink.mark());
    sink.message(first, &row.id, |out| {
        out.extend_from_slice(b"{\"role\":\"user\"");
        put_any(out, key!("time"), prompt.time);
        if row.kind != RowKind::User {
            out.extend_from_slice(key!("type"));
            text(out, row.kind_name);
        }
        prompt.rest.write(out);
    });
    if !sink.wants_parts() {
        return Ok(());
    }
    let mut numbers = (0..).map(Slot::Number);
    let mut put_part = |write: &dyn Fn(&mut Vec<u8>)| {
        if let Some(slot) = numbers.next() {
            sink.part(&row.id, slot, |out, _| write(out));
        }
    };
    put_part(&|out| {
        out.extend_from_slice(b"{\"type\":\"text\"");
        put(out, key!("text"), prompt.text.unwrap_or(b"\"\""));
        if row.kind != RowKind::User {
            put(out, key!("synthetic"), b"true");
        }
    });
    let (files, left_files) = File::each_of(prompt.files);
    for file in files {
        put_part(&|out| file.write(out));
    }
    let (agents, left_agents) = Agent::each_of(prompt.agents);
    for agent in agents {
        put_part(&|out| {
            out.extend_from_slice(b"{\"type\":\"agent\"");
            put_any(out, key!("name"), agent.name);
            if agent.mention.is_some() {
                out.extend_from_slice(key!("source"));
                Mention::of(agent.mention).write(out);
            }
            agent.rest.write(out);
        });
    }
    let (skills, left_skills) = Skill::each_of(prompt.skills);
    for skill in skills {
        put_part(&|out| {
            out.extend_from_slice(b"{\"type\":\"text\"");
            put(out, key!("text"), skill.text.unwrap_or(b"\"\""));
            put(out, key!("synthetic"), b"true");
            put(out, key!("skill"), b"{\"id\":");
            out.extend_from_slice(skill.id.unwrap_or(b"null"));
            put_any(out, key!("name"), skill.name);
            put_any(out, key!("mention"), skill.mention);
            skill.rest.write(out);
            out.push(b'}');
        });
    }
    for left in [left_files, left_agents, left_skills].into_iter().flatten() {
        if let Some(slot) = numbers.next() {
            sink.left(&row.id, slot, left);
        }
    }
    Ok(())
}

impl File<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"file\"");
        put_any(out, key!("mime"), self.mime);
        put_any(out, key!("filename"), self.name);
        match inside(self.data) {
            Some(data) => {
                let mime = inside(self.mime).unwrap_or_default();
                for piece in [b",\"url\":\"data:", mime, b";base64,", data, b"\""] {
                    out.extend_from_slice(piece);
                }
            }
            None => put_any(out, key!("url"), self.uri),
        }
        self.source(out);
        self.rest.write(out);
    }

    /// Where the file is from, and where the user's text names it.
    fn source(&self, out: &mut Vec<u8>) {
        let source = FileSource::of(self.source);
        // The preview has the mention itself there.
        let mention = self.mention.or(self.source.filter(|_| source.start.is_some()));
        if mention.is_none() && source.uri.is_none() {
            return;
        }
        match source.uri {
            Some(uri) => {
                put(out, key!("source"), b"{\"type\":\"resource\",\"clientName\":\"\"");
                put(out, key!("uri"), uri);
            }
            None => {
                let path = self.uri.filter(|_| self.data.is_none()).or(self.name);
                put(out, key!("source"), b"{\"type\":\"file\"");
                put(out, key!("path"), path.unwrap_or(b"\"\""));
            }
        }
        out.extend_from_slice(key!("text"));
        Mention::of(mention).write(out);
        out.push(b'}');
    }
}
