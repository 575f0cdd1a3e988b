//! Object definitions that come and go.

use super::*;
use crate::{FolderError, ModelEntry, ModelSource};

#[test]
fn an_uploaded_definition_stands_over_the_folders_until_it_is_taken_back() {
    let bench = Bench::new();
    let name = || bench.fleet.registry().object(ObjectId(3), Version::V1_0).unwrap().name.clone();
    assert_eq!(name(), "Device");
    let uploaded = upload(&bench, &xml(3, "Ours")).unwrap();
    let entry = ModelEntry {
        object: ObjectId(3),
        version: Version::V1_0,
        name: "Ours".into(),
        source: ModelSource::Uploaded,
    };
    assert_eq!((uploaded, name().as_str()), (vec![entry.clone()], "Ours"));
    let models = block_on(bench.fleet.models(&context(Role::Viewer))).unwrap();
    assert!(models.contains(&entry));
    assert!(models.iter().any(|model| model.object == ObjectId(1) && model.source == ModelSource::Folder));
    remove(&bench, 3).unwrap();
    assert_eq!(name(), "Device");
    assert!(matches!(remove(&bench, 3), Err(FleetError::NotFound("uploaded definition"))));
    assert!(matches!(remove(&bench, 1), Err(FleetError::NotFound(_))), "the folder's is not taken back");
    assert_eq!(
        bench.audit(),
        [
            "save model · administrator · object 3 version 1.0",
            "remove model · administrator · object 3 version 1.0",
        ]
    );
}

#[test]
fn what_can_not_be_read_says_where() {
    let bench = Bench::new();
    for bad in ["", "<LWM2M>", "<html/>", &xml(3, "x").replace("<Name>", "<Name><a>"), &"x".repeat(2_000_000)]
    {
        let refused = upload(&bench, bad).unwrap_err();
        assert!(matches!(refused, FleetError::Invalid { field: "xml", .. }), "{refused}");
    }
    let refused = upload(&bench, &xml(3, "x").replace("Single", "Several")).unwrap_err().to_string();
    assert!(refused.contains("line 3"), "{refused}");
    assert!(block_on(bench.store.models()).unwrap().is_empty());
}

#[test]
fn uploaded_definitions_are_there_after_a_start_and_one_that_is_broken_keeps_out_no_other() {
    let bench = Bench::new();
    let (object, version) = (ObjectId(4), Version::V1_0);
    bench.commit(vec![
        Change::ModelSaved { object, version, xml: "broken".into() },
        Change::ModelSaved { object: ObjectId(5), version, xml: xml(5, "Five") },
    ]);
    assert_eq!(block_on(bench.fleet.load_models()).unwrap(), 3);
    assert_eq!(bench.fleet.registry().object(ObjectId(5), version).unwrap().name, "Five");
}

#[test]
fn the_folder_is_read_anew_or_all_stays_as_it_was() {
    let bench = Bench::new();
    let fleet = |folder: ModelFolder| {
        Fleet::new(
            Arc::clone(&bench.store) as Arc<dyn Store>,
            Arc::clone(&bench.script) as Arc<dyn Downlink>,
            Library::new(Arc::new(registry())),
            folder,
            Feed::new(),
            entropy(),
        )
    };
    let admin = context(Role::Administrator);
    let good = fleet(Box::new(|| Ok(Registry::core())));
    let count = block_on(good.reload_models(&admin)).unwrap();
    assert_eq!(count, Registry::core().iter().count());
    let models = block_on(good.models(&admin)).unwrap();
    assert!(models.iter().all(|model| model.source == ModelSource::BuiltIn));
    let bad =
        fleet(Box::new(|| Err(FolderError { file: "a.xml".into(), reason: "line 7: no object".into() })));
    let refused = block_on(bad.reload_models(&admin)).unwrap_err();
    assert_eq!(refused.to_string(), "folder: a.xml: line 7: no object");
    assert_eq!(bad.registry().iter().count(), 2);
    assert_eq!(bench.audit(), [format!("reload models · administrator · {count} definitions")]);
}

#[test]
fn what_holds_keys_is_not_redefined() {
    let bench = Bench::new();
    for object in [0, 21, 23] {
        assert!(matches!(upload(&bench, &xml(object, "Open")), Err(FleetError::Invalid { .. })), "{object}");
    }
}

fn upload(bench: &Bench, xml: &str) -> Result<Vec<ModelEntry>, FleetError> {
    block_on(bench.fleet.upload_model(&context(Role::Administrator), xml))
}

fn remove(bench: &Bench, object: u16) -> Result<(), FleetError> {
    let admin = context(Role::Administrator);
    block_on(bench.fleet.remove_model(&admin, ObjectId(object), Version::V1_0))
}

pub(super) fn xml(object: u16, name: &str) -> String {
    format!(
        "<LWM2M><Object ObjectType=\"MODefinition\"><Name>{name}</Name><ObjectID>{object}</ObjectID>\n\
         <ObjectURN>urn:oma:lwm2m:x:{object}</ObjectURN>\n\
         <MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Resources>\n\
         <Item ID=\"0\"><Name>One</Name><Operations>R</Operations><MultipleInstances>Single</MultipleInstances>\
         <Mandatory>Optional</Mandatory><Type>Integer</Type></Item></Resources></Object></LWM2M>"
    )
}
