//! `ls`: lists the sessions of all stores, newest first.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use scrollback::{Session, Store, Subagents};
use scrollback_core_id::{ProjectId, SessionKey};
use scrollback_core_type::{Cost, Usage};
use scrollback_index::SessionMeta;
use scrollback_stor_path::opencode::{LATE_LEGACY, LEGACY_ONLY, PENDING_MIGRATION};
use serde::Serialize;

use super::fields::{self, WithSubagents};
use crate::args::{Global, Ls, Verify};
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::pick;
use crate::table::{Column, Table};
use crate::{since, units};

/// A session in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedSession {
    #[serde(flatten)]
    session: fields::Session,
    messages: u64,
    /// The tokens of all answers.
    tokens: fields::Tokens,
    /// In US dollars.
    cost: Cost,
    /// When the newest message was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_message: Option<i64>,
    /// The sums over the session and its subagents.
    #[serde(skip_serializing_if = "Option::is_none")]
    with_subagents: Option<WithSubagents>,
    /// The usage that the table prints.
    #[serde(skip)]
    total: Usage,
    /// Whether the session is only in JSON files, although a database has replaced them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    left_over: bool,
    /// Whether the session was read from a database that has the name of a backup.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    from_backup: bool,
}

pub(crate) fn run(global: &Global, args: &Ls, store: &Store, out: &mut Out) -> Result<()> {
    let mut verified: HashSet<(&str, SessionKey)> = HashSet::new();
    // Verifying a session can change its record, and then other sessions match the filter. Repeat until
    // every session of the result is verified.
    let (shown, subagents, has_sessions) = loop {
        let sessions = store.sessions()?;
        let filter = SessionFilter::new(store, &sessions, args)?;
        let has_sessions = !sessions.is_empty();
        let subagents = args.roots.then(|| store.subagents(&sessions)).transpose()?;
        let is_listed = |session: &Session<'_>| {
            filter.matches(session)
                && subagents.as_ref().is_none_or(|subagents| subagents.is_top_level(session))
        };
        let shown = sessions.into_iter().filter(is_listed);
        let shown: Vec<Session<'_>> = shown.take(args.limit.unwrap_or(usize::MAX)).collect();
        // The sums of a session include its subagents.
        let below =
            subagents.iter().flat_map(|it| shown.iter().flat_map(|session| it.below(session)));
        let with_subagents: Vec<Session<'_>> = shown.iter().cloned().chain(below).collect();
        if !verify(store, &with_subagents, &mut verified)? {
            break (shown, subagents, has_sessions);
        }
    };
    let listed = list(&shown, subagents.as_ref(), global.json)?;
    let mut issues = store.issues();
    if matches!(global.verify, Verify::Full) {
        issues.extend(store.find_orphans()?);
    }
    super::issues::report(out, &issues)?;
    if global.json {
        out.json(&listed)?;
    }
    if listed.is_empty() {
        if !has_sessions && !issues.is_empty() {
            let failure = Failure::new(Kind::NotFound, "no session can be read");
            return Err(pick::with_issues(store, failure));
        }
        return Err(Failure::new(Kind::NotFound, "no sessions found")
            .hint("remove a condition; `scrollback stores` lists the places that were searched"));
    }
    if global.json { Ok(()) } else { print(out, &listed) }
}

/// Verifies the sessions of the output that were not verified yet. Returns whether there were any:
/// their new records may change which sessions match the filter, so the caller filters again.
fn verify<'s>(
    store: &'s Store,
    shown: &[Session<'_>],
    verified: &mut HashSet<(&'s str, SessionKey)>,
) -> Result<bool> {
    let mut has_unverified = false;
    for root in store.roots() {
        let of_root = shown.iter().filter(|session| std::ptr::eq(session.root(), root));
        let keys: Vec<SessionKey> = of_root
            .map(|session| session.key().clone())
            .filter(|key| verified.insert((root.id(), key.clone())))
            .collect();
        if !keys.is_empty() {
            root.verify(&keys)?;
            has_unverified = true;
        }
    }
    Ok(has_unverified)
}

/// Returns the list entries of sessions. With `subagents`, they have sums that include subagents, and
/// with `is_json` the time of the newest message.
pub(super) fn list(
    sessions: &[Session<'_>],
    subagents: Option<&Subagents<'_>>,
    is_json: bool,
) -> Result<Vec<ListedSession>> {
    let mut listed = Vec::with_capacity(sessions.len());
    for session in sessions {
        let Some(meta) = session.meta() else { continue };
        let (root, usage) = (session.root(), session.usage()?);
        let sum = subagents.map(|subagents| subagents.usage_with_subagents(session));
        let newest_message = if is_json { session.newest_message()? } else { None };
        let (_, total) = sum.unwrap_or((0, usage));
        listed.push(ListedSession {
            session: fields::Session::new(meta, root.store_of(meta)),
            messages: usage.messages,
            tokens: usage.tokens.into(),
            cost: usage.cost,
            newest_message: newest_message.map(|time| time.0),
            with_subagents: sum.and_then(|(count, sum)| WithSubagents::new(count, &sum)),
            total,
            left_over: root.is_left_over(meta),
            from_backup: root.is_from_backup(meta),
        });
    }
    Ok(listed)
}

/// The position of the column of titles.
const TITLE_COLUMN: usize = 1;
/// The position of the column of tokens.
const TOKENS_COLUMN: usize = 5;

/// Prints a table, fitted to the terminal.
pub(super) fn print(out: &mut Out, listed: &[ListedSession]) -> Result<()> {
    let mut table = Table::new(vec![
        Column::fixed("ID"),
        Column::flexible("TITLE"),
        Column::flexible("DIRECTORY").optional(),
        Column::fixed("UPDATED").important(),
        Column::right("MESSAGES").optional(),
        Column::right("TOKENS").important(),
        Column::right("COST").important(),
    ]);
    for listed in listed {
        // The mark stands before the title, so that a narrow terminal does not cut it off.
        let mark = match (listed.session.archived, listed.session.migration.as_deref()) {
            (Some(_), _) => "(archived) ",
            _ if listed.from_backup => "(backup) ",
            (_, Some(PENDING_MIGRATION)) => "(not migrated) ",
            _ if listed.left_over => "(not migrated) ",
            (_, Some(LEGACY_ONLY)) => "(not in 2.x) ",
            (_, Some(LATE_LEGACY)) => "(of 1.x) ",
            _ => "",
        };
        let session = &listed.session;
        let row = table.row(vec![
            session.id.clone(),
            format!("{mark}{}", session.listed_title()),
            session.directory.clone().unwrap_or_default(),
            session.updated.map(units::time).unwrap_or_default(),
            listed.messages.to_string(),
            units::count(listed.total.tokens.total()),
            units::cost(listed.total.cost),
        ]);
        row.shorten(TOKENS_COLUMN, units::short_count(listed.total.tokens.total()));
        if session.title.is_empty() {
            row.dim(TITLE_COLUMN);
        }
    }
    let (width, styles) = (out.width, out.styles);
    Ok(out.write_all(table.render(width, &styles).as_bytes())?)
}

/// The conditions of the command line, resolved against the store.
struct SessionFilter<'a> {
    args: &'a Ls,
    since: Option<i64>,
    projects: Option<ProjectFilter>,
}

/// The projects that a text names.
struct ProjectFilter {
    ids: Vec<ProjectId>,
    /// The directory, if the text names one. Sessions in it or below it match, whatever their project.
    directory: Option<Directory>,
}

/// A directory that a text names, on this system or on Windows.
enum Directory {
    Native(PathBuf),
    Windows(Vec<String>),
}

impl<'a> SessionFilter<'a> {
    fn new(store: &Store, sessions: &[Session<'_>], args: &'a Ls) -> Result<Self> {
        let since = args.since.as_deref().map(since::parse).transpose()?;
        let project = args.project.as_deref();
        let projects =
            project.map(|text| ProjectFilter::find(store, sessions, text)).transpose()?;
        Ok(Self { args, since, projects })
    }

    fn matches(&self, session: &Session<'_>) -> bool {
        let Some(meta) = session.meta() else { return false };
        self.projects.as_ref().is_none_or(|projects| projects.matches(meta))
            && (!self.args.archived || meta.archived.is_some())
            && (!self.args.no_archived || meta.archived.is_none())
            && self
                .since
                .is_none_or(|since| meta.updated.or(meta.created).is_some_and(|at| at >= since))
    }
}

impl ProjectFilter {
    /// Finds the projects: first by a full id, then by a directory, then by a unique prefix of an id.
    fn find(store: &Store, sessions: &[Session<'_>], text: &str) -> Result<Self> {
        let metas = || sessions.iter().filter_map(|session| session.meta());
        let mut known: BTreeMap<ProjectId, Option<PathBuf>> =
            metas().filter_map(|meta| Some((meta.project.clone()?, None))).collect();
        for root in store.roots() {
            for project in root.view()?.projects() {
                let worktree = project.worktree.as_deref().map(PathBuf::from);
                known.insert(project.id.clone(), worktree);
            }
        }
        let single = |id: &ProjectId| Self { ids: vec![id.clone()], directory: None };
        if let Some(id) = known.keys().find(|id| id.as_str() == text) {
            return Ok(single(id));
        }
        if let Some(directory) = Directory::new(text) {
            let is_here = |tree: &Option<PathBuf>| {
                tree.as_deref().and_then(Path::to_str).is_some_and(|tree| directory.is(tree))
            };
            let matching = known.iter().filter(|(_, tree)| is_here(tree));
            let ids: Vec<ProjectId> = matching.map(|(id, _)| id.clone()).collect();
            let projects = Self { ids, directory: Some(directory) };
            if metas().any(|meta| projects.matches(meta)) {
                return Ok(projects);
            }
        }
        let candidates: Vec<_> = known.keys().filter(|id| id.as_str().starts_with(text)).collect();
        match candidates[..] {
            [] => Ok(Self { ids: Vec::new(), directory: None }),
            [id] => Ok(single(id)),
            _ => {
                let count = candidates.len();
                let message =
                    format!("{text:?} is a prefix of {count} project ids; use a longer prefix");
                let mut failure = Failure::new(Kind::BadUse, message);
                failure.hints.extend(candidates.iter().take(8).map(|id| id.to_string()));
                Err(failure)
            }
        }
    }

    fn matches(&self, meta: &SessionMeta) -> bool {
        let is_below = |directory: &Directory| {
            meta.directory.as_deref().is_some_and(|session_dir| directory.contains(session_dir))
        };
        meta.project.as_ref().is_some_and(|id| self.ids.contains(id))
            || self.directory.as_ref().is_some_and(is_below)
    }
}

impl Directory {
    fn new(text: &str) -> Option<Self> {
        // On other systems, `//` before a path means nothing.
        if let Some(components) = windows_path(text).filter(|_| !text.starts_with("//")) {
            return Some(Self::Windows(components));
        }
        let path = std::fs::canonicalize(text);
        let of_windows = |path: &Path| path.to_str().and_then(windows_path).map(Self::Windows);
        match path {
            Ok(path) => of_windows(&path).or(Some(Self::Native(path))),
            Err(_) => match windows_path(text) {
                Some(components) => Some(Self::Windows(components)),
                None => std::path::absolute(text).ok().map(Self::Native),
            },
        }
    }

    /// Checks whether a path names this directory.
    fn is(&self, path: &str) -> bool {
        match self {
            Self::Native(directory) => Path::new(path) == directory,
            Self::Windows(directory) => windows_path(path).as_ref() == Some(directory),
        }
    }

    /// Checks whether a path names this directory or something below it.
    fn contains(&self, path: &str) -> bool {
        match self {
            Self::Native(directory) => Path::new(path).starts_with(directory),
            Self::Windows(directory) => {
                windows_path(path).is_some_and(|path| path.starts_with(directory))
            }
        }
    }
}

/// Returns the components of an absolute path of Windows, the drive first and in upper case; `None` for
/// any other path. Slashes and backslashes mean the same.
fn windows_path(path: &str) -> Option<Vec<String>> {
    let path = path.replace('/', r"\");
    // `\\?\` before a path switches off the rules of Windows for names.
    let path = match path.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => path.strip_prefix(r"\\?\").unwrap_or(&path).to_owned(),
    };
    let names = path.split('\\').filter(|name| !name.is_empty() && *name != ".");
    let mut components: Vec<String> = names.map(str::to_owned).collect();
    let first = components.first_mut()?;
    if path.starts_with(r"\\") {
        components.insert(0, r"\\".to_owned());
        return Some(components);
    }
    let is_drive = path.starts_with(&**first) && matches!(first.as_bytes(), [_, b':']);
    first.make_ascii_uppercase();
    (is_drive && first.as_bytes()[0].is_ascii_uppercase()).then_some(components)
}

#[cfg(test)]
mod tests {
    use super::windows_path;

    /// Source: reports anomalyco/opencode#25565, #21340, #28038, #23864 and #17183 (case
    /// 09-windows-directory-filter).
    #[test]
    fn paths_of_windows_have_one_form() {
        let expected = Some(["C:", "Users", "u"].map(str::to_owned).to_vec());
        for path in [
            r"C:\Users\u",
            r"c:\Users\u\",
            "C:/Users/u",
            "c:/Users//u/.",
            r"C:\Users/u",
            r"\\?\C:\Users\u",
            "//?/c:/Users/u",
        ] {
            assert_eq!(windows_path(path), expected, "{path}");
        }
        assert_ne!(windows_path(r"C:\users\u"), expected, "only the case of the drive is ignored");
        assert_eq!(windows_path("d:"), Some(vec!["D:".to_owned()]));
        let share = windows_path(r"\\server\share\x");
        assert!(share.is_some());
        assert_eq!(windows_path(r"\\?\UNC\server/share\x"), share);
        assert_eq!(windows_path("//server/share/x"), share);
        for path in
            ["/Users/u", "Users", "C:Users", "", ":", "é:/x", r"\Users", "/C:/x", "1:/x", "."]
        {
            assert_eq!(windows_path(path), None, "{path}");
        }
    }
}
