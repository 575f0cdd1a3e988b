//! `/events`: the event log as a stream of server-sent events, which goes on where a client left off.
//!
//! Each event has the entry's number as its id, its kind as its name and an [`Event`] as its data. Whoever comes back
//! with a number that the log does not hold any more is told so by an event `gap`. A stream ends when its token does.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event as Message, KeepAlive},
    },
};
use fleet::{Context, LoggedEvent};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::{
    access::{Bearer, Caller},
    extract::Query,
    failure::Failure,
    state::Api,
    types::{Event, EventKind, Gap, ProblemKind},
};

/// The streams that are open, by token.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// One open stream.
struct Open {
    streams: Streams,
    principal: String,
}

/// Which events, from where on.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventFilter {
    /// The number of the last event that is known already; 0 for all that the log holds. The header Last-Event-ID says
    /// the same and goes first. Without either, the stream begins now.
    #[param(example = 4711)]
    after: Option<i64>,
    /// Only of the device with this id.
    device: Option<String>,
    /// Only of this kind.
    kind: Option<EventKind>,
}

impl Streams {
    /// How many streams one token has at one time.
    pub(crate) const PER_TOKEN: usize = 4;
    /// How many there are at one time, over all tokens.
    pub(crate) const MAX: usize = 256;

    fn open(&self, principal: String) -> Option<Open> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= Self::MAX {
            return None;
        }
        let count = open.entry(principal.clone()).or_insert(0);
        if *count >= Self::PER_TOKEN {
            return None;
        }
        *count += 1;
        Some(Open { streams: self.clone(), principal })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.principal);
            }
        }
    }
}

/// How often an idle stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often the token of an idle stream is looked at again.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// How often the log is read at most, and at least.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);
/// How long a client waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What happens, as server-sent events: `registered`, `updated`, `deregistered`, `expired`, `revoked`, `removed`,
/// `values` with an Event as data, and `gap` with a Gap. A comment comes every ten seconds if nothing else does.
#[utoipa::path(get, path = "/events", tag = "events", params(EventFilter), security(("token" = ["read"])),
    responses((status = 200, description = "A stream that goes on until the client or the server ends it",
        body = Event, content_type = "text/event-stream")))]
pub(super) async fn stream(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Extension(bearer): Extension<Bearer>,
    Query(filter): Query<EventFilter>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let after = match headers
        .get(LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| !text.is_empty())
    {
        Some(text) => Some(text.parse().map_err(|_| {
            Failure::of_field(ProblemKind::BadRequest, LAST_EVENT_ID.as_str(), "the id of an event, a number")
        })?),
        None => filter.after,
    };
    if after.is_some_and(|after: i64| after < 0) {
        return Err(Failure::of_field(ProblemKind::BadRequest, "after", "0 or more"));
    }
    let (_, last) = api.fleet().event_range(&context).await?;
    let after = after.unwrap_or(last);
    let Some(open) = api.streams.open(bearer.principal()) else {
        metrics::counter!("muster_api_streams_refused_total").increment(1);
        let detail =
            format!("a token has at most {} streams, and the server {}", Streams::PER_TOKEN, Streams::MAX);
        let failure = Failure::new(ProblemKind::TooManyRequests, detail);
        return Err(failure.with(header::RETRY_AFTER, HeaderValue::from_static("10")));
    };
    // Watched from before the log is read first, so that nothing falls between the two.
    let subscription = api.fleet().subscribe(&context).await?;
    let messages = messages(api, context, bearer, filter, after, subscription, open);
    let stream = Sse::new(messages).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], stream).into_response())
}

fn messages(
    api: Arc<Api>,
    context: Context,
    bearer: Bearer,
    filter: EventFilter,
    mut position: i64,
    mut subscription: fleet::Subscription,
    open: Open,
) -> impl futures::Stream<Item = Result<Message, Infallible>> + Send {
    async_stream::stream! {
        let _open = open;
        let stop = api.app.settings.stop.clone();
        let mut looked = Instant::now();
        yield Ok(Message::default().retry(RETRY).comment("begin"));
        loop {
            let read = read(&api, &context, position).await;
            let Ok((gap, events)) = read else {
                tracing::warn!("a stream of events ends: the log can't be read");
                break;
            };
            if !events.is_empty() || gap.is_some() || looked.elapsed() >= SECOND_LOOK {
                // Who was let in may have lost their token meanwhile.
                if !bearer.still_holds(&api, &context).await {
                    break;
                }
                looked = Instant::now();
            }
            if let Some(gap) = gap {
                position = gap.to;
                yield Ok(message("gap", position, &gap));
            }
            let more = events.len() >= LoggedEvent::MAX_READ;
            for event in events {
                position = event.sequence;
                let event = Event::from(event);
                let other = filter.device.as_ref().is_some_and(|device| *device != event.device)
                    || filter.kind.is_some_and(|kind| kind != event.kind);
                if !other {
                    yield Ok(message(&event.kind.to_string(), position, &event));
                }
            }
            if more {
                continue;
            }
            tokio::select! {
                biased;
                () = stop.clone() => break,
                () = async {
                    tokio::time::sleep(SHORTEST).await;
                    tokio::time::timeout(LONGEST, subscription.next()).await.ok();
                } => {}
            }
        }
    }
}

/// What comes after `position`, and what of it the log does not hold any more.
async fn read(
    api: &Api,
    context: &Context,
    position: i64,
) -> Result<(Option<Gap>, Vec<LoggedEvent>), fleet::FleetError> {
    let (first, last) = api.fleet().event_range(context).await?;
    if position > last {
        // A number of another database, such as the one before a restore: the client has seen what is not here.
        return Ok((Some(Gap { after: position, to: last }), Vec::new()));
    }
    let events = api.fleet().logged_events(context, position, LoggedEvent::MAX_READ).await?;
    // Where nothing follows, all up to the last one is gone.
    let to = events.first().map_or(last, |event| event.sequence - 1);
    // Numbers may be left out within the log; what lies before its first entry is gone.
    let lost = position < to && position + 1 < first.max(to);
    Ok((lost.then_some(Gap { after: position, to }), events))
}

/// JSON has no line breaks of its own, so that no text of a device ends the line that it stands in.
fn message<T: serde::Serialize>(name: &str, id: i64, data: &T) -> Message {
    let data = serde_json::to_string(data).unwrap_or_default();
    Message::default().event(name).id(id.to_string()).data(data)
}
