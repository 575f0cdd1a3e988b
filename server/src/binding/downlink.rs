//! Operations as CoAP requests (LwM2M Transport 1.1.1 §6.4.4, §6.4.5), and what their answers mean.

use std::collections::BTreeMap;

use fleet::{CancelMode, Content, Failure, Operation, Outcome, Registration, ResponseCode, WriteMode};
use objects::{ContentFormat, Models, Node, Object, Path, Resource, Value, codec, link::Discovered};

/// Writes an operation as a request. `token` is that of the observation to renew or to end.
pub(crate) fn request(
    operation: &Operation,
    registration: &Registration,
    models: &Models<'_>,
    token: Option<coap::Token>,
) -> Result<coap::Request, Failure> {
    let to = |method, path: Path| target(registration, method, path);
    let encoded = |mut request: coap::Request, format: ContentFormat, path: &Path, node: &Node| {
        request.payload = codec::encode(format, path, node, models).map_err(unencodable)?;
        request.content_format = Some(format.0);
        Ok(request)
    };
    match operation {
        Operation::Read { path, format } => {
            let mut request = to(coap::Method::Get, *path);
            request.accept = format.map(|format| format.0);
            Ok(request)
        }
        Operation::Discover { path } => {
            let mut request = to(coap::Method::Get, *path);
            request.accept = Some(ContentFormat::LINK.0);
            Ok(request)
        }
        Operation::Write { path, mode, node, format } => {
            let method = match mode {
                WriteMode::Replace => coap::Method::Put,
                WriteMode::Update => coap::Method::Post,
            };
            let format = format.unwrap_or_else(|| write_format(node, registration));
            encoded(to(method, *path), format, path, node)
        }
        Operation::WriteAttributes { path, set, unset } => {
            let mut request = to(coap::Method::Put, *path);
            request.queries = set.to_queries();
            // An attribute without a value is unset (LwM2M Core 1.1.1 §6.3.4).
            request.queries.extend(unset.iter().map(|attribute| attribute.name().to_owned()));
            Ok(request)
        }
        Operation::Execute { path, arguments } => {
            let mut request = to(coap::Method::Post, *path);
            if !arguments.is_empty() {
                request.payload = arguments.clone().into_bytes();
                request.content_format = Some(ContentFormat::TEXT.0);
            }
            Ok(request)
        }
        Operation::Create { object, instance, node, format } => {
            let request = to(coap::Method::Post, Path::Object(*object));
            let format = format.unwrap_or_else(|| write_format(node, registration));
            let Node::Instance(resources) = node else {
                return Err(Failure::Unencodable {
                    reason: "Create takes the resources of one instance".into(),
                });
            };
            match instance {
                Some(id) => {
                    let instances = BTreeMap::from([(*id, resources.clone())]);
                    encoded(request, format, &Path::Object(*object), &Node::Object(Object { instances }))
                }
                // Only TLV can name resources without naming their instance (LwM2M Core 1.1.1 §6.3.6).
                None if format == ContentFormat::TLV => {
                    encoded(request, format, &Path::Instance(*object, objects::InstanceId(0)), node)
                }
                None => Err(Failure::Unencodable {
                    reason: format!("{format} can't leave the instance id to the device; give one"),
                }),
            }
        }
        Operation::Delete { path } => Ok(to(coap::Method::Delete, *path)),
        Operation::Observe { path, format } => {
            let mut request = to(coap::Method::Get, *path);
            request.accept = format.map(|format| format.0);
            request.observe = Some(coap::Observe::Register);
            request.token = token;
            Ok(request)
        }
        Operation::CancelObservation { path, mode: CancelMode::Active | CancelMode::Passive } => {
            let mut request = to(coap::Method::Get, *path);
            request.observe = Some(coap::Observe::Deregister);
            request.token = token;
            Ok(request)
        }
    }
}

/// Reads the answer to an operation.
pub(crate) fn outcome(
    operation: &Operation,
    registration: &Registration,
    models: &Models<'_>,
    response: &coap::Response,
    received_ms: i64,
) -> Outcome {
    let code = ResponseCode { class: response.code.class(), detail: response.code.detail() };
    if response.code.is_error() {
        return Outcome::Refused { code, diagnostic: diagnostic(&response.payload) };
    }
    let content = match operation {
        Operation::Read { path, format } | Operation::Observe { path, format } => {
            let format = format_of(response, *path, *format);
            match codec::decode(format, path, &response.payload, models, received_ms) {
                Ok(samples) => Content::Samples(samples),
                Err(error) => return unreadable(&error),
            }
        }
        Operation::Discover { .. } => {
            match Discovered::parse_below(registration.links.root.as_deref(), &response.payload) {
                Ok(links) => Content::Links(links),
                Err(error) => return unreadable(&error),
            }
        }
        Operation::Create { object, instance, .. } => match created_at(registration, response) {
            Some(path) => Content::Location(path),
            None => instance.map_or(Content::Empty, |id| Content::Location(Path::Instance(*object, id))),
        },
        Operation::Write { .. }
        | Operation::WriteAttributes { .. }
        | Operation::Execute { .. }
        | Operation::Delete { .. }
        | Operation::CancelObservation { .. } => Content::Empty,
    };
    Outcome::Success { code, content }
}

/// Why a request came to nothing.
pub(crate) fn failure(failure: &coap::Failure) -> Failure {
    match failure {
        coap::Failure::TimedOut { acknowledged } => Failure::TimedOut { acknowledged: *acknowledged },
        coap::Failure::Reset => Failure::Reset,
        coap::Failure::Cancelled => Failure::Cancelled,
        coap::Failure::TooLarge { .. } | coap::Failure::BlockTransfer(_) | coap::Failure::BadOption(_) => {
            Failure::Transfer { reason: failure.to_string() }
        }
    }
}

/// The format of an answer: what it says, else what was asked for, else plain text for a single value and TLV above.
pub(crate) fn format_of(
    response: &coap::Response,
    path: Path,
    asked: Option<ContentFormat>,
) -> ContentFormat {
    response.content_format.map(ContentFormat).or(asked).unwrap_or(match path {
        Path::Resource(..) | Path::ResourceInstance(..) => ContentFormat::TEXT,
        Path::Root | Path::Object(_) | Path::Instance(..) => ContentFormat::TLV,
    })
}

fn target(registration: &Registration, method: coap::Method, path: Path) -> coap::Request {
    let root = registration.links.root.as_deref().unwrap_or("");
    coap::Request::new(method, &format!("{root}{path}"))
}

// A single value goes in the plainest format there is, which every client reads; a structure in TLV unless the device
// says that it takes others only.
fn write_format(node: &Node, registration: &Registration) -> ContentFormat {
    match node {
        Node::Resource(Resource::Single(Value::Opaque(_))) | Node::ResourceInstance(Value::Opaque(_)) => {
            ContentFormat::OPAQUE
        }
        Node::Resource(Resource::Single(_)) | Node::ResourceInstance(_) => ContentFormat::TEXT,
        Node::Object(_) | Node::Instance(_) | Node::Resource(Resource::Multiple(_)) => {
            let named = &registration.links.content_formats;
            [ContentFormat::TLV, ContentFormat::SENML_CBOR, ContentFormat::SENML_JSON]
                .into_iter()
                .find(|format| named.contains(&format.0))
                .unwrap_or(ContentFormat::TLV)
        }
    }
}

fn created_at(registration: &Registration, response: &coap::Response) -> Option<Path> {
    let root = registration.links.root.as_deref().unwrap_or("");
    let prefix = root.split('/').filter(|segment| !segment.is_empty());
    let mut segments = response.location_path.iter().map(String::as_str).peekable();
    for expected in prefix {
        segments.next_if_eq(&expected);
    }
    Path::from_segments(segments).ok().filter(|path| path.instance().is_some())
}

fn diagnostic(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).chars().filter(|c| !c.is_control()).take(MAX_DIAGNOSTIC_CHARS).collect()
}

const MAX_DIAGNOSTIC_CHARS: usize = 256;

fn unencodable(error: codec::EncodeError) -> Failure {
    Failure::Unencodable { reason: error.to_string() }
}

fn unreadable(error: &dyn std::error::Error) -> Outcome {
    Outcome::Failed(Failure::Unreadable { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fleet::{Binding, DeviceId, Lifetime, ListenerId, NodeId, RegistrationId, Source, Timestamp};
    use objects::{
        Attribute, Attributes, Instance, InstanceId, ObjectId, Registry, ResourceInstanceId, Version,
        link::ObjectLinks,
    };

    use super::*;

    #[test]
    fn each_operation_is_the_request_of_the_specification() {
        use coap::Method::{Delete, Get, Post, Put};
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
        let rows: Vec<Row<'_>> = vec![
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
        let operation = Operation::CancelObservation { path: path("/3/0/9"), mode: CancelMode::Active };
        let request =
            with_links("</3/0>", |registration, models| request(&operation, registration, models, token));
        let request = request.unwrap();
        assert_eq!((request.observe, request.token), (Some(coap::Observe::Deregister), token));
    }

    #[test]
    fn a_structure_goes_in_a_format_that_the_device_names_and_a_value_in_the_plainest() {
        let multiple =
            Node::Resource(Resource::Multiple([(ResourceInstanceId(0), Value::Integer(1))].into()));
        let opaque = Node::ResourceInstance(Value::Opaque(vec![1]));
        for (links, node, format) in [
            ("</3/0>", &multiple, ContentFormat::TLV),
            ("</>;ct=\"110 11542\",</3/0>", &multiple, ContentFormat::TLV),
            ("</>;ct=\"110 112\",</3/0>", &multiple, ContentFormat::SENML_CBOR),
            ("</>;ct=110,</3/0>", &multiple, ContentFormat::SENML_JSON),
            ("</>;ct=60,</3/0>", &opaque, ContentFormat::OPAQUE),
        ] {
            assert_eq!(
                with_links(links, |registration, _| write_format(node, registration)),
                format,
                "{links}"
            );
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
}
