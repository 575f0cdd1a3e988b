//! Live streams: what the feed says becomes fragments of the page, a few times a second at most.
//!
//! A [`Screen`] is what one page shows. Each stream begins with the present state of its whole screen, so a page that was
//! away, or a browser that reconnects with Last-Event-ID, has no gap whatever happened meanwhile; a watcher that was too
//! slow for the feed is shown everything anew in the same way. A fragment that has not changed is not sent again.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event as Message, KeepAlive},
};
use fleet::{Event, Watched};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{app::App, error::WebError, session::SignedIn};

/// Streams open at one time, over all sessions.
pub(crate) const MAX_STREAMS: usize = 256;

/// The shortest time between two messages of a stream: four a second.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);

/// How often an idle stream is checked: whether the browser is still there, and the session.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// What one page shows of what happens.
pub(crate) trait Screen: Send + 'static {
    /// Takes note of an event; true if it changes what the page shows.
    fn note(&mut self, event: &Event) -> bool;

    /// Takes note that everything may have changed.
    fn note_all(&mut self);

    /// How often it is rendered without any event, because what it shows moves by itself; never, if nothing is said.
    fn pace(&self) -> Option<Duration> {
        None
    }

    /// Renders what has changed since the last call. None if what the page is about is gone.
    fn render(
        &mut self,
        app: &App,
        login: &SignedIn,
    ) -> impl Future<Output = Result<Option<Vec<Fragment>>, WebError>> + Send;
}

/// A piece of the page, or word that the page as a whole is out of date.
pub(crate) enum Fragment {
    /// Takes the place of the element of this id.
    Element {
        /// The element's id.
        id: String,
        /// The element.
        html: String,
    },
    /// The page has changed in its structure: it offers to be reloaded.
    Changed,
}

/// Opens the stream of a screen.
pub(crate) async fn open(app: Arc<App>, login: SignedIn, screen: impl Screen) -> Result<Response, WebError> {
    let Ok(permit) = Arc::clone(&app.streams).try_acquire_owned() else {
        metrics::counter!("muster_console_streams_refused_total").increment(1);
        return Err(WebError::TooManyStreams);
    };
    // Watched from before the first rendering, so that nothing falls between the two.
    let subscription = app.fleet.subscribe(&login.context).await?;
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    let messages = messages(app, login, screen, subscription, permit);
    Ok(Sse::new(messages).keep_alive(keep_alive).into_response())
}

fn messages(
    app: Arc<App>,
    login: SignedIn,
    mut screen: impl Screen,
    mut subscription: fleet::Subscription,
    permit: OwnedSemaphorePermit,
) -> impl futures::Stream<Item = Result<Message, Infallible>> {
    async_stream::stream! {
        let _permit = permit;
        let stop = app.settings.stop.clone();
        let mut sent = Sent::default();
        screen.note_all();
        let (mut dirty, mut last, mut position) = (true, None::<Instant>, 0);
        loop {
            let due = last.map_or_else(Instant::now, |last| last + INTERVAL);
            let watched = tokio::select! {
                biased;
                () = stop.clone() => break,
                () = tokio::time::sleep_until(due), if dirty => None,
                watched = subscription.next() => match watched {
                    Some(watched) => Some(watched),
                    None => break,
                },
                () = tokio::time::sleep(screen.pace().unwrap_or(HEARTBEAT)), if !dirty => {
                    dirty |= screen.pace().is_some();
                    if login.still_there(&app).await { continue } else { break }
                }
            };
            match watched {
                Some(Watched::Event(event)) => {
                    position = event.sequence;
                    dirty |= screen.note(&event);
                }
                Some(Watched::Missed(_)) => {
                    screen.note_all();
                    dirty = true;
                }
                None => {
                    if !login.still_there(&app).await {
                        break;
                    }
                    (dirty, last) = (false, Some(Instant::now()));
                    let fragments = match screen.render(&app, &login).await {
                        Ok(Some(fragments)) => fragments,
                        Ok(None) => break,
                        Err(error) => {
                            tracing::warn!(error = &error as &dyn std::error::Error, "a live page could not be rendered");
                            break;
                        }
                    };
                    for message in sent.messages(fragments, position) {
                        yield Ok(message);
                    }
                }
            }
        }
        yield Ok(Message::default().event("end").data("reload"));
    }
}

/// What a stream has sent: the hash of each element, so that only changes follow.
#[derive(Default)]
struct Sent {
    hashes: HashMap<String, u64>,
}

impl Sent {
    /// Hashes that are remembered; then all are forgotten, and unchanged elements may be sent once more.
    const MAX: usize = 4_096;

    fn messages(&mut self, fragments: Vec<Fragment>, position: u64) -> Vec<Message> {
        let mut changed = false;
        let mut html = String::new();
        for fragment in fragments {
            match fragment {
                Fragment::Changed => changed = true,
                Fragment::Element { id, html: element } => {
                    if self.is_new(id, &element) {
                        html.push_str(&element);
                    }
                }
            }
        }
        let mut messages = Vec::new();
        if !html.is_empty() {
            // A carriage return can't be carried, and none of our elements needs one.
            let html = html.replace('\r', "");
            messages
                .push(Message::default().event("fragment").id(position.to_string()).retry(RETRY).data(html));
        }
        if changed {
            messages.push(Message::default().event("changed").id(position.to_string()).data("reload"));
        }
        messages
    }

    fn is_new(&mut self, id: String, element: &str) -> bool {
        if self.hashes.len() >= Self::MAX {
            self.hashes.clear();
        }
        let mut hasher = DefaultHasher::new();
        element.hash(&mut hasher);
        let hash = hasher.finish();
        self.hashes.insert(id, hash) != Some(hash)
    }
}
