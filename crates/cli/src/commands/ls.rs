//! `ls`: the sessions of all stores, newest first.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, Zoned};
use scrollback_core_id::{Clock, ProjectId};
use scrollback_core_type::{LazyStr, Parse, Project};
use scrollback_stor_read::{FileReader, Source, SourceExt};
use serde::Serialize;

use crate::args::{Global, Ls};
use crate::clock::SystemClock;
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::pick::{self, Row};
use crate::table::{Column, Table};
use crate::{open, units};

/// A session, as lists show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    id: String,
    title: String,
    #[serde(rename = "projectID")]
    project_id: Option<String>,
    #[serde(rename = "parentID", skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    directory: Option<String>,
    created: Option<i64>,
    updated: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<i64>,
    messages: usize,
    source: String,
}

pub(crate) fn run(global: &Global, args: &Ls, out: &mut Out) -> Result<()> {
    let stores = open::open(global)?;
    let (rows, issues) = pick::sessions(&stores)?;
    let wanted = Wanted::new(&stores, args)?;
    let rows =
        rows.into_iter().filter(|row| wanted.takes(row)).take(args.most.unwrap_or(usize::MAX));
    let listed = list(&stores, rows)?;
    super::report(out, &issues)?;
    if global.json {
        out.json(&listed)?;
    }
    if listed.is_empty() {
        return Err(Failure::new(Kind::NotFound, "no sessions")
            .hint("fewer conditions may find some; `scrollback stores` says where was looked"));
    }
    if global.json { Ok(()) } else { print(out, &listed) }
}

/// Reads what a list shows of each row.
pub(super) fn list(stores: &[FileReader], rows: impl Iterator<Item = Row>) -> Result<Vec<Listed>> {
    let mut readers =
        stores.iter().map(Source::open).collect::<scrollback_stor_read::Result<Vec<_>>>()?;
    let own = |text: Option<LazyStr<'_>>| text.map(|text| text.get().into_owned());
    rows.map(|row| {
        let messages = readers[row.store].message_keys(&row.key)?.len();
        let head = row.head();
        let time = head.time.unwrap_or_default();
        Ok(Listed {
            id: row.key.to_string(),
            title: own(head.title).unwrap_or_default(),
            project_id: head.project_id.as_ref().or(row.project.as_ref()).map(ProjectId::to_string),
            parent_id: head.parent_id.map(|id| id.to_string()),
            directory: own(head.directory),
            created: time.created,
            updated: time.updated,
            archived: time.archived,
            messages,
            source: stores[row.store].id().to_string(),
        })
    })
    .collect()
}

/// Prints a table, fitted to the terminal.
pub(super) fn print(out: &mut Out, listed: &[Listed]) -> Result<()> {
    let mut table = Table::new(vec![
        Column::fixed("ID"),
        Column::flexible("TITLE"),
        Column::flexible("DIRECTORY"),
        Column::fixed("UPDATED"),
        Column::right("MESSAGES"),
    ]);
    for session in listed {
        let mark = if session.archived.is_some() { " (archived)" } else { "" };
        table.row(vec![
            session.id.clone(),
            format!("{}{mark}", session.title),
            session.directory.clone().unwrap_or_default(),
            session.updated.map(units::time).unwrap_or_default(),
            session.messages.to_string(),
        ]);
    }
    let (width, styles) = (out.width, out.styles);
    Ok(out.write_all(table.render(width, &styles).as_bytes())?)
}

/// The conditions of the command line.
struct Wanted<'a> {
    args: &'a Ls,
    since: Option<i64>,
    /// Projects whose id or directory was named.
    projects: Vec<ProjectId>,
    /// The directory that was named, if it is one.
    directory: Option<PathBuf>,
}

impl<'a> Wanted<'a> {
    fn new(stores: &[FileReader], args: &'a Ls) -> Result<Self> {
        let since = args.since.as_deref().map(since).transpose()?;
        let mut wanted = Self { args, since, projects: Vec::new(), directory: None };
        if let Some(named) = &args.project {
            wanted.directory = std::path::absolute(named).ok();
            for store in stores {
                wanted.find_projects(store, named)?;
            }
        }
        Ok(wanted)
    }

    fn find_projects(&mut self, store: &FileReader, named: &str) -> Result<()> {
        for entry in store.list_projects()?.entries {
            let (scrollback_core_id::EntityKey::Project(id), Some(span)) = (entry.key, entry.span)
            else {
                continue;
            };
            let project = Project::parse(&span).map(|it| it.value).unwrap_or_default();
            let worktree = project.worktree.map(|path| PathBuf::from(path.get().into_owned()));
            if id.as_str().starts_with(named) || (worktree.is_some() && worktree == self.directory)
            {
                self.projects.push(id);
            }
        }
        Ok(())
    }

    fn takes(&self, row: &Row) -> bool {
        let head = row.head();
        let time = head.time.unwrap_or_default();
        let in_project = self.args.project.as_ref().is_none_or(|named| {
            let id = head.project_id.as_ref().or(row.project.as_ref());
            let below = |directory: &Path| {
                head.directory
                    .as_ref()
                    .is_some_and(|of| Path::new(&*of.get()).starts_with(directory))
            };
            id.is_some_and(|id| id.as_str() == named || self.projects.contains(id))
                || self.directory.as_deref().is_some_and(below)
        });
        in_project
            && (!self.args.roots || head.parent_id.is_none())
            && (!self.args.archived || time.archived.is_some())
            && (!self.args.no_archived || time.archived.is_none())
            && self
                .since
                .is_none_or(|since| time.updated.or(time.created).is_some_and(|at| at >= since))
    }
}

/// The moment that a text names, in Unix milliseconds: an age, a date, or a time.
fn since(text: &str) -> Result<i64> {
    let bad = || {
        Failure::new(Kind::BadUse, format!("--since {text:?} is neither an age nor a date")).hint(
            "an age is `7d`, `12h`, `2 weeks`; a date `2026-01-31`; a time `2026-01-31T12:00:00Z`",
        )
    };
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let zone = jiff::tz::TimeZone::system();
    if let Ok(age) = text.parse::<Span>() {
        let now = Timestamp::from_millisecond(SystemClock.now().as_millis()).map_err(|_| bad())?;
        let then: Zoned = now.to_zoned(zone).checked_sub(age.abs()).map_err(|_| bad())?;
        return Ok(then.timestamp().as_millisecond());
    }
    let local: DateTime = text.parse().map_err(|_| bad())?;
    Ok(local.to_zoned(zone).map_err(|_| bad())?.timestamp().as_millisecond())
}
