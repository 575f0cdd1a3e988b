//! Requests, as a caller sends or receives them: whole bodies, no Block options.

use crate::{Block, BlockSize, Method, OptionNumber, Options, Part, Token};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The segments of Uri-Path, at most 255 bytes each.
    pub path: Vec<String>,
    /// The Uri-Query options, at most 255 bytes each.
    pub queries: Vec<String>,
    /// The format of the payload.
    pub content_format: Option<u16>,
    /// The format the response is wanted in.
    pub accept: Option<u16>,
    /// Whether to start or to end an observation (RFC 7641 §2).
    pub observe: Option<Observe>,
    /// The body, whole.
    pub payload: Vec<u8>,
    /// Sent: as CON (the default) or as NON. Received: which of them it was.
    pub confirmable: bool,
    /// Sent: the token to use, where it must be one the peer knows (to end or renew an observation); otherwise a new
    /// one is taken. Received: the token of the request.
    pub token: Option<Token>,
    /// Sent: the largest block for this exchange where it is smaller than the configured one. Received: nothing.
    pub block_size: Option<BlockSize>,
    /// Received: which block of a larger body the payload is, where [`Config::is_streamed`](crate::Config::is_streamed)
    /// says so. Sent: nothing.
    pub block1: Option<Block>,
    /// Sent: the one block of the response that is wanted; what follows it is not fetched. Received: nothing.
    pub block2: Option<Block>,
    /// Sent: the payload is one block of a larger body, which the caller sends block by block. Received: nothing.
    pub part: Option<Part>,
}

/// The two values that Observe has in a request (RFC 7641 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// 0: start an observation.
    Register,
    /// 1: end it.
    Deregister,
}

impl Request {
    /// A confirmable request for a path like `rd/7`; empty segments are left out.
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect(),
            queries: Vec::new(),
            content_format: None,
            accept: None,
            observe: None,
            payload: Vec::new(),
            confirmable: true,
            token: None,
            block_size: None,
            block1: None,
            block2: None,
            part: None,
        }
    }

    /// The options, without those of a block-wise transfer.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        if let Some(observe) = self.observe {
            options.push_uint(OptionNumber::OBSERVE, observe as u32);
        }
        options.push_strings(OptionNumber::URI_PATH, &self.path);
        if let Some(format) = self.content_format {
            options.push_uint(OptionNumber::CONTENT_FORMAT, u32::from(format));
        }
        options.push_strings(OptionNumber::URI_QUERY, &self.queries);
        if let Some(format) = self.accept {
            options.push_uint(OptionNumber::ACCEPT, u32::from(format));
        }
        options
    }

    /// The request these screened options stand for.
    ///
    /// # Errors
    /// The critical option whose value has not the format it must have (RFC 7252 §5.4.3).
    pub(crate) fn from_options(
        method: Method,
        options: &Options,
        token: Token,
    ) -> Result<Self, OptionNumber> {
        let text = |number| options.strings(number).ok_or(number);
        Ok(Self {
            path: text(OptionNumber::URI_PATH)?,
            queries: text(OptionNumber::URI_QUERY)?,
            content_format: options.uint(OptionNumber::CONTENT_FORMAT).map(|format| format as u16),
            accept: options.uint(OptionNumber::ACCEPT).map(|format| format as u16),
            observe: match options.uint(OptionNumber::OBSERVE) {
                Some(0) => Some(Observe::Register),
                Some(1) => Some(Observe::Deregister),
                _ => None,
            },
            token: Some(token),
            ..Self::new(method, "")
        })
    }

    /// The first option that is longer than RFC 7252 §5.10 allows.
    pub(crate) fn oversized_option(&self) -> Option<OptionNumber> {
        let long = |values: &[String]| values.iter().any(|value| value.len() > 255);
        if long(&self.path) {
            return Some(OptionNumber::URI_PATH);
        }
        long(&self.queries).then_some(OptionNumber::URI_QUERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_options() {
        let mut request = Request::new(Method::Post, "/rd/7");
        request.queries = vec!["lt=300".into(), "b=U".into()];
        request.content_format = Some(11542);
        request.accept = Some(0);
        request.observe = Some(Observe::Deregister);
        request.token = Some(Token::default());
        assert_eq!(Request::from_options(Method::Post, &request.options(), Token::default()), Ok(request));
    }

    #[test]
    fn a_path_that_is_not_utf8_is_a_bad_option() {
        let mut options = Options::default();
        options.push(OptionNumber::URI_PATH, [0xff]);
        assert_eq!(
            Request::from_options(Method::Get, &options, Token::default()),
            Err(OptionNumber::URI_PATH)
        );
    }
}
