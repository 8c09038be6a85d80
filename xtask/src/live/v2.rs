//! `cargo xtask live v2`: compares rows of the opencode 2 preview with its API, while it runs and
//! after it ended, and checks that 1.18.33 imports the exported sessions.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::{live_dir, opencode, run_checked};
use xtask::{OPENCODE_DATABASE as VERSION, workspace_root};

/// Lets opencode write a store, and compares.
///
/// # Errors
/// If a program is missing, or what the library reads differs from what opencode reports.
pub(super) fn run() -> Result<()> {
    let (binary, store) = (opencode(VERSION)?, live_dir().join("v2"));
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    fs::create_dir_all(&store)?;
    let mut server = start_driver(&binary, &store)?;
    let beside = compare(&store);
    drop(server.stdin.take()); // the driver ends when its input closes
    ensure!(server.wait()?.success(), "the driver failed; read the logs in {}", store.display());
    beside.context("while the server ran")?;
    compare(&store).context("after the server ended")?;
    import(&binary, &store, &live_dir().join("import"))
}

/// Starts the driver, and returns when the driver has written every session.
fn start_driver(binary: &Path, store: &Path) -> Result<Child> {
    let driver = workspace_root().join("fixtures/driver");
    let mut command = Command::new("sh");
    command.arg(driver.join("runns.sh")).args(["scenarios_main", "18080", "python3"]);
    command.arg(driver.join("live_v2.py")).arg(binary).arg(store);
    let mut server = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the driver")?;
    let out = server.stdout.take().context("the driver has no piped output")?;
    for line in BufReader::new(out).lines() {
        let line = line?;
        if line.starts_with("ready") {
            println!("opencode {VERSION}, {line}");
            return Ok(server);
        }
    }
    server.wait()?;
    bail!("the driver ended before it wrote every session; read {}/driver.txt", store.display())
}

/// Compares what the library reads with what opencode's API reported.
fn compare(store: &Path) -> Result<()> {
    let mut test = Command::new(env!("CARGO"));
    test.current_dir(workspace_root()).env("SCROLLBACK_LIVE", store);
    test.args(["test", "--quiet", "--package", "scrollback-stor-sqlite", "--test", "it", "--"]);
    test.args(["--ignored", "--nocapture", "a_live_store_is_what_its_api_says"]);
    run_checked(&mut test)
}

/// Exports every session, and lets opencode import it.
#[expect(clippy::disallowed_methods, reason = "the driver's report is not a store")]
fn import(binary: &Path, store: &Path, root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(root.join("project"))?;
    let oracle = fs::read(store.join("oracle.json"))?;
    let oracle: serde_json::Value = serde_json::from_slice(&oracle)?;
    let all = oracle["list"].as_array().context("oracle.json has no `list`")?;
    for info in all {
        let id = info["id"].as_str().context("a listed session has no id")?;
        let file = root.join(format!("{id}.json"));
        let mut export = Command::new(env!("CARGO"));
        export.current_dir(workspace_root());
        export.args(["run", "--quiet", "--package", "scrollback-cli", "--", "--no-cache"]);
        export.arg("--store").arg(store.join("data/opencode")).args(["export", id]);
        run_checked(export.stdout(fs::File::create(&file)?))?;
        let mut import = Command::new("unshare");
        import.args(["--net"]).arg(binary).arg("import").arg(&file);
        import.current_dir(root.join("project")).stdin(Stdio::null()).env("HOME", root);
        for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            import.env(name, root.join(name.to_lowercase()));
        }
        for name in ["AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS"] {
            import.env(format!("OPENCODE_DISABLE_{name}"), "1");
        }
        let output = import.output()?;
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.contains(&format!("Imported session: {id}")),
            "opencode does not import {id}: {output}"
        );
    }
    println!("opencode {VERSION} imports all {} exported sessions", all.len());
    Ok(())
}
