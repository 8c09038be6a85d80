//! The original records of an entity, with their files and ranges of bytes.

use std::ops::Range;
use std::path::PathBuf;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, SessionKey};

use super::draft::Origin;
use super::opened::Opened;

/// The original of an entity, or one of its originals: a tool call has the record of the call, then
/// the record of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The file, relative to the root of the store.
    pub path: PathBuf,
    /// The range of bytes in the file.
    pub range: Range<u64>,
    /// The bytes, as the file has them.
    pub bytes: Vec<u8>,
}

/// What the search for originals needs of a read transaction.
pub(super) trait Originals {
    /// Opens the container of a session.
    fn open(&self, session: &SessionKey) -> Result<Opened, IssueKind>;
    /// Opens the side file that holds an entity, if one does.
    fn open_side_file(&self, key: &EntityKey) -> Result<Option<Opened>, IssueKind>;
    /// Returns the places of the records that an entity was made from.
    fn origins(&mut self, key: &EntityKey) -> Result<Vec<Origin>, IssueKind>;
    fn owner(&self, key: &EntityKey) -> Option<SessionKey>;
}

/// Returns the originals of an entity.
pub(super) fn originals(
    store: &mut dyn Originals,
    key: &EntityKey,
) -> Result<Vec<Original>, IssueKind> {
    let session = store.owner(key).ok_or(IssueKind::Vanished)?;
    if let EntityKey::Session(_) = key {
        return Ok(head_original(&store.open(&session)?)?.into_iter().collect());
    }
    let origins = store.origins(key)?;
    let opened = match store.open_side_file(key)? {
        Some(side) => side,
        None => store.open(&session)?,
    };
    origins.iter().map(|origin| original(&opened, origin)).collect()
}

fn original(opened: &Opened, origin: &Origin) -> Result<Original, IssueKind> {
    let range = origin.range.clone();
    let (path, bytes) = match &origin.file {
        Some(file) => (opened.path().join(&**file), opened.read_file_range(file, range.clone())?),
        None => (opened.path().clone(), opened.read_range(range.start, range.end - range.start)?),
    };
    Ok(Original { path, range, bytes })
}

/// Returns the head of a session: the head file of step files, the first line of a log, or the start
/// of a document.
fn head_original(opened: &Opened) -> Result<Option<Original>, IssueKind> {
    const MAX_HEAD: u64 = 64 << 10;
    if let Some(steps) = opened.steps() {
        let path = opened.path().join(steps.head);
        let bytes = opened.read_head_file()?;
        return Ok(Some(Original { path, range: 0..bytes.len() as u64, bytes }));
    }
    let mut bytes = opened.read_range(0, MAX_HEAD)?;
    if opened.arrays().is_none()
        && let Some(end) = memchr::memchr(b'\n', &bytes)
    {
        bytes.truncate(end);
    }
    let path = opened.path().clone();
    Ok(Some(Original { path, range: 0..bytes.len() as u64, bytes }))
}
