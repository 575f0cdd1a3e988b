//! Delivers the event log to the webhooks: signed, in order, again until they are taken or a day has passed.
//!
//! The log is the outbox: an event is in it by the transaction that it tells of, and a webhook is a place in the log. So
//! nothing is lost by a crash, and after one the last event may come twice, under the same id. The form is that of
//! Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature`).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ::fleet::{Delivered, DueWebhook, Fleet, LoggedEvent, PublicId, Timestamp, WebhookSecret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt, stream::FuturesUnordered};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tracing::debug;
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

use crate::{Stop, clock};

/// Delivers until the server stops. What is under way then is delivered again after the next start.
pub(crate) async fn run(fleet: Arc<Fleet>, mut stop: Stop) {
    let client = client();
    let mut under_way = BTreeSet::new();
    let mut deliveries = FuturesUnordered::new();
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            Some(webhook) = deliveries.next() => {
                under_way.remove(&webhook);
            }
            _ = ticks.tick() => {
                let due = match fleet.due_webhooks(clock::wall()).await {
                    Ok(due) => due,
                    Err(error) => {
                        debug!(%error, "the webhooks can't be looked at");
                        continue;
                    }
                };
                for due in due {
                    // One at a time each, so that its events stay in order; a slow one holds nobody up.
                    if under_way.insert(due.webhook.public_id) {
                        deliveries.push(deliver(&fleet, &client, due));
                    }
                }
            }
        }
    }
}

const PERIOD: Duration = Duration::from_secs(1);
/// How long a webhook may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long to wait after the first failure; twice as long after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest wait.
const LAST_RETRY: Duration = Duration::from_secs(3_600);

fn client() -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        // Where a webhook leads to is what an administrator has named, and nowhere else.
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(ANSWER_WITHIN))
        .http_status_as_error(false)
        .user_agent(concat!("Muster/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into()
}

async fn deliver(fleet: &Fleet, client: &Agent, due: DueWebhook) -> PublicId {
    let DueWebhook { webhook, secret, events, lost } = due;
    let mut delivered = Delivered {
        webhook: webhook.public_id,
        delivered: webhook.delivered,
        failures: webhook.failures,
        retry_at: None,
        last_error: webhook.last_error.clone(),
        success_at: None,
        given_up: lost,
    };
    for event in &events {
        match post(client, &webhook.url, &secret, event).await {
            Ok(()) => {
                delivered.delivered = event.sequence;
                delivered.failures = 0;
                delivered.success_at = Some(clock::wall());
                delivered.last_error.clear();
                metrics::counter!("muster_webhook_deliveries_total", "result" => "taken").increment(1);
            }
            Err(reason) => {
                metrics::counter!("muster_webhook_deliveries_total", "result" => "failed").increment(1);
                let now = clock::wall();
                delivered.failures = delivered.failures.saturating_add(1);
                if now.since(event.at) > LoggedEvent::KEPT {
                    delivered.delivered = event.sequence;
                    delivered.given_up += 1;
                }
                delivered.retry_at = Some(now.after(retry_after(delivered.failures)));
                delivered.last_error = reason;
                break;
            }
        }
    }
    let id = delivered.webhook;
    if let Err(error) = fleet.delivery_done(delivered).await {
        debug!(%error, "a delivery could not be recorded: it comes again");
    }
    id
}

fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LAST_RETRY)
}

async fn post(client: &Agent, url: &str, secret: &WebhookSecret, event: &LoggedEvent) -> Result<(), String> {
    let body = serde_json::to_vec(&web::api::v1::types::Event::from(event.clone()))
        .map_err(|error| error.to_string())?;
    let id = format!("evt_{}", event.sequence);
    let sent_at = clock::wall();
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", seconds(sent_at).to_string())
        .header("webhook-signature", signature(secret, &id, sent_at, &body));
    let answer = tokio::task::spawn_blocking(move || request.send(&body)).await;
    let answer = answer.map_err(|error| error.to_string())?.map_err(|error| reason(&error))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("answered {}", answer.status())) }
}

/// Standard Webhooks 1.0: HMAC-SHA256 over id, timestamp and body.
fn signature(secret: &WebhookSecret, id: &str, at: Timestamp, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{}.", seconds(at)).as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}

/// In one line, without the address, in which people put secrets.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
        ureq::Error::BadUri(_) => "the address is not understood".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    // The example of the specification, also that of the reference libraries.
    #[test]
    fn a_delivery_is_signed_as_standard_webhooks_says() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = WebhookSecret(Zeroizing::new(key));
        let body = br#"{"test": 2432232314}"#;
        let at = Timestamp(1_614_265_330_000);
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn retries_come_further_and_further_apart_up_to_an_hour() {
        assert_eq!(retry_after(1), Duration::from_secs(5));
        assert_eq!(retry_after(2), Duration::from_secs(10));
        assert_eq!(retry_after(30), Duration::from_secs(3_600));
    }
}
