//! Walks the directories of a store, and finds its sessions.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::SessionKey;
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

use super::dialect::Dialect;
use super::layout::Role;

/// The deepest directory that is walked. Stores have three levels.
const MAX_DEPTH: usize = 16;

/// Passes every session, and the issues with names, in no order. Links are not followed.
pub(crate) fn walk<D: Dialect>(
    dialect: &D,
    root: &Dir,
    visitor: &mut dyn FnMut(Result<SessionKey, Issue>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Walk { dialect, buffer: ListBuffer::default(), path: Vec::new() }.walk(root, visitor)
}

struct Walk<'d, D> {
    dialect: &'d D,
    buffer: ListBuffer,
    path: Vec<String>,
}

impl<D: Dialect> Walk<'_, D> {
    fn walk(
        &mut self,
        dir: &Dir,
        visitor: &mut dyn FnMut(Result<SessionKey, Issue>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut names: Vec<(Vec<u8>, FileKind)> = Vec::new();
        let listed = dir.list(&mut self.buffer, |name, kind| names.push((name.to_vec(), kind)));
        match listed {
            Ok(()) => {}
            Err(IssueKind::Vanished) => return ControlFlow::Continue(()),
            Err(kind) => return visitor(Err(self.issue(kind))),
        }
        for (name, kind) in names {
            // No agent makes a name that is not UTF-8.
            let Ok(name) = String::from_utf8(name) else { continue };
            self.path.push(name);
            let flow = self.visit(dir, kind, visitor);
            self.path.pop();
            flow?;
        }
        ControlFlow::Continue(())
    }

    /// Visits the last name of the path.
    fn visit(
        &mut self,
        dir: &Dir,
        kind: FileKind,
        visitor: &mut dyn FnMut(Result<SessionKey, Issue>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        // A link would be what its target is, so it gets the role of both kinds of targets.
        let role = match kind {
            FileKind::Link => match self.dialect.classify(&path, FileKind::File) {
                Role::Ignore => self.dialect.classify(&path, FileKind::Directory),
                role => role,
            },
            kind => self.dialect.classify(&path, kind),
        };
        match role {
            Role::Descend | Role::Session(_) if kind == FileKind::Link => {
                visitor(Err(self.issue(IssueKind::Link)))
            }
            Role::Session(session) => visitor(Ok(session.into())),
            Role::Foreign(kind) => visitor(Err(self.issue(kind))),
            Role::Descend if kind == FileKind::Directory && path.len() < MAX_DEPTH => {
                let name = path.last().map(|name| name.as_bytes()).unwrap_or_default();
                match dir.open_dir(name) {
                    Ok(below) => self.walk(&below, visitor),
                    Err(IssueKind::Vanished) => ControlFlow::Continue(()),
                    Err(kind) => visitor(Err(self.issue(kind))),
                }
            }
            Role::Descend | Role::Side(_) | Role::Ignore => ControlFlow::Continue(()),
        }
    }

    fn issue(&self, kind: IssueKind) -> Issue {
        Issue::new(Place::path(self.path.join("/")), kind)
    }
}
