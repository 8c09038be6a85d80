//! Checks that a read equals a committed state.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use scrollback_core_id::{EntityKey, MessageId};
use scrollback_flow::SessionHydratedTree;
use scrollback_source::Entry;
use scrollback_stor_mmap::MappedSpan;

use super::content::{MessageMark, PartMark, SessionMark};

/// Checks a whole session, and returns its mark.
///
/// # Errors
/// If a message is incomplete, or does not belong to the state of the session.
pub(crate) fn tree(tree: &SessionHydratedTree<'_>) -> Result<SessionMark> {
    let session = SessionMark::read(bytes(tree.node.span.as_ref())?)?;
    let mut sum = 0_u64;
    for message in &tree.messages {
        let key = &message.node.key;
        let mark = MessageMark::read(bytes(message.node.span.as_ref())?)
            .with_context(|| format!("message {key}"))?;
        ensure!(message.message.is_some(), "{key} is not typed");
        sum = sum.wrapping_add(mark.version);
        ensure!(
            message.parts.len() == mark.parts,
            "half a message: {key} has {} parts of {}",
            message.parts.len(),
            mark.parts
        );
        for (at, part) in message.parts.iter().enumerate() {
            ensure!(part.part.is_some(), "{} is not typed", part.node.key);
            let part =
                self::part(part.node.span.as_ref()).with_context(|| part.node.key.to_string())?;
            ensure!(
                part.version == mark.version && part.at == at,
                "half a message: {key} is of version {}, and part {at} is {part:?}",
                mark.version
            );
        }
    }
    let read = SessionMark { messages: tree.messages.len(), sum, ..session };
    ensure!(read == session, "a session of two states: {session:?}, but {read:?} was read");
    Ok(session)
}

/// Checks messages and parts that were read together: each message and its parts have one version,
/// and no part comes without its message.
///
/// # Errors
/// If a record is incomplete, or if its version differs from its message's version.
pub(crate) fn consistent_versions(entries: &[Entry]) -> Result<()> {
    let mut versions: HashMap<&MessageId, u64> = HashMap::new();
    for Entry { key, span, .. } in entries {
        match key {
            EntityKey::Message(key) => {
                let mark = MessageMark::read(bytes(span.as_ref())?)?;
                versions.insert(&key.message, mark.version);
            }
            EntityKey::Part(key) => {
                let part = part(span.as_ref()).with_context(|| key.to_string())?;
                let message = versions.get(&key.message);
                let message = message.with_context(|| format!("{key} without its message"))?;
                ensure!(
                    *message == part.version,
                    "half a message: {key} is {part:?}, its message of version {message}"
                );
            }
            other => bail!("{other} was not asked for"),
        }
    }
    Ok(())
}

/// Checks a part by itself.
///
/// # Errors
/// If its text does not match its hash.
pub(crate) fn part(span: Option<&MappedSpan>) -> Result<PartMark> {
    PartMark::read(bytes(span)?)?.context("a part of another text")
}

/// Checks a message by itself.
///
/// # Errors
/// If it is not a record of the writer.
pub(crate) fn message(span: Option<&MappedSpan>) -> Result<MessageMark> {
    Ok(MessageMark::read(bytes(span)?)?)
}

/// Checks the record of a session.
///
/// # Errors
/// If it is not a record of the writer.
pub(crate) fn session(span: Option<&MappedSpan>) -> Result<SessionMark> {
    Ok(SessionMark::read(bytes(span)?)?)
}

fn bytes(span: Option<&MappedSpan>) -> Result<&[u8]> {
    Ok(span.context("an entity without its bytes")?)
}

#[cfg(test)]
mod tests {
    use scrollback_core_id::SessionKey;
    use scrollback_flow::run_session_tree_flow;

    use super::super::{readers, store::Store};
    use super::*;

    /// Checks a session after a change that no transaction of the writer makes.
    fn checked_after(change: &str) -> Result<SessionMark> {
        let dir = tempfile::tempdir()?;
        let database = dir.path().join("opencode.db");
        let store = Store::create(&database, 1)?;
        let (session, mark) = store.session_marks().into_iter().next().context("no session")?;
        store.db.execute(&change.replace("SESSION", &session), [])?;
        let source = readers::open_source(&database)?;
        let key = SessionKey { session: session.parse()? };
        let checked = run_session_tree_flow(&source, &key, tree)?.value?;
        assert_eq!(checked, mark);
        Ok(checked)
    }

    #[test]
    fn mixed_versions_are_detected() {
        assert!(checked_after("UPDATE project SET name = 'other'").is_ok());
        let first = "(SELECT min(rowid) FROM part WHERE session_id = 'SESSION')";
        for (change, complaint) in [
            ("UPDATE part SET data = json_set(data, '$.stress.version', 9999)", "half a message"),
            ("UPDATE part SET data = json_set(data, '$.text', 'other')", "a part of another text"),
            ("DELETE FROM part", "half a message"),
        ] {
            let wrong = checked_after(&format!("{change} WHERE rowid = {first}")).unwrap_err();
            assert!(format!("{wrong:#}").contains(complaint), "{change}: {wrong:#}");
        }
        let delete = "DELETE FROM message WHERE id = \
                      (SELECT max(id) FROM message WHERE session_id = 'SESSION')";
        let wrong = checked_after(delete).unwrap_err();
        assert!(wrong.to_string().contains("a session of two states"), "{wrong:#}");
    }
}
