//! `watch`: what happens in a store, an event a line.

mod json;
mod line;

use std::slice;

use scrollback_core_id::SessionKey;
use scrollback_flow::Parts;
use scrollback_watch::{EventCursor, Live, LiveStats};
use serde_json::{Value, json};

use crate::args::{self, Global, Since};
use crate::failure::Result;
use crate::out::Out;
use crate::{awaited, follow, pick, safe};

pub(crate) fn run(global: &Global, args: &args::Watch, out: &mut Out) -> Result<()> {
    let store = awaited::store(global)?;
    // All parts are listed: who is not told of them now is to be told when one of them changes.
    let has_all = args.session.is_none() && !args.no_parts;
    let parts = if has_all { Parts::Stamps } else { Parts::Later };
    let live = store.follow(args.feed.into(), parts)?;
    let only = match &args.session {
        Some(text) => Some(pick::session(slice::from_ref(&store), text)?.1),
        None => None,
    };
    if let Some(key) = only.as_ref().filter(|_| !args.no_parts) {
        live.materializer().load_session_tree(key)?; // so that its parts are known
    }
    let from_now = || Some(EventCursor::from(live.index().cursor()));
    let since = match args.since {
        Some(Since(cursor)) => cursor,
        None => from_now().filter(|_| !global.json),
    };
    let begun = begun(live, only.as_ref());
    let mut follower = live.follow(since, only);
    if args.no_parts {
        follower = follower.without_parts();
    }
    if !global.json {
        if args.since.is_none() {
            follower.pull()?; // what is there is known, and not told
        }
        out.note(&begun)?;
    }
    let ran = if global.json {
        follow::run((&store, live), follower, out, |events, text| {
            events.iter().try_for_each(|event| json::print(&store, event, text))
        })
    } else {
        let mut lines = line::Lines { live, styles: out.styles, width: out.width };
        follow::run((&store, live), follower, out, |events, text| {
            events.iter().try_for_each(|event| lines.print(event, text))
        })
    };
    if args.stats {
        out.note(&safe::json(&stats(&live.stats()).to_string()))?;
    }
    ran
}

/// What is followed, and how.
fn begun(live: &Live, only: Option<&SessionKey>) -> String {
    let (view, feed) = (live.index().view(), live.stats().feed);
    let store = live.index().store();
    match only {
        Some(key) => format!("following {key} in {store} ({feed})"),
        None if view.known_sessions().is_empty() => {
            format!("no sessions in {store} yet: waiting ({feed})")
        }
        None => format!("following {} sessions in {store} ({feed})", view.sessions().count()),
    }
}

fn stats(stats: &LiveStats) -> Value {
    let demotion = |it: &scrollback_watch::Demotion| json!({ "from": it.from.name(), "to": it.to.name(), "why": it.why });
    json!({
        "feed": stats.feed.name(),
        "watches": stats.feed_stats.watches,
        "hot": stats.feed_stats.hot,
        "events": stats.feed_stats.events,
        "begun": stats.feed_stats.rescans,
        "demotions": stats.demotions.iter().map(demotion).collect::<Vec<_>>(),
        "promotions": stats.promotions,
        "scopes": stats.scopes,
        "refreshes": stats.refreshes,
        "rescans": stats.rescans,
        "again": stats.again,
        "failures": stats.failures,
        "failure": stats.failure,
    })
}
