//! `watch`: follows a store and prints each event as one line, for people or as JSON.

mod json;
mod line;

use scrollback::{Session, Store};
use scrollback_watch::LiveStats;
use serde_json::{Value, json};

use crate::args::{self, Global, Since};
use crate::failure::Result;
use crate::out::Out;
use crate::waiting::Waiting;
use crate::{follow, open, pick, sanitize};

pub(crate) fn run(global: &Global, args: &args::Watch, out: &mut Out) -> Result<()> {
    let mut waiting = Waiting::new()?;
    let store = waiting.run_step(|| open::open_pending(global, out))?;
    let (session, events) = waiting.run_step(|| {
        let session = args.session.as_ref().map(|text| pick::session(&store, text)).transpose()?;
        let mut builder =
            store.watch().feed(args.feed.into()).on_slow_start(follow::note_slow_start);
        if let Some(session) = &session {
            builder = builder.session(session);
        }
        if args.no_parts {
            builder = builder.without_parts();
        }
        let events = match &args.since {
            Some(Since(Some(cursor))) => builder.since(cursor)?,
            Some(Since(None)) => builder.from_start()?,
            None if global.json => builder.from_start()?,
            None => builder.from_now()?,
        };
        Ok((session, events))
    })?;
    let stats = events.stats();
    if !global.json {
        out.note(&start_message(&store, session.as_ref(), &stats)?)?;
    }
    let (ran, stats) = if global.json {
        follow::run(waiting, &store, events, out, |events, text| {
            events.iter().try_for_each(|event| json::print(&store, event, text))
        })
    } else {
        let mut lines = line::LinePrinter { store: &store, styles: out.styles, width: out.width };
        follow::run(waiting, &store, events, out, |events, text| {
            events.iter().try_for_each(|event| lines.print(event, text))
        })
    };
    if args.stats {
        for stats in &stats {
            out.note(&sanitize::json(&stats_json(stats).to_string()))?;
        }
    }
    ran
}

/// Describes which sessions and roots are followed, and by which feed.
fn start_message(store: &Store, only: Option<&Session<'_>>, stats: &[LiveStats]) -> Result<String> {
    let mut lines = Vec::new();
    let followed = store
        .roots()
        .iter()
        .filter(|root| only.is_none_or(|only| std::ptr::eq(only.root(), *root)));
    for (root, stats) in followed.zip(stats) {
        let (view, id, feed) = (root.view()?, root.id(), &stats.feed);
        lines.push(match only {
            Some(session) => format!("following {} in {id} ({feed})", session.id()),
            None if view.session_ids().is_empty() => {
                format!("no sessions in {id} yet: waiting ({feed})")
            }
            None => format!("following {} sessions in {id} ({feed})", view.sessions().count()),
        });
    }
    Ok(lines.join("\n"))
}

/// Returns the statistics of `--stats`. `docs/json.md` documents the fields.
fn stats_json(stats: &LiveStats) -> Value {
    let demotion = |it: &scrollback_watch::Demotion| json!({ "from": it.from.name(), "to": it.to.name(), "why": it.reason });
    json!({
        "feed": stats.feed.name(),
        "watches": stats.feed_stats.watches,
        "hot": stats.feed_stats.hot_directories,
        "events": stats.feed_stats.events,
        "begun": stats.feed_stats.rescans,
        "demotions": stats.demotions.iter().map(demotion).collect::<Vec<_>>(),
        "promotions": stats.promotions,
        "scopes": stats.scopes,
        "refreshes": stats.refreshes,
        "rescans": stats.rescans,
        "again": stats.retries,
        "failures": stats.failures,
        "failure": stats.last_failure,
    })
}
