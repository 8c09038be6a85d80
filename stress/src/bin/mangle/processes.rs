//! Asks scrollback as a program: `ls`, `export` and `tree`.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::answers::{Answers, List, Listed, MessageAnswer, Problems, SessionAnswer};
use crate::case::MAX_RECORD;

/// The time after which a command hangs.
const LIMIT: Duration = Duration::from_secs(30);
/// The exit codes that `docs/json.md` and the help describe.
const EXIT_CODES: [i32; 3] = [0, 1, 3];

/// The program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    /// Where output goes, and the home directory.
    pub(crate) dir: PathBuf,
    /// The user that runs the program; `None` for the user of this process.
    pub(crate) user: Option<u32>,
}

/// The output of a command.
struct Output {
    value: Option<Value>,
    problems: Problems,
    faults: Vec<String>,
}

impl Program {
    /// Lists the store, and reads these sessions.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(crate) fn query(&self, store: &Path, sessions: &[&str]) -> Result<Answers> {
        let output = self.run(store, &["ls", "--json", "--issues"])?;
        let sessions_listed = output.value.as_ref().and_then(Value::as_array);
        let listed = sessions_listed.into_iter().flatten().map(|session| Listed {
            id: text(&session["id"]),
            fields: session.clone(),
            messages: session["messages"].as_u64().unwrap_or_default(),
        });
        let mut answers = Answers { faults: output.faults, ..Answers::default() };
        answers.list = List { sessions: listed.collect(), problems: output.problems };
        for id in sessions {
            for (surface, args) in [
                ("export", &["export", id, "--issues"][..]),
                ("tree", &["tree", id, "--json", "--issues"]),
            ] {
                let output = self.run(store, args)?;
                answers.faults.extend(output.faults);
                let value = output.value.unwrap_or_default();
                let mut answer =
                    SessionAnswer { surface, id: (*id).to_owned(), ..Default::default() };
                answer.problems = output.problems;
                let messages = value["messages"].as_array().into_iter().flatten();
                answer.messages =
                    messages.map(|message| message_answer(surface, message)).collect();
                if surface == "tree" {
                    let items = value["items"].as_array().into_iter().flatten();
                    answer.items = Some(items.map(|item| text(&item["id"])).collect());
                }
                answers.sessions.push(answer);
            }
        }
        Ok(answers)
    }

    fn run(&self, store: &Path, args: &[&str]) -> Result<Output> {
        let (stdout, stderr) = (self.dir.join("stdout"), self.dir.join("stderr"));
        let mut command = Command::new(&self.binary);
        command.arg("--store").arg(store).arg("--no-cache").args(args);
        command.args(["--max-size", &MAX_RECORD.to_string()]);
        command.env("HOME", &self.dir).env("XDG_CACHE_HOME", self.dir.join("cache"));
        command.stdin(Stdio::null()).stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
        if let Some(user) = self.user {
            command.uid(user);
        }
        let name = args.first().copied().unwrap_or_default();
        let mut faults = Vec::new();
        let status = self.wait(&mut command)?;
        let errors = String::from_utf8_lossy(&std::fs::read(&stderr)?).into_owned();
        let code = status.and_then(|status| status.code());
        match (status, code) {
            (None, _) => faults.push(format!("hang of {name}: {args:?}")),
            (_, Some(code)) if EXIT_CODES.contains(&code) => {}
            (Some(status), _) => faults.push(format!("{name} ended with {status}: {errors}")),
        }
        let output = std::fs::read(&stdout)?;
        let value: Option<Value> = serde_json::from_slice(&output).ok();
        if code == Some(0) && value.is_none() {
            faults.push(format!("output of {name} is not JSON: {args:?}"));
        }
        let issues = errors.lines().filter_map(|line| line.strip_prefix("issue: "));
        let issues = issues.map(str::to_owned).collect();
        let error = (code != Some(0)).then(|| {
            let lines = errors.lines().filter(|line| !line.starts_with("issue: "));
            lines.collect::<Vec<_>>().join(" ")
        });
        Ok(Output { value, problems: Problems { issues, error }, faults })
    }

    /// Waits for the end of a command. Returns `None` if it hangs.
    fn wait(&self, command: &mut Command) -> Result<Option<ExitStatus>> {
        let mut child = command.spawn()?;
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill()?;
        child.wait()?;
        Ok(None)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Reads a message of the output of `export`, which has records, or of `tree`, which has ids.
fn message_answer(surface: &str, message: &Value) -> MessageAnswer {
    let parts = message["parts"].as_array().into_iter().flatten();
    let (info, has_records) = match surface {
        "export" => (&message["info"], true),
        _ => (message, false),
    };
    let record = |value: &Value| has_records.then(|| value.clone());
    let info_or_empty = if info.is_null() { &json!({}) } else { info };
    MessageAnswer {
        id: text(&info_or_empty["id"]),
        value: record(info_or_empty),
        parts: parts.map(|part| (text(&part["id"]), record(part))).collect(),
    }
}
