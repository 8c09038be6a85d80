//! Prints the cost of each day. Usage: `cost_per_day [STORE]`; without a path it finds the stores of the user.
#![expect(clippy::print_stdout, reason = "an example prints")]

use scrollback::Store;

fn main() -> scrollback::Result<()> {
    let store = match std::env::args().nth(1) {
        Some(path) => Store::open(path)?,
        None => Store::discover()?,
    };
    for (day, used) in store.usage()?.by_day("local")? {
        println!("{day}  ${}", used.cost);
    }
    Ok(())
}
