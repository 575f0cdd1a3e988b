//! Object definitions: listed, uploaded, removed.

use crate::{browser::Browser, sample::definition, world::World};

#[tokio::test]
async fn a_model_is_uploaded_and_removed() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/models").await;
    assert!(page.texts("#models tbody tr").iter().any(|row| row.contains("Firmware Update")));
    assert!(!page.has("#models a.danger"));
    let xml = definition("Greenhouse");
    let done = browser.submit(&page, "form.card", &[("text", &xml)]).await;
    let page = browser.follow(&done).await;
    assert!(
        page.texts("#models tbody tr")
            .iter()
            .any(|row| row.contains("Greenhouse") && row.contains("uploaded"))
    );
    let ask = browser.get(&page.attributes("#models a.danger", "href")[0]).await;
    let done = browser.submit(&ask, "#confirm", &[("typed", "26241 1.0")]).await;
    assert!(!browser.follow(&done).await.body.contains("Greenhouse"));
}

#[tokio::test]
async fn what_is_no_model_says_so() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/models").await;
    for text in ["", "nonsense", "<LWM2M><Object>"] {
        let refused = browser.submit(&page, "form.card", &[("text", text)]).await;
        assert_eq!(refused.status, 422, "{text}");
        assert!(refused.has("#field-file-problem"), "{text}: {}", refused.body);
    }
}
