//! Requests by operation, and what answers mean.

use std::sync::Arc;

use fleet::{Binding, DeviceId, Lifetime, ListenerId, NodeId, RegistrationId, Source, Target, Timestamp};
use objects::{
    Attribute, Attributes, Instance, InstanceId, ObjectId, Registry, ResourceInstanceId, Version,
    link::ObjectLinks,
};

use super::*;

#[test]
fn each_operation_is_the_request_of_the_specification() {
    use coap::Method::{Delete, Fetch, Get, IPatch, Post, Put};
    let value = |text: &str| Node::Resource(Resource::Single(Value::String(text.into())));
    let read = Operation::Read { path: path("/3/0"), format: Some(ContentFormat::SENML_CBOR) };
    let attributes = Operation::WriteAttributes {
        path: path("/3303/0/5700"),
        set: Attributes { pmin: Some(5), ..Attributes::default() },
        unset: vec![Attribute::Gt],
    };
    let write = |mode| Operation::Write { path: path("/3/0/15"), mode, node: value("UTC"), format: None };
    let execute = Operation::Execute { path: path("/3/0/4"), arguments: "0='now'".into() };
    type Row<'a> = (Operation, coap::Method, &'a str, Option<u16>, Option<u16>, &'a [u8]);
    let paths: fleet::Paths = [path("/3/0/9"), path("/1/0/1")].into_iter().collect();
    let names = br#"[{"n":"/3/0/9"},{"n":"/1/0/1"}]"#;
    let json = Some(ContentFormat::SENML_JSON);
    let read_all = Operation::ReadComposite { paths, format: json };
    let values = [(path("/1/0/1"), Value::Integer(60))].into();
    let write_all = Operation::WriteComposite { values, format: json };
    let rows: Vec<Row<'_>> = vec![
        (read_all, Fetch, "lwm2m", Some(110), Some(110), names),
        (write_all, IPatch, "lwm2m", None, Some(110), br#"[{"n":"/1/0/1","v":60}]"#),
        (read, Get, "lwm2m/3/0", Some(112), None, b""),
        (Operation::Discover { path: path("/3") }, Get, "lwm2m/3", Some(40), None, b""),
        (write(WriteMode::Replace), Put, "lwm2m/3/0/15", None, Some(0), b"UTC"),
        (write(WriteMode::Update), Post, "lwm2m/3/0/15", None, Some(0), b"UTC"),
        (attributes.clone(), Put, "lwm2m/3303/0/5700", None, None, b""),
        (execute, Post, "lwm2m/3/0/4", None, Some(0), b"0='now'"),
        (Operation::Delete { path: path("/3303/1") }, Delete, "lwm2m/3303/1", None, None, b""),
    ];
    for (operation, method, target, accept, format, payload) in rows {
        let request = written(&operation, "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/3/0>").unwrap();
        assert_eq!((request.method, request.path.join("/").as_str()), (method, target), "{operation:?}");
        assert_eq!((request.accept, request.content_format), (accept, format), "{operation:?}");
        assert_eq!(request.payload, payload, "{operation:?}");
    }
    assert_eq!(written(&attributes, "</3/0>").unwrap().queries, ["pmin=5", "gt"]);
}

#[test]
fn observing_and_cancelling_carry_the_token_of_the_observation() {
    let token = coap::Token::new(&[1, 2, 3]);
    let single = Target::One(path("/3/0/9"));
    let several: fleet::Paths = [path("/3/0/9"), path("/3303")].into_iter().collect();
    for target in [single, several.into()] {
        let known = Observation {
            device: DeviceId(1),
            target: target.clone(),
            token: fleet::ObservationToken::new(&[1, 2, 3]).unwrap(),
            format: Some(ContentFormat::SENML_JSON),
            since: Timestamp(0),
            number: None,
        };
        let written = |operation| {
            with_links("</3/0>", |registration, models| {
                request(&operation, registration, models, Some(&known)).unwrap()
            })
        };
        let began = written(Operation::observe(target.clone(), known.format));
        assert_eq!((began.observe, began.token), (Some(coap::Observe::Register), token));
        let ended = written(Operation::cancel(target.clone(), CancelMode::Active));
        assert_eq!((ended.observe, ended.token), (Some(coap::Observe::Deregister), token));
        // RFC 7641 §3.6: the options are the same, and so is what a FETCH asks for.
        let Target::Several(_) = target else { continue };
        assert_eq!((ended.payload, ended.accept), (began.payload, began.accept));
    }
}

#[test]
fn a_structure_goes_in_a_format_that_the_device_names_and_a_value_in_the_plainest() {
    let multiple = Node::Resource(Resource::Multiple([(ResourceInstanceId(0), Value::Integer(1))].into()));
    let opaque = Node::ResourceInstance(Value::Opaque(vec![1]));
    for (links, node, format) in [
        ("</3/0>", &multiple, ContentFormat::TLV),
        ("</>;ct=\"110 11542\",</3/0>", &multiple, ContentFormat::TLV),
        ("</>;ct=\"110 112\",</3/0>", &multiple, ContentFormat::SENML_CBOR),
        ("</>;ct=110,</3/0>", &multiple, ContentFormat::SENML_JSON),
        ("</>;ct=60,</3/0>", &opaque, ContentFormat::OPAQUE),
    ] {
        assert_eq!(with_links(links, |registration, _| write_format(node, registration)), format, "{links}");
    }
}

#[test]
fn only_tlv_leaves_the_instance_id_to_the_device() {
    let create = |instance, format| Operation::Create {
        object: ObjectId(3303),
        instance,
        node: Node::Instance(Instance::default()),
        format: Some(format),
    };
    assert!(written(&create(None, ContentFormat::TLV), "</3/0>").is_ok());
    assert!(written(&create(Some(InstanceId(1)), ContentFormat::SENML_JSON), "</3/0>").is_ok());
    let refused = written(&create(None, ContentFormat::SENML_JSON), "</3/0>");
    assert!(matches!(refused, Err(Failure::Unencodable { .. })), "{refused:?}");
}

#[test]
fn several_nodes_are_asked_for_in_a_format_that_the_device_names() {
    let read = || {
        let paths = [path("/3/0/9")].into_iter().collect();
        Operation::ReadComposite { paths, format: None }
    };
    for (links, format) in [("</3/0>", 112), ("</>;ct=\"60 110\",</3/0>", 110), ("</>;ct=\"110 112\"", 112)] {
        let request = written(&read(), links).unwrap();
        assert_eq!((request.content_format, request.accept), (Some(format), Some(format)), "{links}");
    }
}

#[test]
fn an_answer_with_what_was_not_asked_for_is_refused_and_one_with_less_taken() {
    let paths = [path("/3/0/9"), path("/3303")].into_iter().collect();
    let read = Operation::ReadComposite { paths, format: None };
    let answered = |payload: &str| {
        let response =
            coap::Response::new(coap::Code::CONTENT).with_payload(110, payload.as_bytes().to_vec());
        with_links("</3/0>", |registration, models| outcome(&read, registration, models, &response, 0))
    };
    let samples = |outcome| match outcome {
        Outcome::Success { content: Content::Samples(samples), .. } => samples.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(samples(answered("[]")), 0);
    assert_eq!(samples(answered(r#"[{"n":"/3303/7/5700","v":1}]"#)), 1);
    let times = r#"[{"bn":"/3/0/9","bt":1700000000,"v":1},{"t":1,"v":2},{"n":"","t":2,"v":3}]"#;
    assert_eq!(samples(answered(times)), 3, "each with its time");
    let refused = answered(r#"[{"n":"/3/0/9","v":1},{"n":"/3/0/13","v":1}]"#);
    assert!(matches!(refused, Outcome::Failed(Failure::Unreadable { .. })), "{refused:?}");
}

#[test]
fn a_location_is_read_with_and_without_the_alternate_root() {
    let create = Operation::Create {
        object: ObjectId(3303),
        instance: None,
        node: Node::Instance(Instance::default()),
        format: None,
    };
    for segments in [vec!["3303", "7"], vec!["lwm2m", "3303", "7"]] {
        let mut response = coap::Response::new(coap::Code::CREATED);
        response.location_path = segments.into_iter().map(str::to_owned).collect();
        let outcome = with_links("</lwm2m>;rt=\"oma.lwm2m\"", |registration, models| {
            outcome(&create, registration, models, &response, 0)
        });
        assert!(
            matches!(&outcome, Outcome::Success { content: Content::Location(at), .. } if *at == path("/3303/7")),
            "{outcome:?}"
        );
    }
}

#[test]
fn an_error_answer_is_kept_as_it_is_without_control_characters() {
    let read = Operation::Read { path: path("/3/0"), format: None };
    let mut response = coap::Response::new(coap::Code::METHOD_NOT_ALLOWED);
    response.payload = b"no\r\nway\x1b[31m \xff".to_vec();
    let outcome =
        with_links("</3/0>", |registration, models| outcome(&read, registration, models, &response, 0));
    let Outcome::Refused { code, diagnostic } = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        (code.to_string().as_str(), diagnostic.as_str()),
        ("4.05 Method Not Allowed", "noway[31m \u{fffd}")
    );
}

fn written(operation: &Operation, links: &str) -> Result<coap::Request, Failure> {
    with_links(links, |registration, models| request(operation, registration, models, None))
}

fn with_links<R>(links: &str, act: impl FnOnce(&Registration, &Models<'_>) -> R) -> R {
    let registration = Registration {
        device: DeviceId(1),
        id: RegistrationId(1),
        lwm2m: Version::V1_1,
        lifetime: Lifetime(300),
        binding: Binding { transports: "U".into(), queue_mode: false },
        sms_number: None,
        links: Arc::new(ObjectLinks::parse(links.as_bytes()).unwrap()),
        extra: Vec::new(),
        credential: None,
        source: Source { listener: ListenerId(0), address: ([127, 0, 0, 1], 1).into() },
        registered_at: Timestamp(0),
        updated_at: Timestamp(0),
        expires_at: Timestamp(0),
        node: NodeId::SINGLE,
        epoch: 1,
    };
    crate::binding::with_models(&Registry::core(), &registration, |models| act(&registration, models))
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}
