//! What devices send: Register, Update, Deregister and Send requests, and notifications.

use fleet::{
    Delivery, DeviceId, DiaryCause, ObservationToken, Origin, Register, RegistrationId, Report, Roster,
    Sender, Target, Update, Uplink,
};
use objects::{ContentFormat, Registry, codec};

use super::{rejection::Rejection, with_models};

/// A message of a device, with what names it.
#[derive(Clone, Copy)]
pub(crate) struct Received<'a> {
    pub(crate) origin: Origin,
    pub(crate) sender: Sender,
    pub(crate) message_id: u16,
    pub(crate) token: &'a [u8],
    pub(crate) confirmable: bool,
    /// When, in milliseconds since 1970.
    pub(crate) at_ms: i64,
}

/// Reads a request.
pub(crate) fn request(
    roster: &Roster,
    registry: &Registry,
    received: Received<'_>,
    request: &coap::Request,
) -> Result<Uplink, Rejection> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let queries: Vec<&str> = request.queries.iter().map(String::as_str).collect();
    let format = request.content_format.map(ContentFormat);
    match (path.as_slice(), request.method) {
        (["rd"], coap::Method::Post) => {
            // LwM2M Transport 1.1.1 §6.4: only Notify, Execute and Send may be non-confirmable.
            if !received.confirmable {
                let reason = "Register must be a confirmable message";
                let cause = Some(DiaryCause::MalformedRegister);
                return Err(Rejection { cause, ..Rejection::new(coap::Code::BAD_REQUEST, reason) });
            }
            let register =
                Register::parse(&queries, format, &request.payload).map_err(|r| Rejection::from(&r))?;
            Ok(Uplink::Register(Box::new(register)))
        }
        (["rd", id], coap::Method::Post) => {
            let id = registration_id(id)?;
            let update =
                Update::parse(&queries, format, &request.payload).map_err(|r| Rejection::from(&r))?;
            Ok(Uplink::Update(id, Box::new(update)))
        }
        (["rd", id], coap::Method::Delete) => Ok(Uplink::Deregister(registration_id(id)?)),
        (["dp"], coap::Method::Post) => send(roster, registry, received, request).map(Uplink::Send),
        (["rd" | "dp"] | ["rd", _], method) => Err(Rejection::new(
            coap::Code::METHOD_NOT_ALLOWED,
            format!("{method:?} is not served at this path"),
        )),
        _ => Err(Rejection::new(coap::Code::NOT_FOUND, "served here are /rd, /rd/<id> and /dp")),
    }
}

/// Reads a notification of an observation that the roster knows.
pub(crate) fn notification(
    roster: &Roster,
    registry: &Registry,
    received: Received<'_>,
    device: DeviceId,
    response: &coap::Response,
) -> Result<Uplink, Rejection> {
    let unknown = || Rejection::from(&fleet::Refusal::UnknownObservation);
    let token = ObservationToken::new(received.token).ok_or_else(unknown)?;
    let observation = roster.observation_by_token(device, token).ok_or_else(unknown)?;
    let registration = roster.registration(device).ok_or_else(unknown)?;
    let samples = if response.code.is_success() {
        let samples = with_models(registry, registration, |models| match &observation.target {
            Target::One(path) => {
                let format = super::downlink::format_of(response, *path, observation.format);
                codec::decode(format, path, &response.payload, models, received.at_ms)
            }
            // What it holds beside them is for the roster to see.
            Target::Several(_) => {
                super::composite::all_samples(observation.format, models, response, received.at_ms)
            }
        });
        samples.map_err(|error| Rejection::from(&error))?
    } else {
        Vec::new()
    };
    let report = Report { samples, delivery: delivery(received, response.observe) };
    Ok(Uplink::Notify { device, token, observe: response.observe, report })
}

fn send(
    roster: &Roster,
    registry: &Registry,
    received: Received<'_>,
    request: &coap::Request,
) -> Result<Report, Rejection> {
    // LwM2M Transport 1.1.1 §6.4.5: a Send names no registration; the device is known by where it comes from.
    let registration = roster
        .sender(received.origin)
        .and_then(|device| roster.registration(device))
        .ok_or_else(|| Rejection::from(&fleet::Refusal::UnknownRegistration))?;
    let Some(format) = request.content_format else {
        return Err(Rejection::new(coap::Code::BAD_REQUEST, "Send needs a Content-Format"));
    };
    let samples = with_models(registry, registration, |models| {
        codec::decode_many(ContentFormat(format), &request.payload, models, received.at_ms)
    })
    .map_err(|error| Rejection::from(&error))?;
    Ok(Report { samples, delivery: delivery(received, None) })
}

fn delivery(received: Received<'_>, observe: Option<u32>) -> Delivery {
    let Received { sender, message_id, token, .. } = received;
    Delivery { sender, message_id, token: token.to_vec(), observe }
}

fn registration_id(segment: &str) -> Result<RegistrationId, Rejection> {
    segment.parse().map_err(|_| Rejection::from(&fleet::Refusal::UnknownRegistration))
}
