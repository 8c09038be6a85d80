//! `tail`: prints the end of a session and follows it.

use std::io::{self, Write};
use std::ops::ControlFlow;

use scrollback::Event;
use scrollback_core_id::{EntityKey, OrderKey, Scope, SessionKey};
use scrollback_flow::{ItemRefNode, MessageRefNode, PartRefNode, SessionMaterializer};
use scrollback_source::{Entry, ScanItem};
use scrollback_watch::Subject;

use crate::args::{Global, Tail};
use crate::failure::{Failure, Result};
use crate::out::Out;
use crate::show::{self, LiveTranscript};
use crate::waiting::Waiting;
use crate::{follow, open, pick};

pub(crate) fn run(global: &Global, args: &Tail, out: &mut Out) -> Result<()> {
    let mut waiting = Waiting::new()?;
    let store = waiting.run_step(|| open::open_pending(global, out))?;
    let session = waiting.run_step(|| pick::session(&store, &args.session.session))?;
    let (width, styles) = (out.width, out.styles);
    let options = show::Options { full: args.full, width, styles, is_live: true };
    let mut transcript = LiveTranscript::new(options);

    // The events start before the session is read, so that no change is missed. `LiveTranscript` prints
    // a change once even if it is in both.
    let (events, materializer, loaded) = waiting.run_step(|| {
        let watch = store.watch().feed(args.feed.into()).on_slow_start(follow::note_slow_start);
        let events = watch.session(&session).from_now()?;
        let materializer = session.root().materializer()?;
        let loaded = materializer.load_session_tree(session.key())?;
        Ok((events, materializer, loaded))
    })?;
    transcript.print_recent(out, &loaded.hydrate().value, args.initial_messages)?;
    drop(loaded);
    let (ran, _) = follow::run(waiting, &store, events, out, |events, text| {
        let mut print = |event| print(&mut transcript, &materializer, event, text);
        events.into_iter().try_for_each(&mut print)?;
        print_items(&mut transcript, &materializer, session.key(), text)
    });
    ran?;
    Ok(transcript.end_row(out)?)
}

/// Prints the items that were added since the last call. The index has no items, so each batch of events
/// reads those of the session.
fn print_items(
    transcript: &mut LiveTranscript,
    materializer: &SessionMaterializer,
    session: &SessionKey,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut items = Vec::new();
    let scanned = materializer.source().open().and_then(|mut reader| {
        reader.scan(&Scope::Items(session.clone()), &mut |item| {
            if let ScanItem::Entry(Entry { key: EntityKey::Item(key), order, span, .. }) = item {
                items.push(ItemRefNode { key, order, span });
            }
            ControlFlow::Continue(())
        })
    });
    if scanned.is_err() {
        return Ok(()); // the driver reports a store that cannot be read; the next batch reads again
    }
    items.iter().try_for_each(|item| transcript.item(out, item))
}

/// Prints one event of the session.
fn print(
    transcript: &mut LiveTranscript,
    materializer: &SessionMaterializer,
    event: Event,
    out: &mut dyn Write,
) -> io::Result<()> {
    match event.subject {
        Subject::Session { now: None, .. } => transcript.note(out, "the session was removed"),
        Subject::Message { now: None, key, .. } => match transcript.remove_message(&key.message) {
            true => transcript.note(out, "a message was removed"),
            false => Ok(()),
        },
        Subject::Message { now: Some(meta), key, .. } => {
            let wanted = [(key.clone().into(), Some(meta.observed.stamp))];
            let span = match materializer.current_spans(&wanted) {
                Ok(spans) => spans.into_iter().next().flatten(),
                Err(error) => {
                    let failure = Failure::from(error);
                    return transcript.note(out, &format!("a message is left out: {failure}"));
                }
            };
            let Some(span) = span else { return Ok(()) }; // it was removed, or a later event has it
            let (order, is_copy, parts) = (meta.order, meta.is_copy, Vec::new());
            let is_recorded_copy = meta.is_recorded_copy;
            let span = Some(span);
            let node = MessageRefNode { key, order, is_copy, is_recorded_copy, span, parts };
            transcript.message(out, &node)
        }
        Subject::Part { now: Some(_), key, message, span: Some(span), .. } => {
            let node = PartRefNode { key, order: OrderKey::default(), span: Some(span) };
            transcript.part(out, &message.message, &show::hydrated_part(&node))
        }
        _ => Ok(()),
    }
}
