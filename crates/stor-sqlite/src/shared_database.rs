//! Holds a database path and the state that all its readers share.

use std::path::PathBuf;
use std::sync::Arc;

use scrollback_core_id::{Clock, SourceId};
use scrollback_stor_mmap::ReadOptions;

use crate::connection::Pool;
use crate::foreign_log::LogCheck;
use crate::gate::Gate;
use crate::probe_connection::ProbeSlot;
use crate::unsound_indexes::UnsoundTables;

pub(crate) struct SharedDatabase {
    pub(crate) database: PathBuf,
    pub(crate) id: SourceId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: ReadOptions,
    pub(crate) pool: Pool,
    pub(crate) gate: Gate,
    pub(crate) probe_slot: ProbeSlot,
    pub(crate) unsound_tables: UnsoundTables,
    pub(crate) log_check: LogCheck,
}
