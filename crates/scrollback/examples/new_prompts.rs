//! Prints the next prompts as they are typed. Usage: `new_prompts [COUNT] [STORE]...`; `COUNT` defaults to 1.
#![expect(clippy::print_stdout, reason = "an example prints")]

use scrollback::Store;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let count = args.next().map_or(Ok(1), |count| count.parse())?;
    let store = Store::builder().paths(args).include_pending().build()?;
    let prompts =
        store.watch().from_now()?.filter_map(|event| event.ok()?.prompt().map(str::to_owned));
    for prompt in prompts.take(count) {
        println!("{prompt}");
    }
    Ok(())
}
