//! The database as a Source, and several stores as one, through everything that flow does.

mod generations;
mod machine;
mod merged;
mod oracle;
mod seen;
mod upgraded;
mod world;
