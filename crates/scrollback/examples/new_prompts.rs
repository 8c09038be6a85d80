//! Prints each prompt as it is typed, and ends after so many: `new_prompts 3 [STORE]`.
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
