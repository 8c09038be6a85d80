//! Serializes a session in the shape that `opencode export` prints:
//! `{info, messages: [{info, parts}]}`.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::hydrate::{MessageHydrated, PartHydrated, SessionHydratedTree};

/// A session that serializes as `opencode export` prints it (source: `docs/format/opencode.md`,
/// section 6).
///
/// Unusable records are left out, as opencode leaves them out. The report of the flow names them.
/// Use [`complete_for_import`](crate::complete_for_import()) first if `opencode import` of 1.x shall
/// read the result.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{Export, run_session_tree_flow};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let json = run_session_tree_flow(&store, &session, |tree| serde_json::to_value(Export(tree)))?;
/// assert_eq!(json.value?["info"]["title"], "Rust greeting");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Export<'t, 'a>(pub &'t SessionHydratedTree<'a>);

impl Serialize for Export<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("info", &self.0.session)?;
        let usable = self.0.messages.iter().filter(|message| message.message.is_some());
        map.serialize_entry("messages", &Sequence(usable.map(ExportMessage)))?;
        map.end()
    }
}

struct ExportMessage<'t, 'a>(&'t MessageHydrated<'a>);

impl Serialize for ExportMessage<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("info", &self.0.message)?;
        let parts = self.0.parts.iter().filter_map(|part: &PartHydrated<'_>| part.part.as_ref());
        map.serialize_entry("parts", &Sequence(parts))?;
        map.end()
    }
}

/// An iterator that serializes as an array, without collecting its items.
struct Sequence<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
