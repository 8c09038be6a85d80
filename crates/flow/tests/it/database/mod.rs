//! Flows and indexes over databases and merged stores.

mod copies;
mod copies_world;
mod counting;
mod forks;
mod machine;
mod merged;
mod model_context;
mod oracle;
mod storage_formats;
mod unsound_indexes;
mod v2_writer;
mod world;
