//! Compares the sets of messages in an index with those in the tables of the store.
//!
//! An index that the store itself keeps may lack records or have wrong ones, without any error. So a
//! build that reads through it compares what it has read with the tables.

use std::collections::HashMap;
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, SessionId, Stamp};
use scrollback_index::SessionIndex;
use scrollback_source::{IndexCheck, Result, Source, Survey, SurveyItem};

/// Returns the stamps of all sets of messages in the tables. Returns `None` if an index of the sessions
/// is unsound, so that the sessions are read again in any case.
pub(super) fn table_sets(source: &dyn Source) -> Result<Option<HashMap<SessionId, Stamp>>> {
    if source.check_indexes(IndexCheck::Sessions)? {
        return Ok(None);
    }
    let mut sets = HashMap::new();
    source.open()?.survey(&Survey::TableSets, &mut |item| {
        // Listing the sessions reports the issues.
        if let SurveyItem::Observation(observation) = item
            && let EntityKey::Session(key) = observation.key
        {
            sets.insert(key.session, observation.stamp);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Some(sets))
}

/// Checks whether an index has exactly these sets of messages.
pub(super) fn has_these_sets(index: &SessionIndex, sets: &HashMap<SessionId, Stamp>) -> bool {
    let view = index.view();
    let mut count = 0;
    let is_equal = |id: SessionId| {
        let state = view.session_state(&id);
        let set = state.and_then(|state| state.refresh_state.message_set);
        count += usize::from(set.is_some());
        set.is_none_or(|set| sets.get(&id) == Some(&set.stamp))
    };
    view.session_ids().into_iter().all(is_equal) && count == sets.len()
}
