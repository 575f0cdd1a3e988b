//! The overview.

use objects::{Value, Version};

use crate::{
    browser::Browser,
    world::{LINKS, SampleDevice, World, public_id},
};

#[tokio::test]
async fn without_devices_it_says_how_to_connect_the_first() {
    let world = World::with(false, Some("Lab profile".into())).await;
    let mut browser = Browser::logged_in(&world).await;
    for path in ["/", "/devices"] {
        let page = browser.get(path).await;
        assert_eq!(page.text("#coap-uri"), "coap://127.0.0.1:5683");
        assert_eq!(
            page.text("#first-command"),
            "java -jar interop-tests/clients/leshan/target/leshan-client.jar --server coap://127.0.0.1:5683 --endpoint my-first-device"
        );
        assert_eq!(page.text(".banner"), "Lab profile");
    }
}

#[tokio::test]
async fn while_the_store_takes_no_writes_every_page_says_why() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    world.store.set_full(true);
    for path in ["/", "/devices", "/settings"] {
        let page = browser.get(path).await;
        assert!(page.text(".banner").contains("the disk is full: make room"), "{path}");
    }
    world.store.set_full(false);
    assert!(!browser.get("/").await.has(".banner"));
}

#[tokio::test]
async fn it_counts_and_tells_what_happened_last() {
    let world = World::new().await;
    let mut subscription = world.feed.subscribe();
    world
        .register(&SampleDevice {
            id: 1,
            endpoint: "node-7",
            lwm2m: Version::V1_1,
            queue_mode: false,
            links: LINKS,
        })
        .await;
    world.report(1, &[("/3/0/9", Value::Integer(80))]).await;
    world.report(1, &[("/3/0/9", Value::Integer(81))]).await;
    for _ in 0..3 {
        world.next_event(&mut subscription).await;
    }
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/").await;
    assert_eq!(page.texts("#counts .figure"), ["1", "0", "0", "0", "0", "0", "0", "0"]);
    let lines = page.texts("#events tbody tr");
    assert!(lines[0].starts_with("node-7 reported values 2 times"), "{lines:?}");
    assert!(lines[1].starts_with("node-7 registered"), "{lines:?}");
    assert_eq!(page.attributes("#heard a.device-name", "href"), [format!("/devices/{}", public_id(1))]);
    assert!(!page.has("#first-device"));
}
