//! Random changes of logs: after every step the index equals a rebuilt index.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use scrollback_flow::{SessionMaterializer, Snapshots};
use scrollback_source_test::jsonl::LogWriter;

use super::{check_equals_rebuild, log_source, open, refresh};

#[derive(Debug, Clone)]
enum Step {
    /// Appends this many records at once.
    Append(u8),
    /// Appends the first half of a record, or the second half after a first one.
    Torn,
    /// Appends a line that is not a record.
    Damaged,
    /// Rewrites digits in place, from this digit on.
    Rewrite(u8),
    /// Truncates the log after this many lines, or in the middle of the next one.
    Truncate(u8, bool),
    /// Renames another file to the log: a copy without this line.
    Replace(u8),
    /// Renames the log, and begins a new one.
    Rotate,
    Remove,
    /// Saves the index, and continues in another process.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        8 => (1..4_u8).prop_map(Step::Append),
        2 => Just(Step::Torn),
        1 => Just(Step::Damaged),
        1 => any::<u8>().prop_map(Step::Rewrite),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(lines, torn)| Step::Truncate(lines, torn)),
        1 => any::<u8>().prop_map(Step::Replace),
        1 => Just(Step::Rotate),
        1 => Just(Step::Remove),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec((any::<bool>(), step), 1..30)
}

struct World {
    root: PathBuf,
    rotations: usize,
    appended: u64,
}

impl World {
    fn path(&self, second: bool) -> PathBuf {
        self.root.join(format!("{}.jsonl", Self::log_name(second)))
    }

    fn log_name(second: bool) -> &'static str {
        if second { "2026/11/30/second" } else { "first" }
    }

    fn lines(&self, second: bool) -> Vec<Vec<u8>> {
        let bytes = read(&self.path(second));
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    }

    fn append(&mut self, second: bool, count: u8) {
        let messages: Vec<u64> = {
            let mut at = 0;
            let lines = self.lines(second);
            let offsets = lines.iter().filter_map(|line| {
                let offset = at;
                at += line.len() as u64;
                let text = String::from_utf8_lossy(line);
                text.contains(r#""record":"message""#).then_some(offset)
            });
            offsets.collect()
        };
        let mut log = LogWriter::open(&self.root, Self::log_name(second)).unwrap();
        for _ in 0..count {
            self.appended += 1;
            let message = messages.get(self.appended as usize % messages.len().max(1)).copied();
            match (self.appended % 7, message) {
                (0, _) => log.append_session(&format!("title {}", self.appended)).unwrap(),
                (1, _) => log.append_user_message().unwrap(),
                (2, Some(message)) => {
                    log.append_finished_answer(message, self.appended as i64).unwrap()
                }
                (3, _) => log.append_item("switch").unwrap(),
                (4 | 5, Some(message)) => log.append_text(message, "some words").unwrap(),
                _ => log.append_answer().unwrap(),
            };
        }
    }

    fn apply(&mut self, second: bool, step: &Step) {
        let path = self.path(second);
        match step {
            Step::Append(count) => self.append(second, *count),
            Step::Torn => {
                let mut log = LogWriter::open(&self.root, Self::log_name(second)).unwrap();
                let is_torn = !matches!(read(&path).last(), None | Some(b'\n'));
                let halves: [&[u8]; 2] =
                    [br#"{"record":"message","role":"user""#, b",\"time\":{\"created\":5}}\n"];
                log.append_raw(halves[usize::from(is_torn)]).unwrap();
            }
            Step::Damaged => {
                let mut log = LogWriter::open(&self.root, Self::log_name(second)).unwrap();
                log.append_raw(b"{\"record\": nonsense\n").unwrap();
            }
            Step::Rewrite(from) if path.exists() => {
                let mut bytes = read(&path);
                let digits = bytes.iter_mut().filter(|byte| byte.is_ascii_digit());
                for digit in digits.skip(usize::from(*from) % 16) {
                    *digit = if *digit == b'1' { b'2' } else { b'1' };
                }
                write_in_place(&path, &bytes);
            }
            Step::Truncate(count, torn) if path.exists() => {
                let lines = self.lines(second);
                let count = usize::from(*count) % (lines.len() + 1);
                let mut left = lines[..count].concat();
                if let Some(next) = lines.get(count).filter(|_| *torn) {
                    left.extend_from_slice(&next[..next.len() / 2]);
                }
                fs::File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_len(left.len() as u64)
                    .unwrap();
            }
            Step::Replace(skipped) if path.exists() => {
                let mut lines = self.lines(second);
                if !lines.is_empty() {
                    lines.remove(usize::from(*skipped) % lines.len());
                }
                let temporary = path.with_extension("tmp");
                fs::write(&temporary, lines.concat()).unwrap();
                fs::rename(&temporary, &path).unwrap();
            }
            Step::Rotate if path.exists() => {
                self.rotations += 1;
                let old = path.with_extension(format!("{}.jsonl", self.rotations));
                fs::rename(&path, old).unwrap();
                self.append(second, 2);
            }
            Step::Remove if path.exists() => fs::remove_file(&path).unwrap(),
            _ => {}
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

/// Writes a file in place, as an editor does that keeps the inode.
fn write_in_place(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_index_equals_a_rebuild_after_each_step(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let (root, saved) = (dir.path().join("logs"), dir.path().join("kept"));
        fs::create_dir(&root).unwrap();
        let source = log_source(&root);
        let begin = || -> SessionMaterializer { open(source.clone(), Some(Snapshots::new(&saved))) };
        let mut materializer = begin();
        let mut world = World { root: root.clone(), rotations: 0, appended: 0 };
        for (second, step) in &steps {
            world.apply(*second, step);
            if matches!(step, Step::Restart) {
                materializer.save_cursors().unwrap();
                drop(materializer);
                materializer = begin();
            }
            refresh(&materializer);
            check_equals_rebuild(&materializer, &source);
        }
    }
}
