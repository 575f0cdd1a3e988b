//! What rules may say, and what they say of a device.

use objects::Path;
use proptest::prelude::*;

use super::*;
use crate::store::sample::candidate;

fn meter() -> Facts {
    let values = vec![
        ("/3/0/3", objects::Value::String("1.1.1".into())),
        ("/3/0/9", objects::Value::Integer(17)),
        ("/3303/0/5700", objects::Value::Float(21.5)),
        ("/3/0/13", objects::Value::Unsigned(u64::MAX)),
        ("/3/0/15", objects::Value::Opaque(vec![1])),
    ];
    Facts::new(&candidate("site=zürich spare", values))
}

#[test]
fn what_is_known_of_a_device_is_named_and_compared() {
    let facts = meter();
    for (rule, expected) in [
        ("class == 'meters'", true),
        ("class == \"default\"", false),
        ("endpoint.startsWith('urn:imei:') && !endpoint.endsWith('x')", true),
        ("endpoint.contains('ime')", true),
        ("labels.site == 'zürich'", true),
        ("labels['site'] in ['bern', 'zürich']", true),
        ("'spare' in labels && labels.spare == ''", true),
        ("has(labels.site) && !has(labels.gone)", true),
        ("size(labels) == 2", true),
        ("labels.exists(key, key.startsWith('si'))", true),
        ("created > '2023-11' && created < '2024'", true),
        ("state == 'registered' && secured", true),
        ("lwm2m == '1.1' && binding == 'UT' && queue_mode", true),
        ("lifetime >= 60 && lifetime < 86400", true),
        ("5 in objects && objects[5] == '1.2' && objects[3] == '1.0'", true),
        ("objects.exists(object, object > 5)", false),
        ("objects.all(object, object in [3, 5])", true),
        ("value('/3/0/9') < 20", true),
        ("value(\"/3/0/9\") == 17", true),
        ("value('/3303/0/5700') > 21", true),
        ("value('/3303/0/5700') * 2.0 == 43.0", true),
        ("value('/3/0/11') == null && value('/3/0/9') != null", true),
        ("value('/3/0/15') == null", true),
        ("older(value('/3/0/3'), '1.1.10')", true),
        ("older(value('/3/0/3'), '1.1.1')", false),
        ("queue_mode ? lifetime > 0 : false", true),
        ("value('/3/0/11') > 3 || queue_mode", true),
        ("queue_mode || value('/3/0/11') > 3", true),
        ("true", true),
    ] {
        let compiled = Rule::compile(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
        assert_eq!(compiled.holds(&facts), Ok(expected), "{rule}");
    }
}

#[test]
fn what_is_not_there_leaves_a_rule_undecided() {
    let facts = meter();
    for rule in [
        "labels.gone == 'x'",
        "objects[19] == '1.0'",
        "value('/3/0/11') < 20",
        "value('/3/0/3') < 20",
        "value('/3/0/9')",
        "older(value('/3/0/11'), '1')",
        "lifetime / (lifetime - 300) == 1",
        "int(endpoint) == 1",
    ] {
        let compiled = Rule::compile(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
        assert!(compiled.holds(&facts).is_err(), "{rule}");
    }
}

#[test]
fn one_that_never_registered_has_what_is_known_without() {
    let mut never = candidate("", Vec::new());
    never.view.registration = None;
    let facts = Facts::new(&never);
    let rule = "lwm2m == '' && binding == '' && !queue_mode && lifetime == 0 && size(objects) == 0";
    assert_eq!(Rule::compile(rule).unwrap().holds(&facts), Ok(true));
}

#[test]
fn a_rule_knows_the_paths_that_it_looks_at() {
    let rule =
        Rule::compile("value('/3/0/9') < 20 || older(value('/3/0/3'), '2') && value('/3/0/9') > 1").unwrap();
    let paths: Vec<String> = rule.paths().iter().map(Path::to_string).collect();
    assert_eq!(paths, ["/3/0/3", "/3/0/9"]);
}

fn refused(text: &str) -> (usize, usize, String) {
    let RuleError { line, column, reason } = Rule::compile(text).expect_err(text);
    (line, column, reason)
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (rule, line, column, says) in [
        ("clas == 'x'", 1, 1, "there is no clas"),
        ("class == 'ü' &&\n  lifetime > 'a'", 2, 12, "a number and a text"),
        ("class == 3", 1, 7, "a text and a number"),
        ("lifetime", 1, 1, "true or false, this is a number"),
        ("labels.site.x == 'a'", 1, 12, "a text has no x"),
        ("value('/3/0') == 1", 1, 6, "is not the path of a resource"),
        ("value(endpoint) == 1", 1, 6, "written out"),
        ("endpoint.matches('(a+)+')", 1, 17, "there is no matches"),
        ("'5' in objects", 1, 5, "a text and a table"),
        ("labels.map(key, key + key) == []", 1, 11, "no lists"),
        ("labels.exists(one, labels.exists(two, one == two))", 1, 33, "not through one for each of another"),
        ("{'a': 1} == {'a': 1}", 1, 1, "makes nothing"),
        ("size(lifetime) == 1", 1, 5, "size does not go with a number"),
        ("!lifetime", 1, 1, "does not go with a number"),
        ("b'abc' == b'abc'", 1, 1, "bytes"),
        ("", 1, 1, "says which devices"),
    ] {
        let (at_line, at_column, reason) = refused(rule);
        assert!(reason.contains(says), "{rule}: {reason}");
        assert_eq!((at_line, at_column), (line, column), "{rule}: {reason}");
    }
    let (line, column, _) = refused("class == 'a' &&\nstate == = 'b'");
    assert_eq!((line, column > 1), (2, true));
}

#[test]
fn what_is_too_large_is_refused_and_never_overflows_the_stack() {
    let worker = std::thread::Builder::new().stack_size(2 << 20);
    let checked = worker.spawn(|| {
        for deep in [
            format!("{}true{}", "(".repeat(900), ")".repeat(900)),
            format!("{}queue_mode", "!".repeat(1_500)),
            format!("{}1 == 1", "-".repeat(1_500)),
            format!("labels{} == 1", ".a".repeat(900)),
            format!("labels{} == 1", "[0]".repeat(600)),
            format!("{}1{} == 1", "[".repeat(900), "]".repeat(900)),
            format!("1{} == 1", "+1".repeat(900)),
            format!("{}1", "true?".repeat(300)),
            format!("{}true{}", "true?".repeat(150), ":1".repeat(150)),
            format!("class == '{}'", "a".repeat(2_000)),
            format!("endpoint{}", ".startsWith('a')".repeat(120)),
            format!("1{}", " in 1".repeat(390)),
            format!("1{}", "<1".repeat(900)),
            format!("1{}", "==1".repeat(600)),
            "a{".repeat(900),
            format!("true{}", "&&true".repeat(300)),
        ] {
            Rule::compile(&deep).expect_err(&deep);
        }
        // As many as people have a use for are taken.
        Rule::compile(&format!("class == 'a'{}", " || class == 'a'".repeat(60))).unwrap();
        let names: Vec<String> = (0..90).map(|number| format!("'node-{number}'")).collect();
        Rule::compile(&format!("endpoint in [{}]", names.join(", "))).unwrap();
    });
    checked.unwrap().join().unwrap();
    let many: Vec<String> = (0..17).map(|number| format!("value('/3/0/{number}') == 1")).collect();
    assert!(refused(&many.join(" || ")).2.contains("resources at most"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is written, it is a rule or it is refused, and a rule holds, does not, or is undecided.
    #[test]
    fn no_text_does_harm(parts in proptest::collection::vec(part(), 0..24)) {
        if let Ok(rule) = Rule::compile(&parts.concat()) {
            drop(rule.holds(&meter()));
        }
    }

    #[test]
    fn no_letters_do_harm(text in "\\PC{0,60}") {
        if let Ok(rule) = Rule::compile(&text) {
            drop(rule.holds(&meter()));
        }
    }
}

fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "class",
        "labels",
        "objects",
        "lifetime",
        "queue_mode",
        "value('/3/0/9')",
        "older(",
        "size(",
        ".site",
        ".exists(k, ",
        ".all(k, ",
        "has(",
        "'x'",
        "\"",
        "'",
        "\\",
        "9223372036854775807",
        "-",
        "1.5e308",
        "0u",
        "null",
        "true",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        " && ",
        " || ",
        " == ",
        " < ",
        " in ",
        "!",
        " + ",
        " / ",
        " % ",
        "k",
        "\n",
        "//",
        "`",
        "0x",
        "b'",
        "r'",
        "\u{0}",
        "ü",
        ".",
        "\\u00",
        "''' ",
    ])
}
