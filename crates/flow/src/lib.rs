//! Assembles sessions from any Source in three stages: plan, resolve, hydrate.
//!
#![doc = include_str!("../README.md")]

mod complete_for_import;
mod context;
mod export;
mod hydrate;
mod impossible_numbers;
mod indexing;
mod loader;
mod materializer;
mod merged;
mod optional_source;
mod orphans;
mod plan;
mod resolve;
mod run;
mod stage;
mod tree;

pub use complete_for_import::complete_for_import;
pub use context::{Context, ContextMessage, ContextPart, context};
pub use export::Export;
pub use hydrate::{
    ItemHydrated, MessageHydrated, PartHydrated, SessionHydratedTree, TimelineEntry,
    hydrate_message, hydrate_session, hydrate_session_tree,
};
pub use indexing::{
    NoSnapshot, OnProgress, PartDetail, Progress, RefreshCounters, RefreshOptions, RefreshSummary,
    SnapshotFile, Snapshots, UnsafeDirectory, Verify, build_index, refresh_index,
};
pub use loader::{LoadedSession, MessageWithParts, SessionLoader, SessionTree};
pub use materializer::{
    Dirty, DirtyRefreshOutcome, IndexOrigin, MaterializerStats, SessionMaterializer,
};
pub use merged::MergedSource;
pub use optional_source::{OptionalSource, is_absent};
pub use plan::{ReadAhead, SessionPlan, SessionTreePlan, plan_session_tree, plan_sessions};
pub use resolve::resolve_session_tree;
pub use run::{
    SessionScope, run_session_flow, run_session_tree_flow, run_session_tree_flow_with_view,
};
pub use tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

pub use scrollback_source::{Error, Result};
