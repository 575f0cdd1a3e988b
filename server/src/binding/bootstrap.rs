//! The bootstrap interface on the wire (LwM2M Transport 1.1.1 §6.4.2): the request of a device, and the steps of a session
//! with their answers.

use fleet::{BootstrapRequest, DiaryCause, EndpointName, ResponseCode, Step, StepAnswer};
use objects::{ContentFormat, Models, Node, codec};

use super::rejection::Rejection;

/// Reads what a device asks of the bootstrap server.
pub(crate) fn request(request: &coap::Request) -> Result<BootstrapRequest, Rejection> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (path.as_slice(), request.method) {
        // LwM2M Transport 1.1.1 §6.4: only Notify, Execute and Send may be non-confirmable. Leshan answers 4.00, too.
        (["bs"], coap::Method::Post) if !request.confirmable => {
            Err(malformed("Bootstrap-Request must be a confirmable message"))
        }
        (["bs"], coap::Method::Post) => parameters(&request.queries),
        // LwM2M 1.2 has Bootstrap-Pack, which a server may leave out.
        (["bspack"], coap::Method::Get) => {
            Err(Rejection::new(coap::Code::NOT_IMPLEMENTED, "Bootstrap-Pack is not served; use POST /bs"))
        }
        (["bs" | "bspack"], method) => Err(Rejection::new(
            coap::Code::METHOD_NOT_ALLOWED,
            format!("{method:?} is not served at this path"),
        )),
        (["rd"] | ["rd", _], _) => Err(Rejection::new(
            coap::Code::NOT_FOUND,
            "this is the bootstrap server: register at the management server",
        )),
        _ => Err(Rejection::new(coap::Code::NOT_FOUND, "served here is /bs")),
    }
}

/// Writes a step as a request.
///
/// # Errors
/// Why its values can't be written in its format.
pub(crate) fn step(step: &Step, models: &Models<'_>) -> Result<coap::Request, String> {
    // Never below an alternate path (LwM2M Transport 1.1.1 §6.4.1).
    let to = |method, path: &objects::Path| coap::Request::new(method, &path.to_string());
    match step {
        Step::Discover(path) => {
            let mut request = to(coap::Method::Get, path);
            request.accept = Some(ContentFormat::LINK.0);
            Ok(request)
        }
        Step::Read { path, format } => {
            let mut request = to(coap::Method::Get, path);
            request.accept = Some(format.0);
            Ok(request)
        }
        Step::Delete(path) => Ok(to(coap::Method::Delete, path)),
        Step::Write { path, values, format } => {
            let (node, outside) = Node::from_values(*path, values.iter().cloned());
            let node = node.ok_or_else(|| format!("nothing can be written to {path}"))?;
            if let Some(outside) = outside.first() {
                return Err(format!("{outside} does not lie in {path}"));
            }
            let mut request = to(coap::Method::Put, path);
            request.payload =
                codec::encode(*format, path, &node, models).map_err(|error| error.to_string())?;
            request.content_format = Some(format.0);
            Ok(request)
        }
        Step::Finish => Ok(coap::Request::new(coap::Method::Post, "bs")),
    }
}

/// Reads the answer to a step.
pub(crate) fn answer(outcome: Result<coap::Response, coap::Failure>) -> StepAnswer {
    match outcome {
        Ok(response) => StepAnswer::Answered {
            code: ResponseCode { class: response.code.class(), detail: response.code.detail() },
            payload: response.payload,
            format: response.content_format.map(ContentFormat),
        },
        Err(coap::Failure::TimedOut { .. }) => StepAnswer::Silent,
        Err(coap::Failure::Reset) => StepAnswer::Reset,
        Err(failure) => StepAnswer::Broken { reason: failure.to_string() },
    }
}

fn parameters(queries: &[String]) -> Result<BootstrapRequest, Rejection> {
    let (mut endpoint, mut preferred_format) = (None, None);
    // Unknown parameters are ignored: later versions add some.
    for query in queries {
        match query.split_once('=') {
            Some(("ep", name)) => {
                let name = EndpointName::new(name).map_err(|error| malformed(&error.to_string()))?;
                if endpoint.replace(name).is_some() {
                    return Err(malformed("ep is there twice"));
                }
            }
            Some(("pct", number)) => {
                let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.then(|| number.parse().ok()).flatten();
                let format = number.ok_or_else(|| malformed("pct is the number of a content format"))?;
                if preferred_format.replace(ContentFormat(format)).is_some() {
                    return Err(malformed("pct is there twice"));
                }
            }
            None if query == "ep" || query == "pct" => {
                return Err(malformed(&format!("{query} has no value")));
            }
            _ => {}
        }
    }
    Ok(BootstrapRequest { endpoint, preferred_format })
}

fn malformed(reason: &str) -> Rejection {
    Rejection {
        cause: Some(DiaryCause::MalformedRegister),
        ..Rejection::new(coap::Code::BAD_REQUEST, reason)
    }
}

#[cfg(test)]
mod tests;
