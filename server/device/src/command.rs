//! What a request of the server asks for (LwM2M Transport 1.1.1 §6.4.2, §6.4.4 and §6.4.5).

use coap::{Method, Observe, Request};
use objects::{ContentFormat, ObjectId, Path};

use crate::refusal::Refusal;

/// An operation at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) operation: Operation,
    pub(crate) path: Path,
}

/// An operation of the device management and the information reporting interface, or of the bootstrap interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read
    Read,
    /// Discover
    Discover,
    /// Write: PUT replaces, POST adds to what is there.
    Write,
    /// Write-Attributes
    WriteAttributes,
    /// Execute
    Execute,
    /// Create
    Create,
    /// Delete
    Delete,
    /// Observe
    Observe,
    /// Cancel Observation by a request.
    CancelObservation,
    /// Read-Composite, which counts as one at the root, as the other composite operations do.
    ReadComposite,
    /// Write-Composite
    WriteComposite,
    /// Observe-Composite
    ObserveComposite,
    /// Cancel Observation of an Observe-Composite by a request.
    CancelCompositeObservation,
    /// Bootstrap-Discover
    BootstrapDiscover,
    /// Bootstrap-Read
    BootstrapRead,
    /// Bootstrap-Write
    BootstrapWrite,
    /// Bootstrap-Delete
    BootstrapDelete,
    /// Bootstrap-Finish, which counts as one at the root.
    BootstrapFinish,
}

impl Command {
    /// Reads a request to a device whose objects lie below `root`.
    pub(crate) fn parse(request: &Request, root: Option<&str>) -> Result<Self, Refusal> {
        let path = path_below(root.unwrap_or_default(), &request.path)?;
        // A management server has no access to Security and OSCORE (LwM2M Core 1.1.1 §E.1, OMA ETS int-221).
        if let Some(ObjectId(0 | 21)) = path.object() {
            return Err(Refusal::Unauthorized { path });
        }
        let format = request.content_format.map(|format| ContentFormat(format).registered());
        let operation = match (request.method, path) {
            (Method::Fetch, Path::Root) => match request.observe {
                Some(Observe::Register) => Operation::ObserveComposite,
                Some(Observe::Deregister) => Operation::CancelCompositeObservation,
                None => Operation::ReadComposite,
            },
            (Method::IPatch, Path::Root) => Operation::WriteComposite,
            (_, Path::Root) => return Err(Refusal::NotAllowed { path }),
            (Method::Get, _) => match (request.observe, request.accept) {
                (Some(Observe::Register), _) => Operation::Observe,
                (Some(Observe::Deregister), _) => Operation::CancelObservation,
                (None, Some(accept)) if accept == ContentFormat::LINK.0 => Operation::Discover,
                (None, _) => Operation::Read,
            },
            (Method::Put, _) if format.is_none() && !request.queries.is_empty() => Operation::WriteAttributes,
            (Method::Put, _) => Operation::Write,
            (Method::Post, Path::Object(_)) => Operation::Create,
            // A POST with text goes to an executable; what is written in parts has a structure.
            (Method::Post, Path::Resource(..)) if matches!(format, None | Some(ContentFormat::TEXT)) => {
                Operation::Execute
            }
            (Method::Post, Path::Instance(..) | Path::Resource(..)) => Operation::Write,
            (Method::Delete, _) => Operation::Delete,
            (Method::Post, _) => return Err(Refusal::NotAllowed { path }),
            (Method::Fetch | Method::Patch | Method::IPatch, _) => return Err(Refusal::NoOperation),
        };
        Ok(Self { operation, path })
    }

    /// Reads a request of a bootstrap server. It knows of no alternate path (LwM2M Transport 1.1.1 §6.4.1).
    pub(crate) fn parse_bootstrap(request: &Request) -> Result<Self, Refusal> {
        if request.path == ["bs"] {
            let finish = Self { operation: Operation::BootstrapFinish, path: Path::Root };
            return if request.method == Method::Post { Ok(finish) } else { Err(Refusal::NoOperation) };
        }
        let path = path_below("", &request.path)?;
        let operation = match request.method {
            Method::Get if request.accept == Some(ContentFormat::LINK.0) => Operation::BootstrapDiscover,
            Method::Get => Operation::BootstrapRead,
            // Write-Attributes is for management servers.
            Method::Put if request.content_format.is_none() && !request.queries.is_empty() => {
                return Err(Refusal::NotAllowed { path });
            }
            Method::Put => Operation::BootstrapWrite,
            Method::Delete => Operation::BootstrapDelete,
            Method::Post => return Err(Refusal::NotAllowed { path }),
            Method::Fetch | Method::Patch | Method::IPatch => return Err(Refusal::NoOperation),
        };
        Ok(Self { operation, path })
    }
}

fn path_below(root: &str, segments: &[String]) -> Result<Path, Refusal> {
    let mut segments = segments.iter().map(String::as_str);
    for expected in root.split('/').filter(|segment| !segment.is_empty()) {
        if segments.next() != Some(expected) {
            return Err(Refusal::NoPath);
        }
    }
    Path::from_segments(segments).map_err(|_| Refusal::NoPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: Method, path: &str, adjust: impl FnOnce(&mut Request)) -> Result<Operation, Refusal> {
        let mut request = Request::new(method, path);
        adjust(&mut request);
        Command::parse(&request, None).map(|command| command.operation)
    }

    #[test]
    fn each_request_is_one_operation() {
        let tlv = |request: &mut Request| request.content_format = Some(11542);
        let text = |request: &mut Request| request.content_format = Some(0);
        let plain = |_: &mut Request| {};
        assert_eq!(parse(Method::Get, "/3/0", plain), Ok(Operation::Read));
        assert_eq!(parse(Method::Get, "/3", |request| request.accept = Some(40)), Ok(Operation::Discover));
        let observe = |request: &mut Request| request.observe = Some(Observe::Register);
        assert_eq!(parse(Method::Get, "/3/0/9", observe), Ok(Operation::Observe));
        let cancel = |request: &mut Request| request.observe = Some(Observe::Deregister);
        assert_eq!(parse(Method::Get, "/3/0/9", cancel), Ok(Operation::CancelObservation));
        assert_eq!(parse(Method::Put, "/3/0/14", text), Ok(Operation::Write));
        let attributes = |request: &mut Request| request.queries = vec!["pmin=1".into()];
        assert_eq!(parse(Method::Put, "/3/0/9", attributes), Ok(Operation::WriteAttributes));
        assert_eq!(parse(Method::Post, "/3303", tlv), Ok(Operation::Create));
        assert_eq!(parse(Method::Post, "/1/0", tlv), Ok(Operation::Write));
        assert_eq!(parse(Method::Post, "/16/0/0", tlv), Ok(Operation::Write));
        assert_eq!(parse(Method::Post, "/3/0/4", plain), Ok(Operation::Execute));
        assert_eq!(parse(Method::Post, "/3/0/4", text), Ok(Operation::Execute));
        assert_eq!(parse(Method::Delete, "/3303/1", plain), Ok(Operation::Delete));
        assert_eq!(parse(Method::Fetch, "/", plain), Ok(Operation::ReadComposite));
        assert_eq!(parse(Method::IPatch, "/", plain), Ok(Operation::WriteComposite));
        assert_eq!(parse(Method::Fetch, "/", observe), Ok(Operation::ObserveComposite));
        assert_eq!(parse(Method::Fetch, "/", cancel), Ok(Operation::CancelCompositeObservation));
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        let code = |method, path| parse(method, path, |_| {}).unwrap_err().code().to_string();
        assert_eq!(code(Method::Get, "/0/0"), "4.01");
        assert_eq!(code(Method::Put, "/21/0/0"), "4.01");
        assert_eq!(code(Method::Get, "/"), "4.05");
        assert_eq!(code(Method::Post, "/3/0/6/0"), "4.05");
        assert_eq!(code(Method::Fetch, "/3"), "4.05");
        assert_eq!(code(Method::Get, "/.well-known/core"), "4.04");
        assert_eq!(code(Method::Get, "/3/0/0/0/0"), "4.04");
    }

    #[test]
    fn a_bootstrap_server_has_operations_of_its_own() {
        let parse = |method, path, accept| {
            let request = Request { accept, ..Request::new(method, path) };
            Command::parse_bootstrap(&request).map_err(|refusal| refusal.code().to_string())
        };
        let operation = |method, path, accept| parse(method, path, accept).map(|command| command.operation);
        assert_eq!(operation(Method::Get, "/", Some(40)), Ok(Operation::BootstrapDiscover));
        assert_eq!(operation(Method::Get, "/1", None), Ok(Operation::BootstrapRead));
        assert_eq!(operation(Method::Put, "/0/0", None), Ok(Operation::BootstrapWrite));
        assert_eq!(operation(Method::Delete, "/", None), Ok(Operation::BootstrapDelete));
        assert_eq!(operation(Method::Post, "/bs", None), Ok(Operation::BootstrapFinish));
        for (method, path) in [(Method::Get, "/bs"), (Method::Post, "/3/0/4"), (Method::Fetch, "/1")] {
            assert_eq!(operation(method, path, None), Err("4.05".to_owned()), "{method:?} {path}");
        }
        assert_eq!(operation(Method::Put, "/rd", None), Err("4.04".to_owned()));
    }

    #[test]
    fn objects_may_lie_below_a_root_of_their_own() {
        let parse = |path| Command::parse(&Request::new(Method::Get, path), Some("/lwm2m")).ok();
        assert_eq!(parse("/lwm2m/3/0").map(|command| command.path.to_string()), Some("/3/0".into()));
        assert_eq!(parse("/3/0"), None);
    }
}
