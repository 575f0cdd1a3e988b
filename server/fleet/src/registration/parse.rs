//! Reads Register and Update requests: what comes out is well-formed. LwM2M Core 1.1.1 §6.2.1 and §6.2.2.

use objects::{ContentFormat, Version, link::ObjectLinks};

use super::{Binding, Lifetime, Malformed, Register, Update};
use crate::{EndpointName, Refusal};

impl Register {
    /// Reads the queries (`k=v` or `k`), the Content-Format if there is one, and the payload of a Register.
    ///
    /// The version comes first: a device that speaks another one gets [`Refusal::UnsupportedVersion`] whatever else it
    /// says, so that it can fall back.
    pub fn parse(
        queries: &[&str],
        content_format: Option<ContentFormat>,
        payload: &[u8],
    ) -> Result<Self, Refusal> {
        let parameters = Parameters::parse(queries)?;
        let lwm2m = parameters.lwm2m.ok_or(Malformed::MissingVersion)?;
        let lwm2m: Version = lwm2m.parse().map_err(|_| Malformed::Version)?;
        if lwm2m != Version::V1_0 && lwm2m != Version::V1_1 {
            return Err(Refusal::UnsupportedVersion { version: lwm2m });
        }
        let endpoint = parameters.ep.ok_or(Malformed::MissingEndpoint)?;
        let endpoint = EndpointName::new(endpoint).map_err(Malformed::from)?;
        let lifetime = parameters.lifetime()?.unwrap_or(Lifetime::DEFAULT);
        let binding = Binding::parse(lwm2m, parameters.b, parameters.queue_mode).map_err(Malformed::from)?;
        let sms_number = parameters.sms_number()?;
        let extra = parameters.extra()?;
        let links = links(content_format, payload)?;
        Ok(Self { endpoint: Some(endpoint), lwm2m, lifetime, binding, sms_number, links, extra })
    }
}

impl Update {
    /// How many bytes of `b` are looked at: more than any version has letters.
    const MAX_BINDING_BYTES: usize = 8;

    /// Reads the queries, the Content-Format if there is one, and the payload of an Update.
    ///
    /// Parameters that an Update does not have are ignored, even `ep` and `lwm2m`: neither can change
    /// (LwM2M Core 1.1.1 §6.2.2).
    pub fn parse(
        queries: &[&str],
        content_format: Option<ContentFormat>,
        payload: &[u8],
    ) -> Result<Self, Refusal> {
        let parameters = Parameters::parse(queries)?;
        let binding = |b: &str| b.chars().take(Self::MAX_BINDING_BYTES).collect();
        Ok(Self {
            lifetime: parameters.lifetime()?,
            binding: parameters.b.map(binding),
            queue_mode: parameters.queue_mode,
            sms_number: parameters.sms_number()?,
            links: if payload.is_empty() { None } else { Some(links(content_format, payload)?) },
        })
    }
}

/// The parameters of a query, each once.
#[derive(Default)]
struct Parameters<'a> {
    ep: Option<&'a str>,
    lwm2m: Option<&'a str>,
    lt: Option<&'a str>,
    b: Option<&'a str>,
    sms: Option<&'a str>,
    queue_mode: bool,
    unknown: Vec<(&'a str, &'a str)>,
}

impl<'a> Parameters<'a> {
    fn parse(queries: &[&'a str]) -> Result<Self, Malformed> {
        let mut parameters = Self::default();
        for query in queries {
            if query.len() > Register::MAX_PARAMETER_BYTES {
                return Err(Malformed::ParameterTooLong { len: query.len() });
            }
            let (name, value) = query.split_once('=').unwrap_or((query, ""));
            let (slot, name) = match name {
                "ep" => (&mut parameters.ep, "ep"),
                "lwm2m" => (&mut parameters.lwm2m, "lwm2m"),
                "lt" => (&mut parameters.lt, "lt"),
                "b" => (&mut parameters.b, "b"),
                "sms" => (&mut parameters.sms, "sms"),
                "Q" if !value.is_empty() => return Err(Malformed::QueueModeValue),
                "Q" => {
                    parameters.queue_mode = true;
                    continue;
                }
                _ => {
                    parameters.unknown.push((name, value));
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(Malformed::Repeated { name });
            }
        }
        Ok(parameters)
    }

    fn lifetime(&self) -> Result<Option<Lifetime>, Malformed> {
        let Some(text) = self.lt else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let seconds = digits.then(|| text.parse().ok()).flatten().filter(|seconds| *seconds > 0);
        seconds.map(|seconds| Some(Lifetime(seconds))).ok_or(Malformed::Lifetime)
    }

    fn sms_number(&self) -> Result<Option<String>, Malformed> {
        let Some(number) = self.sms else { return Ok(None) };
        if number.len() > Register::MAX_SMS_NUMBER_BYTES {
            return Err(Malformed::SmsNumberTooLong { len: number.len() });
        }
        printable(number).map(|number| Some(number.to_owned()))
    }

    fn extra(&self) -> Result<Vec<(String, String)>, Malformed> {
        if self.unknown.len() > Register::MAX_EXTRA {
            return Err(Malformed::TooManyParameters);
        }
        let owned =
            |(name, value): &(&str, &str)| Ok((printable(name)?.to_owned(), printable(value)?.to_owned()));
        self.unknown.iter().map(owned).collect()
    }
}

fn printable(text: &str) -> Result<&str, Malformed> {
    if text.chars().any(char::is_control) { Err(Malformed::ControlCharacter) } else { Ok(text) }
}

/// Devices that leave the Content-Format out are taken at their word.
fn links(content_format: Option<ContentFormat>, payload: &[u8]) -> Result<ObjectLinks, Refusal> {
    if let Some(format) = content_format.filter(|format| *format != ContentFormat::LINK) {
        return Err(Refusal::UnsupportedContentFormat { format, expected: ContentFormat::LINK });
    }
    let links = ObjectLinks::parse(payload).map_err(Malformed::from)?;
    if links.objects.is_empty() {
        return Err(Malformed::NoObjects.into());
    }
    Ok(links)
}
