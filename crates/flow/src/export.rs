//! The shape that `opencode export` prints: `{info, messages: [{info, parts}]}`.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::hydrate::{MessageHydrated, PartHydrated, SessionHydratedTree};

/// A session as `opencode export` prints it (source: `docs/format/opencode.md`, section 6).
///
/// Records that are unusable are left out, as opencode leaves them out; the report of the flow
/// names them.
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

/// An iterator that is written as an array, without being collected.
struct Sequence<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
