//! An undamaged database: its records with the pages that hold them, and its pages by use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags};

use super::pages::{Pages, Tree};
use super::record::Cell;

/// The tables whose records must be found.
pub(crate) const TABLES: [&str; 5] =
    ["session", "session_v2", "message", "part", "session_message"];

/// An undamaged database.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) bytes: Vec<u8>,
    pub(crate) page_size: usize,
    /// Tables and indexes.
    pub(crate) objects: Vec<Object>,
    /// The pages of the schema, with page 1.
    pub(crate) schema: BTreeSet<u32>,
    pub(crate) rows: Vec<NamedRow>,
}

/// A table or an index.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) name: String,
    /// The table itself, or the table of the index.
    pub(crate) table: String,
    pub(crate) is_index: bool,
    pub(crate) root: u32,
    pub(crate) tree: Tree,
}

/// A row of one of [`TABLES`] with the names of its columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedRow {
    pub(crate) table: &'static str,
    pub(crate) cells: BTreeMap<String, Cell>,
    pub(crate) pages: Vec<u32>,
}

impl NamedRow {
    pub(crate) fn cell(&self, column: &str) -> &Cell {
        self.cells.get(column).unwrap_or(&Cell::Null)
    }

    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.cell(column).text()
    }
}

impl Base {
    /// Reads a database. SQLite is used for the names of columns only.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {path:?}"))?;
        let pages = Pages::new(&bytes)?;
        let schema_tree = pages.tree(1)?;
        let schema = schema_tree.interior.iter().chain(&schema_tree.leaves);
        let schema = schema.chain(&schema_tree.overflow).copied().chain([1]).collect();
        let mut objects = Vec::new();
        for row in &schema_tree.rows {
            let [kind, name, table, root, ..] = &row.cells[..] else { continue };
            let (Some(kind), Some(name), Some(table)) = (kind.text(), name.text(), table.text())
            else {
                continue;
            };
            let root = root.integer().and_then(|root| u32::try_from(root).ok()).unwrap_or(0);
            if root == 0 || !["table", "index"].contains(&kind) {
                continue;
            }
            let tree = pages.tree(root).with_context(|| format!("cannot read {name}"))?;
            let (name, table, is_index) = (name.to_owned(), table.to_owned(), kind == "index");
            objects.push(Object { name, table, is_index, root, tree });
        }
        let rows = named_rows(path, &objects)?;
        let page_size = pages.size;
        Ok(Self { bytes, page_size, objects, schema, rows })
    }

    pub(crate) fn pages(&self) -> Result<Pages<'_>> {
        Pages::new(&self.bytes)
    }

    /// Returns the name of the table or index that uses a page, and how it uses it.
    pub(crate) fn use_of(&self, page: u32) -> String {
        if self.schema.contains(&page) {
            return "the schema".to_owned();
        }
        for Object { name, tree, is_index, .. } in &self.objects {
            let kind = if *is_index { "index" } else { "table" };
            for (pages, place) in
                [(&tree.interior, "interior"), (&tree.leaves, "leaf"), (&tree.overflow, "overflow")]
            {
                if pages.contains(&page) {
                    return format!("{place} page of {kind} {name}");
                }
            }
        }
        "a free page".to_owned()
    }
}

/// Gives the rows of [`TABLES`] the names of their columns.
fn named_rows(path: &Path, objects: &[Object]) -> Result<Vec<NamedRow>> {
    let uri = format!("file:{}?immutable=1", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let db = Connection::open_with_flags(uri, flags)?;
    let mut rows = Vec::new();
    for table in TABLES {
        let Some(object) = objects.iter().find(|it| it.name == table && !it.is_index) else {
            continue;
        };
        let mut statement = db.prepare(&format!("PRAGMA table_info({table})"))?;
        let columns: Vec<String> =
            statement.query_map([], |row| row.get(1))?.collect::<Result<_, _>>()?;
        rows.extend(object.tree.rows.iter().map(|row| NamedRow {
            table,
            cells: columns.iter().cloned().zip(row.cells.iter().cloned()).collect(),
            pages: row.pages.clone(),
        }));
    }
    Ok(rows)
}
