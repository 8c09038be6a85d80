//! The delays until changes are noticed, by kind of change.

use std::collections::{BTreeMap, HashMap};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use scrollback_fixtures::writer::{ScriptChange, Step};
use scrollback_watch::{Event, Follower, Live, LiveStats, Subject};
use tokio::sync::oneshot;

/// A follower on a thread of its own, while a test changes the store.
pub(crate) struct Delays {
    steps: Vec<(Step, Instant, Instant)>,
    last: Instant,
    stop: oneshot::Sender<()>,
    follower_thread: JoinHandle<Vec<Notice>>,
}

/// The record of an event, with the time of the event.
struct Notice {
    id: String,
    /// The step number in the record; `None` if the record was removed.
    number: Option<u64>,
    time: Instant,
}

impl Delays {
    pub(crate) fn start(live: &Live) -> Self {
        let follower = live.follow(None, None);
        let (stop, stopped) = oneshot::channel();
        let follower_thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(collect_notices(follower, stopped))
        });
        Self { steps: Vec::new(), last: Instant::now(), stop, follower_thread }
    }

    /// Records a step that was made since the last call.
    pub(crate) fn record_step(&mut self, step: Step) {
        let started_at = std::mem::replace(&mut self.last, Instant::now());
        self.steps.push((step, started_at, self.last));
    }

    pub(crate) fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
        self.last = Instant::now();
    }

    /// Prints the delays of all noticed steps. A step that a later step replaced counts as noticed
    /// with the later step. Parts without their message are not in the index and do not count.
    pub(crate) fn print(self, label: &str, stats: &LiveStats) {
        let _ = self.stop.send(()); // the thread may have ended
        let mut by_id: HashMap<String, Vec<Notice>> = HashMap::new();
        for notice in self.follower_thread.join().unwrap() {
            by_id.entry(notice.id.clone()).or_default().push(notice);
        }
        let mut delays: BTreeMap<ScriptChange, Vec<Duration>> = BTreeMap::new();
        for (step, started_at, written_at) in &self.steps {
            let is_gone = matches!(step.kind, ScriptChange::Gone | ScriptChange::Directory);
            for id in &step.ids {
                let notices = by_id.get(id).map(Vec::as_slice).unwrap_or_default();
                let notice = notices.iter().find(|notice| match notice.number {
                    None => notice.time >= *started_at,
                    Some(number) => number > step.number || number == step.number && !is_gone,
                });
                let delay = notice.map(|notice| notice.time.saturating_duration_since(*written_at));
                delays.entry(step.kind).or_default().extend(delay);
            }
        }
        println!("{label}: {stats:?}");
        for (change, mut delays) in delays {
            delays.sort_unstable();
            let quantile = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize];
            if !delays.is_empty() {
                let name = format!("{change:?}");
                println!(
                    "  {name:<10} {:>6} noticed, median {:>9.1?}, p99 {:>9.1?}, max {:>9.1?}",
                    delays.len(),
                    quantile(0.5),
                    quantile(0.99),
                    quantile(1.0)
                );
            }
        }
    }
}

async fn collect_notices(
    mut follower: Follower,
    mut stopped: oneshot::Receiver<()>,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    loop {
        let events = tokio::select! {
            _ = &mut stopped => return notices,
            events = follower.next() => events.unwrap(),
        };
        let time = Instant::now();
        notices.extend(events.iter().filter_map(|event| {
            let (id, number) = id_and_number(event)?;
            Some(Notice { id, number, time })
        }));
    }
}

/// Returns the record of an event, and the step number in it.
fn id_and_number(event: &Event) -> Option<(String, Option<u64>)> {
    Some(match &event.subject {
        Subject::Session { key, now, .. } => {
            let number = now.as_ref().map(|meta| meta.title.as_deref().and_then(parse_step_number));
            (key.session.to_string(), number.map(Option::unwrap_or_default))
        }
        Subject::Message { key, now, .. } => {
            let tokens = now.as_ref().map(|meta| meta.tokens.unwrap_or_default().input);
            (key.message.to_string(), tokens.map(i64::unsigned_abs))
        }
        Subject::Part { key, now, span, .. } => {
            let text = span.as_ref().map(|span| String::from_utf8_lossy(span).into_owned());
            let text = text.as_deref().and_then(|text| text.split_once("\"text\":\""));
            let number = text.and_then(|(_, text)| parse_step_number(text)).unwrap_or_default();
            (key.part.to_string(), now.as_ref().map(|_| number))
        }
        _ => return None,
    })
}

/// Parses `step 12`, with any text after it.
fn parse_step_number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("step ")?;
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}
