//! Lists sessions with failed tool calls. Takes the path of a store, or finds those of the user.
#![expect(clippy::print_stdout, reason = "an example prints")]

use scrollback::Store;

fn main() -> scrollback::Result<()> {
    let store = Store::builder().paths(std::env::args().skip(1)).build()?;
    for session in store.sessions()? {
        let calls = session.tool_calls()?;
        for call in calls.iter().filter(|call| call.failed()) {
            println!("{}  {}: {}", session.id(), call.name(), call.error().unwrap_or_default());
        }
    }
    Ok(())
}
