//! Reads projects and compares them with the store.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, ProjectId};
use scrollback_index::{Batch, ProjectMeta, View};
use scrollback_source::{Observation, Result, ScanItem, ScanVisitor, Survey, SurveyItem};

use super::issue_log::IssueLog;
use super::meta_builder::MetaBuilder;
use super::pool::Worker;
use super::unread::{UnreadEntities, unclean};

/// Reads the projects that `scan` hands out. A project with an issue is not clean, so that every
/// refresh reads it and reports its issue again.
pub(super) fn read_projects(
    meta_builder: &mut MetaBuilder,
    issue_log: &mut IssueLog,
    scan: impl FnOnce(&mut ScanVisitor<'_>) -> Result<()>,
) -> Result<Vec<ProjectMeta>> {
    let (mut read, mut with_issues) = (Vec::new(), HashSet::new());
    scan(&mut |item| {
        match item {
            ScanItem::Entry(entry) => {
                if let (EntityKey::Project(id), Some(span)) = (&entry.key, &entry.span) {
                    let (meta, issue) = meta_builder.project(id.clone(), span);
                    issue
                        .into_iter()
                        .for_each(|issue| issue_log.note(Some(entry.key.clone()), issue));
                    read.push(meta);
                }
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {}
            ScanItem::Issue(key, issue) => {
                with_issues.extend(key.clone());
                issue_log.note(key, issue);
            }
            ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    for meta in &mut read {
        meta.observed.clean &= !with_issues.contains(&EntityKey::Project(meta.id.clone()));
    }
    Ok(read)
}

/// Compares the projects of the index with the store, and updates those that differ.
pub(super) fn refresh_projects(
    worker: &mut Worker<'_>,
    view: &View,
    batch: &mut Batch,
    issue_log: &mut IssueLog,
) -> Result<()> {
    let mut observed: HashMap<ProjectId, Observation> = HashMap::new();
    let mut unread = UnreadEntities::default();
    worker.reader.survey(&Survey::Projects, &mut |item| {
        match item {
            SurveyItem::Observation(observation) => {
                if let EntityKey::Project(id) = &observation.key {
                    observed.insert(id.clone(), observation);
                }
            }
            SurveyItem::Issue(key, issue) => {
                unread.note(key.as_ref(), &issue);
                issue_log.note(key, issue);
            }
        }
        ControlFlow::Continue(())
    })?;
    for project in view.projects() {
        match observed.get(&project.id) {
            None if unread.may_have_project(&project.id) => {
                let observed = unclean(project.observed);
                batch.put_project(ProjectMeta { observed, ..ProjectMeta::clone(&project) });
            }
            None => batch.remove_project(project.id.clone()),
            Some(current) if project.observed.is_unchanged(&current.stamp) => {
                observed.remove(&project.id);
            }
            Some(_) => {}
        }
    }
    let ids: Vec<ProjectId> = observed.into_keys().collect();
    reread_projects(worker, &ids, batch, issue_log)
}

/// Reads projects again, and removes those that are gone.
pub(crate) fn reread_projects(
    worker: &mut Worker<'_>,
    ids: &[ProjectId],
    batch: &mut Batch,
    issue_log: &mut IssueLog,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let keys: Vec<EntityKey> = ids.iter().cloned().map(EntityKey::Project).collect();
    let Worker { reader, meta_builder, .. } = worker;
    let mut removed: HashSet<ProjectId> = HashSet::new();
    let read = read_projects(meta_builder, issue_log, |visit| {
        reader.spans(&keys, &mut |item| {
            if let ScanItem::Issue(Some(EntityKey::Project(id)), issue) = &item
                && issue.is_vanished()
            {
                removed.insert(id.clone());
            }
            visit(item)
        })
    })?;
    removed.into_iter().for_each(|id| batch.remove_project(id));
    read.into_iter().for_each(|meta| batch.put_project(meta));
    Ok(())
}
