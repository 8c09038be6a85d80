//! `ls`: the sessions of all stores, newest first.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, Zoned};
use scrollback_core_id::{Clock, EntityKey, ProjectId, Scope, SessionKey};
use scrollback_core_type::{LazyStr, Parse, Project, StageIssue, StageName};
use scrollback_stor_read::{FileReader, Listing, Reader, Source, SourceExt};
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
    let stores = open::open(global, out)?;
    let (rows, mut issues) = pick::sessions(&stores)?;
    let wanted = Wanted::new(&stores, &rows, args)?;
    let any = !rows.is_empty();
    let rows =
        rows.into_iter().filter(|row| wanted.takes(row)).take(args.most.unwrap_or(usize::MAX));
    let listed = list(&stores, rows, &mut issues)?;
    super::report(out, &issues)?;
    if global.json {
        out.json(&listed)?;
    }
    if listed.is_empty() {
        if !any && !issues.is_empty() {
            return Err(pick::missing("no session can be read", &issues));
        }
        return Err(Failure::new(Kind::NotFound, "no sessions")
            .hint("fewer conditions may find some; `scrollback stores` says where was looked"));
    }
    if global.json { Ok(()) } else { print(out, &listed) }
}

/// Reads what a list shows of each row.
pub(super) fn list(
    stores: &[FileReader],
    rows: impl Iterator<Item = Row>,
    issues: &mut Vec<StageIssue>,
) -> Result<Vec<Listed>> {
    let mut readers =
        stores.iter().map(Source::open).collect::<scrollback_stor_read::Result<Vec<_>>>()?;
    let own = |text: Option<LazyStr<'_>>| text.map(|text| text.get().into_owned());
    rows.map(|row| {
        let messages = count(&mut *readers[row.store], &row.key, issues)?;
        let head = row.head();
        let time = head.time.unwrap_or_default();
        Ok(Listed {
            id: row.key.to_string(),
            title: own(head.title).unwrap_or_default(),
            project_id: row.project_id().map(|id| id.to_string()),
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

/// Counts the messages of a session by their names.
fn count(reader: &mut dyn Reader, key: &SessionKey, issues: &mut Vec<StageIssue>) -> Result<usize> {
    let scope = Scope::MessageNames(key.clone());
    let named = Listing::collect(|each| reader.scan(&scope, each))?;
    let met = named.issues.into_iter();
    issues.extend(met.map(|(key, issue)| StageIssue { stage: StageName::Plan, key, issue }));
    Ok(named.entries.len())
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
        // In front, where a narrow terminal does not cut it off.
        let mark = if session.archived.is_some() { "(archived) " } else { "" };
        table.row(vec![
            session.id.clone(),
            format!("{mark}{}", session.title),
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
    projects: Option<Projects>,
}

/// The projects that a text names.
struct Projects {
    ids: Vec<ProjectId>,
    /// The directory, if it names one; sessions at or below it count, whatever their project.
    directory: Option<PathBuf>,
}

impl<'a> Wanted<'a> {
    fn new(stores: &[FileReader], rows: &[Row], args: &'a Ls) -> Result<Self> {
        let since = args.since.as_deref().map(since).transpose()?;
        let named = args.project.as_deref();
        let projects = named.map(|named| Projects::find(stores, rows, named)).transpose()?;
        Ok(Self { args, since, projects })
    }

    fn takes(&self, row: &Row) -> bool {
        let head = row.head();
        let time = head.time.unwrap_or_default();
        self.projects.as_ref().is_none_or(|projects| projects.hold(row))
            && (!self.args.roots || head.parent_id.is_none())
            && (!self.args.archived || time.archived.is_some())
            && (!self.args.no_archived || time.archived.is_none())
            && self
                .since
                .is_none_or(|since| time.updated.or(time.created).is_some_and(|at| at >= since))
    }
}

impl Projects {
    /// An id names one project, a directory all that are there, the start of an id one again.
    fn find(stores: &[FileReader], rows: &[Row], named: &str) -> Result<Self> {
        let mut known: BTreeMap<ProjectId, Option<PathBuf>> =
            rows.iter().filter_map(|row| Some((row.project_id()?, None))).collect();
        for store in stores {
            for entry in store.list_projects()?.entries {
                if let (EntityKey::Project(id), Some(span)) = (entry.key, entry.span) {
                    let project = Project::parse(&span).map(|it| it.value).unwrap_or_default();
                    known.insert(id, project.worktree.map(|path| path.get().into_owned().into()));
                }
            }
        }
        let one = |id: &ProjectId| Self { ids: vec![id.clone()], directory: None };
        if let Some(id) = known.keys().find(|id| id.as_str() == named) {
            return Ok(one(id));
        }
        let directory = std::fs::canonicalize(named).or_else(|_| std::path::absolute(named));
        if let Ok(directory) = directory {
            let there = known.iter().filter(|(_, tree)| tree.as_ref() == Some(&directory));
            let ids: Vec<ProjectId> = there.map(|(id, _)| id.clone()).collect();
            let projects = Self { ids, directory: Some(directory) };
            if rows.iter().any(|row| projects.hold(row)) {
                return Ok(projects);
            }
        }
        let started: Vec<_> = known.keys().filter(|id| id.as_str().starts_with(named)).collect();
        match started[..] {
            [] => Ok(Self { ids: Vec::new(), directory: None }),
            [id] => Ok(one(id)),
            _ => {
                let message = format!("{named:?} is the start of {} project ids", started.len());
                let mut failure = Failure::new(Kind::BadUse, message);
                failure.hints.extend(started.iter().take(8).map(|id| id.to_string()));
                Err(failure)
            }
        }
    }

    fn hold(&self, row: &Row) -> bool {
        let below = |directory: &PathBuf| {
            let of = row.head().directory;
            of.is_some_and(|of| Path::new(&*of.get()).starts_with(directory))
        };
        row.project_id().is_some_and(|id| self.ids.contains(&id))
            || self.directory.as_ref().is_some_and(below)
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
