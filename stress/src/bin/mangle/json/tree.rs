//! A JSON tree in memory and on disk. Damage is made to both; afterwards the tree is restored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::case::{DAMAGED_AGE, SOUND_AGE, settle};

/// A file of the tree.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// The bytes as JSON, if they are an object.
    pub(crate) value: Option<Value>,
}

impl Content {
    pub(crate) fn new(bytes: Vec<u8>) -> Rc<Self> {
        let value = serde_json::from_slice(&bytes).ok().filter(Value::is_object);
        Rc::new(Self { bytes, value })
    }
}

/// The files of a store by their path in `storage/`. A path without content cannot be read as a
/// file: there is a directory, a link or a pipe, or access is denied.
pub(crate) type Files = BTreeMap<String, Option<Rc<Content>>>;

/// A store on disk that is damaged and restored again and again.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    sound: Files,
    pub(crate) files: Files,
    /// The paths that differ from the undamaged store.
    touched: BTreeSet<String>,
}

impl Tree {
    /// Copies the files under `source` into `root`.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(crate) fn copy(source: &Path, root: &Path) -> Result<Self> {
        let mut sound = Files::new();
        let mut pending = vec![PathBuf::new()];
        while let Some(dir) = pending.pop() {
            std::fs::create_dir_all(root.join(&dir))?;
            for entry in std::fs::read_dir(source.join(&dir))? {
                let entry = entry?;
                let path = dir.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    pending.push(path);
                    continue;
                }
                let bytes = std::fs::read(entry.path())?;
                std::fs::write(root.join(&path), &bytes)?;
                settle(&root.join(&path), SOUND_AGE)?;
                let path = path.to_str().context("a path is not UTF-8")?;
                sound.insert(path.to_owned(), Some(Content::new(bytes)));
            }
        }
        ensure!(!sound.is_empty(), "{} is empty", source.display());
        let (root, files) = (root.to_owned(), sound.clone());
        let tree = Self { root, sound, files, touched: BTreeSet::new() };
        tree.settle_dirs(SOUND_AGE)?;
        Ok(tree)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Writes a file.
    pub(crate) fn write(&mut self, file: &str, bytes: Vec<u8>) -> Result<()> {
        self.clear(file)?;
        self.files.insert(file.to_owned(), Some(Content::new(bytes)));
        self.write_to_disk(file, DAMAGED_AGE)
    }

    /// Removes a file.
    pub(crate) fn remove(&mut self, file: &str) -> Result<()> {
        self.clear(file)?;
        self.files.remove(file);
        Ok(())
    }

    /// Puts something else in the place of a file: `make` creates it.
    pub(crate) fn replace(
        &mut self,
        file: &str,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        self.clear(file)?;
        self.files.insert(file.to_owned(), None);
        make(&self.path(file))
    }

    /// Removes what is at the path of a file.
    fn clear(&mut self, file: &str) -> Result<()> {
        self.touched.insert(file.to_owned());
        let path = self.path(file);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => std::fs::remove_dir_all(&path)?,
            Ok(_) => std::fs::remove_file(&path)?,
            Err(_) => {}
        }
        Ok(())
    }

    fn write_to_disk(&self, file: &str, age: u64) -> Result<()> {
        let Some(Some(content)) = self.files.get(file) else { return Ok(()) };
        let path = self.path(file);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(&path, &content.bytes)?;
        settle(&path, age)
    }

    /// Gives the directories of all touched files an age. Call it after the damage.
    pub(crate) fn settle_touched(&self) -> Result<()> {
        let parents =
            self.touched.iter().filter_map(|file| Some(self.path(file).parent()?.to_owned()));
        for dir in parents.collect::<BTreeSet<_>>().iter().filter(|dir| dir.exists()) {
            settle(dir, DAMAGED_AGE)?;
        }
        Ok(())
    }

    fn settle_dirs(&self, age: u64) -> Result<()> {
        let parents =
            self.files.keys().filter_map(|file| Some(self.path(file).parent()?.to_owned()));
        for dir in parents.collect::<BTreeSet<_>>() {
            settle(&dir, age)?;
        }
        Ok(())
    }

    /// Restores the undamaged store.
    pub(crate) fn restore(&mut self) -> Result<()> {
        for file in std::mem::take(&mut self.touched) {
            self.clear(&file)?;
            match self.sound.get(&file) {
                Some(content) => {
                    self.files.insert(file.clone(), content.clone());
                    self.write_to_disk(&file, SOUND_AGE)?;
                }
                None => {
                    self.files.remove(&file);
                }
            }
        }
        self.settle_touched()?;
        self.touched.clear();
        Ok(())
    }
}
