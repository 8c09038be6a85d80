//! The connection that [`probe`](crate::probe) keeps between calls.

use std::sync::Mutex;

use crate::connection::Conn;

/// Holds the connection whose `data_version` the probes compare.
#[derive(Debug, Default)]
pub(crate) struct ProbeSlot(pub(crate) Mutex<Option<ProbeConnection>>);

#[derive(Debug)]
pub(crate) struct ProbeConnection {
    pub(crate) conn: Conn,
    /// A random number that identifies this connection among those of all processes.
    pub(crate) connection_id: u64,
}
