//! Tests rows of 2.x that opencode never writes. Each may cost only itself.

mod mangled;
mod unusual_values;
