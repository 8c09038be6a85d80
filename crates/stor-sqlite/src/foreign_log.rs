//! Recognises the log of another database.
//!
//! SQLite applies any valid log beside a database: nothing in the log names its database. After a user
//! copied a database over another one, the old log mixes pages of both, mostly without an error. But a
//! log continues the state that its database had when the log was begun, so the database file has this
//! state still, or a state that was copied from the log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::access::Access;
use crate::files::DatabaseFiles;

/// The size of the head of the log, and of the head of a frame.
const LOG_HEAD: usize = 32;
const FRAME_HEAD: usize = 24;
/// Where page 1 has the number of pages and the version of the schema.
const PAGES_AT: usize = 28;
const SCHEMA_AT: usize = 40;

/// The result for the last log that was compared.
#[derive(Debug, Default)]
pub(crate) struct LogCheck(Mutex<Option<(LogId, bool)>>);

/// A database file, and the head of the log beside it. SQLite gives each new log another head.
type LogId = (u64, [u8; LOG_HEAD]);

/// A state of a database, as page 1 tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    schema: u32,
    pages: u32,
}

/// The content of a log.
struct Log {
    /// The pages in the first transaction, and the number of pages of the database after it.
    first_pages: Vec<u32>,
    first_size: u32,
    /// The states in the log, in order.
    states: Vec<State>,
}

impl LogCheck {
    /// Checks whether the database has the log of another one.
    pub(crate) fn is_foreign(&self, files: &DatabaseFiles) -> bool {
        let before = files.stat();
        let (true, Some(database)) = (before.has_log(), before.database) else { return false };
        let Some(mut log) = files.open_log() else { return false };
        let mut head = [0; LOG_HEAD];
        if log.read_exact(&mut head).is_err() {
            return false;
        }
        let id = (database.inode, head);
        if let Some((checked, is_foreign)) = &*self.lock()
            && *checked == id
        {
            return *is_foreign;
        }
        let Some(log) = read_log(&mut log, &head) else { return false };
        let Ok(base) = state_without_log(&files.path) else { return false };
        if files.stat() != before {
            return false; // a writer works right now; the next listing tries again
        }
        let is_foreign = !log.may_continue(base);
        *self.lock() = Some((id, is_foreign));
        is_foreign
    }

    fn lock(&self) -> MutexGuard<'_, Option<(LogId, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the database file, and whether its pages may move when it shrinks.
struct Base {
    state: State,
    may_shrink: bool,
}

/// Reads the state of a database without its log. SQLite reads the file, because closing a file of
/// ours would drop SQLite's locks on it.
fn state_without_log(path: &Path) -> rusqlite::Result<Base> {
    let db = Access::Immutable.open(path)?;
    let number = |db: &Connection, pragma: &str| -> rusqlite::Result<u32> {
        db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
    };
    let state = State { schema: number(&db, "schema_version")?, pages: number(&db, "page_count")? };
    Ok(Base { state, may_shrink: number(&db, "auto_vacuum")? != 0 })
}

impl Log {
    /// Checks whether a database with this state may be the one of the log.
    fn may_continue(&self, base: Base) -> bool {
        let Base { state, may_shrink } = base;
        if self.states.contains(&state) {
            return true; // the log was copied into the file up to this state
        }
        let Some(first) = self.states.first() else {
            return state.pages == self.first_size; // no transaction changed the number of pages
        };
        // A transaction that makes the database grow has all new pages.
        let mut new_pages = state.pages.saturating_add(1)..=self.first_size;
        let has_new_pages = new_pages.all(|page| self.first_pages.binary_search(&page).is_ok());
        // VACUUM makes the database shrink, and counts as a change of the schema.
        let is_smaller = state.pages > self.first_size;
        state.schema <= first.schema
            && has_new_pages
            && (!is_smaller || may_shrink || state.schema < first.schema)
    }
}

/// Reads a log as SQLite does. Returns `None` if SQLite finds no whole transaction in it.
fn read_log(file: &mut File, head: &[u8; LOG_HEAD]) -> Option<Log> {
    let is_big_endian = match number(head, 0)? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    let page_size = usize::try_from(number(head, 8)?).ok()?;
    if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
        return None;
    }
    let mut sum = checksum(&head[..24], is_big_endian, (0, 0));
    if (number(head, 24)?, number(head, 28)?) != sum {
        return None;
    }
    let mut log = Log { first_pages: Vec::new(), first_size: 0, states: Vec::new() };
    let mut frame = vec![0; FRAME_HEAD + page_size];
    let mut at = LOG_HEAD as u64;
    loop {
        // Only the frames of the first transaction are read whole.
        let is_first = log.first_size == 0;
        let length = if is_first { frame.len() } else { FRAME_HEAD };
        file.seek(SeekFrom::Start(at)).ok()?;
        if file.read_exact(&mut frame[..length]).is_err() || frame[8..16] != head[16..24] {
            break; // the end, or frames of an earlier log
        }
        let (page, size) = (number(&frame, 0)?, number(&frame, 4)?);
        if is_first {
            sum = checksum(&frame[..8], is_big_endian, sum);
            sum = checksum(&frame[FRAME_HEAD..], is_big_endian, sum);
            if (number(&frame, 16)?, number(&frame, 20)?) != sum {
                break;
            }
            log.first_pages.push(page);
            log.first_size = size;
        }
        if page == 1 {
            if !is_first && file.read_exact(&mut frame[FRAME_HEAD..]).is_err() {
                break;
            }
            let (schema, pages) =
                (number(&frame, FRAME_HEAD + SCHEMA_AT)?, number(&frame, FRAME_HEAD + PAGES_AT)?);
            log.states.push(State { schema, pages });
        }
        at += frame.len() as u64;
    }
    log.first_pages.sort_unstable();
    (log.first_size != 0).then_some(log)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Continues the checksum of a log.
fn checksum(bytes: &[u8], is_big_endian: bool, sum: (u32, u32)) -> (u32, u32) {
    let word = |bytes: [u8; 4]| match is_big_endian {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    };
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().fold(sum, |(a, b), &[c, d, e, f, g, h, i, j]| {
        let a = a.wrapping_add(word([c, d, e, f])).wrapping_add(b);
        (a, b.wrapping_add(word([g, h, i, j])).wrapping_add(a))
    })
}
