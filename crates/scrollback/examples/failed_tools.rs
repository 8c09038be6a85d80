//! Lists failed tool calls by session. Usage: `failed_tools [STORE]...`; without a path it finds the
//! stores of the user.
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
