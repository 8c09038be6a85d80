//! `stores`: lists the stores, the rule that found each, whether it is read, and which store wins.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::ops::ControlFlow;

use scrollback::{DiscoveredRoot, DiscoveredStore, Root, StoreBuilder, StoreDetails, StoreState};
use scrollback_source::{Survey, SurveyItem};
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Failure, Kind, Result, no_store};
use crate::out::Out;
use crate::{open, sanitize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedStore {
    kind: String,
    path: String,
    data_directory: String,
    found_by: String,
    /// Whether this version can read the store.
    read: bool,
    /// Why the store cannot be used although it should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The content of the store by itself; `None` if the store is not or cannot be read.
    #[serde(flatten)]
    contents: Option<StoreContents>,
    /// How many of its sessions are listed: a winning store of the same data directory hides the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<usize>,
    /// Whether it wins over the other stores of its data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    wins: Option<bool>,
    #[serde(skip)]
    root: String,
    #[serde(skip)]
    id: String,
}

/// The content of one store by itself.
#[derive(Serialize)]
struct StoreContents {
    /// The number of sessions.
    sessions: usize,
    /// The present access mode of a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    /// Tables and columns of a database that this version does not know.
    #[serde(skip_serializing_if = "UnknownSchema::is_empty")]
    unknown: UnknownSchema,
    /// Whether the store holds only diffs.
    #[serde(skip)]
    is_empty: bool,
}

/// Tables and columns that are ignored.
#[derive(Serialize, Default)]
struct UnknownSchema {
    tables: Vec<String>,
    /// Each as `table.column`.
    columns: Vec<String>,
}

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
            count_shown(root, &mut listed)?;
        }
        issues = store.issues();
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
            if let Some(unknown) = unknown {
                writeln!(out, "  unknown to this version: {}", sanitize::line(&unknown))?;
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
fn count_shown(root: &Root, listed: &mut [ListedStore]) -> Result<()> {
    let mut of_root: Vec<&mut ListedStore> = listed
        .iter_mut()
        .filter(|entry| entry.root == root.id() && entry.contents.is_some())
        .collect();
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

impl ListedStore {
    fn new(root: &DiscoveredRoot, store: &DiscoveredStore) -> Self {
        Self {
            kind: store.format.clone(),
            path: store.path.to_string_lossy().into_owned(),
            data_directory: root.data_dir.to_string_lossy().into_owned(),
            found_by: store.discovery_rule.clone(),
            read: store.state != StoreState::Unsupported,
            problem: store.problem.clone(),
            contents: None,
            shown: None,
            wins: None,
            root: root.id.to_string(),
            id: store.id.to_string(),
        }
    }

    /// Describes the state of the store in one line.
    fn state(&self) -> String {
        let (Some(StoreContents { sessions, access, .. }), shown) =
            (&self.contents, self.shown.unwrap_or(0))
        else {
            return match &self.problem {
                Some(problem) => format!("cannot be used: {}", sanitize::line(problem)),
                None if self.read => "cannot be read".to_owned(),
                None => "not read by this version".to_owned(),
            };
        };
        let mut state = format!("{sessions} session{}", if *sessions == 1 { "" } else { "s" });
        match self.wins {
            Some(true) => state.push_str(", preferred over the other stores of this directory"),
            Some(false) if *sessions == 0 => state.push_str(", only diffs of other sessions"),
            Some(false) if shown == 0 => state.push_str(", all of them read from another store"),
            Some(false) => state.push_str(&format!(", {shown} of them read from here")),
            None => {}
        }
        if let Some(access) = access {
            state.push_str("; read ");
            state.push_str(access);
        }
        state
    }
}

impl UnknownSchema {
    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty()
    }

    /// Lists the unknown tables and columns in one line; `None` if there are none.
    fn describe(&self) -> Option<String> {
        let all = [("table", &self.tables), ("column", &self.columns)];
        let all = all.into_iter().filter(|(_, names)| !names.is_empty()).map(|(noun, names)| {
            let plural = if names.len() == 1 { "" } else { "s" };
            format!("{noun}{plural} {}", names.join(", "))
        });
        Some(all.collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty())
    }
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
    let StoreDetails { access, unknown_tables: tables, unknown_columns: columns } = details;
    let unknown = UnknownSchema { tables, columns };
    Ok(StoreContents { sessions: sessions.len(), access, unknown, is_empty: source.is_empty() })
}
