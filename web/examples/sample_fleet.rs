//! The console over a fleet in memory, whose devices answer from a script: to look at pages without a device.
//!
//! `cargo run -p web --example sample_fleet`, then open the link that it prints.

#![expect(clippy::unwrap_used, reason = "an example stops where something is wrong")]

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fleet::{DiaryCause, Incident, Presence, Timestamp};
use objects::{Value, Version};

#[path = "../tests/common/images.rs"]
mod images;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/common/issuer.rs"]
mod issuer;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/console/sample.rs"]
mod sample;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/console/world.rs"]
mod world;
use sample::{certificates, everything};
use world::{LINKS, SampleDevice, World};

#[tokio::main]
async fn main() {
    let empty = std::env::args().any(|argument| argument == "--empty");
    let banner =
        "Lab profile: devices connect without encryption or authentication. Keep this server on loopback.";
    let world = World::with(false, Some(banner.to_owned())).await;
    world.clock.store(wall_clock(), Ordering::Relaxed);
    if !empty {
        populate(&world).await;
    }
    let clock = std::sync::Arc::clone(&world.clock);
    tokio::spawn(async move {
        loop {
            clock.store(wall_clock(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8088").await.unwrap();
    let token = world.fleet.setup_link(world.now()).await.unwrap().unwrap();
    println!("http://{}/setup/{token}", listener.local_addr().unwrap());
    let router = world.router.clone();
    let serve = async { axum::serve(listener, router).await.unwrap() };
    let live = async {
        let mut degrees = 18.6;
        if empty {
            return std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(Duration::from_secs(3)).await;
            degrees += 0.1;
            world.script.value(1, "/3303/0/5700", Value::Float(degrees));
            world
                .report(
                    1,
                    &[
                        ("/3303/0/5700", Value::Float(degrees)),
                        ("/3/0/13", Value::Time(wall_clock() / 1_000)),
                    ],
                )
                .await;
        }
    };
    tokio::join!(serve, live);
}

async fn populate(world: &World) {
    for (id, endpoint, queue_mode) in [
        (1, "greenhouse-7", false),
        (2, "valve-north", true),
        (3, "meter-0042", false),
        (4, "urn:imei:490154203237518", false),
    ] {
        world.register(&SampleDevice { id, endpoint, lwm2m: Version::V1_1, queue_mode, links: LINKS }).await;
    }
    for id in 10..70 {
        let endpoint: &'static str = Box::leak(format!("node-{id:04}").into_boxed_str());
        world
            .register(&SampleDevice {
                id,
                endpoint,
                lwm2m: Version::V1_0,
                queue_mode: id % 2 == 0,
                links: "</1/0>,</3/0>",
            })
            .await;
    }
    world.script.presence(2, Presence::Asleep);
    let values = [
        ("/1/0/0", Value::Integer(123)),
        ("/1/0/1", Value::Integer(300)),
        ("/1/0/7", Value::String("U".into())),
        ("/3/0/0", Value::String("Open Mobile Garden".into())),
        ("/3/0/1", Value::String("OMG-21".into())),
        ("/3/0/2", Value::String("345000123".into())),
        ("/3/0/3", Value::String("1.4.2".into())),
        ("/3/0/6/0", Value::Integer(1)),
        ("/3/0/6/1", Value::Integer(5)),
        ("/3/0/9", Value::Integer(87)),
        ("/3/0/10", Value::Integer(15)),
        ("/3/0/11/0", Value::Integer(0)),
        ("/3/0/13", Value::Time(wall_clock() / 1_000)),
        ("/3/0/14", Value::String("+02:00".into())),
        ("/3/0/16", Value::String("U".into())),
        ("/6/0/0", Value::Float(52.5219)),
        ("/6/0/1", Value::Float(13.4132)),
        ("/3303/0/5700", Value::Float(21.0)),
        ("/3303/0/5701", Value::String("Cel".into())),
        ("/3303/1/5700", Value::Float(-4.5)),
        ("/26241/0/1", Value::Opaque((0..100).collect())),
        ("/26241/0/2", Value::Boolean(true)),
    ];
    for (at, value) in &values {
        world.script.value(1, at, value.clone());
    }
    everything(world, "greenhouse").await;
    certificates(world, "factory", "factory.example").await;
    knock(world).await;
    // A day of temperatures, one every four minutes.
    let now = wall_clock();
    for step in 0..360_i32 {
        world.clock.store(now - i64::from(360 - step) * 240_000, Ordering::Relaxed);
        let hours = f64::from(step) / 15.0;
        let degrees = 18.0 + 5.0 * (hours / 24.0 * std::f64::consts::TAU).sin() + f64::from(step % 7) / 10.0;
        world.report(1, &[("/3303/0/5700", Value::Float((degrees * 100.0).round() / 100.0))]).await;
    }
    world.clock.store(now, Ordering::Relaxed);
    let most: Vec<_> = values.iter().filter(|(at, _)| !at.starts_with("/1/")).cloned().collect();
    world.report(1, &most).await;
}

/// What strangers left in the diary.
async fn knock(world: &World) {
    let now = world.now();
    for (minutes, count, cause, subject) in [
        (2, 3, DiaryCause::NoCommonSuite, "198.51.100.4:51234"),
        (9, 40, DiaryCause::PlainOnSecurePort, "198.51.100.17:5683"),
        (31, 1, DiaryCause::UnknownIdentity, "urn:imei:490154203237777"),
        (55, 6, DiaryCause::UnknownIdentity, "factory-line-3"),
        (300, 2, DiaryCause::UnsupportedVersion, "meter-0043"),
    ] {
        for time in 0..count {
            world.fleet.incident(Incident {
                at: Timestamp(now.0 - minutes * 60_000 - time * 1_000),
                cause,
                subject: subject.to_owned(),
                from: "198.51.100.17:40112".parse().unwrap(),
                listener: "coaps://0.0.0.0:5684".to_owned(),
                device: None,
                detail: String::new(),
            });
        }
    }
    world.fleet.flush_diary(now).await.unwrap();
}

fn wall_clock() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
