//! What the API is asked around a load: to let the devices in, to observe them and to read from them.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    Options,
    figures::Tally,
    keys,
    member::{NOTIFIED, SERIAL},
    pace::Pace,
};
use crate::Rest;

/// How many requests are under way at one time.
const REQUESTS: usize = 16;

/// How many rows go into one import.
const ROWS: usize = 100_000;

/// Gives the devices that have a key a credential.
pub(super) async fn enrol(rest: &Rest, options: &Options) {
    let secure = (0..options.devices).filter(|device| options.is_secure(*device));
    let secure: Vec<u32> = secure.map(|device| options.first + device).collect();
    for devices in secure.chunks(ROWS) {
        let report = rest.import(keys::csv(options.seed, devices)).await;
        assert_eq!(report["errors_total"], 0, "the import is taken: {report}");
    }
}

/// The ids of all devices, by their endpoint names.
pub async fn ids(rest: &Rest) -> HashMap<String, String> {
    let mut ids = HashMap::new();
    let mut after = String::new();
    loop {
        let page = rest.get(&format!("/devices?limit=500{after}")).await;
        for device in page["items"].as_array().into_iter().flatten() {
            if let (Some(endpoint), Some(id)) = (device["endpoint"].as_str(), device["id"].as_str()) {
                ids.insert(endpoint.to_owned(), id.to_owned());
            }
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return ids,
        }
    }
}

/// Observes these devices.
pub(super) async fn observe(rest: &Rest, ids: &[&String]) {
    let asked = json!({ "operation": "observe", "path": NOTIFIED.to_string() });
    // One that can't be observed is not notified of: the crowd knows.
    stream::iter(ids)
        .for_each_concurrent(REQUESTS, |id| async { drop(ask(rest, id, asked.clone()).await) })
        .await;
}

/// Reads from these devices in turn, as [`Options`] say how fast and how long, and looks at whether the answers are theirs. What is
/// wrong comes back in words.
pub(super) async fn read(rest: &Rest, options: &Options, targets: &[(u32, String)]) -> (Tally, Vec<String>) {
    let begun = Instant::now();
    let tally = Mutex::new((Tally::new(), Vec::new()));
    let (seconds, count) = (Duration::from_secs(options.seconds), options.count);
    let pace = Pace::new(Duration::ZERO, options.rate, options.outstanding);
    let due = stream::unfold((pace, 0), |(mut pace, number)| async move {
        if let Some(next) = pace.next() {
            tokio::time::sleep_until((begun + next).into()).await;
        }
        let now = begun.elapsed();
        let due = pace.next().unwrap_or(now);
        pace.begin();
        (now < seconds && number < count).then_some(((due, number), (pace, number + 1)))
    });
    let outstanding = if options.rate.is_some() { MOST_READS } else { options.outstanding as usize };
    let (tally_of, targets_of) = (&tally, targets);
    due.for_each_concurrent(outstanding, |(due, number)| async move {
        let at = usize::try_from(number).unwrap_or_default() % targets_of.len();
        let (device, id) = &targets_of[at];
        let answer = ask(rest, id, json!({ "operation": "read", "path": SERIAL.to_string() })).await;
        let took = begun.elapsed().saturating_sub(due);
        let (outcome, wrong) = judge(*device, answer, took);
        let mut tally = tally_of.lock().expect("nothing panics while it is held");
        tally.0.begun += 1;
        tally.0.count(outcome);
        tally.1.extend(wrong);
    })
    .await;
    tally.into_inner().expect("nothing panics while it is held")
}

fn judge(
    device: u32,
    answer: Result<Value, String>,
    took: Duration,
) -> (Result<Duration, String>, Option<String>) {
    let operation = match answer {
        Ok(operation) => operation,
        Err(refusal) => return (Err(refusal.chars().take(80).collect()), None),
    };
    if operation["state"] != "done" {
        return (Err(format!("the read is {}", operation["state"])), None);
    }
    let endpoint = keys::endpoint(device);
    let value = &operation["answer"]["content"]["readings"][0]["value"]["value"];
    if *value == endpoint {
        return (Ok(took), None);
    }
    let wrong = format!("the serial number of {endpoint} is read, and it is {value}");
    (Err("another device's value".to_owned()), Some(wrong))
}

async fn ask(rest: &Rest, id: &str, operation: Value) -> Result<Value, String> {
    rest.try_post(&format!("/devices/{id}/operations"), &json!({ "request": operation })).await
}

/// An open loop has no more reads under way than that; those that are late count from when they were due.
const MOST_READS: usize = 1_024;
