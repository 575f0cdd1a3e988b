//! Operations on several nodes as CoAP requests, and what their answers hold (LwM2M Transport 1.1.1 §6.4.4, §6.4.5): FETCH
//! and iPATCH of the root, whose payload names the nodes.

use fleet::{Failure, Observation, Operation, Paths, Registration};
use objects::{
    ContentFormat, Models, Path, Sample,
    codec::{self, DecodeError},
};

use super::downlink::{target, unencodable};

/// Why the answer to a Read-Composite or Observe-Composite can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    Content(#[from] DecodeError),
    #[error("it holds {0}, which was not asked for")]
    NotAskedFor(Path),
}

/// Writes one. `known` is the observation to renew or to end.
pub(super) fn request(
    operation: &Operation,
    registration: &Registration,
    models: &Models<'_>,
    known: Option<&Observation>,
) -> Result<coap::Request, Failure> {
    let fetch = |paths: &Paths, format: Option<ContentFormat>, observe| {
        let format = format.unwrap_or_else(|| default_format(registration));
        let mut request = target(registration, coap::Method::Fetch, Path::Root);
        request.payload = codec::encode_paths(format, paths).map_err(unencodable)?;
        request.content_format = Some(format.0);
        request.accept = Some(format.of_answer().0);
        request.observe = observe;
        request.token = known.and_then(|known| coap::Token::new(known.token.as_bytes()));
        Ok(request)
    };
    match operation {
        Operation::ReadComposite { paths, format } => fetch(paths, *format, None),
        Operation::ObserveComposite { paths, format } => fetch(paths, *format, Some(coap::Observe::Register)),
        // RFC 7641 §3.6: the same request as the one that began it.
        Operation::CancelCompositeObservation { paths, .. } => {
            let format = known.and_then(|known| known.format);
            fetch(paths, format, Some(coap::Observe::Deregister))
        }
        Operation::WriteComposite { values, format } => {
            let format = format.unwrap_or_else(|| default_format(registration));
            let values = values.iter().map(|(path, value)| (*path, value));
            let mut request = target(registration, coap::Method::IPatch, Path::Root);
            request.payload = codec::encode_values(format, values, models).map_err(unencodable)?;
            request.content_format = Some(format.0);
            Ok(request)
        }
        _ => Err(Failure::Unencodable { reason: "it is about one node".into() }),
    }
}

/// The values in an answer, each with its time. What the device does not have is not among them; anything else is an error.
pub(super) fn samples(
    paths: &Paths,
    asked: Option<ContentFormat>,
    models: &Models<'_>,
    response: &coap::Response,
    received_ms: i64,
) -> Result<Vec<Sample>, Unreadable> {
    let samples = all_samples(asked, models, response, received_ms)?;
    let asked_for = |sample: &&Sample| paths.iter().any(|path| sample.path.is_within(path));
    match samples.iter().find(|sample| !asked_for(sample)) {
        Some(other) => Err(Unreadable::NotAskedFor(other.path)),
        None => Ok(samples),
    }
}

/// The same, whatever it is about.
pub(super) fn all_samples(
    asked: Option<ContentFormat>,
    models: &Models<'_>,
    response: &coap::Response,
    received_ms: i64,
) -> Result<Vec<Sample>, DecodeError> {
    let format = response.content_format.map(ContentFormat).or(asked).unwrap_or(ContentFormat::SENML_CBOR);
    codec::decode_many(format, &response.payload, models, received_ms)
}

/// The smaller one, unless the device names the other alone.
fn default_format(registration: &Registration) -> ContentFormat {
    let named = |format: ContentFormat| registration.links.content_formats.contains(&format.0);
    if named(ContentFormat::SENML_JSON) && !named(ContentFormat::SENML_CBOR) {
        ContentFormat::SENML_JSON
    } else {
        ContentFormat::SENML_CBOR
    }
}
