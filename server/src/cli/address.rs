//! Addresses of the API: segments and parameters, each escaped.

use std::fmt::{self, Write as _};

/// A path below `/api/v1`, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    has_query: bool,
}

impl Address {
    /// The path of these segments.
    pub(crate) fn new(segments: &[&str]) -> Self {
        let mut text = String::new();
        for segment in segments {
            text.push('/');
            escape(segment, &mut text);
        }
        Self { text, has_query: false }
    }

    /// The same with a parameter.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        escape(name, &mut self.text);
        self.text.push('=');
        escape(&value.to_string(), &mut self.text);
        self
    }

    /// The same with a parameter, if there is a value for it.
    #[must_use]
    pub(crate) fn with_some(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 3986 §2.3: what is unreserved stays as it is.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_as_one_part() {
        let address =
            Address::new(&["devices", "a/../b?c#d"]).with("path", "/3/0").with_some("x", Some("ü &"));
        assert_eq!(address.to_string(), "/devices/a%2F..%2Fb%3Fc%23d?path=%2F3%2F0&x=%C3%BC%20%26");
        assert_eq!(Address::new(&["users"]).with_some("x", None::<u8>).to_string(), "/users");
    }
}
