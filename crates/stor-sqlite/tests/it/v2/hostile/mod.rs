//! Rows of 2.x as no opencode writes them: each costs only itself.

mod mangled;
mod unusual_values;
