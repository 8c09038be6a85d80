//! Damage to the files of a JSON tree.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::tree::Tree;
use crate::case::{DAMAGED_AGE, MAX_RECORD, settle};
use crate::random::Random;

/// Makes one change, or several. Returns what was done.
pub(crate) fn damage(
    tree: &mut Tree,
    can_deny: bool,
    only: Option<usize>,
    random: &mut Random,
) -> Result<Vec<String>> {
    let changes = if random.one_in(4) { 2 + random.below(4) } else { 1 };
    let mut texts = Vec::new();
    for number in 0..changes {
        let mut random = Random::new(random.next());
        if only.is_some_and(|only| only != number) {
            continue;
        }
        let kind = ["session", "message", "message", "part", "part"][random.below(5)];
        let is_kind = |path: &&String| path.split('/').next() == Some(kind);
        let files: Vec<String> = tree.files.keys().filter(is_kind).cloned().collect();
        let (Some(file), Some(other)) = (random.pick(&files), random.pick(&files)) else {
            continue;
        };
        let change = if random.one_in(6) {
            change_set(tree, file, can_deny, &mut random)?
        } else {
            change_file(tree, file, other, can_deny, &mut random)?
        };
        texts.push(format!("{kind} {change} ({file})"));
    }
    tree.settle_touched()?;
    Ok(texts)
}

fn bytes_of(tree: &Tree, file: &str) -> Vec<u8> {
    tree.files.get(file).and_then(Option::as_ref).map_or_else(Vec::new, |it| it.bytes.clone())
}

fn change_file(
    tree: &mut Tree,
    file: &str,
    other: &str,
    can_deny: bool,
    random: &mut Random,
) -> Result<&'static str> {
    let mut bytes = bytes_of(tree, file);
    let length = bytes.len();
    let change = match random.below(19) {
        0..=2 => {
            for _ in 0..=random.below(6) {
                let (at, byte) = (random.below(length), random.byte());
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            "file with random bytes"
        }
        3 => {
            // Printable bytes keep more files valid.
            let at = random.below(length);
            if let Some(place) = bytes.get_mut(at) {
                *place = b"0123456789{}[]\",:ae"[random.below(19)];
            }
            "file with another character"
        }
        4 => {
            bytes.truncate(random.below(length));
            "file cut"
        }
        5 => {
            bytes.clear();
            "file emptied"
        }
        6 => {
            bytes.fill(0);
            "file of NUL bytes"
        }
        7 => {
            bytes.extend_from_slice(&bytes_of(tree, other));
            "file with a tail"
        }
        8 => {
            tree.write(other, bytes)?;
            bytes = bytes_of(tree, other);
            "file copied over another file"
        }
        9 => {
            let second = bytes_of(tree, other);
            tree.write(other, bytes)?;
            bytes = second;
            "file swapped with another file"
        }
        10 => return tree.remove(file).map(|()| "file removed"),
        11 => {
            tree.replace(file, |path| Ok(std::fs::create_dir(path)?))?;
            return Ok("file replaced by a directory");
        }
        12 => {
            let target = if random.one_in(2) { tree.path(other) } else { "/nowhere".into() };
            tree.replace(file, |path| Ok(symlink(target, path)?))?;
            return Ok("file replaced by a link");
        }
        13 => {
            tree.replace(file, |path| {
                ensure!(Command::new("mkfifo").arg(path).status()?.success(), "no mkfifo");
                Ok(())
            })?;
            return Ok("file replaced by a pipe");
        }
        14 => {
            let copy = file.replace(".json", " (conflicted copy).json");
            tree.write(&copy, bytes)?;
            return Ok("file copied beside itself by a sync program");
        }
        15 => {
            let mut record: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            if let Some(record) = record.as_object_mut() {
                record.insert("padding".to_owned(), "x".repeat(MAX_RECORD).into());
                bytes = serde_json::to_vec(record)?;
            }
            "file over the size limit"
        }
        16 if can_deny => return deny(tree, file).map(|()| "file that may not be read"),
        _ => {
            bytes = with_wrong_type(&bytes, random);
            "file with a field of another type"
        }
    };
    tree.write(file, bytes)?;
    Ok(change)
}

/// Makes a file unreadable for everybody but root.
fn deny(tree: &mut Tree, file: &str) -> Result<()> {
    let bytes = bytes_of(tree, file);
    tree.replace(file, |path| {
        std::fs::write(path, bytes)?;
        settle(path, DAMAGED_AGE)?;
        Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000))?)
    })
}

/// Gives one field of a record, or of an object in it, a value of another type.
fn with_wrong_type(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let Ok(mut record) = serde_json::from_slice::<Value>(bytes) else { return bytes.to_vec() };
    let wrong =
        [json!(null), json!(-1), json!("12"), json!(true), json!([1]), json!({"a": 1}), json!(1.5)];
    let mut place = &mut record;
    while let Some(object) = place.as_object_mut().filter(|object| !object.is_empty()) {
        let name = object.keys().nth(random.below(object.len())).cloned().unwrap_or_default();
        let Some(field) = object.get_mut(&name) else { break };
        if !field.is_object() || random.one_in(3) {
            *field = wrong[random.below(wrong.len())].clone();
            break;
        }
        place = field;
    }
    serde_json::to_vec_pretty(&record).unwrap_or_else(|_| bytes.to_vec())
}

/// Damages the directory that holds a file.
fn change_set(
    tree: &mut Tree,
    file: &str,
    can_deny: bool,
    random: &mut Random,
) -> Result<&'static str> {
    let dir = file.rsplit_once('/').map_or(file, |(dir, _)| dir).to_owned();
    let is_inside = |path: &&String| path.rsplit_once('/').is_some_and(|(of, _)| of == dir);
    let files: Vec<String> = tree.files.keys().filter(is_inside).cloned().collect();
    match random.below(if can_deny { 4 } else { 3 }) {
        0 => {
            for file in &files {
                tree.remove(file)?;
            }
            Ok("directory without its files")
        }
        1 => {
            let copy = format!("{dir} (conflicted copy)");
            for file in &files {
                let name = file.rsplit_once('/').map_or("", |(_, name)| name);
                let bytes = bytes_of(tree, file);
                tree.write(&format!("{copy}/{name}"), bytes)?;
            }
            Ok("directory copied beside itself by a sync program")
        }
        2 => {
            tree.write(&format!("{dir}/.DS_Store"), b"x".to_vec())?;
            tree.write(&format!("{dir}/notes.txt"), b"{}".to_vec())?;
            Ok("directory with files of other programs")
        }
        _ => {
            for file in &files {
                deny(tree, file)?;
            }
            Ok("directory whose files may not be read")
        }
    }
}
