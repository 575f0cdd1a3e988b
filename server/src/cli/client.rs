//! Speaks to the API of a server. A request is done once: nothing is repeated behind anybody's back.

use std::{io::Read, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent, Body, SendBody,
    http::{Method, Request, Response, header},
};
use web::api::v1::types::{Page, Problem};
use zeroize::Zeroizing;

use super::{address::Address, failure::Failure};

/// A server and the token for it.
pub(crate) struct Client {
    agent: Agent,
    server: String,
    token: Zeroizing<String>,
    timeout: Duration,
}

/// How long a file may take at least: many devices take the server minutes.
const UPLOAD_WITHIN: Duration = Duration::from_secs(600);

/// How long what is streamed may take.
const STREAMED_WITHIN: Duration = Duration::from_secs(3_600);

/// What is sent along.
pub(crate) enum Sent<'a> {
    Nothing,
    Bytes { content_type: &'a str, bytes: Vec<u8> },
}

impl Client {
    /// The largest answer that is read.
    const MAX_ANSWER: u64 = 64 << 20;
    /// How many rows are asked for at a time.
    const PAGE: u64 = 500;

    pub(crate) fn new(agent: Agent, server: String, token: Zeroizing<String>, timeout: Duration) -> Self {
        Self { agent, server, token, timeout }
    }

    /// Asks for something.
    pub(crate) fn get<T: DeserializeOwned>(&self, address: &Address) -> Result<T, Failure> {
        self.read(self.exchange(Method::GET, address, Sent::Nothing)?)
    }

    /// Sends something, and reads what comes back.
    pub(crate) fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        address: &Address,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.read(self.exchange(method, address, self.json(body)?)?)
    }

    /// Sends something; what comes back says no more than that it was done.
    pub(crate) fn tell(
        &self,
        method: Method,
        address: &Address,
        body: &impl Serialize,
    ) -> Result<(), Failure> {
        self.exchange(method, address, self.json(body)?).map(drop)
    }

    /// Asks for something to be done that is all said by its address.
    pub(crate) fn act(&self, method: Method, address: &Address) -> Result<(), Failure> {
        self.exchange(method, address, Sent::Nothing).map(drop)
    }

    /// The same, and reads what comes back.
    pub(crate) fn act_for<T: DeserializeOwned>(
        &self,
        method: Method,
        address: &Address,
    ) -> Result<T, Failure> {
        self.read(self.exchange(method, address, Sent::Nothing)?)
    }

    /// Sends a file, and reads what comes back.
    pub(crate) fn upload<T: DeserializeOwned>(
        &self,
        method: Method,
        address: &Address,
        content_type: &str,
        bytes: Vec<u8>,
    ) -> Result<T, Failure> {
        let sent = Sent::Bytes { content_type, bytes };
        self.read(self.exchange_within(self.timeout.max(UPLOAD_WITHIN), method, address, sent)?)
    }

    /// Reads a list page by page, at most `limit` rows of it, and says whether there is more.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        address: &Address,
        limit: Option<u64>,
        mut row: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let mut left = limit.unwrap_or(u64::MAX);
        let mut after = None;
        loop {
            let page = address.clone().with("limit", left.min(Self::PAGE)).with_some("after", after);
            let Page { items, next } = self.get::<Page<T>>(&page)?;
            for item in items {
                if left == 0 {
                    return Ok(true);
                }
                row(item)?;
                left -= 1;
            }
            match next {
                None => return Ok(false),
                Some(_) if left == 0 => return Ok(true),
                next => after = next,
            }
        }
    }

    /// Opens the stream of events behind a place in the log. Each read of it may take as long as `silence`.
    pub(crate) fn stream(
        &self,
        address: &Address,
        after: Option<i64>,
        silence: Duration,
    ) -> Result<impl Read + 'static, Failure> {
        let mut request = self.request(Method::GET, address).header(header::ACCEPT, "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after.to_string());
        }
        let request = request.body(()).map_err(|error| self.unreachable(error.into()))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(silence))
            .build();
        let response = self.agent.run(request).map_err(|error| self.unreachable(error))?;
        let response = self.good(response)?;
        Ok(response.into_body().into_reader())
    }

    /// Sends so many bytes as they are read, and reads what comes back.
    pub(crate) fn stream_up<T: DeserializeOwned>(
        &self,
        address: &Address,
        content_type: &str,
        bytes: u64,
        reader: impl Read + Send + 'static,
    ) -> Result<T, Failure> {
        let request = self
            .request(Method::POST, address)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, bytes)
            .body(SendBody::from_owned_reader(reader));
        let request = request.map_err(|error| self.unreachable(error.into()))?;
        let within = Some(self.timeout.max(STREAMED_WITHIN));
        let request = self.agent.configure_request(request).timeout_global(within).build();
        let response = self.agent.run(request).map_err(|error| self.unreachable(error))?;
        self.read(self.good(response)?)
    }

    /// Asks for bytes, however many; and how many they are.
    pub(crate) fn download(&self, address: &Address) -> Result<(impl Read + 'static, u64), Failure> {
        let request = self.request(Method::GET, address).body(());
        let request = request.map_err(|error| self.unreachable(error.into()))?;
        let within = Some(self.timeout.max(STREAMED_WITHIN));
        let request = self.agent.configure_request(request).timeout_global(within).build();
        let response = self.agent.run(request).map_err(|error| self.unreachable(error))?;
        let body = self.good(response)?.into_body();
        let bytes = body.content_length().unwrap_or_default();
        Ok((body.into_reader(), bytes))
    }

    /// What the server has said, as JSON.
    pub(crate) fn understand<T: DeserializeOwned>(&self, json: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(json)
            .map_err(|source| Failure::Malformed { server: self.server.clone(), source })
    }

    /// How long the server may take to answer.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    fn json<'a>(&self, body: &impl Serialize) -> Result<Sent<'a>, Failure> {
        let bytes = serde_json::to_vec(body)
            .map_err(|source| Failure::Malformed { server: self.server.clone(), source })?;
        Ok(Sent::Bytes { content_type: "application/json", bytes })
    }

    fn exchange(&self, method: Method, address: &Address, body: Sent<'_>) -> Result<Response<Body>, Failure> {
        self.exchange_within(self.timeout, method, address, body)
    }

    fn exchange_within(
        &self,
        timeout: Duration,
        method: Method,
        address: &Address,
        body: Sent<'_>,
    ) -> Result<Response<Body>, Failure> {
        let request = self.request(method, address).header(header::ACCEPT, "application/json");
        let answered = match body {
            Sent::Nothing => request.body(()).map_err(ureq::Error::from).and_then(|request| {
                let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
                self.agent.run(request)
            }),
            Sent::Bytes { content_type, bytes } => {
                let request = request.header(header::CONTENT_TYPE, content_type).body(bytes);
                request.map_err(ureq::Error::from).and_then(|request| {
                    let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
                    self.agent.run(request)
                })
            }
        };
        self.good(answered.map_err(|error| self.unreachable(error))?)
    }

    fn request(&self, method: Method, address: &Address) -> ureq::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{address}", self.server))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
    }

    fn good(&self, response: Response<Body>) -> Result<Response<Body>, Failure> {
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(response);
        }
        let body = self.bytes(response)?;
        let problem = serde_json::from_slice::<Problem>(&body);
        Err(problem.map_or_else(
            |_| Failure::Answer { server: self.server.clone(), status },
            |problem| Failure::Problem(Box::new(problem)),
        ))
    }

    fn read<T: DeserializeOwned>(&self, response: Response<Body>) -> Result<T, Failure> {
        self.understand(&self.bytes(response)?)
    }

    fn bytes(&self, response: Response<Body>) -> Result<Vec<u8>, Failure> {
        let mut body = response.into_body();
        body.with_config().limit(Self::MAX_ANSWER).read_to_vec().map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, source: ureq::Error) -> Failure {
        Failure::Unreachable { server: self.server.clone(), source: Box::new(source) }
    }
}
