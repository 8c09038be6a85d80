//! The sessions of one workspace: resolves references, lists and loads.

use std::path::{Path, PathBuf};

use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

use super::error::{Result, SessionControlError, format_error};
use super::files;
use super::rules::{is_session_reference_alias, workspace_fingerprint};
use super::session::Session;
use super::summary::{self, ManagedSessionSummary};
use crate::version::Version;

/// The sessions of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStore {
    sessions_root: PathBuf,
    workspace_root: PathBuf,
    /// The directory that the newest session is looked up in if the workspace has none (head).
    global_root: Option<PathBuf>,
    version: Version,
}

/// A session's id and file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionHandle {
    /// The id. Where it comes from a reference, it is the name of the file without its extension.
    /// `None` if the file has none; the program makes a new one for each call.
    pub id: Option<String>,
    /// The file.
    pub path: PathBuf,
}

/// A session that was loaded, with its own id in the handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedManagedSession {
    /// The id in the session, and the file.
    pub handle: SessionHandle,
    /// The session.
    pub session: Session,
}

/// The extensions of sessions, in the order in which they are tried.
const EXTENSIONS: [&str; 2] = ["jsonl", "json"];

/// Returns the directory for the sessions of all workspaces (head): `sessions` in `CLAW_CONFIG_HOME`,
/// or in `~/.claw`.
pub fn global_sessions_root(environment: &Environment) -> Option<PathBuf> {
    let home = environment.agent_variable("CLAW_CONFIG_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(environment.home.as_ref()?.join(".claw")));
    home.map(|home| home.join("sessions"))
}

impl SessionStore {
    /// Returns the store of a workspace: `<cwd>/.claw/sessions/<fingerprint>`. The head makes the path
    /// canonical first.
    pub fn from_cwd(cwd: &Path, version: Version) -> Self {
        let workspace = workspace_path(cwd, version);
        Self::new(workspace.join(".claw"), workspace, version)
    }

    /// Returns the store of a workspace in a data directory: `<data_dir>/sessions/<fingerprint>`. The
    /// head makes the path of the workspace canonical first.
    pub fn from_data_dir(data_dir: &Path, workspace_root: &Path, version: Version) -> Self {
        Self::new(data_dir.to_owned(), workspace_path(workspace_root, version), version)
    }

    fn new(data_dir: PathBuf, workspace_root: PathBuf, version: Version) -> Self {
        let fingerprint = workspace_fingerprint(&workspace_root);
        let sessions_root = data_dir.join("sessions").join(fingerprint);
        Self { sessions_root, workspace_root, global_root: None, version }
    }

    /// Returns the store that the free functions use: the seed's is the directory itself, without a
    /// fingerprint.
    pub(super) fn of_base(base: &Path, version: Version) -> Self {
        let mut store = Self::from_cwd(base, version);
        if version == Version::Seed {
            store.sessions_root.pop();
        }
        store
    }

    /// Sets the environment, whose directory for all workspaces the head uses when the workspace has no
    /// session. Without this call only the directories beside that of the store are used.
    #[must_use]
    pub fn with_environment(self, environment: &Environment) -> Self {
        Self { global_root: global_sessions_root(environment), ..self }
    }

    /// Returns the directory of the sessions.
    pub fn sessions_dir(&self) -> &Path {
        &self.sessions_root
    }

    /// Returns the workspace.
    pub fn workspace_root(&self) -> &Path {
        &self.workspace_root
    }

    /// Returns the directory that the seed would have created for this store. The head creates it with
    /// the first session.
    pub fn missing_directory(&self) -> Option<&Path> {
        let is_missing = self.version == Version::Seed && !self.sessions_root.exists();
        is_missing.then_some(&self.sessions_root)
    }

    /// Returns where a new session with this id would be. Nothing is created.
    pub fn create_handle(&self, session_id: &str) -> SessionHandle {
        let path = self.sessions_root.join(format!("{session_id}.jsonl"));
        SessionHandle { id: Some(session_id.to_owned()), path }
    }

    /// Resolves `latest`, `last` or `recent`, a path, or an id. A path is relative to the workspace, and
    /// anything there with the name of an id comes before the session with that id.
    ///
    /// # Errors
    /// The program's text if the session does not exist; the errors of a list.
    pub fn resolve_reference(&self, reference: &str) -> Result<SessionHandle> {
        self.resolve_reference_excluding(reference, None)
    }

    /// Resolves a reference; an alias never means the session with the id `excluded` (head).
    ///
    /// # Errors
    /// As [`resolve_reference`](Self::resolve_reference).
    pub fn resolve_reference_excluding(
        &self,
        reference: &str,
        excluded: Option<&str>,
    ) -> Result<SessionHandle> {
        if is_session_reference_alias(reference) {
            let latest = self.latest_session_excluding(excluded)?;
            return Ok(SessionHandle { id: latest.id, path: latest.path });
        }
        let direct = Path::new(reference);
        let candidate = self.workspace_root.join(direct);
        let is_path = direct.extension().is_some() || direct.components().count() > 1;
        let path = match candidate.exists() {
            true => candidate,
            false if is_path => return format_error(self.missing_reference(reference)),
            false => self.resolve_managed_path(reference)?,
        };
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let id = name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".json"));
        Ok(SessionHandle { id: Some(id.unwrap_or(reference).to_owned()), path })
    }

    /// Returns the file of the session with this id. The head also searches the directory above, and
    /// checks the workspace of what it finds there.
    ///
    /// # Errors
    /// The program's text if the file does not exist; the errors of a load.
    pub fn resolve_managed_path(&self, session_id: &str) -> Result<PathBuf> {
        let candidates = |root: &Path| {
            EXTENSIONS.map(|extension| root.join(format!("{session_id}.{extension}")))
        };
        if let Some(path) = candidates(&self.sessions_root).into_iter().find(|it| it.exists()) {
            return Ok(path);
        }
        let legacy = self.legacy_sessions_root().map(candidates).into_iter().flatten();
        if let Some(path) = legacy.into_iter().find(|it| it.exists()) {
            let session = Session::load_from_path(&path, self.version)?;
            self.validate(&path, &session)?;
            return Ok(path);
        }
        format_error(self.missing_reference(session_id))
    }

    /// Checks whether a reference can be resolved (head).
    pub fn session_exists(&self, reference: &str) -> bool {
        self.resolve_reference(reference).is_ok()
    }

    /// Lists the sessions, the latest first. Rotations are listed too, with the id of their session. A
    /// file that cannot be loaded is listed with the stem of its name, and without messages. The head
    /// also lists the directory above, and leaves out the sessions of other workspaces.
    ///
    /// * [`Version::Seed`]: the latest is that of the file changed last, then by id.
    /// * [`Version::Head`]: the latest is that of the last snapshot, then as in the seed.
    ///
    /// # Errors
    /// The operating system's error if a directory exists and cannot be listed.
    pub fn list_sessions(&self) -> Result<Vec<ManagedSessionSummary>> {
        let mut sessions = Vec::new();
        let is_valid = |path: &Path, session: &Session| self.validate(path, session).is_ok();
        summary::collect(&self.sessions_root, self.version, &is_valid, &mut sessions)?;
        if let Some(legacy) = self.legacy_sessions_root() {
            summary::collect(legacy, self.version, &is_valid, &mut sessions)?;
        }
        summary::sort(&mut sessions, self.version);
        Ok(sessions)
    }

    /// Returns the latest session. The seed's may be empty, or one that cannot be loaded. The head takes
    /// the first that has messages, and else looks in the directories of all workspaces.
    ///
    /// # Errors
    /// The program's text if there is none; the errors of a list.
    pub fn latest_session(&self) -> Result<ManagedSessionSummary> {
        self.latest_session_excluding(None)
    }

    /// Returns the latest session that does not have the id `excluded` (head).
    ///
    /// # Errors
    /// As [`latest_session`](Self::latest_session).
    pub fn latest_session_excluding(
        &self,
        excluded: Option<&str>,
    ) -> Result<ManagedSessionSummary> {
        let is_other =
            |it: &ManagedSessionSummary| it.id.as_deref() != Some(excluded.unwrap_or(""));
        let mut sessions = self.list_sessions()?;
        if self.version == Version::Seed {
            let latest = sessions.into_iter().next();
            return latest.map_or_else(|| format_error(self.no_sessions()), Ok);
        }
        let is_latest = |it: &ManagedSessionSummary| is_other(it) && it.message_count > 0;
        if !sessions.iter().any(is_latest) {
            sessions.extend(self.global_sessions());
        }
        let has_any = sessions.iter().any(is_other);
        match sessions.into_iter().find(is_latest) {
            Some(latest) => Ok(latest),
            None if has_any => format_error(self.only_empty_sessions()),
            None => format_error(self.no_sessions()),
        }
    }

    /// Loads the session that a reference means. The head refuses a session of another workspace.
    ///
    /// # Errors
    /// The errors of [`resolve_reference`](Self::resolve_reference) and
    /// [`Session::load_from_path`]; [`SessionControlError::WorkspaceMismatch`].
    pub fn load_session(&self, reference: &str) -> Result<LoadedManagedSession> {
        let handle = self.resolve_reference(reference)?;
        let session = Session::load_from_path(&handle.path, self.version)?;
        self.validate(&handle.path, &session)?;
        Ok(loaded(handle, session))
    }

    /// Loads a session, also one of another workspace if the reference is an alias (head).
    ///
    /// # Errors
    /// As [`load_session`](Self::load_session).
    pub fn load_session_loose(&self, reference: &str) -> Result<LoadedManagedSession> {
        self.load_session_excluding(reference, None)
    }

    /// Loads a session as [`load_session_loose`](Self::load_session_loose); an alias never means the
    /// session with the id `excluded` (head).
    ///
    /// # Errors
    /// As [`load_session`](Self::load_session).
    pub fn load_session_excluding(
        &self,
        reference: &str,
        excluded: Option<&str>,
    ) -> Result<LoadedManagedSession> {
        let handle = self.resolve_reference_excluding(reference, excluded)?;
        let session = Session::load_from_path(&handle.path, self.version)?;
        if !is_session_reference_alias(reference) {
            self.validate(&handle.path, &session)?;
        }
        Ok(loaded(handle, session))
    }

    /// Returns the directory above, which older versions stored sessions in (head).
    fn legacy_sessions_root(&self) -> Option<&Path> {
        let parent = self.sessions_root.parent().filter(|_| self.version == Version::Head)?;
        (parent.file_name()? == "sessions").then_some(parent)
    }

    /// Returns the sessions of all workspaces, the latest first.
    fn global_sessions(&self) -> Vec<ManagedSessionSummary> {
        let mut sessions = Vec::new();
        for root in self.global_root.as_deref().into_iter().chain(self.legacy_sessions_root()) {
            let Ok(Some(listed)) = files::list(root) else { continue };
            for entry in listed.into_iter().filter(|entry| entry.kind == FileKind::Directory) {
                let directory = root.join(entry.name);
                // The program goes on without a directory that it cannot list.
                let _ = summary::collect(&directory, self.version, &|_, _| true, &mut sessions);
            }
        }
        summary::sort(&mut sessions, self.version);
        sessions
    }

    /// Checks that a session belongs to the workspace (head).
    fn validate(&self, path: &Path, session: &Session) -> Result<()> {
        if self.version == Version::Seed {
            return Ok(());
        }
        let own = canonical(&self.workspace_root);
        match &session.workspace_root {
            Some(root) if canonical(root) == own => Ok(()),
            Some(root) => Err(SessionControlError::WorkspaceMismatch {
                expected: self.workspace_root.clone(),
                actual: root.clone(),
            }),
            None if canonical(path).starts_with(own) => Ok(()),
            None => format_error(format!(
                "legacy session is missing workspace binding: {}\nOpen it from its original workspace or re-save it from {}.",
                path.display(),
                self.workspace_root.display()
            )),
        }
    }

    /// Returns the directory as the program's texts have it.
    fn shown_directory(&self) -> String {
        let name = self.sessions_root.file_name().and_then(|name| name.to_str());
        match self.version {
            Version::Seed => ".claw/sessions/".to_owned(),
            Version::Head => format!(".claw/sessions/{}/", name.unwrap_or("<unknown>")),
        }
    }

    fn missing_reference(&self, reference: &str) -> String {
        let end = match self.version {
            Version::Seed => ". ",
            Version::Head => " (workspace-specific partition).\n",
        };
        format!(
            "session not found: {reference}\nHint: managed sessions live in {}{end}Try `latest` for the most recent session or `/session list` in the REPL.",
            self.shown_directory()
        )
    }

    fn no_sessions(&self) -> String {
        let end = match self.version {
            Version::Seed => "",
            Version::Head => "\nNote: /resume latest searches all workspaces.",
        };
        format!(
            "no managed sessions found in {}\nStart `claw` to create a session, then rerun with `--resume latest`.{end}",
            self.shown_directory()
        )
    }

    fn only_empty_sessions(&self) -> String {
        format!(
            "all sessions are empty (0 messages) in {}\nThis usually means a fresh `claw` session is running but no messages have been sent yet.\nWait for a response in your other session, then try `--resume latest` again.",
            self.shown_directory()
        )
    }
}

fn loaded(handle: SessionHandle, session: Session) -> LoadedManagedSession {
    let id = session.session_id.clone();
    LoadedManagedSession { handle: SessionHandle { id, ..handle }, session }
}

fn workspace_path(path: &Path, version: Version) -> PathBuf {
    match version {
        Version::Seed => path.to_owned(),
        Version::Head => canonical(path),
    }
}

fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
