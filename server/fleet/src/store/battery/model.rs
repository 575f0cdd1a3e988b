//! Uploaded object definitions.

use objects::{ObjectId, Version};

use super::fixture::*;
use crate::{Change, Store, store::StoredModel};

fn model(object: u16, major: u8, minor: u8, xml: &str) -> StoredModel {
    StoredModel { object: ObjectId(object), version: Version { major, minor }, xml: xml.into() }
}

fn saved(model: &StoredModel) -> Change {
    Change::ModelSaved { object: model.object, version: model.version, xml: model.xml.clone() }
}

/// By object and version, number by number; one of the same replaces it.
pub async fn object_definitions_are_kept_replaced_and_taken_back(store: &dyn Store) {
    let long = format!("<LWM2M>{}'\\ ☃</LWM2M>", "é".repeat(50_000));
    let models = [
        model(9, 1, 0, ""),
        model(10, 1, 2, &long),
        model(10, 1, 10, "a"),
        model(10, 2, 0, "b"),
        model(65_535, 255, 255, "c"),
    ];
    commit(store, [3, 0, 4, 2, 1].map(|index: usize| saved(&models[index]))).await;
    assert_eq!(store.models().await.unwrap(), models);
    let replaced = model(10, 1, 10, "new");
    commit(store, [saved(&replaced)]).await;
    assert_eq!(store.models().await.unwrap()[2], replaced);
    let removed = |one: &StoredModel| Change::ModelRemoved { object: one.object, version: one.version };
    commit(store, [removed(&models[0]), removed(&models[1]), removed(&model(7, 1, 0, ""))]).await;
    assert_eq!(store.models().await.unwrap(), [replaced, models[3].clone(), models[4].clone()]);
}
