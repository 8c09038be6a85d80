//! The connection that [`probe`](crate::probe) keeps.

use std::sync::Mutex;

use crate::connection::Conn;

/// The connection that watches over the number of the database's state.
#[derive(Debug, Default)]
pub(crate) struct Sentinel(pub(crate) Mutex<Option<Post>>);

#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) conn: Conn,
    /// Names this connection among all of all processes.
    pub(crate) name: u64,
}
