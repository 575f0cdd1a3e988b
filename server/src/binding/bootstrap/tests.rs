use fleet::ResponseCode;
use objects::{Path, Registry, Value};

use super::*;

#[test]
fn a_request_is_read_and_what_later_versions_add_is_ignored() {
    let read = asked("POST /bs?ep=node-7&pct=112&x=1&y").unwrap();
    assert_eq!(read.endpoint.unwrap().as_str(), "node-7");
    assert_eq!(read.preferred_format, Some(ContentFormat::SENML_CBOR));
    // LwM2M 1.1 may leave the name to the identity.
    assert_eq!(asked("POST /bs").unwrap(), BootstrapRequest { endpoint: None, preferred_format: None });
}

#[test]
fn what_is_no_bootstrap_request_is_told_so() {
    let long = format!("POST /bs?ep={}", "a".repeat(253));
    for (request, code, part) in [
        ("POST /bs?ep=", "4.00", "not empty"),
        ("POST /bs?ep", "4.00", "ep has no value"),
        ("POST /bs?ep=a&ep=b", "4.00", "ep is there twice"),
        ("POST /bs?ep=a\u{7}", "4.00", "control character"),
        (&long, "4.00", "at most 252 bytes"),
        ("POST /bs?ep=a&pct=tlv", "4.00", "number of a content format"),
        ("POST /bs?ep=a&pct=65536", "4.00", "number of a content format"),
        ("POST /bs?ep=a&pct=", "4.00", "number of a content format"),
        ("POST /bs?pct=1&pct=1", "4.00", "pct is there twice"),
        ("GET /bs?ep=a", "4.05", "Get"),
        ("GET /bspack?ep=a", "5.01", "use POST /bs"),
        ("POST /bspack?ep=a", "4.05", "Post"),
        ("POST /rd?ep=a", "4.04", "register at the management server"),
        ("DELETE /rd/1", "4.04", "register at the management server"),
        ("GET /.well-known/core", "4.04", "/bs"),
        ("POST /", "4.04", "/bs"),
    ] {
        let rejection = asked(request).unwrap_err();
        assert_eq!(rejection.code.to_string(), code, "{request}");
        assert!(rejection.reason.contains(part), "{request}: {}", rejection.reason);
        assert_eq!(rejection.cause.is_some(), code == "4.00", "{request}");
    }
    let mut unconfirmable = written("POST /bs?ep=a");
    unconfirmable.confirmable = false;
    assert_eq!(request(&unconfirmable).unwrap_err().code, coap::Code::BAD_REQUEST);
}

#[test]
fn each_step_is_the_request_of_the_specification() {
    use coap::Method::{Delete, Get, Post};
    for (step, method, target, accept) in [
        (Step::Discover(Path::Root), Get, "", Some(40)),
        (Step::Discover(path("/0")), Get, "0", Some(40)),
        (Step::Read { path: path("/1"), format: ContentFormat::TLV }, Get, "1", Some(11_542)),
        (Step::Delete(Path::Root), Delete, "", None),
        (Step::Delete(path("/0/1")), Delete, "0/1", None),
        (Step::Finish, Post, "bs", None),
    ] {
        let request = requested(&step).unwrap();
        assert_eq!((request.method, request.path.join("/").as_str()), (method, target), "{step}");
        assert_eq!((request.accept, request.content_format), (accept, None), "{step}");
        assert!(request.payload.is_empty() && request.confirmable && request.queries.is_empty());
    }
}

#[test]
fn an_account_is_written_in_each_format() {
    let server = |format| Step::Write { path: path("/1/0"), values: server_values(), format };
    let security = |format| Step::Write { path: path("/0/1"), values: security_values(), format };
    for (step, format, bytes) in [
        (server(ContentFormat::TLV), 11_542, hex("c1 00 01  c4 01 00 01 51 80  c1 06 01  c1 07 55")),
        (
            security(ContentFormat::TLV),
            11_542,
            hex("c8 00 09 63 6f 61 70 73 3a 2f 2f 68  c1 01 00  c1 02 00  c3 03 6d 2d 37  c0 04 \
                 c8 05 10 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee f0  c1 0a 01"),
        ),
        (
            server(ContentFormat::SENML_JSON),
            110,
            br#"[{"bn":"/1/0/","n":"0","v":1},{"n":"1","v":86400},{"n":"6","vb":true},{"n":"7","vs":"U"}]"#
                .to_vec(),
        ),
        (
            security(ContentFormat::SENML_JSON),
            110,
            br#"[{"bn":"/0/1/","n":"0","vs":"coaps://h"},{"n":"1","vb":false},{"n":"2","v":0},{"n":"3","vd":"bS03"},{"n":"4","vd":""},{"n":"5","vd":"ABEiM0RVZneImaq7zN3u8A"},{"n":"10","v":1}]"#
                .to_vec(),
        ),
        (
            server(ContentFormat::SENML_CBOR),
            112,
            hex("84  a3 21 65 2f 31 2f 30 2f 00 61 30 02 01  a2 00 61 31 02 1a 00 01 51 80 \
                 a2 00 61 36 04 f5  a2 00 61 37 03 61 55"),
        ),
        (
            security(ContentFormat::SENML_CBOR),
            112,
            hex("87  a3 21 65 2f 30 2f 31 2f 00 61 30 03 69 63 6f 61 70 73 3a 2f 2f 68  a2 00 61 31 04 f4 \
                 a2 00 61 32 02 00  a2 00 61 33 08 43 6d 2d 37  a2 00 61 34 08 40 \
                 a2 00 61 35 08 50 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee f0  a2 00 62 31 30 02 01"),
        ),
    ] {
        let request = requested(&step).unwrap();
        assert_eq!(request.method, coap::Method::Put);
        assert_eq!(request.content_format, Some(format));
        assert_eq!(request.payload, bytes, "{step}: {}", String::from_utf8_lossy(&request.payload));
    }
}

#[test]
fn one_resource_is_written_by_its_path() {
    let values = vec![(path("/3/0/15"), Value::String("UTC".into()))];
    let step = |format| Step::Write { path: path("/3/0/15"), values: values.clone(), format };
    let tlv = requested(&step(ContentFormat::TLV)).unwrap();
    assert_eq!((tlv.path.join("/").as_str(), tlv.payload), ("3/0/15", hex("c3 0f 55 54 43")));
    let json = requested(&step(ContentFormat::SENML_JSON)).unwrap();
    assert_eq!(json.payload, br#"[{"bn":"/3/0/15","vs":"UTC"}]"#);
}

#[test]
fn what_cannot_be_written_says_why() {
    let write = |at: &str, value: Value, format| {
        let values = vec![(path("/1/0/1"), value)];
        requested(&Step::Write { path: path(at), values, format }).unwrap_err()
    };
    assert!(write("/3/0", Value::Integer(1), ContentFormat::TLV).contains("does not lie in /3/0"));
    write("/1/0", Value::String("long".into()), ContentFormat::TLV);
    write("/1/0", Value::Integer(1), ContentFormat(65_000));
}

#[test]
fn answers_are_told_from_silence_a_reset_and_what_breaks() {
    let mut response = coap::Response::new(coap::Code::NOT_ACCEPTABLE);
    response.payload = b"why".to_vec();
    let code = ResponseCode { class: 4, detail: 6 };
    assert_eq!(answer(Ok(response)), StepAnswer::Answered { code, payload: b"why".to_vec(), format: None });
    for acknowledged in [true, false] {
        assert_eq!(answer(Err(coap::Failure::TimedOut { acknowledged })), StepAnswer::Silent);
    }
    assert_eq!(answer(Err(coap::Failure::Reset)), StepAnswer::Reset);
    let broken = answer(Err(coap::Failure::TooLarge { max: 7 }));
    assert_eq!(broken, StepAnswer::Broken { reason: "the body exceeds 7 bytes".into() });
}

fn server_values() -> Vec<(Path, Value)> {
    vec![
        (path("/1/0/0"), Value::Integer(1)),
        (path("/1/0/1"), Value::Integer(86_400)),
        (path("/1/0/6"), Value::Boolean(true)),
        (path("/1/0/7"), Value::String("U".into())),
    ]
}

fn security_values() -> Vec<(Path, Value)> {
    vec![
        (path("/0/1/0"), Value::String("coaps://h".into())),
        (path("/0/1/1"), Value::Boolean(false)),
        (path("/0/1/2"), Value::Integer(0)),
        (path("/0/1/3"), Value::Opaque(b"m-7".to_vec())),
        (path("/0/1/4"), Value::Opaque(Vec::new())),
        (path("/0/1/5"), Value::Opaque(hex("00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee f0"))),
        (path("/0/1/10"), Value::Integer(1)),
    ]
}

fn requested(step: &Step) -> Result<coap::Request, String> {
    super::step(step, &Models::newest(&Registry::core()))
}

fn asked(text: &str) -> Result<BootstrapRequest, Rejection> {
    request(&written(text))
}

/// `POST /bs?ep=a`
fn written(text: &str) -> coap::Request {
    let (method, target) = text.split_once(' ').unwrap();
    let method = match method {
        "GET" => coap::Method::Get,
        "POST" => coap::Method::Post,
        "DELETE" => coap::Method::Delete,
        other => panic!("{other}"),
    };
    let (path, queries) = target.split_once('?').unwrap_or((target, ""));
    let mut request = coap::Request::new(method, path);
    request.queries = queries.split('&').filter(|query| !query.is_empty()).map(str::to_owned).collect();
    request
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}
