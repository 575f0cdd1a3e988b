//! What a client does, told from the messages between it and the server: for clients that do not tell it themselves.

use std::collections::BTreeMap;

use coap::{Code, Kind, Message, MessageId, OptionNumber, Token};
use serde_json::{Value, json};

use super::{Security, Spec};
use crate::tap::{Session, Side, fatal_alert};

/// The conversation so far.
#[derive(Debug, Default)]
pub(super) struct Overheard {
    session: Session,
    /// Whether there is DTLS around the messages.
    is_secure: bool,
    asked: Vec<Asked>,
    /// What is observed, by the token of the Observe.
    observed: BTreeMap<Token, String>,
    /// What was reported, by the identifier of the message.
    notified: BTreeMap<MessageId, String>,
    /// Whether the client is being bootstrapped.
    bootstrapping: bool,
}

/// A request without an answer.
#[derive(Debug)]
struct Asked {
    by: Side,
    id: MessageId,
    token: Token,
    /// What is told of it when it succeeds, and when it does not.
    success: &'static str,
    failure: &'static str,
    path: String,
    arguments: Option<String>,
}

impl Overheard {
    /// Nothing was said so far.
    pub(super) fn new(spec: &Spec) -> Self {
        let is_secure = spec.security != Security::NoSec;
        let session = Session::new(&spec.security);
        Self { session, is_secure, bootstrapping: spec.bootstrap, ..Self::default() }
    }

    /// Takes a datagram, and returns the events it means.
    pub(super) fn hear(&mut self, from: Side, datagram: &[u8]) -> Vec<Value> {
        if self.is_secure
            && let Some(alert) = fatal_alert(datagram)
        {
            let name = if self.bootstrapping { "bootstrap-failed" } else { "registration-failed" };
            return vec![json!({ "event": name, "cause": format!("alert {alert} of the {from:?}") })];
        }
        let messages = self.session.open(from, datagram);
        messages.iter().filter_map(|bytes| self.hear_message(from, bytes)).collect()
    }

    fn hear_message(&mut self, from: Side, bytes: &[u8]) -> Option<Value> {
        let message = Message::parse(bytes).ok()?;
        if message.code.is_request() {
            self.ask(from, &message);
            None
        } else if message.code.is_response() {
            self.answer(from, &message)
        } else if message.kind == Kind::Reset && from == Side::Server {
            let path = self.notified.remove(&message.id)?;
            Some(json!({ "event": "notification-reset", "path": path }))
        } else {
            None
        }
    }

    fn ask(&mut self, by: Side, message: &Message) {
        let path = path(message, OptionNumber::URI_PATH);
        let (success, failure) = match by {
            Side::Client => uplink(message.code, &path),
            Side::Server => {
                let name = downlink(message, &path, self.bootstrapping);
                (name, if name == "bootstrapped" { "bootstrap-failed" } else { name })
            }
        };
        if success == "bootstrapping" {
            self.bootstrapping = true;
        }
        let arguments =
            (success == "execute").then(|| String::from_utf8_lossy(&message.payload).into_owned());
        // A retransmission is the same question.
        self.asked.retain(|asked| asked.by != by || asked.id != message.id);
        let (id, token) = (message.id, message.token);
        self.asked.push(Asked { by, id, token, success, failure, path, arguments });
    }

    fn answer(&mut self, from: Side, message: &Message) -> Option<Value> {
        if message.code == Code::CONTINUE {
            return None; // RFC 7959 §2.9.1: more of the request follows.
        }
        let question = self.asked.iter().rposition(|asked| {
            let its = if message.kind == Kind::Acknowledgement { asked.id == message.id } else { true };
            asked.by != from && its && asked.token == message.token
        });
        let code = message.code.to_string();
        let Some(question) = question else {
            let path = self.observed.get(&message.token).filter(|_| from == Side::Client)?;
            self.notified.insert(message.id, path.clone());
            return Some(json!({ "event": "notified", "path": path, "code": code }));
        };
        let Asked { token, success, failure, path: asked, arguments, .. } = self.asked.remove(question);
        if success == "observe" && message.options.get(OptionNumber::OBSERVE).is_some() {
            self.observed.insert(token, asked.clone());
        }
        if !message.code.is_success() {
            self.bootstrapping &= success != "bootstrapping";
            return Some(json!({ "event": failure, "path": asked, "code": code }));
        }
        let location = path(message, OptionNumber::LOCATION_PATH);
        Some(match success {
            "registered" => json!({ "event": success, "location": location }),
            "create" => json!({ "event": success, "path": asked, "code": code, "location": location }),
            "bootstrapped" => {
                self.bootstrapping = false;
                json!({ "event": success })
            }
            _ => match arguments {
                Some(text) => json!({ "event": success, "path": asked, "code": code, "arguments": text }),
                None => json!({ "event": success, "path": asked, "code": code }),
            },
        })
    }
}

/// LwM2M Transport 1.1.1 §6.4.2, §6.4.3 and §6.4.6.
fn uplink(code: Code, path: &str) -> (&'static str, &'static str) {
    match (code, path) {
        (POST, "/bs") => ("bootstrapping", "bootstrap-failed"),
        (POST, "/rd") => ("registered", "registration-failed"),
        (POST, "/dp") => ("sent", "send-failed"),
        (POST, path) if path.starts_with("/rd/") => ("updated", "update-failed"),
        (DELETE, path) if path.starts_with("/rd/") => ("deregistered", "deregistration-failed"),
        _ => ("request", "request-failed"),
    }
}

/// LwM2M Transport 1.1.1 §6.4.2, §6.4.4 and §6.4.5.
fn downlink(message: &Message, path: &str, bootstrapping: bool) -> &'static str {
    let is_resource = path.matches('/').count() >= 3;
    let is_object = path.matches('/').count() == 1;
    let format = message.options.uint(OptionNumber::CONTENT_FORMAT);
    let observe = message.options.uint(OptionNumber::OBSERVE);
    match message.code {
        POST if path == "/bs" => "bootstrapped",
        GET if bootstrapping && discovers(message) => "bootstrap-discover",
        GET if bootstrapping => "bootstrap-read",
        PUT if bootstrapping => "bootstrap-write",
        DELETE if bootstrapping => "bootstrap-delete",
        GET if discovers(message) => "discover",
        GET if observe == Some(0) => "observe",
        GET if observe == Some(1) => "cancel-observe",
        GET => "read",
        PUT if format.is_none() && message.options.get(OptionNumber::URI_QUERY).is_some() => {
            "write-attributes"
        }
        PUT => "write",
        POST if is_object => "create",
        POST if is_resource && format.is_none_or(|format| format == TEXT) => "execute",
        POST => "write",
        DELETE => "delete",
        FETCH if observe.is_some() => "observe-composite",
        FETCH => "read-composite",
        _ => "write-composite",
    }
}

fn discovers(message: &Message) -> bool {
    message.options.uint(OptionNumber::ACCEPT) == Some(LINK_FORMAT)
}

fn path(message: &Message, option: OptionNumber) -> String {
    message.options.strings(option).unwrap_or_default().iter().map(|segment| format!("/{segment}")).collect()
}

// RFC 7252 §12.1.1 and §12.3, RFC 8132 §9.1.
const GET: Code = Code::new(0, 1);
const POST: Code = Code::new(0, 2);
const PUT: Code = Code::new(0, 3);
const DELETE: Code = Code::new(0, 4);
const FETCH: Code = Code::new(0, 5);
const TEXT: u32 = 0;
const LINK_FORMAT: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, code: Code, id: u16, path: &str) -> Message {
        let mut message = Message::new(kind, code, MessageId(id), Token::default());
        let option = if code.is_request() { OptionNumber::URI_PATH } else { OptionNumber::LOCATION_PATH };
        path.split('/')
            .filter(|segment| !segment.is_empty())
            .for_each(|segment| message.options.push(option, segment));
        message
    }

    fn hear(overheard: &mut Overheard, from: Side, message: &Message) -> Vec<String> {
        let told = overheard.hear(from, &message.to_bytes().unwrap());
        told.iter().map(|event| event["event"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_registration_is_told_when_it_is_answered() {
        let mut overheard = Overheard::new(&Spec::new("a"));
        let register = message(Kind::Confirmable, POST, 1, "/rd");
        assert!(hear(&mut overheard, Side::Client, &register).is_empty());
        assert!(hear(&mut overheard, Side::Client, &register).is_empty(), "a retransmission");
        let created = message(Kind::Acknowledgement, Code::CREATED, 1, "/rd/7");
        assert_eq!(
            overheard.hear(Side::Server, &created.to_bytes().unwrap()),
            [json!({ "event": "registered", "location": "/rd/7" })]
        );
        assert!(hear(&mut overheard, Side::Server, &created).is_empty(), "a duplicate tells nothing new");
    }

    #[test]
    fn a_rejected_notification_is_told_with_what_it_is_about() {
        let mut overheard = Overheard::new(&Spec::new("a"));
        let mut observe = message(Kind::Confirmable, GET, 2, "/3/0/9");
        observe.options.push_uint(OptionNumber::OBSERVE, 0);
        hear(&mut overheard, Side::Server, &observe);
        let mut answer = message(Kind::Acknowledgement, Code::CONTENT, 2, "");
        answer.options.push_uint(OptionNumber::OBSERVE, 1);
        assert_eq!(hear(&mut overheard, Side::Client, &answer), ["observe"]);
        (answer.kind, answer.id) = (Kind::NonConfirmable, MessageId(70));
        assert_eq!(hear(&mut overheard, Side::Client, &answer), ["notified"]);
        let reset = Message::empty(Kind::Reset, MessageId(70));
        assert_eq!(hear(&mut overheard, Side::Server, &reset), ["notification-reset"]);
    }

    #[test]
    fn a_bootstrap_whose_finish_is_refused_has_failed() {
        let mut overheard = Overheard::new(&Spec::new("a").bootstrap());
        hear(&mut overheard, Side::Client, &message(Kind::Confirmable, POST, 1, "/bs"));
        let accepted = message(Kind::Acknowledgement, Code::CHANGED, 1, "");
        assert_eq!(hear(&mut overheard, Side::Server, &accepted), ["bootstrapping"]);
        hear(&mut overheard, Side::Server, &message(Kind::Confirmable, PUT, 8, "/0/1"));
        let written = message(Kind::Acknowledgement, Code::CHANGED, 8, "");
        assert_eq!(hear(&mut overheard, Side::Client, &written), ["bootstrap-write"]);
        for (id, code, told) in
            [(9, Code::NOT_ACCEPTABLE, "bootstrap-failed"), (10, Code::CHANGED, "bootstrapped")]
        {
            hear(&mut overheard, Side::Server, &message(Kind::Confirmable, POST, id, "/bs"));
            let answer = message(Kind::Acknowledgement, code, id, "");
            assert_eq!(hear(&mut overheard, Side::Client, &answer), [told]);
        }
    }
}
