//! `cargo xtask live`: the real opencode writes, and what is read is compared with what it says.
//!
//! Needs Linux, npm, python3, git and the right to make a network namespace: nothing that runs here
//! can leave the machine. No part of the gate.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Subcommand;

use crate::workspace_root;

/// What `cargo xtask live` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The preview of opencode 2 within 1.18.33: its rows against its API, while it runs and after;
    /// and whether 1.18.33 imports what is exported.
    V2,
}

const VERSION: &str = "1.18.33";

/// Runs it.
///
/// # Errors
/// If something is missing, or what is read is not what the program says.
pub(crate) fn run(args: &Args) -> Result<()> {
    let What::V2 = args.what;
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let home = target.unwrap_or_else(|| workspace_root().join("target")).join("live");
    let binary = opencode(&home.join(VERSION))?;
    let store = home.join("v2");
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    fs::create_dir_all(&store)?;
    let mut server = drive(&binary, &store)?;
    let beside = compare(&store);
    drop(server.stdin.take()); // which ends it
    ensure!(server.wait()?.success(), "the driver failed; see {}", store.display());
    beside.context("while the server ran")?;
    compare(&store).context("after the server ended")?;
    import(&binary, &store, &home.join("import"))
}

/// The program, fetched unless it is there.
fn opencode(dir: &Path) -> Result<PathBuf> {
    let binary = dir.join("node_modules/opencode-linux-x64/bin/opencode");
    if !binary.exists() {
        fs::create_dir_all(dir)?;
        let package = format!("opencode-linux-x64@{VERSION}");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(dir).arg(package);
        done(&mut npm)?;
    }
    Ok(binary)
}

/// Starts the driver, and returns when it has written all.
fn drive(binary: &Path, store: &Path) -> Result<Child> {
    let driver = workspace_root().join("fixtures/driver");
    let mut command = Command::new("sh");
    command.arg(driver.join("runns.sh")).args(["scenarios_main", "18080", "python3"]);
    command.arg(driver.join("live_v2.py")).arg(binary).arg(store);
    let mut server = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the driver")?;
    let out = server.stdout.take().context("it was just piped")?;
    for line in BufReader::new(out).lines() {
        let line = line?;
        if line.starts_with("ready") {
            println!("opencode {VERSION}, {line}");
            return Ok(server);
        }
    }
    server.wait()?;
    bail!("the driver ended before all was written; see {}/driver.txt", store.display())
}

/// Compares what is read with what the program says.
fn compare(store: &Path) -> Result<()> {
    let mut test = Command::new(env!("CARGO"));
    test.current_dir(workspace_root()).env("SCROLLBACK_LIVE", store);
    test.args(["test", "--quiet", "--package", "scrollback-stor-sqlite", "--test", "it", "--"]);
    test.args(["--ignored", "--nocapture", "a_live_store_is_what_its_api_says"]);
    done(&mut test)
}

/// Exports every session, and has the program import it.
#[expect(clippy::disallowed_methods, reason = "what the driver wrote down, and no store")]
fn import(binary: &Path, store: &Path, root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(root.join("project"))?;
    let oracle = fs::read(store.join("oracle.json"))?;
    let oracle: serde_json::Value = serde_json::from_slice(&oracle)?;
    let all = oracle["list"].as_array().context("a list")?;
    for info in all {
        let id = info["id"].as_str().context("an id")?;
        let file = root.join(format!("{id}.json"));
        let mut export = Command::new(env!("CARGO"));
        export.current_dir(workspace_root());
        export.args(["run", "--quiet", "--package", "scrollback-cli", "--", "--no-cache"]);
        export.arg("--store").arg(store.join("data/opencode")).args(["export", id]);
        done(export.stdout(fs::File::create(&file)?))?;
        let mut import = Command::new("unshare");
        import.args(["--net"]).arg(binary).arg("import").arg(&file);
        import.current_dir(root.join("project")).stdin(Stdio::null()).env("HOME", root);
        for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            import.env(name, root.join(name.to_lowercase()));
        }
        for name in ["AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS"] {
            import.env(format!("OPENCODE_DISABLE_{name}"), "1");
        }
        let said = import.output()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        ensure!(said.contains(&format!("Imported session: {id}")), "{id} is refused: {said}");
    }
    println!("opencode {VERSION} imports all {} sessions as they are exported", all.len());
    Ok(())
}

fn done(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(status.success(), "{} failed: {status}", program.display());
    Ok(())
}
