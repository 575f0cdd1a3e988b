//! Write-Attributes and Execute, their errors, and the faults that can be set.

use std::time::Duration;

use coap::{Code, Failure, Method, Request};
use device::{Argument, Device, Event, How, Misbehaviour, Operation};
use objects::{ContentFormat, Models, Node, Registry, Value, codec};

use crate::world::{STRUCTURED, World, attributes, get, node, path, seconds, sensor, several, value, with};

#[test]
fn attributes_that_cannot_be_are_refused() {
    let mut world = World::registered(sensor());
    for (at, queries, code) in [
        ("/3303/0/5700", "pmin=60 pmax=5", "4.00"),
        ("/3303/0/5700", "epmin=5 epmax=5", "4.00"),
        ("/3303/0/5700", "lt=30 gt=20", "4.00"),
        ("/3303/0/5700", "lt=20 gt=22 st=1", "4.00"),
        ("/3303/0/5700", "st=-1", "4.00"),
        ("/3303/0/5700", "pmin=soon", "4.00"),
        ("/3303/0/5700", "colour=red", "4.00"),
        ("/3303/0/5700", "con=1", "4.00"),
        ("/3303/0", "gt=1", "4.00"),
        ("/3/0/0", "gt=1", "4.00"),
        ("/3/0/4", "pmin=1", "4.00"),
        ("/3303/9", "pmin=1", "4.04"),
        ("/0", "pmin=1", "4.01"),
    ] {
        assert_eq!(world.code(attributes(at, queries)), code, "{at} {queries}");
    }
    assert_eq!(world.code(attributes("/3303", "pmax=10")), "2.04");
    assert_eq!(world.code(attributes("/3303/0/5700", "pmin=11")), "4.00", "what is inherited counts");
    assert_eq!(world.code(attributes("/3303", "pmax")), "2.04");
    assert_eq!(world.code(attributes("/3303/0/5700", "pmin=11")), "2.04");
}

#[test]
fn an_execute_hands_its_arguments_over() {
    let mut world = World::registered(sensor());
    let execute = |at: &str, arguments: &str| with(Method::Post, at, ContentFormat::TEXT, arguments);
    assert_eq!(world.code(execute("/3303/0/5605", "0='a',1")), "2.04");
    let arguments = vec![Argument { digit: 0, value: Some("a".into()) }, Argument { digit: 1, value: None }];
    assert_eq!(world.count(&Event::Executed { path: path("/3303/0/5605"), arguments }), 1);
    assert_eq!(world.code(execute("/3303/0/5605", "0=a")), "4.00");
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/5700")), "4.05");
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/15")), "4.05");
    assert_eq!(world.code(Request::new(Method::Post, "/1/0/9")), "4.05", "there is no bootstrap");
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/9999")), "4.04");
    assert_eq!(world.code(Request::new(Method::Post, "/3303/1/5605")), "4.04");
    assert_eq!(world.events.len(), 1);
}

#[test]
fn reset_error_code_leaves_no_error() {
    let mut world = World::registered(sensor());
    world.set("/3/0/11/0", Value::Integer(1));
    world.set("/3/0/11/1", Value::Integer(4));
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/12")), "2.04");
    let codes = world.ask(get("/3/0/11", None));
    assert_eq!(node("/3/0/11", &codes), Node::Resource(several(&[(0, Value::Integer(0))])));
}

#[test]
fn faults_are_as_they_are_set() {
    let mut world = World::registered(sensor());
    let fault = |how| vec![Misbehaviour { operation: Operation::Read, within: path("/3/0"), how }];
    let mut read = |how| {
        world.device.faults_mut().misbehaviours = fault(how);
        let before = world.now;
        let (_, outcome) = world.outcome(get("/3/0/9", None));
        (world.now - before, outcome)
    };
    assert_eq!(read(How::Ignore).1, Err(Failure::TimedOut { acknowledged: false }));
    assert_eq!(read(How::AcknowledgeOnly).1, Err(Failure::TimedOut { acknowledged: true }));
    assert_eq!(read(How::AnswerWith(Code::FORBIDDEN)).1.unwrap().code, Code::FORBIDDEN);
    let (took, outcome) = read(How::AnswerLate(seconds(30)));
    assert_eq!(value("/3/0/9", &outcome.unwrap()), Value::Integer(100));
    assert_eq!(took.as_secs(), 30);
    let (took, outcome) = read(How::AnswerLate(Duration::from_millis(300)));
    assert!(outcome.is_ok() && took < seconds(1));
    let malformed = read(How::AnswerMalformed).1.unwrap();
    assert_eq!((malformed.code, malformed.content_format), (Code::CONTENT, Some(11542)));
    let registry = Registry::core();
    let models = Models::newest(&registry);
    for format in STRUCTURED.into_iter().chain([ContentFormat::CBOR, ContentFormat::TEXT]) {
        assert!(codec::decode(format, &path("/3/0/9"), &malformed.payload, &models, 0).is_err(), "{format}");
    }
    assert_eq!(world.code(get("/3303/0", None)), "2.05", "elsewhere it behaves");
    assert_eq!(world.code(get("/3/0/9", Some(ContentFormat::LINK))), "2.05", "and with other operations");
}

#[test]
fn an_operation_that_is_answered_late_is_done_once() {
    let mut world = World::registered(sensor());
    let how = How::AnswerLate(seconds(20));
    let fault = Misbehaviour { operation: Operation::Execute, within: path("/3303"), how };
    world.device.faults_mut().misbehaviours.push(fault);
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/5605")), "2.04");
    assert_eq!(world.events.len(), 1);
    world.call(Device::stop);
    world.assert_quiescence();
}
