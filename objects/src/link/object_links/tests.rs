use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> ObjectLinks {
    ObjectLinks::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> LinkError {
    ObjectLinks::parse(text.as_bytes()).unwrap_err()
}

fn object(links: &ObjectLinks, id: u16) -> &ObjectEntry {
    &links.objects[&ObjectId(id)]
}

fn instances(links: &ObjectLinks, id: u16) -> Vec<u16> {
    object(links, id).instances.iter().map(|instance| instance.0).collect()
}

fn attribute(name: &str, value: &str) -> LinkAttribute {
    (name.to_owned(), Some(value.to_owned()))
}

#[test]
fn what_leshan_registers_with_is_understood() {
    let links = parse(
        r#"</>;rt="oma.lwm2m";ct="60 110 112 11542 11543",</1/0>,</3>;ver=1.2,</3/0>,</6/0>,</3303>;ver=1.1,</3303/0>,</3442/0>"#,
    );
    assert_eq!(links.content_formats, [60, 110, 112, 11542, 11543]);
    assert_eq!((links.root.as_deref(), links.attributes.len(), links.foreign.len()), (None, 0, 0));
    let ids: Vec<u16> = links.objects.keys().map(|id| id.0).collect();
    assert_eq!(ids, [1, 3, 6, 3303, 3442]);
    assert_eq!(object(&links, 3).version, Some(Version::V1_2));
    assert_eq!(object(&links, 1).version, None);
    assert_eq!(instances(&links, 3303), [0]);
}

#[test]
fn what_wakaama_registers_with_is_understood() {
    let links = parse(
        r#"</>;rt="oma.lwm2m";ct=110,</1>;ver=1.1,</1/0>,</2>,</3>;ver=1.1,</3/0>,</31024>;ver=1.0,</31024/10>,</31024/11>,</31024/12>"#,
    );
    assert_eq!(links.content_formats, [110]);
    assert_eq!(instances(&links, 31024), [10, 11, 12]);
    assert_eq!(instances(&links, 2), [0_u16; 0]);
    assert_eq!(object(&links, 1).version, Some(Version::V1_1));
}

#[test]
fn what_differs_between_devices_means_the_same() {
    let expected = parse("</>;ct=110,</3>;ver=1.1,</3/0>");
    for text in [
        r#"</>;rt="oma.lwm2m";ct="110",</3>;ver="1.1",</3/0>"#,
        "</>;rt=oma.lwm2m;ct=110,</3>;ver=1.1,</3/0>",
        " </> ; ct = 110 ,\r\n </3> ; ver = \"1.1\" ,\n\t</3/0> ",
        "</3/0>,</3>;ver=1.1,</>;ct=110",
        "</>;ct=110,</3/0>;ver=1.1",
        "<>;ct=110,<3>;ver=1.1,<3/0>",
        "</>;ct=110,</3/>;ver=1.1,</3/0/>,",
        "</>;;ct=110;,,</3>;ver=1.1,</3/0>,</3/0>,</3>;ver=1.0,</>;ct=60",
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
}

#[test]
fn an_alternate_path_is_taken_off_and_put_back() {
    let text =
        r#"</lwm2m>;rt="oma.lwm2m";ct=110,</lwm2m/1/0>,</lwm2m/3>;ver=1.1,</lwm2m/3/0>,</1/1>,</lwm2mx/4>"#;
    let links = parse(text);
    assert_eq!(links.root.as_deref(), Some("/lwm2m"));
    assert_eq!((instances(&links, 1), instances(&links, 3)), (vec![0], vec![0]));
    let foreign: Vec<_> = links.foreign.iter().map(|link| link.target.as_str()).collect();
    assert_eq!(foreign, ["/1/1", "/lwm2mx/4"]);
    assert_eq!(links.to_string(), text);
    let blank = parse("</ />;rt=\"oma.lwm2m\",</3/0>");
    assert_eq!((blank.root.as_deref(), parse(&blank.to_string())), (None, blank.clone()));
    let deep = parse("</a/b/>;rt=\"x oma.lwm2m\",</a/b/3/0>");
    assert_eq!((deep.root.as_deref(), instances(&deep, 3)), (Some("/a/b"), vec![0]));
}

#[test]
fn what_is_not_known_is_kept() {
    let text = r#"</>;rt="oma.lwm2m";hb,</1/0>;ssid=7;uri="coap://a,b",</3>;ver=1.1;hb;title="a \"b\"",</3/0>,</sensors>;rt=x,</3/0/1>"#;
    let links = parse(text);
    assert_eq!(links.attributes, [("hb".to_owned(), None)]);
    assert_eq!(
        object(&links, 1).instance_attributes[&InstanceId(0)],
        [attribute("ssid", "7"), attribute("uri", "coap://a,b")]
    );
    assert_eq!(object(&links, 3).attributes, [("hb".to_owned(), None), attribute("title", "a \"b\"")]);
    assert_eq!(links.foreign.len(), 2);
    assert_eq!(links.to_string(), text);
}

#[test]
fn content_formats_keep_their_order_and_stand_once() {
    assert_eq!(parse("</>;ct=\"112 60,112  x 70000 11542\"").content_formats, [112, 60, 11542]);
    assert_eq!(parse("</>;ct=\"\"").content_formats, [0_u16; 0]);
}

#[test]
fn nothing_is_no_links() {
    assert_eq!(parse(""), ObjectLinks::default());
    assert_eq!(ObjectLinks::default().to_string(), "");
}

#[test]
fn text_that_is_no_links_says_where() {
    assert_eq!(error("</3/0"), LinkError::Unterminated { part: "a target", offset: 0 });
    assert_eq!(error("</3>;a=\"b"), LinkError::Unterminated { part: "a quoted value", offset: 7 });
    assert_eq!(error("</1>,3/0"), LinkError::Expected { expected: "`<`", offset: 5 });
    assert_eq!(error("</1></3>"), LinkError::Expected { expected: "`;` or `,`", offset: 4 });
    assert_eq!(error("</1>;a=\"b\"c"), LinkError::Expected { expected: "`;` or `,`", offset: 10 });
    assert_eq!(error("</1>;=1"), LinkError::Name { offset: 5 });
    assert_eq!(error("</1>;a b"), LinkError::Name { offset: 5 });
    assert_eq!(error("</1>\0"), LinkError::ControlCharacter { offset: 4 });
    assert_eq!(ObjectLinks::parse(b"</1>\xff"), Err(LinkError::NotUtf8 { offset: 4 }));
    assert_eq!(error("</3>;ver=one"), LinkError::Version { object: ObjectId(3), found: "one".into() });
}

#[test]
fn every_bound_holds() {
    let long = "x".repeat(MAX_LINK_BYTES + 1);
    assert_eq!(error(&long), LinkError::TooLong { len: MAX_LINK_BYTES + 1, max: MAX_LINK_BYTES });
    let links = |count: usize| (0..count).map(|id| format!("</{id}>,")).collect::<String>();
    assert_eq!(parse(&links(MAX_LINKS)).objects.len(), MAX_LINKS);
    assert_eq!(error(&links(MAX_LINKS + 1)), LinkError::TooManyLinks { max: MAX_LINKS });
    let attributes = |count: usize| format!("</3>{}", ";a".repeat(count));
    assert_eq!(object(&parse(&attributes(MAX_LINK_ATTRIBUTES)), 3).attributes.len(), MAX_LINK_ATTRIBUTES);
    assert!(matches!(error(&attributes(MAX_LINK_ATTRIBUTES + 1)), LinkError::TooManyAttributes { .. }));
}

#[test]
fn what_could_not_be_read_again_is_not_accepted() {
    // Quotes in a bare value are doubled by the canonical text.
    let growing = format!("</3>;a=b{}", "\"".repeat(MAX_LINK_BYTES - 100));
    assert!(matches!(error(&growing), LinkError::TooLong { .. }));
    let moved = format!("</3/0>;ver=1.1{}", ";a".repeat(MAX_LINK_ATTRIBUTES - 1));
    assert_eq!(parse(&parse(&moved).to_string()), parse(&moved));
    let unlisted: String = (0..MAX_LINKS).map(|id| format!("</{id}/0>;ver=1.1,")).collect();
    assert!(matches!(error(&unlisted), LinkError::TooManyLinks { .. } | LinkError::TooLong { .. }));
}

#[test]
fn a_version_that_is_not_named_follows_from_the_enabler() {
    let links = parse("</3>;ver=1.2,</4/0>,</99/0>");
    let version = |id, lwm2m| links.version_of(ObjectId(id), lwm2m).to_string();
    assert_eq!(version(3, Version::V1_0), "1.2");
    let row = |id| [Version::V1_0, Version::V1_1, Version::V1_2].map(|lwm2m| version(id, lwm2m));
    for (id, versions) in [
        (0, ["1.0", "1.1", "1.2"]),
        (1, ["1.0", "1.1", "1.2"]),
        (2, ["1.0", "1.0", "1.1"]),
        (4, ["1.0", "1.2", "1.3"]),
        (5, ["1.0", "1.0", "1.1"]),
        (6, ["1.0", "1.0", "1.0"]),
        (7, ["1.0", "1.0", "1.0"]),
        (21, ["1.0", "1.0", "2.0"]),
        (99, ["1.0", "1.0", "1.0"]),
    ] {
        assert_eq!(row(id), versions, "{id}");
    }
}

fn attributes() -> impl Strategy<Value = Vec<LinkAttribute>> {
    let name = "[a-z][a-z0-9*]{0,5}"
        .prop_filter("has a meaning", |name| !["rt", "ct", "ver"].contains(&name.as_str()));
    prop::collection::vec((name, prop::option::of("\\PC{0,12}")), 0..4)
}

prop_compose! {
    fn entry()(
        version in prop::option::of((0_u8.., 0_u8..).prop_map(|(major, minor)| Version { major, minor })),
        attributes in attributes(),
        instances in prop::collection::btree_map((0..65535_u16).prop_map(InstanceId), attributes(), 0..4),
    ) -> ObjectEntry {
        ObjectEntry {
            version,
            attributes,
            instances: instances.keys().copied().collect(),
            instance_attributes: instances.into_iter().filter(|(_, attributes)| !attributes.is_empty()).collect(),
        }
    }
}

prop_compose! {
    fn object_links()(
        root in prop::option::of("/[a-z0-9%]{1,6}(/[a-z]{1,3})?"),
        content_formats in prop::collection::btree_set(0_u16.., 0..4),
        attributes in attributes(),
        objects in prop::collection::btree_map((0_u16..).prop_map(ObjectId), entry(), 0..5),
        foreign in prop::collection::vec(("/FOREIGN/[a-z ;,\"]{0,5}", attributes()), 0..3),
    ) -> ObjectLinks {
        let foreign = foreign.into_iter().map(|(target, attributes)| {
            Link { target: target.trim_end().to_owned(), attributes }
        });
        ObjectLinks {
            root,
            content_formats: content_formats.into_iter().collect(),
            attributes,
            objects,
            foreign: foreign.collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(links in object_links()) {
        let text = links.to_string();
        prop_assert_eq!(ObjectLinks::parse(text.as_bytes()), Ok(links), "{}", text);
    }

    #[test]
    fn what_is_read_from_anything_prints_and_reads_back(text in "(</?[0-9a/]{0,6}/?>|;|,|[a-z]{1,3}|ver=1.[0-9]|rt=oma.lwm2m|ct=|=|\"| |\\\\|[0-9]){0,40}") {
        if let Ok(links) = ObjectLinks::parse(text.as_bytes()) {
            let printed = links.to_string();
            prop_assert_eq!(ObjectLinks::parse(printed.as_bytes()), Ok(links), "{}", printed);
        }
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ObjectLinks::parse(&bytes);
    }
}
