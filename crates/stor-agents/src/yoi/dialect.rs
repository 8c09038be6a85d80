//! The dialect: what the paths of a yoi store mean.

use std::path::{Path, PathBuf};

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;
use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

use super::{head, names, records};
use crate::engine::{
    Container, Dialect, HeadInput, Home, Record, Role, SessionDraft, Shape, SideFile, Sink,
    StorePlace,
};

/// The dialect of yoi. A store is a directory of sessions, usually `~/.yoi/sessions`, or the root of
/// one session with a directory `segments`.
///
/// Each segment is a session with the id `<directory>/<segment>`. The messages that the first record
/// of a segment repeats from its origin are marked as copies. Traces are items of the timeline.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yoi;

impl Dialect for Yoi {
    const AGENT: &'static str = "yoi";
    const FORMAT: &'static str = "log";

    fn classify(&self, path: &[&str], kind: FileKind) -> Role {
        let (dir, name) = match (path, kind) {
            ([dir], FileKind::Directory) if names::is_segment_directory(dir) => {
                return Role::Descend;
            }
            // The program has no directories of sessions in its oldest layout.
            ([name], FileKind::File) => ("", *name),
            ([dir, name], FileKind::File) if names::is_segment_directory(dir) => (*dir, *name),
            _ => return Role::Ignore,
        };
        let id = |segment: &str| match dir {
            "" => SessionId::new(segment),
            dir => SessionId::new(&format!("{dir}/{segment}")),
        };
        if let Some(segment) = names::segment_of_log(name) {
            return id(segment).map_or(Role::Ignore, Role::Session);
        }
        if let Some(segment) = names::segment_of_trace(name) {
            return id(segment).map_or(Role::Ignore, Role::Side);
        }
        match !dir.is_empty() && name.ends_with(".jsonl") {
            true => Role::Foreign(IssueKind::BadId { reason: "not a UUID".to_owned() }),
            false => Role::Ignore,
        }
    }

    fn container(&self, session: &SessionId) -> Option<Container> {
        Some(Container { path: path(session, ".jsonl"), shape: Shape::Log })
    }

    fn side_files(&self, session: &SessionId) -> Vec<SideFile> {
        vec![SideFile { kind: "trace", path: path(session, ".trace.jsonl") }]
    }

    fn head(&self, input: &mut HeadInput<'_>) -> Result<SessionDraft, IssueKind> {
        head::read(input)
    }

    fn record<'b>(&self, record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
        records::read(record, sink)
    }
}

fn path(session: &SessionId, end: &str) -> Vec<String> {
    let mut path: Vec<String> = session.as_str().split('/').map(str::to_owned).collect();
    if let Some(name) = path.last_mut() {
        name.push_str(end);
    }
    path
}

impl Home for Yoi {
    const BELOW: &'static [&'static str] = &["sessions", ".yoi/sessions", ".insomnia/sessions"];

    /// The names of three versions of the program: each has variables and a directory of its own, and
    /// a variable replaces the directory of its version.
    fn places(&self, environment: &Environment) -> Vec<StorePlace> {
        let place = |data: PathBuf, rule: &str| StorePlace {
            root: data.join("sessions"),
            rule: rule.to_owned(),
        };
        let mut places = Vec::new();
        for (data, home, directory) in [
            ("YOI_DATA_DIR", "YOI_HOME", ".yoi"),
            ("INSOMNIA_DATA_DIR", "INSOMNIA_HOME", ".insomnia"),
        ] {
            let named = [data, home].into_iter().find_map(|name| {
                Some(place(Path::new(environment.agent_variable(name)?).into(), name))
            });
            let usual = environment
                .home
                .as_ref()
                .map(|home| place(home.join(directory), "in the home directory"));
            places.extend(named.or(usual));
        }
        let data = environment.xdg_data_home.as_deref().filter(|dir| !dir.is_empty());
        let data = data
            .map(PathBuf::from)
            .or_else(|| environment.home.as_ref().map(|home| home.join(".local/share")));
        places.extend(data.map(|data| place(data.join("yoi"), "in the data directory")));
        places
    }
}
