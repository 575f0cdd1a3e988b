//! Who asks: a token in `Authorization: Bearer`, and nothing else. No cookie is looked at, so that no page of another
//! site can make a browser act here.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fleet::{Context, RequestId, Timestamp};
use sha2::{Digest, Sha256};

use super::{failure::Failure, state::Api, types::ProblemKind};
use crate::client;

/// Whoever asks: what a verb is called with.
pub(crate) struct Caller(pub(crate) Context);

/// The token of a request.
#[derive(Clone)]
pub(crate) struct Bearer(Arc<str>);

/// Failed attempts of the last minute, by address.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<IpAddr, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    count: u32,
}

impl Bearer {
    /// Who this is, to whatever outlives the request; the token itself is nowhere in it.
    pub(crate) fn principal(&self) -> String {
        let digits: String =
            Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("token {digits}")
    }

    /// Whether the token still is what it was, for what outlives a request.
    pub(crate) async fn still_holds(&self, api: &Api, context: &Context) -> bool {
        let actor = api.fleet().token_actor(&self.0, api.app.now()).await;
        matches!(actor, Ok(Some(actor)) if actor == context.actor)
    }
}

impl Failures {
    /// How many failed attempts of one address are answered and logged within [`Failures::WINDOW`]; the others are only
    /// counted, and told to wait.
    pub(crate) const PER_ADDRESS: u32 = 30;
    /// The time over which they are counted.
    pub(crate) const WINDOW: Duration = Duration::from_secs(60);
    /// How many addresses are watched.
    const ADDRESSES: usize = 4_096;

    /// Counts one; false if there were too many. A good token is never turned away for the bad ones of its neighbours.
    fn note(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = |window: &Window| now < window.since || now.since(window.since) >= Self::WINDOW;
        if windows.len() >= Self::ADDRESSES && !windows.contains_key(&address) {
            windows.retain(|_, window| !ended(window));
            if windows.len() >= Self::ADDRESSES {
                return false;
            }
        }
        let window = windows.entry(address).or_insert(Window { since: now, count: 0 });
        if ended(window) {
            *window = Window { since: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        window.count <= Self::PER_ADDRESS
    }
}

/// Lets in who has a good token, as a [`Caller`].
pub(super) async fn authenticate(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let now = api.app.now();
    let Some(text) = bearer(request.headers()) else {
        let failure = Failure::new(
            ProblemKind::Unauthenticated,
            "send a token as `Authorization: Bearer muster_…`; the console and `muster token create` make one",
        );
        return failure
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Muster\""))
            .into_response();
    };
    let actor = match api.fleet().token_actor(&text, now).await {
        Ok(Some(actor)) => actor,
        Ok(None) => return refuse(&api, &request, now),
        Err(error) => return Failure::from(error).into_response(),
    };
    let id = request.extensions().get::<RequestId>().copied().unwrap_or_else(|| api.app.request_id());
    request.extensions_mut().insert(Context { actor, now, request: id });
    request.extensions_mut().insert(Bearer(text.into()));
    next.run(request).await
}

fn refuse(api: &Api, request: &Request, now: Timestamp) -> Response {
    let address = client::address(request.extensions());
    metrics::counter!("muster_api_bad_tokens_total").increment(1);
    if !api.failures.note(address, now) {
        let failure = Failure::new(
            ProblemKind::TooManyRequests,
            "too many requests without a good token; wait a minute",
        );
        return failure.with(header::RETRY_AFTER, HeaderValue::from_static("60")).into_response();
    }
    tracing::warn!(client.address = %address, "a token was refused: unknown, expired, revoked, or its owner is disabled");
    let failure = Failure::new(
        ProblemKind::Unauthenticated,
        "this token is not good: unknown, expired, revoked, or its owner is disabled",
    );
    // RFC 6750 §3.1.
    let challenge = HeaderValue::from_static("Bearer realm=\"Muster\", error=\"invalid_token\"");
    failure.with(header::WWW_AUTHENTICATE, challenge).into_response()
}

/// The text of the one token, if there is one (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let context = parts.extensions.get::<Context>().cloned();
        context.map(Self).ok_or_else(|| Failure::new(ProblemKind::Unauthenticated, "a token is needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_read() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers)
        };
        assert_eq!(read(&["Bearer muster_1"]).as_deref(), Some("muster_1"));
        assert_eq!(read(&["bearer  muster_1 "]).as_deref(), Some("muster_1"));
        for bad in [&[][..], &["Bearer"], &["Bearer "], &["Basic YTpi"], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn failures_are_counted_by_address_and_forgotten() {
        let failures = Failures::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..Failures::PER_ADDRESS {
            assert!(failures.note(one, Timestamp(0)));
        }
        assert!(!failures.note(one, Timestamp(59_999)));
        assert!(failures.note(other, Timestamp(59_999)));
        assert!(failures.note(one, Timestamp(60_000)), "a new minute");
        for number in 0..10_000_u32 {
            failures.note(IpAddr::from(number.to_be_bytes()), Timestamp(60_000));
        }
        assert!(failures.0.lock().unwrap().len() <= Failures::ADDRESSES);
    }
}
