//! Webhooks and the event log they are told from.

use std::time::Duration;

use super::*;
use crate::{Delivered, DueWebhook, EndReason, LoggedEvent, Webhook};

#[test]
fn a_webhook_is_told_what_happens_from_now_on_and_what_it_asked_for() {
    let bench = Bench::new();
    let (all, _) = add(&bench, &[]);
    let (ends, _) = add(&bench, &["expired", "deregistered"]);
    assert!(due(&bench, START).is_empty(), "what was before is not told");
    end(&bench, 1, EndReason::Expired);
    bench.commit(vec![Change::Registered(Box::new(Registration {
        epoch: 2,
        id: RegistrationId(9),
        ..registration(1)
    }))]);
    let told = due(&bench, START);
    let names = |due: &DueWebhook| due.events.iter().map(|event| event.kind.name()).collect::<Vec<_>>();
    assert_eq!(
        told.iter().map(|due| due.webhook.public_id).collect::<Vec<_>>(),
        [all.public_id, ends.public_id]
    );
    assert_eq!(told.iter().map(names).collect::<Vec<_>>(), [vec!["expired", "registered"], vec!["expired"]]);
    assert_eq!(told[0].events[0].endpoint.as_str(), "node-1");
}

#[test]
fn a_delivery_moves_it_on_and_a_failure_waits() {
    let bench = Bench::new();
    let (webhook, _) = add(&bench, &[]);
    end(&bench, 1, EndReason::Expired);
    end(&bench, 2, EndReason::Deregistered);
    let told = due(&bench, START).remove(0);
    let retry_at = START.after(Duration::from_secs(5));
    let failed = Delivered {
        webhook: webhook.public_id,
        delivered: webhook.delivered,
        failures: 1,
        retry_at: Some(retry_at),
        last_error: "503".into(),
        success_at: None,
        given_up: 0,
    };
    block_on(bench.fleet.delivery_done(failed.clone())).unwrap();
    assert!(due(&bench, Timestamp(retry_at.0 - 1)).is_empty());
    assert_eq!(due(&bench, retry_at)[0].events, told.events, "the same, in the same order");
    let delivered = told.events[0].sequence;
    let done = Delivered { delivered, failures: 0, retry_at: None, success_at: Some(START), ..failed };
    block_on(bench.fleet.delivery_done(done)).unwrap();
    let rest = due(&bench, START).remove(0);
    assert_eq!(rest.events, told.events[1..]);
    assert_eq!((rest.webhook.failures, rest.webhook.last_success_at), (0, Some(START)));
}

#[test]
fn what_nobody_asked_for_is_passed_over_in_the_store() {
    let bench = Bench::new();
    let (webhook, _) = add(&bench, &["values"]);
    end(&bench, 1, EndReason::Expired);
    assert!(due(&bench, START).is_empty());
    let row = block_on(bench.store.webhooks()).unwrap().remove(0);
    assert_eq!(row.delivered, webhook.delivered + 1);
}

#[test]
fn a_webhook_that_is_paused_goes_on_where_it_was_and_loses_what_is_gone() {
    let bench = Bench::new();
    let (webhook, _) = add(&bench, &[]);
    pause(&bench, &webhook, true);
    end(&bench, 1, EndReason::Expired);
    assert!(due(&bench, START).is_empty());
    pause(&bench, &webhook, false);
    let told = due(&bench, START).remove(0);
    assert_eq!((told.events.len(), told.lost), (1, 0));
    block_on(bench.store.purge(START.after(LoggedEvent::KEPT))).unwrap();
    assert!(due(&bench, START).is_empty());
    end(&bench, 2, EndReason::Expired);
    let told = due(&bench, START).remove(0);
    assert_eq!((told.events.len(), told.lost), (1, 1), "the loss is told");
    let range = block_on(bench.fleet.event_range(&context(Role::Viewer))).unwrap();
    assert_eq!(range.0, range.1);
    let rest = block_on(bench.fleet.logged_events(&context(Role::Viewer), range.1 - 1, 10)).unwrap();
    assert_eq!(rest, told.events);
}

#[test]
fn the_secret_is_shown_once_and_the_address_is_checked() {
    let bench = Bench::new();
    let (webhook, text) = add(&bench, &[]);
    assert!(text.starts_with("whsec_") && text.len() == 6 + 32);
    let secret = block_on(bench.store.webhook_secret(webhook.public_id)).unwrap().unwrap();
    assert_eq!(secret.text().as_str(), text);
    let admin = context(Role::Administrator);
    let refused = |url: &str, kinds: &[&str]| {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        block_on(bench.fleet.add_webhook(&admin, url, kinds)).unwrap_err()
    };
    assert!(matches!(refused("http://example.com/", &[]), FleetError::Invalid { field: "url", .. }));
    assert!(matches!(refused("https://example.com/", &["x"]), FleetError::Invalid { field: "kinds", .. }));
    for _ in 1..Webhook::MAX {
        add(&bench, &[]);
    }
    assert!(matches!(refused("https://example.com/", &[]), FleetError::TooMany { what: "webhooks", .. }));
    block_on(bench.fleet.remove_webhook(&admin, webhook.public_id)).unwrap();
    assert_eq!(block_on(bench.store.webhook_secret(webhook.public_id)).unwrap(), None);
    let gone = block_on(bench.fleet.remove_webhook(&admin, webhook.public_id));
    assert!(matches!(gone, Err(FleetError::NotFound("webhook"))));
    assert_eq!(bench.audit()[0], "add webhook · administrator · https://example.com");
}

#[test]
fn a_report_that_comes_twice_is_told_once() {
    let bench = Bench::new();
    let delivery = crate::Delivery {
        sender: crate::Sender::At(Source {
            listener: ListenerId(0),
            address: "192.0.2.1:1".parse().unwrap(),
        }),
        message_id: 7,
        token: vec![1],
        observe: None,
    };
    for _ in 0..2 {
        let report = Change::Report {
            device: DeviceId(1),
            received_at: START,
            delivery: Some(delivery.clone()),
            readings: vec![],
        };
        bench.commit(vec![report]);
    }
    end(&bench, 1, EndReason::Expired);
    end(&bench, 1, EndReason::Expired);
    let told = block_on(bench.store.events(0, 500)).unwrap();
    let names: Vec<_> = told.iter().map(|event| event.kind.name()).collect();
    assert_eq!(names, ["registered", "registered", "values", "expired"], "what had no effect is not told");
}

fn add(bench: &Bench, kinds: &[&str]) -> (Webhook, String) {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let admin = context(Role::Administrator);
    let added = block_on(bench.fleet.add_webhook(&admin, "https://example.com/hook?key=1", kinds));
    let (webhook, text) = added.unwrap();
    (webhook, text.to_string())
}

fn pause(bench: &Bench, webhook: &Webhook, paused: bool) {
    let admin = context(Role::Administrator);
    block_on(bench.fleet.pause_webhook(&admin, webhook.public_id, paused)).unwrap();
}

fn due(bench: &Bench, now: Timestamp) -> Vec<DueWebhook> {
    block_on(bench.fleet.due_webhooks(now)).unwrap()
}

fn end(bench: &Bench, device: i64, reason: EndReason) {
    bench.commit(vec![Change::RegistrationEnded { device: DeviceId(device), at: START, reason }]);
}
