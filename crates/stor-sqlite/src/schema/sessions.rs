//! Combines the tables of sessions of 2.x and 1.x into one.

use super::database_tables::{DatabaseColumns, DatabaseTables};
use super::select::{Select, stamp_expression};
use super::table::Table;
use super::tables::session::{SESSION, SESSION_V2, SessionColumn};

/// The tables that hold sessions, with the table of 2.x first.
#[derive(Debug)]
pub(crate) struct SessionTables {
    tables: Vec<SessionTable>,
    /// The queries for one session.
    pub(crate) by_id: [String; 2],
    /// The query for the stamps of all sessions.
    pub(crate) all_stamps: String,
}

/// The place of the [`TablePresence`] behind the columns of a session.
pub(crate) const PRESENCE_COLUMN: usize = SessionColumn::ALL.len();

#[derive(Debug)]
struct SessionTable {
    name: &'static str,
    /// The query up to the name of the table, which has the alias `s`.
    select: String,
    select_stamp: String,
    /// The query for the directory of one session, if the table has this column.
    directory: Option<String>,
    /// The condition for rows whose session is not in an earlier table.
    row_filter: &'static str,
}

impl SessionTables {
    /// Returns the names of the tables.
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

    /// Returns the query for the sessions that meet the condition: columns and table presence.
    pub(crate) fn select(&self, index_hint: &str, condition: &str) -> String {
        self.union(|table| &table.select, index_hint, condition)
    }

    /// Returns the query for the stamps of the sessions that meet the condition: id, project,
    /// stamp, table presence, time of creation.
    pub(crate) fn select_stamps(&self, condition: &str) -> String {
        self.union(|table| &table.select_stamp, "", condition)
    }

    /// Returns the queries for the directory of one session, one query per table.
    pub(crate) fn directory_queries(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().filter_map(|table| table.directory.as_deref())
    }

    /// Joins the tables so that each session appears once.
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

    /// Returns the query for one column of all rows that meet the condition.
    pub(crate) fn select_column(&self, column: &str, index_hint: &str, condition: &str) -> String {
        let select_from =
            |name: &str| format!("SELECT {column} FROM {name} {index_hint} WHERE {condition}");
        self.names().map(select_from).collect::<Vec<_>>().join(" UNION ALL ")
    }
}

/// Which tables have something of a session. Queries select it as a sum of bits.
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

    /// Makes the value from the number in a query's result.
    pub(crate) fn new(number: i64) -> Self {
        Self(number)
    }

    pub(crate) fn has(self, bit: u8) -> bool {
        self.0 & i64::from(bit) != 0
    }
}

/// The tables of sessions that a database has, with their columns.
pub(crate) struct SessionTableColumns<'f>(Vec<(&'static str, &'f DatabaseColumns)>);

impl<'f> SessionTableColumns<'f> {
    /// Returns the readable tables of sessions, or `None` without any.
    pub(crate) fn find(tables: &'f DatabaseTables) -> Option<Self> {
        // Every version has the required columns. The table of another program may have an `id`
        // too, but not all of them.
        let readable = |table: &Table| Some((table.name, tables.readable(table)?));
        let tables: Vec<_> = [&SESSION_V2, &SESSION].into_iter().filter_map(readable).collect();
        (!tables.is_empty()).then_some(Self(tables))
    }

    /// Checks whether the database belongs to 2.x.
    pub(crate) fn is_v2(&self) -> bool {
        self.0[0].0 == SESSION_V2.name
    }

    /// Returns the condition that the row `m` has no session.
    pub(crate) fn no_session_condition(&self) -> String {
        let condition = |(name, _): &(&str, &DatabaseColumns)| {
            format!("NOT EXISTS (SELECT 1 FROM {name} AS s WHERE s.id = m.session_id)")
        };
        self.0.iter().map(condition).collect::<Vec<_>>().join(" AND ")
    }

    /// Builds the queries.
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

/// The tables that exist, for the expression of the table presence.
struct AvailableTables {
    is_v2: bool,
    has_both: bool,
    has_rows: bool,
    has_messages: bool,
}

impl AvailableTables {
    /// Returns the expression that [`TablePresence`] reads, for a session in this table.
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
            // Most sessions of 1.x have no rows of the preview. For them the check of messages is
            // skipped, because the location is clear without it.
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
