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
        let mut session_tables =
            Self { tables, by_id: Default::default(), all_stamps: String::new() };
        session_tables.by_id =
            ["", "NOT INDEXED"].map(|index_hint| session_tables.select(index_hint, "id = ?1"));
        session_tables.all_stamps = session_tables.select_stamps("1");
        session_tables
    }

    /// The query for the sessions that `wanted` says yes to: columns, and where there is something of
    /// it.
    pub(crate) fn select(&self, index_hint: &str, condition: &str) -> String {
        self.union(|table| &table.select, index_hint, condition)
    }

    /// The query for the stamps of the sessions that `wanted` says yes to: id, project, stamp, where
    /// there is something of it, and when it was made.
    pub(crate) fn select_stamps(&self, condition: &str) -> String {
        self.union(|table| &table.select_stamp, "", condition)
    }

    /// The queries for the directory of one session, one for each table.
    pub(crate) fn directory_queries(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().filter_map(|table| table.directory.as_deref())
    }

    /// Each session once.
    fn union(
        &self,
        select: impl Fn(&SessionTable) -> &str,
        index_hint: &str,
        condition: &str,
    ) -> String {
        let select_from = |table: &SessionTable| {
            format!("{} {index_hint} WHERE {} AND {condition}", select(table), table.row_filter)
        };
        self.tables.iter().map(select_from).collect::<Vec<_>>().join(" UNION ALL ")
    }

    /// The query for one column of the rows of all tables that `wanted` says yes to.
    pub(crate) fn select_column(&self, column: &str, index_hint: &str, condition: &str) -> String {
        let select_from =
            |name: &str| format!("SELECT {column} FROM {name} {index_hint} WHERE {condition}");
        self.names().map(select_from).collect::<Vec<_>>().join(" UNION ALL ")
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

    pub(crate) fn has(self, bit: u8) -> bool {
        self.0 & i64::from(bit) != 0
    }
}

/// Those of the tables of sessions that are there, and their columns.
pub(crate) struct SessionTableColumns<'f>(Vec<(&'static str, &'f DatabaseColumns)>);

impl<'f> SessionTableColumns<'f> {
    /// None if there are none.
    pub(crate) fn find(tables: &'f DatabaseTables) -> Option<Self> {
        // Every version has what is needed; another program's sessions may have an id as well.
        let readable = |table: &Table| Some((table.name, tables.readable(table)?));
        let tables: Vec<_> = [&SESSION_V2, &SESSION].into_iter().filter_map(readable).collect();
        (!tables.is_empty()).then_some(Self(tables))
    }

    /// Whether 2.x has been here.
    pub(crate) fn is_v2(&self) -> bool {
        self.0[0].0 == SESSION_V2.name
    }

    /// That there is no session of a row `m`.
    pub(crate) fn no_session_condition(&self) -> String {
        let condition = |(name, _): &(&str, &DatabaseColumns)| {
            format!("NOT EXISTS (SELECT 1 FROM {name} AS s WHERE s.id = m.session_id)")
        };
        self.0.iter().map(condition).collect::<Vec<_>>().join(" AND ")
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
        let build_table = |(name, columns): (&'static str, &DatabaseColumns)| {
            let (presence, stamp) =
                (tables.presence_expression(name), stamp_expression(SessionColumn::ALL, columns));
            let select = Select::new(SessionColumn::ALL, columns, cap, "").append(&presence);
            let directory = SessionColumn::ALL[SessionColumn::Directory.at()].name;
            SessionTable {
                name,
                directory: columns
                    .has(directory)
                    .then(|| format!("SELECT {directory} FROM {name} WHERE id = ?1")),
                select: format!("{select} FROM {name} AS s"),
                select_stamp: format!(
                    "SELECT id, project_id, {stamp}, {presence}, time_created FROM {name} AS s"
                ),
                row_filter: match name {
                    "session" if has_both => {
                        "NOT EXISTS (SELECT 1 FROM session_v2 AS v WHERE v.id = s.id)"
                    }
                    _ => "1",
                },
            }
        };
        SessionTables::new(self.0.into_iter().map(build_table).collect())
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
        let exists = |bit: u8, other_table: &str, has_table: bool| match has_table {
            true => format!(
                "{bit} * EXISTS (SELECT 1 FROM {other_table} AS x WHERE x.session_id = s.id)"
            ),
            false => "0".to_owned(),
        };
        let rows = exists(TablePresence::ROWS, "session_message", self.has_rows);
        let messages = exists(TablePresence::MESSAGES, "message", self.has_messages);
        let own_bit = if table == "session" { TablePresence::IN_V1 } else { TablePresence::IN_V2 };
        match table {
            "session" if !self.has_rows => format!("{own_bit}"),
            // Most sessions of 1.x have no rows of the preview: that is all to be said of them.
            "session" if !self.is_v2 => {
                let both = format!("{} + {messages}", TablePresence::ROWS);
                format!(
                    "{own_bit} + CASE WHEN EXISTS (SELECT 1 FROM session_message AS x \
                     WHERE x.session_id = s.id) THEN {both} ELSE 0 END"
                )
            }
            "session" => format!("{own_bit} + {rows}"),
            _ => {
                let other_bit = match self.has_both {
                    true => {
                        let bit = TablePresence::IN_V1;
                        format!("{bit} * EXISTS (SELECT 1 FROM session AS x WHERE x.id = s.id)")
                    }
                    false => "0".to_owned(),
                };
                format!("{own_bit} + {rows} + {messages} + {other_bit}")
            }
        }
    }
}
