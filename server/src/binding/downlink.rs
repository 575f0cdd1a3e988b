//! Operations as CoAP requests (LwM2M Transport 1.1.1 §6.4.4, §6.4.5), and what their answers mean.

use std::collections::BTreeMap;

use fleet::{
    CancelMode, Content, Failure, Observation, Operation, Outcome, Registration, ResponseCode, WriteMode,
};
use objects::{ContentFormat, Models, Node, Object, Path, Resource, Value, codec, link::Discovered};

/// Writes an operation as a request. `known` is the observation to renew or to end.
pub(crate) fn request(
    operation: &Operation,
    registration: &Registration,
    models: &Models<'_>,
    known: Option<&Observation>,
) -> Result<coap::Request, Failure> {
    let token = known.and_then(|known| coap::Token::new(known.token.as_bytes()));
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
        Operation::Push { .. } => {
            Err(Failure::Unencodable { reason: "a package goes block by block, not in one request".into() })
        }
        Operation::CancelObservation { path, mode: CancelMode::Active | CancelMode::Passive } => {
            let mut request = to(coap::Method::Get, *path);
            request.observe = Some(coap::Observe::Deregister);
            request.token = token;
            Ok(request)
        }
        Operation::ReadComposite { .. }
        | Operation::WriteComposite { .. }
        | Operation::ObserveComposite { .. }
        | Operation::CancelCompositeObservation { .. } => {
            super::composite::request(operation, registration, models, known)
        }
    }
}

/// The request by which a package goes to a device, without a block of it.
pub(crate) fn package(registration: &Registration, path: Path) -> coap::Request {
    let mut request = target(registration, coap::Method::Put, path);
    request.content_format = Some(ContentFormat::OPAQUE.0);
    request
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
        Operation::ReadComposite { paths, format } | Operation::ObserveComposite { paths, format } => {
            match super::composite::samples(paths, *format, models, response, received_ms) {
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
        | Operation::Push { .. }
        | Operation::WriteComposite { .. }
        | Operation::CancelObservation { .. }
        | Operation::CancelCompositeObservation { .. } => Content::Empty,
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

pub(super) fn target(registration: &Registration, method: coap::Method, path: Path) -> coap::Request {
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

/// What an error says in words.
pub(crate) fn diagnostic(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).chars().filter(|c| !c.is_control()).take(MAX_DIAGNOSTIC_CHARS).collect()
}

const MAX_DIAGNOSTIC_CHARS: usize = 256;

pub(super) fn unencodable(error: codec::EncodeError) -> Failure {
    Failure::Unencodable { reason: error.to_string() }
}

fn unreadable(error: &dyn std::error::Error) -> Outcome {
    Outcome::Failed(Failure::Unreadable { reason: error.to_string() })
}

#[cfg(test)]
mod tests;
