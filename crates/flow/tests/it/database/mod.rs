//! The database as a Source, and several stores as one, through everything that flow does.

mod machine;
mod merged;
mod model_context;
mod oracle;
mod storage_formats;
mod v2_writer;
mod world;
