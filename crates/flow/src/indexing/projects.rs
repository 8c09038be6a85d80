//! Projects: read, and compared with the store.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, ProjectId};
use scrollback_index::{Batch, ProjectMeta, View};
use scrollback_source::{Observation, Result, ScanItem, ScanVisitor, Survey, SurveyItem};

use super::meta_builder::MetaBuilder;
use super::pool::Worker;
use super::session::IssueLog;

/// The projects that a call hands out. One that something is wrong with is unclean, so that it is
/// read again and its issue told at every refresh.
pub(super) fn read_projects(
    metas: &mut MetaBuilder,
    notes: &mut IssueLog,
    call: impl FnOnce(&mut ScanVisitor<'_>) -> Result<()>,
) -> Result<Vec<ProjectMeta>> {
    let (mut read, mut wrong) = (Vec::new(), HashSet::new());
    call(&mut |found| {
        match found {
            ScanItem::Entry(entry) => {
                if let (EntityKey::Project(id), Some(span)) = (&entry.key, &entry.span) {
                    let (meta, issue) = metas.project(id.clone(), span);
                    issue.into_iter().for_each(|issue| notes.note(Some(entry.key.clone()), issue));
                    read.push(meta);
                }
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {}
            ScanItem::Issue(key, issue) => {
                wrong.extend(key.clone());
                notes.note(key, issue);
            }
            ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    for meta in &mut read {
        meta.observed.clean &= !wrong.contains(&EntityKey::Project(meta.id.clone()));
    }
    Ok(read)
}

/// Compares the projects with the store.
pub(super) fn refresh_projects(
    worker: &mut Worker<'_>,
    view: &View,
    batch: &mut Batch,
    notes: &mut IssueLog,
) -> Result<()> {
    let mut there: HashMap<ProjectId, Observation> = HashMap::new();
    worker.reader.survey(&Survey::Projects, &mut |seen| {
        match seen {
            SurveyItem::Observation(sighting) => {
                if let EntityKey::Project(id) = &sighting.key {
                    there.insert(id.clone(), sighting);
                }
            }
            SurveyItem::Issue(key, issue) => notes.note(key, issue),
        }
        ControlFlow::Continue(())
    })?;
    for project in view.projects() {
        match there.get(&project.id) {
            None => batch.remove_project(project.id.clone()),
            Some(now) if project.observed.is_unchanged(&now.stamp) => {
                there.remove(&project.id);
            }
            Some(_) => {}
        }
    }
    let ids: Vec<ProjectId> = there.into_keys().collect();
    reread_projects(worker, &ids, batch, notes)
}

/// Reads projects anew, and takes those out that are gone.
pub(crate) fn reread_projects(
    worker: &mut Worker<'_>,
    ids: &[ProjectId],
    batch: &mut Batch,
    notes: &mut IssueLog,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let keys: Vec<EntityKey> = ids.iter().cloned().map(EntityKey::Project).collect();
    let Worker { reader, meta_builder: metas, .. } = worker;
    let mut gone: HashSet<ProjectId> = HashSet::new();
    let read = read_projects(metas, notes, |each| {
        reader.spans(&keys, &mut |found| {
            if let ScanItem::Issue(Some(EntityKey::Project(id)), issue) = &found
                && issue.is_vanished()
            {
                gone.insert(id.clone());
            }
            each(found)
        })
    })?;
    gone.into_iter().for_each(|id| batch.remove_project(id));
    read.into_iter().for_each(|meta| batch.put_project(meta));
    Ok(())
}
