//! Collects faults by class, and saves the smallest input of each class.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::case::Case;
use crate::known::is_known;
use crate::verify::Symptom;

/// The faults of a run.
#[derive(Debug)]
pub(crate) struct Findings {
    dir: PathBuf,
    classes: BTreeMap<String, Class>,
    /// How many iterations had a fault.
    pub(crate) iterations: u64,
}

/// A kind of fault after a kind of damage.
#[derive(Debug)]
struct Class {
    count: u64,
    changes: usize,
    /// The command that repeats the smallest example.
    command: String,
    example: String,
    saved: PathBuf,
}

impl Findings {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), classes: BTreeMap::new(), iterations: 0 }
    }

    /// Adds the faults of an iteration. Saves the store if a class is new, or if the case has fewer
    /// changes than the case that was saved.
    ///
    /// # Errors
    /// If the store cannot be saved.
    pub(crate) fn add(
        &mut self,
        case: &Case,
        symptoms: &[Symptom],
        store: &Path,
        seed: u64,
        command: &str,
    ) -> Result<()> {
        for Symptom { kind, example } in symptoms {
            let name = format!("{kind} | {}", case.class());
            let known = self.classes.get(&name).map_or(0, |class| class.count);
            let is_smaller =
                self.classes.get(&name).is_none_or(|class| case.changes.len() < class.changes);
            if is_smaller {
                let saved = self.dir.join(saved_name(seed, command));
                let example = format!("{}: {example}", case.store);
                save(
                    store,
                    &saved,
                    &format!("{name}\n{example}\n{:#?}\n{command}\n", case.changes),
                )?;
                let (count, changes, command) = (known, case.changes.len(), command.to_owned());
                let class = Class { count, changes, command, example, saved };
                self.classes.insert(name.clone(), class);
            }
            if let Some(class) = self.classes.get_mut(&name) {
                class.count += 1;
            }
        }
        Ok(())
    }

    /// Prints each class with its smallest example.
    pub(crate) fn print(&self) {
        for (name, class) in &self.classes {
            println!("FAULT {} x {name}", class.count);
            println!("  example: {}", class.example);
            println!("  input:   {}", class.saved.display());
            println!("  repeat:  {}", class.command);
        }
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Returns the number of classes that are not in the list of known faults.
    pub(crate) fn unknown_classes(&self) -> usize {
        let is_unknown = |name: &&String| {
            name.split_once(" | ").is_none_or(|(symptom, damage)| !is_known(symptom, damage))
        };
        self.classes.keys().filter(is_unknown).count()
    }
}

/// Returns the name of the directory of a saved input.
fn saved_name(seed: u64, command: &str) -> String {
    match command.split_once("--change ") {
        None => format!("seed-{seed}"),
        Some((_, change)) => format!("seed-{seed}-change-{change}"),
    }
}

/// Copies a store, with modes and times, and a text that describes it.
fn save(store: &Path, saved: &Path, text: &str) -> Result<()> {
    if !saved.exists() {
        std::fs::create_dir_all(saved)?;
        // `cp` also copies links, pipes and unreadable files.
        let copied = Command::new("cp").arg("-a").arg(store).arg(saved.join("store")).status()?;
        ensure!(copied.success(), "cannot save {}", store.display());
    }
    std::fs::write(saved.join("fault.txt"), text).context("cannot save the description")
}
