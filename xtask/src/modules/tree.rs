//! The module tree of a crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::scope::{Module, Scope, Visibility};
use super::syntax::scope;

/// The modules of a crate. The first module is the root.
#[derive(Debug)]
pub struct Tree {
    pub(crate) modules: Vec<Module>,
}

impl Tree {
    /// Reads a crate whose root file is `root`, relative to `directory`.
    ///
    /// # Errors
    /// If a file is missing or is not Rust.
    pub fn read(directory: &Path, root: &Path) -> Result<Self> {
        Self::build(root, &mut |path| {
            let path = directory.join(path);
            if path.is_file() { super::read(&path).map(Some) } else { Ok(None) }
        })
    }

    /// Builds the tree from the file contents that `text` returns.
    pub(crate) fn build(
        root: &Path,
        text: &mut dyn FnMut(&Path) -> Result<Option<String>>,
    ) -> Result<Self> {
        let mut tree = Self { modules: Vec::new() };
        let source = text(root)?.ok_or_else(|| anyhow!("{} is missing", root.display()))?;
        let home = root.with_file_name("");
        tree.add(None, root, &home, parse(root, &source)?, text)?;
        Ok(tree)
    }

    /// Adds a module and the modules below it; `home` is the directory of their files.
    fn add(
        &mut self,
        parent: Option<usize>,
        file: &Path,
        home: &Path,
        mut scope: Scope,
        text: &mut dyn FnMut(&Path) -> Result<Option<String>>,
    ) -> Result<usize> {
        let declared = std::mem::take(&mut scope.modules);
        let index = self.modules.len();
        let children = BTreeMap::new();
        self.modules.push(Module { file: file.to_owned(), parent, children, scope });
        for module in declared {
            let home = home.join(&module.name);
            let child = match module.inline {
                Some(scope) => self.add(Some(index), file, &home, scope, text)?,
                None => {
                    let named = module.file.map(|name| file.with_file_name(name));
                    let files = named.map_or_else(
                        || vec![home.with_extension("rs"), home.join("mod.rs")],
                        |named| vec![named],
                    );
                    let (file, source) = find(&files, text)?;
                    self.add(Some(index), &file, &home, parse(&file, &source)?, text)?
                }
            };
            self.set_child(index, module.name, child, module.visibility);
        }
        Ok(index)
    }

    fn set_child(&mut self, parent: usize, name: String, child: usize, visibility: Visibility) {
        if let Some(parent) = self.modules.get_mut(parent) {
            parent.children.insert(name, (child, visibility));
        }
    }
}

/// Returns the first of these files that exists, with its content.
fn find(
    files: &[PathBuf],
    text: &mut dyn FnMut(&Path) -> Result<Option<String>>,
) -> Result<(PathBuf, String)> {
    for file in files {
        if let Some(source) = text(file)? {
            return Ok((file.clone(), source));
        }
    }
    Err(anyhow!("none of the files of a module exists: {files:?}"))
}

fn parse(file: &Path, source: &str) -> Result<Scope> {
    let tokens = source.parse().map_err(|error| anyhow!("{}: {error}", file.display()))?;
    Ok(scope(tokens))
}
