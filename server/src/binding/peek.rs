//! Whom a datagram is about, as far as it says so itself, looked at before it is taken in.

use fleet::{EndpointName, RegistrationId};

/// Whom a datagram is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Who registers by this name.
    Endpoint(EndpointName),
    /// Whose registration this is.
    Registration(RegistrationId),
    /// Whoever sends it.
    Sender,
    /// It is no message.
    Nobody,
}

impl About {
    pub(crate) fn of(datagram: &[u8]) -> Self {
        let Ok(message) = coap::Message::parse(datagram) else { return Self::Nobody };
        let strings = |number| message.options.strings(number).unwrap_or_default();
        let path = strings(coap::OptionNumber::URI_PATH);
        let about = match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["rd"] => strings(coap::OptionNumber::URI_QUERY)
                .iter()
                .find_map(|query| EndpointName::new(query.strip_prefix("ep=")?).ok())
                .map(Self::Endpoint),
            ["rd", id] => id.parse().ok().map(Self::Registration),
            _ => None,
        };
        about.unwrap_or(Self::Sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_says_whom_it_is_about() {
        let endpoint = EndpointName::new("n7").unwrap();
        let register = b"\x40\x02\x00\x01\xb2rd\x45ep=n7";
        assert_eq!(About::of(register), About::Endpoint(endpoint));
        let id = RegistrationId(10);
        let update = [&b"\x40\x02\x00\x02\xb2rd\x0d\x03"[..], id.to_string().as_bytes()].concat();
        assert_eq!(About::of(&update), About::Registration(id));
        assert_eq!(About::of(b"\x40\x02\x00\x03\xb2rd"), About::Sender, "by its session");
        assert_eq!(About::of(b"\x60\x00\x00\x04"), About::Sender);
        assert_eq!(About::of(b"\x41"), About::Nobody);
    }
}
