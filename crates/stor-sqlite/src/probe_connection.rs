//! The connection that [`probe`](crate::probe) keeps.

use std::sync::Mutex;

use crate::connection::Conn;

/// The connection that watches over the number of the database's state.
#[derive(Debug, Default)]
pub(crate) struct ProbeSlot(pub(crate) Mutex<Option<ProbeConnection>>);

#[derive(Debug)]
pub(crate) struct ProbeConnection {
    pub(crate) conn: Conn,
    /// Names this connection among all of all processes.
    pub(crate) connection_id: u64,
}
