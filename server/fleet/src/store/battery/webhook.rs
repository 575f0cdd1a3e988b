//! Webhooks.

use zeroize::Zeroizing;

use super::fixture::*;
use crate::{Change, Delivered, PublicId, Store, Webhook, WebhookSecret};

fn webhook(number: i64) -> Webhook {
    Webhook {
        public_id: public_id(number),
        url: format!("https://example.com/{number}?a='\\"),
        kinds: vec!["registered".into(), "values".into()],
        created_by: "Zoë".into(),
        created_at: at(number),
        delivered: 7,
        failures: 0,
        retry_at: None,
        last_error: String::new(),
        last_success_at: None,
        given_up: 0,
        paused: false,
    }
}

fn added(number: u8) -> Change {
    Change::WebhookAdded(webhook(number.into()), WebhookSecret(Zeroizing::new(vec![number; 24])))
}

async fn secret(store: &dyn Store, id: PublicId) -> Option<Vec<u8>> {
    store.webhook_secret(id).await.unwrap().map(|secret| secret.0.to_vec())
}

/// Oldest first, each with its secret, which is asked for apart.
pub async fn every_webhook_survives(store: &dyn Store) {
    commit(store, [added(1), added(2), added(3)]).await;
    let full = Webhook {
        kinds: vec![],
        delivered: i64::MAX,
        failures: u32::MAX,
        retry_at: Some(at(5)),
        last_error: "'\0☃".into(),
        last_success_at: Some(at(6)),
        given_up: 9,
        paused: true,
        ..webhook(4)
    };
    commit(store, [Change::WebhookAdded(full.clone(), WebhookSecret(Zeroizing::new(vec![])))]).await;
    let mut expected: Vec<Webhook> = (1..=3).map(webhook).collect();
    expected.push(full);
    assert_eq!(store.webhooks().await.unwrap(), expected);
    assert_eq!(secret(store, public_id(2)).await, Some(vec![2; 24]));
    assert_eq!(secret(store, public_id(4)).await, Some(vec![]));
    assert_eq!(secret(store, public_id(9)).await, None);
    refused(store, [added(1)]).await;
}

/// How far it has come never goes back; what was given up adds up; a success stays known while it fails.
pub async fn a_webhook_follows_its_deliveries(store: &dyn Store) {
    commit(store, [added(1), added(2)]).await;
    let delivered = |delivered, failures, success: Option<i64>| Delivered {
        webhook: public_id(1),
        delivered,
        failures,
        retry_at: (failures > 0).then_some(at(60)),
        last_error: if failures > 0 { "503".into() } else { String::new() },
        success_at: success.map(at),
        given_up: 2,
    };
    let change = |one| Change::WebhookDelivered(Box::new(one));
    commit(store, [change(delivered(9, 0, Some(5)))]).await;
    commit(store, [change(delivered(8, 3, None))]).await;
    let expected = Webhook {
        delivered: 9,
        failures: 3,
        retry_at: Some(at(60)),
        last_error: "503".into(),
        last_success_at: Some(at(5)),
        given_up: 4,
        ..webhook(1)
    };
    assert_eq!(store.webhooks().await.unwrap(), [expected, webhook(2)]);
    commit(store, [change(Delivered { webhook: public_id(9), ..delivered(1, 0, None) })]).await;
}

/// One that is not there is neither.
pub async fn a_webhook_is_paused_and_removed(store: &dyn Store) {
    commit(store, [added(1), added(2)]).await;
    let paused = |number, paused| Change::WebhookPaused { id: public_id(number), paused };
    commit(store, [paused(1, true), paused(2, true), paused(2, false), paused(9, true)]).await;
    assert_eq!(store.webhooks().await.unwrap(), [Webhook { paused: true, ..webhook(1) }, webhook(2)]);
    commit(store, [Change::WebhookRemoved(public_id(1)), Change::WebhookRemoved(public_id(9))]).await;
    assert_eq!((store.webhooks().await.unwrap().len(), secret(store, public_id(1)).await), (1, None));
}
