//! The program's own operations return what the program itself returned (`oracle.json` of both
//! versions). The trees are restored in another directory, so paths and fingerprints are mapped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use scrollback_stor_agents::Version;
use scrollback_stor_agents::claw::program::*;
use scrollback_stor_path::Environment;
use serde_json::{Map, Value, json};

use super::{corpus, paths_below};
use crate::support::copy_tree;

const WORKSPACES: [&str; 2] = ["ws-alpha", "ws-beta Ünï"];

/// A tree of the corpus in a temporary directory, and what the program returned there.
struct Restored {
    dir: tempfile::TempDir,
    version: Version,
    oracle: Value,
}

impl Restored {
    fn new(name: &str, version: Version) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let corpus = corpus().join(name);
        let old_root = fs::read_to_string(corpus.join("ROOT")).unwrap();
        let old_root = Path::new(old_root.trim());
        let mut replaced =
            vec![(old_root.to_str().unwrap().to_owned(), root.to_str().unwrap().to_owned())];
        for workspace in WORKSPACES {
            let fingerprint = |root: &Path| workspace_fingerprint(&root.join(workspace));
            replaced.push((fingerprint(old_root), fingerprint(&root)));
        }
        let map = |text: &str| {
            replaced.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
        };
        copy_tree(&corpus.join("root"), &root.join("copied"));
        let mtimes = fs::read_to_string(corpus.join("MTIMES.json")).unwrap();
        for (path, nanos) in serde_json::from_str::<Map<String, Value>>(&mtimes).unwrap() {
            if path.starts_with("recorded/") {
                continue; // the corpus does not have these files
            }
            let text = fs::read_to_string(root.join("copied").join(&path)).unwrap();
            let target = root.join(map(&path));
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(&target, map(&text)).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos.as_u64().unwrap());
            File::options().append(true).open(&target).unwrap().set_modified(time).unwrap();
        }
        fs::remove_dir_all(root.join("copied")).unwrap();
        let oracle = map(&fs::read_to_string(corpus.join("oracle.json")).unwrap());
        let oracle = serde_json::from_str(&oracle).unwrap();
        Self { dir, version, oracle }
    }

    fn root(&self) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap()
    }

    fn path(&self, path: &Path) -> Value {
        path.strip_prefix(self.root()).unwrap_or(path).to_str().unwrap().into()
    }

    fn summary(&self, summary: &ManagedSessionSummary) -> Value {
        let mut value = json!({
            "id": volatile(&summary.id),
            "path": self.path(&summary.path),
            "modified_epoch_millis": summary.modified_epoch_millis,
            "message_count": summary.message_count,
            "parent_session_id": summary.parent_session_id,
            "branch_name": summary.branch_name,
        });
        if self.version == Version::Head {
            value["created_at_ms"] = volatile(&summary.created_at_ms);
            value["updated_at_ms"] = volatile(&summary.updated_at_ms);
        }
        value
    }

    fn handle(&self, handle: &SessionHandle) -> Value {
        json!({"id": volatile(&handle.id), "path": self.path(&handle.path)})
    }

    fn loaded(&self, loaded: &LoadedManagedSession) -> Value {
        let mut value = self.handle(&loaded.handle);
        value["session"] = session(&loaded.session);
        value
    }

    /// Checks the operations of a store.
    fn check_store(&self, name: &str, store: &SessionStore) {
        let expected = &self.oracle[name];
        check(&self.path(store.sessions_dir()), &expected["sessions_dir"], name);
        check(&self.path(store.workspace_root()), &expected["workspace_root"], name);
        let listed = store.list_sessions().unwrap();
        let listed = Value::from_iter(listed.iter().map(|summary| self.summary(summary)));
        check(&listed, &expected["list_sessions"], name);
        let latest = result(store.latest_session(), |it| self.summary(it));
        check(&latest, &expected["latest_session"], name);
        let references = expected["references"].as_array().unwrap();
        assert!(references.len() >= 8);
        for call in references {
            let reference = call["reference"].as_str().unwrap();
            let about = format!("{name}: {reference}");
            let resolved = result(store.resolve_reference(reference), |it| self.handle(it));
            check(&resolved, &call["resolve"], &about);
            let loaded = result(store.load_session(reference), |it| self.loaded(it));
            check(&loaded, &call["load"], &about);
        }
    }

    /// Checks the free functions for a workspace.
    fn check_free(&self, workspace: &str) {
        let expected = &self.oracle[format!("free functions for {workspace}")];
        let base = self.root().join(workspace);
        let dir = managed_sessions_dir_for(&base, self.version);
        check(&self.path(&dir), &expected["managed_sessions_dir_for"], workspace);
        let listed = list_managed_sessions_for(&base, self.version).unwrap();
        let listed = Value::from_iter(listed.iter().map(|summary| self.summary(summary)));
        check(&listed, &expected["list_managed_sessions_for"], workspace);
        let latest = latest_managed_session_for(&base, self.version);
        let latest = result(latest, |it| self.summary(it));
        check(&latest, &expected["latest_managed_session_for"], workspace);
    }

    fn check_all(&self) {
        let (root, version) = (self.root(), self.version);
        let before = paths_below(&root);
        // The program ran with an empty home.
        let home = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        environment.agent_variables.insert("CLAW_CONFIG_HOME", home.path().into());
        let store = |store: SessionStore| store.with_environment(&environment);
        for workspace in WORKSPACES {
            let base = root.join(workspace);
            self.check_store(workspace, &store(SessionStore::from_cwd(&base, version)));
            self.check_free(workspace);
        }
        let (data, alpha) = (root.join("global-data"), root.join("ws-alpha"));
        let global = store(SessionStore::from_data_dir(&data, &alpha, version));
        self.check_store("global-data for ws-alpha", &global);
        self.check_loads();
        self.check_rules();
        assert_eq!(paths_below(&root), before, "a read writes nothing");
    }

    fn check_loads(&self) {
        let expected = self.oracle["Session::load_from_path"].as_object().unwrap();
        let mut not_in_corpus = 0;
        for (path, expected) in expected {
            let file = self.root().join(path);
            if path.starts_with("recorded/") {
                assert!(!file.exists());
                not_in_corpus += 1;
            } else if expected == "not a managed session file" {
                assert!(!is_managed_session_file(&file), "{path}");
            } else {
                assert!(is_managed_session_file(&file), "{path}");
                let loaded = Session::load_from_path(&file, self.version);
                check(&result(loaded, session), expected, path);
            }
        }
        assert_eq!(not_in_corpus, if self.version == Version::Seed { 7 } else { 0 });
    }

    fn check_rules(&self) {
        for pair in self.oracle["is_session_reference_alias"].as_array().unwrap() {
            assert_eq!(is_session_reference_alias(pair[0].as_str().unwrap()), pair[1], "{pair}");
        }
        let fingerprints = self.oracle["workspace_fingerprint"].as_array().unwrap();
        assert_eq!(fingerprints.len(), 8);
        for pair in fingerprints {
            assert_eq!(
                workspace_fingerprint(pair[0].as_str().unwrap().as_ref()),
                pair[1],
                "{pair}"
            );
        }
    }
}

/// The mark of a value that the program makes for each call.
const VOLATILE: &str = "<made for each call>";

fn volatile<T: Into<Value> + Clone>(value: &Option<T>) -> Value {
    value.clone().map_or_else(|| VOLATILE.into(), Into::into)
}

fn result<T>(result: Result<T, SessionControlError>, value: impl FnOnce(&T) -> Value) -> Value {
    match result {
        Ok(found) => value(&found),
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn session(session: &Session) -> Value {
    let mut value: Value = serde_json::from_str(&session.to_json().render()).unwrap();
    value["session_id"] = volatile(&session.session_id);
    value["created_at_ms"] = volatile(&session.created_at_ms);
    value["updated_at_ms"] = volatile(&session.updated_at_ms);
    value["_model"] = json!(session.model);
    value
}

/// Compares a value with the program's. A long text is there as its length, start and end.
#[track_caller]
fn check(value: &Value, expected: &Value, about: &str) {
    match (value, expected) {
        (Value::String(made), expected) if made == VOLATILE => {
            let is_made = expected
                .as_str()
                .is_some_and(|text| text.starts_with('<') || text.starts_with("session-17952200"));
            let is_now = expected.as_u64().is_some_and(|it| it > 1_795_220_060_000);
            assert!(is_made || is_now, "{about}: {expected}");
        }
        // A time that follows from an id is left out there too.
        (Value::Number(_), Value::String(made)) if made.starts_with('<') => {}
        (Value::String(text), Value::Object(cut)) => {
            let chars: Vec<char> = text.chars().collect();
            let (head, tail) = (cut["head"].as_str().unwrap(), cut["tail"].as_str().unwrap());
            assert_eq!(chars.len() as u64, cut["len_chars"].as_u64().unwrap(), "{about}");
            assert!(text.starts_with(head) && text.ends_with(tail), "{about}");
        }
        (Value::Object(fields), Value::Object(expected)) => {
            let names: Vec<_> = fields.keys().collect();
            assert_eq!(
                names,
                expected.keys().collect::<Vec<_>>(),
                "{about}: {fields:?} {expected:?}"
            );
            fields.iter().for_each(|(name, value)| check(value, &expected[name], about));
        }
        (Value::Array(values), Value::Array(expected)) => {
            assert_eq!(values.len(), expected.len(), "{about}");
            values.iter().zip(expected).for_each(|(value, it)| check(value, it, about));
        }
        (value, expected) => assert_eq!(value, expected, "{about}"),
    }
}

#[test]
fn the_seed_reads_as_recorded() {
    Restored::new("seed", Version::Seed).check_all();
}

#[test]
fn the_head_reads_as_recorded() {
    Restored::new("head", Version::Head).check_all();
}

#[test]
fn fingerprints_are_those_of_the_recorded_places() {
    for (root, fingerprint) in
        [("/tmp/claw-seed-main", "8d09d5bbd9c78a87"), ("/tmp/claw-head-main", "b032f960a71ab618")]
    {
        assert_eq!(workspace_fingerprint(&Path::new(root).join("ws-alpha")), fingerprint);
    }
}
