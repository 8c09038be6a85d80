//! The tables of sessions, of 2.x and of 1.x, as one.

use super::database_tables::{DatabaseColumns, DatabaseTables};
use super::select::{Select, stamp_expression};
use super::table::Table;
use super::tables::session::{SESSION, SESSION_V2, SessionColumn};

/// The tables that hold sessions: that of 2.x before that of 1.x.
#[derive(Debug)]
pub(crate) struct SessionTables {
    tables: Vec<SessionTable>,
    /// The query for one session.
    pub(crate) by_id: [String; 2],
    /// The query for the stamps of all sessions.
    pub(crate) all_stamps: String,
}

/// The place of [`TablePresence`] behind the columns of a session.
pub(crate) const PRESENCE_COLUMN: usize = SessionColumn::ALL.len();

#[derive(Debug)]
struct SessionTable {
    name: &'static str,
    /// Up to the name of the table, which is `s` in it.
    select: String,
    select_stamp: String,
    /// The directory of one session, if there is such a column.
    directory: Option<String>,
    /// Which of its rows no table before it has.
    row_filter: &'static str,
}

impl SessionTables {
    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.tables.iter().map(|table| table.name)
    }

    fn new(tables: Vec<SessionTable>) -> Self {
        let mut it = Self { tables, by_id: Default::default(), all_stamps: String::new() };
        it.by_id = ["", "NOT INDEXED"].map(|way| it.select(way, "id = ?1"));
        it.all_stamps = it.select_stamps("1");
        it
    }

    /// The query for the sessions that `wanted` says yes to: columns, and where there is something of
    /// it.
    pub(crate) fn select(&self, way: &str, wanted: &str) -> String {
        self.union(|it| &it.select, way, wanted)
    }

    /// The query for the stamps of the sessions that `wanted` says yes to: id, project, stamp, where
    /// there is something of it, and when it was made.
    pub(crate) fn select_stamps(&self, wanted: &str) -> String {
        self.union(|it| &it.select_stamp, "", wanted)
    }

    /// The queries for the directory of one session, one for each table.
    pub(crate) fn directory_queries(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().filter_map(|table| table.directory.as_deref())
    }

    /// Each session once.
    fn union(&self, select: impl Fn(&SessionTable) -> &str, way: &str, wanted: &str) -> String {
        let of = |table: &SessionTable| {
            format!("{} {way} WHERE {} AND {wanted}", select(table), table.row_filter)
        };
        self.tables.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ")
    }

    /// The query for one column of the rows of all tables that `wanted` says yes to.
    pub(crate) fn select_column(&self, column: &str, way: &str, wanted: &str) -> String {
        let of = |name: &str| format!("SELECT {column} FROM {name} {way} WHERE {wanted}");
        self.names().map(of).collect::<Vec<_>>().join(" UNION ALL ")
    }
}

/// Where there is something of a session, as queries say it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TablePresence(i64);

impl TablePresence {
    /// Rows of `session_message`.
    pub(crate) const ROWS: u8 = 1;
    /// Rows of `message`.
    pub(crate) const MESSAGES: u8 = 2;
    /// A row of `session_v2`.
    pub(crate) const IN_V2: u8 = 4;
    /// A row of `session`.
    pub(crate) const IN_V1: u8 = 8;

    /// Takes the number that was selected.
    pub(crate) fn new(number: i64) -> Self {
        Self(number)
    }

    pub(crate) fn has(self, what: u8) -> bool {
        self.0 & i64::from(what) != 0
    }
}

/// Those of the tables of sessions that are there, and their columns.
pub(crate) struct SessionTableColumns<'f>(Vec<(&'static str, &'f DatabaseColumns)>);

impl<'f> SessionTableColumns<'f> {
    /// None if there are none.
    pub(crate) fn find(found: &'f DatabaseTables) -> Option<Self> {
        // Every version has what is needed; another program's sessions may have an id as well.
        let readable = |table: &Table| Some((table.name, found.readable(table)?));
        let found: Vec<_> = [&SESSION_V2, &SESSION].into_iter().filter_map(readable).collect();
        (!found.is_empty()).then_some(Self(found))
    }

    /// Whether 2.x has been here.
    pub(crate) fn is_v2(&self) -> bool {
        self.0[0].0 == SESSION_V2.name
    }

    /// That there is no session of a row `m`.
    pub(crate) fn no_session_condition(&self) -> String {
        let of = |(name, _): &(&str, &DatabaseColumns)| {
            format!("NOT EXISTS (SELECT 1 FROM {name} AS s WHERE s.id = m.session_id)")
        };
        self.0.iter().map(of).collect::<Vec<_>>().join(" AND ")
    }

    /// The queries that follow.
    pub(crate) fn into_session_tables(
        self,
        has_rows: bool,
        has_messages: bool,
        cap: Option<u64>,
    ) -> SessionTables {
        let has_both = self.0.len() == 2;
        let tables = AvailableTables { is_v2: self.is_v2(), has_both, has_rows, has_messages };
        let of = |(name, there): (&'static str, &DatabaseColumns)| {
            let (found, stamp) =
                (tables.presence_expression(name), stamp_expression(SessionColumn::ALL, there));
            let select = Select::new(SessionColumn::ALL, there, cap, "").append(&found);
            let directory = SessionColumn::ALL[SessionColumn::Directory.at()].name;
            SessionTable {
                name,
                directory: there
                    .has(directory)
                    .then(|| format!("SELECT {directory} FROM {name} WHERE id = ?1")),
                select: format!("{select} FROM {name} AS s"),
                select_stamp: format!(
                    "SELECT id, project_id, {stamp}, {found}, time_created FROM {name} AS s"
                ),
                row_filter: match name {
                    "session" if has_both => {
                        "NOT EXISTS (SELECT 1 FROM session_v2 AS v WHERE v.id = s.id)"
                    }
                    _ => "1",
                },
            }
        };
        SessionTables::new(self.0.into_iter().map(of).collect())
    }
}

/// Which tables there are, for what is said of a session's place in them.
struct AvailableTables {
    is_v2: bool,
    has_both: bool,
    has_rows: bool,
    has_messages: bool,
}

impl AvailableTables {
    /// What [`TablePresence`] reads, of a session in this table.
    fn presence_expression(&self, table: &str) -> String {
        let exists = |bit: u8, from: &str, is_there: bool| match is_there {
            true => format!("{bit} * EXISTS (SELECT 1 FROM {from} AS x WHERE x.session_id = s.id)"),
            false => "0".to_owned(),
        };
        let rows = exists(TablePresence::ROWS, "session_message", self.has_rows);
        let messages = exists(TablePresence::MESSAGES, "message", self.has_messages);
        let own = if table == "session" { TablePresence::IN_V1 } else { TablePresence::IN_V2 };
        match table {
            "session" if !self.has_rows => format!("{own}"),
            // Most sessions of 1.x have no rows of the preview: that is all to be said of them.
            "session" if !self.is_v2 => {
                let both = format!("{} + {messages}", TablePresence::ROWS);
                format!(
                    "{own} + CASE WHEN EXISTS (SELECT 1 FROM session_message AS x \
                     WHERE x.session_id = s.id) THEN {both} ELSE 0 END"
                )
            }
            "session" => format!("{own} + {rows}"),
            _ => {
                let too = match self.has_both {
                    true => {
                        let bit = TablePresence::IN_V1;
                        format!("{bit} * EXISTS (SELECT 1 FROM session AS x WHERE x.id = s.id)")
                    }
                    false => "0".to_owned(),
                };
                format!("{own} + {rows} + {messages} + {too}")
            }
        }
    }
}
