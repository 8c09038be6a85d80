//! Random changes of real sessions, with the checks of the fuzz targets.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

use crate::containers::{claw, codetether, codetether_journal, crabtalk, yoi};
use crate::support::fixture;

/// Returns the files below a directory of the fixtures whose name has this end, without large ones.
fn files(directory: &str, end: &str) -> Vec<PathBuf> {
    const MAX_LEN: u64 = 32 << 10;
    let (mut pending, mut found) = (vec![fixture(directory)], Vec::new());
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let is_wanted = entry.file_name().to_str().unwrap().ends_with(end);
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => pending.push(entry.path()),
                kind if kind.is_file()
                    && is_wanted
                    && entry.metadata().unwrap().len() < MAX_LEN =>
                {
                    found.push(entry.path());
                }
                _ => {}
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no file *{end} in {directory}");
    found
}

/// Returns the head and the step files of a directory, a line each.
fn steps(dir: &Path) -> Vec<u8> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<PathBuf> = names.filter(|path| path.is_file()).collect();
    names.sort();
    let lines: Vec<Vec<u8>> = names.into_iter().map(|path| fs::read(path).unwrap()).collect();
    lines.join(&b'\n')
}

/// A change of a session.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, u8),
    /// Repeats bytes at another place.
    Copy(Index, u8, Index),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let place = any::<Index>;
    let token = prop::sample::select(vec!["\n", "}{", "}\n{", "\"", "[", "]", "null", "\0", "\r"]);
    let damage = prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (place(), token).prop_map(|(at, token)| Damage::Insert(at, token.as_bytes().to_vec())),
        (place(), any::<u8>()).prop_map(|(at, len)| Damage::Delete(at, len)),
        (place(), any::<u8>(), place()).prop_map(|(at, len, to)| Damage::Copy(at, len, to)),
    ];
    prop::collection::vec(damage, 0..6)
}

fn apply(bytes: &mut Vec<u8>, damages: &[Damage]) {
    for damage in damages {
        let place = |at: &Index| at.index(bytes.len() + 1);
        let range =
            |at: &Index, len: u8| place(at)..(place(at) + usize::from(len)).min(bytes.len());
        match damage {
            Damage::Set(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Damage::Insert(at, token) => {
                let at = place(at);
                bytes.splice(at..at, token.iter().copied());
            }
            Damage::Delete(at, len) => drop(bytes.drain(range(at, *len))),
            Damage::Copy(at, len, to) => {
                let (copied, to) = (bytes[range(at, *len)].to_vec(), place(to));
                bytes.splice(to..to, copied);
            }
        }
    }
}

/// Puts a place before a damaged session, as the fuzz targets read it.
fn input(bytes: Vec<u8>, split: Index, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes;
    apply(&mut bytes, damages);
    let split = u16::try_from(split.index(usize::from(u16::MAX))).unwrap();
    [&split.to_le_bytes()[..], &bytes].concat()
}

fn file_input(files: &[PathBuf], file: Index, split: Index, damages: &[Damage]) -> Vec<u8> {
    input(fs::read(file.get(files)).unwrap(), split, damages)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_as_claw(file: Index, split: Index, damages in damages()) {
        claw(&file_input(&files("claw", ".jsonl"), file, split, &damages));
    }

    #[test]
    fn any_bytes_are_read_as_codetether(file: Index, split: Index, damages in damages()) {
        codetether(&file_input(&files("codetether", ".json"), file, split, &damages));
    }

    #[test]
    fn any_bytes_are_read_as_a_journal(file: Index, split: Index, damages in damages()) {
        codetether_journal(&file_input(&files("codetether", ".journal.jsonl"), file, split, &damages));
    }

    #[test]
    fn any_bytes_are_read_as_yoi(file: Index, split: Index, damages in damages()) {
        yoi(&file_input(&files("yoi", ".jsonl"), file, split, &damages));
    }

    #[test]
    fn any_bytes_are_read_as_crabtalk(file: Index, split: Index, damages in damages()) {
        let heads = files("crabtalk/sessions", "meta");
        let dir = file.get(&heads).parent().unwrap();
        crabtalk(&input(steps(dir), split, &damages));
    }
}
