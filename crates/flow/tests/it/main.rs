//! Tests of the flow: against opencode's own exports, stage by stage, and on damaged stores.

mod context;
mod damage;
mod loader;
mod oracle;
mod run;
mod stages;
mod store;
