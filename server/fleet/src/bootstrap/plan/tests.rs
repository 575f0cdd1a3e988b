use objects::{InstanceId, ObjectLink, Registry};

use super::*;
use crate::{AccountCredential, CredentialId, Material, PskIdentity, PskKey};

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn check(plan: &Plan) -> Result<(), PlanError> {
    plan.check(&Models::newest(&Registry::core()))
}

fn writing(text: &str, value: Value) -> Plan {
    Plan { writes: vec![(path(text), value)], ..Plan::default() }
}

fn account(uri: &str, short_server_id: u16, secured: bool) -> Account {
    let key = PskKey::from_hex("00112233445566778899aabbccddeef0").unwrap();
    let credential = secured.then(|| AccountCredential {
        id: CredentialId(1),
        material: Material::Psk { identity: PskIdentity::new("who").unwrap(), key },
    });
    Account { uri: uri.into(), short_server_id, credential }
}

#[test]
fn the_default_plan_and_one_with_everything_can_be_sent() {
    assert_eq!(check(&Plan::default()), Ok(()));
    let plan = Plan {
        default_pmin: Some(10),
        default_pmax: Some(0),
        binding: "UQ".into(),
        delete: vec![Path::Root, path("/2")],
        writes: vec![
            (path("/3/0/15"), Value::String("Europe/Berlin".into())),
            (path("/2/0/0"), Value::Integer(3)),
            (path("/2/0/1"), Value::Integer(0)),
            (path("/2/0/2/7"), Value::Integer(3)),
            (path("/2/0/3"), Value::Integer(7)),
        ],
        format: Some(ContentFormat::SENML_JSON),
        ..Plan::default()
    };
    assert_eq!(check(&plan), Ok(()));
    assert_eq!(plan.check_for(&account("coaps://muster.example.com:5684", 7, true)), Ok(()));
}

#[test]
fn each_rule_refuses_what_breaks_it() {
    let string = || Value::String(String::new());
    let rows = [
        (Plan { lifetime: 0, ..Plan::default() }, PlanError::Lifetime),
        (
            Plan { default_pmin: Some(2), default_pmax: Some(1), ..Plan::default() },
            PlanError::Periods { pmin: 2, pmax: 1 },
        ),
        (
            Plan { format: Some(ContentFormat::TEXT), ..Plan::default() },
            PlanError::Format { format: ContentFormat::TEXT },
        ),
        (
            Plan { delete: vec![path("/4/0/1")], ..Plan::default() },
            PlanError::DeleteLevel { path: path("/4/0/1") },
        ),
        (
            Plan { delete: vec![path("/3/0")], ..Plan::default() },
            PlanError::DeleteDevice { path: path("/3/0") },
        ),
        (Plan { delete: vec![Path::Root; 17], ..Plan::default() }, PlanError::TooManyDeletes { len: 17 }),
        (
            Plan { writes: vec![(path("/3/0/15"), string()); 65], ..Plan::default() },
            PlanError::TooManyWrites { len: 65 },
        ),
        (writing("/0/1/0", string()), PlanError::WriteAccount { path: path("/0/1/0") }),
        (writing("/1/0/1", Value::Integer(1)), PlanError::WriteAccount { path: path("/1/0/1") }),
        (writing("/21/0/0", Value::Opaque(vec![])), PlanError::WriteAccount { path: path("/21/0/0") }),
        (writing("/3/0", string()), PlanError::WriteLevel { path: path("/3/0") }),
        (writing("/9999/0/1", string()), PlanError::UnknownResource { path: path("/9999/0/1") }),
        (
            writing("/3/1/15", string()),
            PlanError::SingleInstance { path: path("/3/1/15"), object: ObjectId(3) },
        ),
        (writing("/3/0/4", string()), PlanError::NoValue { path: path("/3/0/4"), name: "Reboot".into() }),
        (
            writing("/3/0/15", Value::ObjectLink(ObjectLink::NULL)),
            PlanError::WrongType {
                path: path("/3/0/15"),
                name: "Timezone".into(),
                expected: DataType::String,
                found: DataType::ObjectLink,
            },
        ),
        (
            writing("/3/0/15/0", string()),
            PlanError::Multiplicity { path: path("/3/0/15/0"), name: "Timezone".into(), multiple: false },
        ),
        (
            Plan { writes: vec![(path("/3/0/15"), string()); 2], ..Plan::default() },
            PlanError::WrittenTwice { path: path("/3/0/15") },
        ),
    ];
    for (plan, expected) in rows {
        assert_eq!(check(&plan), Err(expected), "{plan:?}");
    }
}

#[test]
fn a_binding_is_one_of_the_specification_and_has_udp() {
    for binding in ["U", "UQ", "UT", "US", "UTSN"] {
        assert_eq!(check(&Plan { binding: binding.into(), ..Plan::default() }), Ok(()), "{binding}");
    }
    for binding in ["", "Q", "T", "UU", "QU", "UTQ", "u", "UX"] {
        let error = PlanError::Binding { binding: binding.into() };
        assert_eq!(check(&Plan { binding: binding.into(), ..Plan::default() }), Err(error), "{binding}");
    }
}

#[test]
fn the_account_fits_its_scheme_and_the_owner_of_an_access_control_instance_is_a_server() {
    let plan = writing("/2/0/3", Value::Integer(9));
    let for_account = |plan: &Plan, account: Account| plan.check_for(&account);
    let uri = "coaps://host";
    for short_server_id in [0, 65_535] {
        assert_eq!(
            for_account(&plan, account(uri, short_server_id, true)),
            Err(PlanError::ShortServerId { short_server_id })
        );
    }
    for (uri, secured) in [("coap://host", true), ("coaps://host", false), ("coap://", false), ("", true)] {
        assert_eq!(
            for_account(&plan, account(uri, 9, secured)),
            Err(PlanError::Uri { uri: uri.to_owned() }),
            "{uri}"
        );
    }
    assert_eq!(
        for_account(&plan, account(uri, 8, true)),
        Err(PlanError::AccessControlOwner { path: path("/2/0/3"), owner: 9, short_server_id: 8 })
    );
    assert_eq!(for_account(&plan, account(uri, 9, true)), Ok(()));
    assert_eq!(for_account(&writing("/2/0/3", Value::Integer(65_535)), account(uri, 9, true)), Ok(()));
}

#[test]
fn what_lies_in_a_deleted_object_is_deleted() {
    let plan = Plan { delete: vec![path("/0"), path("/2/7")], ..Plan::default() };
    assert!(plan.deletes(&Path::Instance(SECURITY, InstanceId(4))));
    assert!(plan.deletes(&path("/2/7")));
    assert!(!plan.deletes(&path("/2")) && !plan.deletes(&path("/1/0")));
}
