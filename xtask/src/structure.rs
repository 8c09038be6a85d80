//! `cargo xtask structure`: prints the size of the crates and the dependencies of their modules.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use ignore::WalkBuilder;
use xtask::modules::{Function, Tree, cycles, functions, packages, public_names, read};
use xtask::workspace_root;

/// The number of longest functions that are listed.
const LONGEST_COUNT: usize = 5;

/// The arguments of `cargo xtask structure`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The repository to measure; by default the repository of this program
    #[arg(long)]
    repo: Option<PathBuf>,
    /// List the cycles: which file uses which names of which file
    #[arg(long)]
    cycles: bool,
}

/// A row of the table.
#[derive(Default)]
struct Row {
    name: String,
    source_lines: usize,
    source_files: usize,
    test_lines: usize,
    cycles: usize,
    files_in_cycles: usize,
    public_names: usize,
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.source_lines += other.source_lines;
        self.source_files += other.source_files;
        self.test_lines += other.test_lines;
        self.cycles += other.cycles;
        self.files_in_cycles += other.files_in_cycles;
        self.public_names += other.public_names;
    }

    fn print(&self) {
        let Self { name, source_lines, source_files, test_lines, .. } = self;
        let Self { cycles, files_in_cycles, public_names, .. } = self;
        println!(
            "{name:<20} {source_lines:>7} {source_files:>6} {test_lines:>7} {cycles:>7} \
             {files_in_cycles:>9} {public_names:>7}"
        );
    }
}

/// Prints the table.
///
/// # Errors
/// If a source file cannot be read.
pub(crate) fn run(args: &Args) -> Result<()> {
    let root = args.repo.as_deref().unwrap_or(workspace_root());
    let mut total = Row { name: "all".to_owned(), ..Row::default() };
    let mut longest = Vec::new();
    println!("crate                  lines  files   tests  cycles  in cycles  public");
    for package in packages(root)? {
        let mut row = Row { name: package.directory.display().to_string(), ..Row::default() };
        for file in sources(root, &package.directory) {
            let text = read(&root.join(&file))?;
            let lines = text.lines().count();
            if file.starts_with(package.directory.join("src")) {
                row.source_lines += lines;
                row.source_files += 1;
                longest.extend(functions(&file, &text));
            } else {
                row.test_lines += lines;
            }
        }
        for target in &package.roots {
            let tree = Tree::read(root, target)?;
            for cycle in cycles(&tree) {
                row.cycles += 1;
                row.files_in_cycles += cycle.files.len();
                if args.cycles {
                    println!("{}: {cycle}", package.directory.display());
                }
            }
            if target.ends_with("src/lib.rs") {
                row.public_names = public_names(&tree);
            }
        }
        total.add(&row);
        row.print();
    }
    total.print();
    longest.sort_by_key(|function| Reverse(function.lines));
    println!("\nlongest functions");
    for Function { name, file, line, lines } in longest.iter().take(LONGEST_COUNT) {
        println!("{lines:>5}  {name} ({}:{line})", file.display());
    }
    Ok(())
}

/// Returns the source files of a package, relative to the repository.
fn sources(root: &Path, directory: &Path) -> BTreeSet<PathBuf> {
    let walk = WalkBuilder::new(root.join(directory)).build();
    let paths = walk.filter_map(Result::ok).map(ignore::DirEntry::into_path);
    let rust = paths.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    rust.filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned())).collect()
}
