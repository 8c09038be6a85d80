//! The head of a session: its first record, or the fields of a document.

use scrollback_core_err::IssueKind;

use super::names::{self, Name};
use crate::engine::{Fields, HeadInput, Json, SessionDraft};

const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "a session of claw" };

/// Reads the head. A session whose first record is another one than `session_meta` has no fields.
pub(super) fn read(input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
    let id = input.session().session.as_str().to_owned();
    let is_document = input.is_document();
    let bytes = if is_document { input.whole()? } else { input.first_line()? };
    let text = std::str::from_utf8(&bytes).map_err(|_| IssueKind::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text); // reading the records reports it
    let fields = Fields::parse_start(text);
    let none = from_fields(&Fields::default(), &id, None);
    let draft = match fields.text("type").as_deref() {
        _ if is_document && fields.whole_number("version").is_some() => {
            let meta = fields.without(|_, value| value.starts_with('['));
            from_fields(&fields, &id, Some(&meta))
        }
        Some("session_meta") if fields.string("session_id").is_some() => {
            let meta = Fields::parse(text).is_ok().then(|| text.trim_ascii());
            from_fields(&fields, &id, meta)
        }
        Some(kind) if is_other_record(kind, &fields) => none,
        None if text.trim_ascii().is_empty() => none,
        _ => return Err(EXPECTED),
    };
    Ok(draft)
}

/// Checks whether a first record is one that the program also accepts there. Other agents have records
/// of the same types.
fn is_other_record(kind: &str, fields: &Fields<'_>) -> bool {
    match kind {
        "message" => {
            fields.object("message").is_some_and(|message| message.array("blocks").is_some())
        }
        "compaction" => fields.string("summary").is_some(),
        "prompt_history" => fields.string("text").is_some(),
        _ => false,
    }
}

/// Returns the draft of the session with this id; `meta` is the JSON text of the head.
fn from_fields(fields: &Fields<'_>, id: &str, meta: Option<&str>) -> SessionDraft {
    let (dir, name) = id.split_once('/').map_or(("", id), |(dir, name)| (dir, name));
    let owned = |name: &str| fields.text(name).map(|text| text.into_owned());
    let beside = |id: &str| match dir {
        "" => id.to_owned(),
        dir => format!("{dir}/{id}"),
    };
    let fork = fields.object("fork").unwrap_or_default();
    let agent_id = owned("session_id");
    let created = fields.whole_number("created_at_ms").or_else(|| {
        let millis = names::millis_of_id(agent_id.as_deref().unwrap_or(name))?;
        i64::try_from(millis).ok()
    });
    SessionDraft {
        directory: owned("workspace_root"),
        version: fields
            .raw("version")
            .filter(|version| version.parse::<u32>().is_ok())
            .map(String::from),
        // The parent is known by its id alone. A fork is made in the directory of its parent.
        forked_from: fork.text("parent_session_id").map(|parent| beside(&parent)),
        created,
        model: owned("model"),
        agent_id: agent_id.filter(|agent_id| agent_id != id),
        metadata: metadata(name, beside, meta),
        ..SessionDraft::default()
    }
}

/// Returns the head as it stands, and for an older copy the session that it is a copy of.
fn metadata(name: &str, beside: impl Fn(&str) -> String, meta: Option<&str>) -> Option<String> {
    let file = names::name_of_id(name);
    let mut fields = Vec::new();
    let copy = match names::parse(&file) {
        Some(Name::Rotation(stem, time)) => Some(("rotation", stem, time)),
        Some(Name::Backup(file, time)) => Some(("clear", names::id_of_name(file), time)),
        _ => None,
    };
    if let Some((reason, session, time)) = copy {
        fields.push(("olderCopyOf", Json::Text(beside(session))));
        fields.push(("reason", Json::Name(reason)));
        fields.push(("copied", Json::Number(time)));
    }
    if let Some(meta) = meta {
        fields.push(("sessionMeta", Json::Raw(meta)));
    }
    (!fields.is_empty()).then(|| Json::Object(fields).to_text())
}
