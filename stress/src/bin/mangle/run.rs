//! The loop of iterations and its summary.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use scrollback_core_id::{Clock, SystemClock};
use tempfile::TempDir;

use crate::answers::Answers;
use crate::args::Args;
use crate::case::Case;
use crate::findings::Findings;
use crate::json::JsonStore;
use crate::processes::Program;
use crate::random::Random;
use crate::sqlite::{Databases, Options};
use crate::truth::Truth;
use crate::verify::{Symptom, Verdict, verify};
use crate::{guard, in_process};

/// A user without rights, for whole processes if this process is root: root may read everything.
const NOBODY: u32 = 65534;
/// How many sessions an iteration with processes reads.
const SESSIONS_PER_PROCESS_RUN: usize = 3;

/// The stores that are damaged, and where.
struct Stores {
    scratch: TempDir,
    databases: Databases,
    json: JsonStore,
    program: Option<Program>,
    is_root: bool,
}

/// The kind of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    InProcess,
    Processes,
}

/// One iteration.
#[derive(Debug, Clone, Copy)]
struct Plan {
    mode: Mode,
    seed: u64,
    is_json: bool,
    /// The only change to make, of those that the seed gives.
    only: Option<usize>,
}

impl Plan {
    /// Returns the command that repeats the iteration.
    fn command(self) -> String {
        let kind = if self.is_json { "json" } else { "sqlite" };
        let count = if self.mode == Mode::InProcess { "--iterations" } else { "--processes" };
        let command = format!("cargo xtask mangle --{kind} --seed {} {count} 1", self.seed);
        match self.only {
            None => command,
            Some(change) => format!("{command} --change {change}"),
        }
    }
}

/// Runs the iterations. Returns whether there was no fault.
///
/// # Errors
/// If a store cannot be written or saved.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let now = u64::try_from(SystemClock.now().as_millis()).unwrap_or_default();
    let first = args.seed.unwrap_or(now);
    println!("seed {first}");
    let mut stores = Stores::open(args)?;
    guard::install();
    let mut findings = Findings::new(&args.save);
    let (mut seed, mut losses) = (first, 0);
    let mut counts = [0_u64; 2];
    let fixed = args.iterations.is_some() || args.processes.is_some();
    let plan = [
        (Mode::InProcess, args.iterations, if args.binary.is_some() { 4 } else { 5 }),
        (Mode::Processes, args.processes, if args.binary.is_some() { 1 } else { 0 }),
    ];
    for ((mode, iterations, fifths), count) in plan.into_iter().zip(&mut counts) {
        let limit = Duration::from_secs(args.seconds) * fifths / 5;
        let start = Instant::now();
        let mut iteration_seed = if fixed { first } else { seed };
        while match fixed {
            true => *count < iterations.unwrap_or(0),
            false => start.elapsed() < limit,
        } {
            losses += stores.iterate(args, mode, iteration_seed, &mut findings)?;
            *count += 1;
            iteration_seed += 1;
        }
        seed = iteration_seed;
    }
    findings.print();
    println!(
        "mangle: {} iterations in process, {} as processes, seeds from {first}; {} with faults of {} \
         classes; {losses} records on undamaged bytes were missing and named by an issue",
        counts[0],
        counts[1],
        findings.iterations,
        findings.classes()
    );
    println!("{} classes are not known", findings.unknown_classes());
    Ok(match args.allow_known {
        true => findings.unknown_classes() == 0,
        false => findings.classes() == 0,
    })
}

impl Stores {
    fn open(args: &Args) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        // Another user must reach the stores.
        std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o755))?;
        let dir = |name: &str| -> Result<PathBuf> {
            let dir = scratch.path().join(name);
            std::fs::create_dir(&dir)?;
            Ok(dir)
        };
        let (home, json) = (dir("home")?, dir("json")?);
        dir("sqlite")?;
        let is_root = std::fs::metadata(&home)?.uid() == 0;
        let user = is_root.then_some(NOBODY);
        let program = match &args.binary {
            None => None,
            Some(binary) => {
                // Another user may have no access to the directory of the program.
                let copy = scratch.path().join("scrollback");
                std::fs::copy(binary, &copy).with_context(|| format!("cannot copy {binary:?}"))?;
                Some(Program { binary: copy, dir: home, user })
            }
        };
        let (databases, json) = (Databases::open()?, JsonStore::open(&json)?);
        Ok(Self { scratch, databases, json, program, is_root })
    }

    /// Runs one iteration. Returns how many records an issue reported as missing. If there is a
    /// fault, tries which single change makes it.
    fn iterate(
        &mut self,
        args: &Args,
        mode: Mode,
        seed: u64,
        findings: &mut Findings,
    ) -> Result<usize> {
        let is_json = args.json || !args.sqlite && seed % 2 == 1;
        let plan = Plan { mode, seed, is_json, only: args.change };
        let (case, verdict) = self.attempt(plan)?;
        let mut symptoms = verdict.symptoms;
        if symptoms.is_empty() {
            return Ok(verdict.reported_losses);
        }
        findings.iterations += 1;
        if case.changes.len() == 1 {
            findings.add(&case, &symptoms, &self.store(is_json), seed, &plan.command())?;
            return Ok(verdict.reported_losses);
        }
        for change in 0..case.changes.len() {
            let plan = Plan { only: Some(change), ..plan };
            let (single, verdict) = self.attempt(plan)?;
            let is_known = |symptom: &Symptom| symptoms.iter().any(|it| it.kind == symptom.kind);
            let same: Vec<_> = verdict.symptoms.into_iter().filter(is_known).collect();
            findings.add(&single, &same, &self.store(is_json), seed, &plan.command())?;
            symptoms.retain(|symptom| same.iter().all(|it| it.kind != symptom.kind));
        }
        if !symptoms.is_empty() {
            self.attempt(plan)?;
            findings.add(&case, &symptoms, &self.store(is_json), seed, &plan.command())?;
        }
        Ok(verdict.reported_losses)
    }

    fn store(&self, is_json: bool) -> PathBuf {
        self.scratch.path().join(if is_json { "json" } else { "sqlite" })
    }

    /// Damages a store, reads it, and judges the answers. The damaged store stays until the next
    /// attempt.
    fn attempt(&mut self, plan: Plan) -> Result<(Case, Verdict)> {
        let Plan { mode, seed, is_json, only } = plan;
        let store = self.store(is_json);
        let cache = self.scratch.path().join("cache");
        let _ = std::fs::remove_dir_all(&cache);
        let mut random = Random::new(seed);
        let mut has_cache = false;
        let mut fill_cache = || {
            has_cache = mode == Mode::InProcess;
            if has_cache {
                drop(in_process::query(&store, Some(&cache), &BTreeSet::new()));
            }
            Ok(())
        };
        let can_deny = !self.is_root || mode == Mode::Processes;
        let case = match is_json {
            true => self.json.damage(can_deny, only, &mut random, &mut fill_cache)?,
            false => {
                let options = Options { only, can_deny };
                self.databases.damage(&store, options, &mut random, &mut fill_cache)?
            }
        };
        let cache = Some(&*cache).filter(|_| has_cache);
        let queried = guard::watch(&store, &plan.command(), || match mode {
            Mode::InProcess => Ok(in_process::query(&store, cache, &case.truth.session_ids())),
            Mode::Processes => self.query_program(&store, &case, seed),
        });
        let answers = queried.transpose()?.unwrap_or_default();
        let panics = guard::take_panics();
        if panics.is_empty() {
            let verdict = verify(&case.truth, &answers);
            return Ok((case, verdict));
        }
        let faults = panics.into_iter().map(|text| format!("panic: {text}")).collect();
        let verdict = verify(&Truth::default(), &Answers { faults, ..Answers::default() });
        Ok((case, verdict))
    }

    fn query_program(&self, store: &Path, case: &Case, seed: u64) -> Result<Answers> {
        let Some(program) = &self.program else { bail!("there is no program") };
        let mut random = Random::new(!seed);
        let ids: Vec<&str> = case.truth.session_ids().into_iter().collect();
        let mut pick = |_| random.pick(&ids).copied();
        let picked: BTreeSet<&str> = (0..SESSIONS_PER_PROCESS_RUN).filter_map(&mut pick).collect();
        program.query(store, &picked.into_iter().collect::<Vec<_>>())
    }
}
