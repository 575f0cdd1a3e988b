use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn found(registry: &Registry, id: u16, wanted: &str) -> Option<String> {
    registry.object(ObjectId(id), version(wanted)).map(|model| model.version.to_string())
}

fn model(id: u16, text: &str) -> ObjectModel {
    ObjectModel {
        id: ObjectId(id),
        version: version(text),
        lwm2m_version: Version::V1_0,
        name: String::from("Test"),
        urn: String::new(),
        description: String::new(),
        multiple: false,
        mandatory: false,
        resources: BTreeMap::new(),
    }
}

#[test]
fn every_version_of_the_shipped_objects_is_there() {
    let registry = Registry::core();
    let expected: [(u16, &[&str]); 14] = [
        (0, &["1.0", "1.1", "1.2"]),
        (1, &["1.0", "1.1", "1.2"]),
        (2, &["1.0", "1.1"]),
        (3, &["1.0", "1.1", "1.2"]),
        (4, &["1.0", "1.1", "1.2", "1.3"]),
        (5, &["1.0", "1.1", "1.2"]),
        (6, &["1.0"]),
        (7, &["1.0"]),
        (9, &["1.0"]),
        (10, &["1.0", "1.1"]),
        (16, &["1.0"]),
        (19, &["1.0"]),
        (21, &["1.0", "1.1", "2.0"]),
        (3303, &["1.0", "1.1"]),
    ];
    let seen: Vec<_> = registry.iter().map(|model| (model.id.0, model.version.to_string())).collect();
    let wanted: Vec<_> =
        expected.iter().flat_map(|(id, all)| all.iter().map(|text| (*id, (*text).to_owned()))).collect();
    assert_eq!(seen, wanted);
}

#[test]
fn every_shipped_resource_has_a_name_a_sentence_and_a_type_unless_it_is_executed() {
    for model in Registry::core().iter() {
        assert!(model.description.ends_with('.'), "{}", model.id);
        for resource in model.resources.values() {
            let at = format!("/{}/{} in {}", model.id, resource.id, model.version);
            assert!(!resource.name.is_empty() && resource.description.ends_with('.'), "{at}");
            assert_eq!(resource.data_type.is_none(), resource.operations == Operations::E, "{at}");
        }
    }
}

#[test]
fn a_resource_changes_and_comes_and_goes_with_the_version() {
    let registry = Registry::core();
    let resource =
        |object, text: &str, id| registry.resource(ObjectId(object), version(text), ResourceId(id));
    assert_eq!(resource(3, "1.1", 9).unwrap().units, "%");
    assert_eq!(resource(3, "1.2", 9).unwrap().units, "/100");
    assert_eq!(resource(3, "1.2", 9).unwrap().name, "Battery Level");
    assert_eq!(resource(21, "1.1", 0).unwrap().data_type, Some(DataType::String));
    assert_eq!(resource(21, "2.0", 0).unwrap().data_type, Some(DataType::Opaque));
    assert!(resource(1, "1.0", 23).is_none() && resource(1, "1.1", 23).is_some());
    assert!(resource(10, "1.0", 6).is_some() && resource(10, "1.1", 6).is_none());
}

#[test]
fn the_nearest_version_of_the_same_major_number_is_found() {
    let mut registry = Registry::empty();
    for text in ["1.1", "1.3", "2.2", "4.0"] {
        registry.insert(model(9999, text));
    }
    for (wanted, expected) in [
        ("1.1", "1.1"),
        ("1.2", "1.1"),
        ("1.9", "1.3"),
        ("1.0", "1.1"),
        ("2.0", "2.2"),
        ("2.255", "2.2"),
        ("3.0", "4.0"),
        ("0.1", "4.0"),
        ("255.255", "4.0"),
    ] {
        assert_eq!(found(&registry, 9999, wanted).as_deref(), Some(expected), "{wanted}");
    }
    assert_eq!(found(&registry, 9998, "1.0"), None);
    assert_eq!(found(&registry, 10000, "1.0"), None);
    assert_eq!(registry.versions(ObjectId(9999)).next_back(), Some(version("4.0")));
}

#[test]
fn a_clone_that_learns_leaves_the_original_alone() {
    let original = Registry::core();
    let mut clone = original.clone();
    let xml = b"<LWM2M><Object><Name>Mine</Name><ObjectID>3</ObjectID><ObjectVersion>1.1</ObjectVersion></Object></LWM2M>";
    assert_eq!(clone.load_ddf(xml), Ok(vec![(ObjectId(3), Version::V1_1)]));
    assert_eq!(clone.object(ObjectId(3), Version::V1_1).unwrap().name, "Mine");
    assert_eq!(original.object(ObjectId(3), Version::V1_1).unwrap().name, "Device");
    assert_eq!(clone.iter().count(), original.iter().count());
    assert!(clone.load_ddf(b"<LWM2M/>").is_err());
}

#[test]
fn models_answer_for_the_version_a_device_has() {
    let registry = Registry::core();
    let old = Models { registry: &registry, versions: &|_| Version::V1_0 };
    let new = Models::newest(&registry);
    let battery = Path::from_ids(&[3, 0, 9]).unwrap();
    assert_eq!(old.resource_at(&battery).unwrap().units, "%");
    assert_eq!(new.resource_at(&battery).unwrap().units, "/100");
    assert_eq!(new.resource_at(&battery.child(1).unwrap()), new.resource_at(&battery));
    assert_eq!(new.resource_at(&battery.parent().unwrap()), None);
    assert_eq!(new.object(ObjectId(21)).unwrap().version, version("2.0"));
    assert!(old.object(ObjectId(40000)).is_none());
}

#[test]
fn operations_print_as_the_letters_of_a_definition() {
    let texts = [Operations::default(), Operations::R, Operations::W, Operations::RW, Operations::E];
    assert_eq!(texts.map(|operations| operations.to_string()), ["", "R", "W", "RW", "E"]);
}
