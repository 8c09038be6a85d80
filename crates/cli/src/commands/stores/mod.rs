//! `stores`: lists the stores, the rule that found each, whether it is read, which store wins, and its
//! health.

mod examine;
mod health;
mod listed;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::ops::ControlFlow;

use scrollback::{DiscoveredRoot, DiscoveredStore, Root, StoreBuilder, StoreDetails, StoreState};
use scrollback_source::{Survey, SurveyItem};

use self::examine::examine;
use self::health::Health;
use self::listed::{ListedStore, StoreContents, UnknownSchema};
use crate::args::Global;
use crate::failure::{Failure, Kind, Result, no_store};
use crate::out::Out;
use crate::{open, sanitize};

pub(crate) fn run(global: &Global, out: &mut Out) -> Result<()> {
    let builder = open::builder(global);
    let discovery = builder.find()?;
    let (mut listed, mut unsupported) = (Vec::new(), Vec::new());
    let mut failures: Vec<Failure> = Vec::new();
    for root in &discovery.roots {
        for store in &root.stores {
            let mut entry = ListedStore::new(root, store);
            if let Some(problem) = &store.problem {
                failures.push(open::unusable_place(store.path.clone(), problem.clone()));
                listed.push(entry);
                continue;
            }
            match store.state {
                StoreState::Expected | StoreState::Unusable => continue,
                StoreState::Unsupported => {
                    unsupported.push(entry);
                    continue;
                }
                StoreState::Present => {}
            }
            match store_contents(&builder, root, store) {
                Ok(contents) => entry.contents = Some(contents),
                Err(failure) => failures.push(failure),
            }
            listed.push(entry);
        }
    }
    let mut issues = Vec::new();
    if listed.iter().any(|entry| entry.contents.is_some()) {
        let store = builder.build()?;
        open::report_cache_problem(&store, out);
        for root in store.roots() {
            let mut of_root: Vec<&mut ListedStore> = listed
                .iter_mut()
                .filter(|entry| entry.root == root.id() && entry.contents.is_some())
                .collect();
            count_shown(root, &mut of_root)?;
            issues.extend(examine(root, &mut of_root)?);
        }
        issues.sort_by_cached_key(ToString::to_string);
        open::save(&store, out);
    }
    listed.extend(unsupported);
    if global.json {
        out.json(&listed)?;
    } else {
        let styles = out.styles;
        for store in &listed {
            writeln!(out, "{}{}{:#}", styles.strong, sanitize::line(&store.path), styles.strong)?;
            writeln!(out, "  {}, found by {}; {}", store.kind, store.found_by, store.state())?;
            let unknown = store.contents.as_ref().and_then(|contents| contents.unknown.describe());
            let unknown = unknown.map(|unknown| format!("unknown to this version: {unknown}"));
            for line in unknown.into_iter().chain(store.health_lines()) {
                writeln!(out, "  {}", sanitize::line(&line))?;
            }
        }
    }
    if listed.is_empty() {
        return Err(no_store(&discovery.places, &[]));
    }
    failures.iter().for_each(|failure| out.report_failure(failure));
    super::issues::report(out, &issues)
}

/// Sets how many sessions of each store of a root are listed, and which store wins.
fn count_shown(root: &Root, of_root: &mut [&mut ListedStore]) -> Result<()> {
    let view = root.view()?;
    let mut shown: HashMap<String, usize> = HashMap::new();
    for session in view.sessions() {
        *shown.entry(root.store_of(&session).to_owned()).or_default() += 1;
    }
    let is_single = of_root.len() == 1;
    let others = of_root.iter().skip(1);
    let has_hidden = others.flat_map(|entry| &entry.contents).any(|contents| !contents.is_empty);
    for (at, entry) in of_root.iter_mut().enumerate() {
        let count = shown.get(&entry.id).copied().unwrap_or(0);
        entry.shown = Some(if is_single { view.sessions().count() } else { count });
        // The first store is preferred, unless the other stores hold nothing that it could hide.
        if at > 0 || has_hidden {
            entry.wins = Some(at == 0);
        }
    }
    Ok(())
}

/// Counts the sessions of a store by itself, and returns its access mode.
fn store_contents(
    builder: &StoreBuilder,
    root: &DiscoveredRoot,
    store: &DiscoveredStore,
) -> Result<StoreContents> {
    let details = builder.details(root, store)?; // first, because opening the store can create side files
    let Some(source) = builder.open_store(root, store) else {
        return Err(Failure::new(Kind::Unreadable, "not read by this version"));
    };
    let mut sessions = HashSet::new();
    source.open()?.survey(&Survey::Sessions, &mut |item| {
        if let SurveyItem::Observation(observation) = item {
            sessions.insert(observation.key);
        }
        ControlFlow::Continue(())
    })?;
    let StoreDetails { access, unknown_tables: tables, unknown_columns: columns, schema_problems } =
        details;
    Ok(StoreContents {
        sessions: sessions.len(),
        access,
        unknown: UnknownSchema { tables, columns },
        health: Health::default(),
        schema_problems,
        is_empty: source.is_empty(),
    })
}
