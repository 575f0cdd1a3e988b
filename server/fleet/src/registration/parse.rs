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
        // LwM2M 1.1 may leave it to the security layer's identity; whether there is one is for the roster to see.
        let endpoint = parameters.ep.map(EndpointName::new).transpose().map_err(Malformed::from)?;
        let lifetime = parameters.lifetime()?.unwrap_or(Lifetime::DEFAULT);
        let binding = Binding::parse(lwm2m, parameters.b, parameters.queue_mode).map_err(Malformed::from)?;
        let sms_number = parameters.sms_number()?;
        let extra = parameters.extra()?;
        let links = links(content_format, payload)?;
        Ok(Self { endpoint, lwm2m, lifetime, binding, sms_number, links, extra })
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

#[cfg(test)]
mod tests {
    use objects::ObjectId;
    use proptest::test_runner::{Config as ProptestConfig, RngSeed};

    use super::*;
    use crate::{BindingError, EndpointNameError};

    const LINKS: &[u8] = b"</>;rt=\"oma.lwm2m\";ct=110,</1>;ver=1.1,</1/0>,</3/0>,</3303>";

    fn register(queries: &[&str]) -> Result<Register, Refusal> {
        Register::parse(queries, Some(ContentFormat::LINK), LINKS)
    }

    fn with(parameter: &str) -> Result<Register, Refusal> {
        register(&["ep=a", "lwm2m=1.1", parameter])
    }

    #[test]
    fn a_register_is_read_whole() {
        let register =
            register(&["ep=node-7", "lt=300", "lwm2m=1.1", "b=UT", "Q", "sms=49123", "pid=6:0a", "flag"]);
        let register = register.unwrap();
        assert_eq!(register.endpoint.unwrap().as_str(), "node-7");
        assert_eq!((register.lwm2m, register.lifetime), (Version::V1_1, Lifetime(300)));
        assert_eq!(register.binding, Binding { transports: "UT".into(), queue_mode: true });
        assert_eq!(register.sms_number.as_deref(), Some("49123"));
        assert_eq!(register.extra, [("pid".into(), "6:0a".into()), ("flag".into(), String::new())]);
        assert_eq!(register.links.objects.keys().copied().collect::<Vec<_>>(), [1, 3, 3303].map(ObjectId));
    }

    #[test]
    fn what_a_device_leaves_out_has_its_default() {
        let register = register(&["ep=a", "lwm2m=1.0"]).unwrap();
        assert_eq!(register.lifetime, Lifetime(86_400));
        assert_eq!(register.binding, Binding { transports: "U".into(), queue_mode: false });
        assert_eq!((register.sms_number, register.extra), (None, vec![]));
    }

    #[test]
    fn other_versions_are_refused_whatever_else_is_said() {
        for version in ["1.2", "2.0", "1.3", "0.9"] {
            let version_query = format!("lwm2m={version}");
            let refused = register(&[&version_query, "b=MH", "lt=0"]);
            assert_eq!(refused, Err(Refusal::UnsupportedVersion { version: version.parse().unwrap() }));
        }
    }

    #[test]
    fn each_breach_of_the_rules_has_its_own_name() {
        let long = "x".repeat(300);
        let cases: [(&[&str], Malformed); 15] = [
            (&["ep=a"], Malformed::MissingVersion),
            (&["ep=a", "lwm2m=1"], Malformed::Version),
            (&["ep=a", "lwm2m"], Malformed::Version),
            (&["ep=", "lwm2m=1.1"], Malformed::Endpoint(EndpointNameError::Empty)),
            (&["ep=a\n", "lwm2m=1.1"], Malformed::Endpoint(EndpointNameError::ControlCharacter)),
            (&["ep=a", "ep=b", "lwm2m=1.1"], Malformed::Repeated { name: "ep" }),
            (&["ep=a", "lwm2m=1.1", "lt=60", "lt=61"], Malformed::Repeated { name: "lt" }),
            (&["ep=a", "lwm2m=1.1", "Q=1"], Malformed::QueueModeValue),
            (
                &["ep=a", "lwm2m=1.1", "sms=123456789012345678901234567890123"],
                Malformed::SmsNumberTooLong { len: 33 },
            ),
            (&["ep=a", "lwm2m=1.1", "sms=1\u{0}"], Malformed::ControlCharacter),
            (&["ep=a", "lwm2m=1.1", "x=\u{7}"], Malformed::ControlCharacter),
            (&["ep=a", "lwm2m=1.1", &long], Malformed::ParameterTooLong { len: 300 }),
            (&["ep=a", "lwm2m=1.1", "lt="], Malformed::Lifetime),
            (
                &["ep=a", "lwm2m=1.0", "b=UT"],
                Malformed::Binding(BindingError::Unknown {
                    version: Version::V1_0,
                    known: "U, UQ, S, SQ, US or UQS",
                }),
            ),
            (
                &["ep=a", "lwm2m=1.0", "Q"],
                Malformed::Binding(BindingError::QueueModeParameter { version: Version::V1_0 }),
            ),
        ];
        for (queries, malformed) in cases {
            assert_eq!(register(queries), Err(Refusal::Malformed(malformed)), "{queries:?}");
        }
    }

    #[test]
    fn a_lifetime_is_a_positive_number_of_seconds() {
        assert_eq!(with("lt=1").unwrap().lifetime, Lifetime(1));
        assert_eq!(with("lt=4294967295").unwrap().lifetime, Lifetime(u32::MAX));
        for lifetime in ["lt=0", "lt=-1", "lt=+1", "lt=1.5", "lt=4294967296", "lt= 1", "lt=abc"] {
            assert_eq!(with(lifetime), Err(Malformed::Lifetime.into()), "{lifetime}");
        }
    }

    #[test]
    fn unknown_parameters_are_kept_up_to_a_bound() {
        let mut queries = vec!["ep=a", "lwm2m=1.1"];
        queries.extend(std::iter::repeat_n("x=1", Register::MAX_EXTRA));
        assert_eq!(register(&queries).unwrap().extra.len(), Register::MAX_EXTRA);
        queries.push("x=1");
        assert_eq!(register(&queries), Err(Malformed::TooManyParameters.into()));
    }

    #[test]
    fn a_register_names_objects_in_link_format() {
        let queries = &["ep=a", "lwm2m=1.1"];
        for payload in [&b""[..], b"</>;rt=\"oma.lwm2m\"", b"</foo>"] {
            assert_eq!(Register::parse(queries, None, payload), Err(Malformed::NoObjects.into()));
        }
        assert!(
            Register::parse(queries, None, b"</1/0>").is_ok(),
            "without a Content-Format it is taken at its word"
        );
        let format = ContentFormat::TLV;
        let refused = Register::parse(queries, Some(format), b"</1/0>");
        assert_eq!(refused, Err(Refusal::UnsupportedContentFormat { format, expected: ContentFormat::LINK }));
    }

    #[test]
    fn an_update_names_only_what_changes() {
        assert_eq!(Update::parse(&[], None, b""), Ok(Update::default()));
        let update = Update::parse(&["lt=60", "b=U", "Q", "sms=1", "ep=b", "x"], None, b"</1/0>").unwrap();
        assert_eq!(update.lifetime, Some(Lifetime(60)));
        assert_eq!((update.binding.as_deref(), update.queue_mode), (Some("U"), true));
        assert_eq!(update.sms_number.as_deref(), Some("1"));
        assert_eq!(update.links.unwrap().objects.len(), 1);
        assert_eq!(Update::parse(&["lt=0"], None, b""), Err(Malformed::Lifetime.into()));
        assert_eq!(Update::parse(&[], None, b"</foo>"), Err(Malformed::NoObjects.into()));
    }

    proptest::proptest! {
        // The same requests on each run; change the seed to see others.
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(7),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn no_request_is_too_strange_to_be_answered(
            queries in proptest::collection::vec(proptest::prelude::any::<String>(), 0..6),
            names in proptest::collection::vec("(ep|lwm2m|lt|b|Q|sms)=?[ -~]{0,8}", 0..6),
            payload in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
        ) {
            let queries: Vec<&str> = queries.iter().chain(&names).map(String::as_str).collect();
            if let Ok(register) = Register::parse(&queries, None, &payload) {
                assert!(register.lifetime.0 > 0 && !register.links.objects.is_empty());
                assert!(register.endpoint.is_some() && register.extra.len() <= Register::MAX_EXTRA);
            }
            if let Ok(update) = Update::parse(&queries, None, &payload) {
                assert!(update.links.is_none_or(|links| !links.objects.is_empty()));
            }
        }
    }
}
