//! Plan, resolve, hydrate: sessions assembled from any Source.
//!
#![doc = include_str!("../README.md")]

mod complete;
mod context;
mod export;
mod hydrate;
mod if_there;
mod indexing;
mod loader;
mod materializer;
mod merged;
mod plan;
mod resolve;
mod run;
mod stage;
mod tree;

pub use complete::complete;
pub use context::{Context, ContextMessage, ContextPart, context};
pub use export::Export;
pub use hydrate::{
    ItemHydrated, MessageHydrated, PartHydrated, SessionHydratedTree, Timed, hydrate_message,
    hydrate_session, hydrate_session_tree,
};
pub use if_there::{IfThere, is_absent};
pub use indexing::{
    Effort, Kept, NoSnapshot, OnProgress, Parts, Progress, RefreshOptions, Refreshed, Snapshots,
    Verify, build_index, refresh_index,
};
pub use loader::{LoadedSession, MessageWithParts, SessionLoader, SessionTree};
pub use materializer::{Dirty, Looked, MaterializerStats, Origin, SessionMaterializer};
pub use merged::MergedSource;
pub use plan::{ReadAhead, SessionPlan, SessionTreePlan, plan_session_tree, plan_sessions};
pub use resolve::resolve_session_tree;
pub use run::{SessionScope, run_session_flow, run_session_tree_flow};
pub use tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

pub use scrollback_source::{Error, Result};
