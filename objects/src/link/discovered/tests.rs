use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Discovered {
    Discovered::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn an_object_is_discovered_with_all_that_is_set_on_it() {
    let text = "</3>;ver=1.1;pmin=10;pmax=60,</3/0>,</3/0/6>;dim=8;pmin=1,</3/0/7/2>;gt=4500.5;lt=-1;st=0.5,</3/0/9>;con=1;edge=0";
    let found = parse(text);
    assert_eq!((found.lwm2m, found.links.len(), found.foreign.len()), (None, 5, 0));
    assert_eq!(found.links[0].version, Some(Version::V1_1));
    assert_eq!(
        found.links[0].attributes,
        Attributes { pmin: Some(10), pmax: Some(60), ..Attributes::default() }
    );
    assert_eq!((found.links[2].path, found.links[2].dimension), (path("/3/0/6"), Some(8)));
    assert_eq!(
        found.links[3].attributes,
        Attributes { gt: Some(4500.5), lt: Some(-1.0), st: Some(0.5), ..Attributes::default() }
    );
    assert_eq!(found.links[4].attributes.con, Some(true));
    assert_eq!(parse(&found.to_string()), found);
}

#[test]
fn a_bootstrap_answer_names_servers_and_the_enabler_version() {
    let links = r#"</0>;ver=1.1,</0/0>,</0/1>;ssid=101;uri="coaps://server-1.example:5684",</1/0>;ssid=101"#;
    for (text, lwm2m) in [
        (format!("</>;lwm2m=1.1,{links}"), Some(Version::V1_1)),
        (format!("</>;lwm2m=\"1.1\",{links}"), Some(Version::V1_1)),
        (format!("lwm2m=\"1.0\",{links}"), Some(Version::V1_0)),
        (links.to_owned(), None),
    ] {
        let found = parse(&text);
        assert_eq!((found.lwm2m, found.links.len()), (lwm2m, 4), "{text}");
        assert_eq!(found.links[2].ssid, Some(101));
        assert_eq!(found.links[2].uri.as_deref(), Some("coaps://server-1.example:5684"));
        assert_eq!(parse(&found.to_string()), found);
    }
    assert_eq!(parse(&format!("</>;lwm2m=1.1,{links}")).to_string(), format!("</>;lwm2m=1.1,{links}"));
}

#[test]
fn an_alternate_path_is_taken_off_if_it_is_there() {
    for text in ["</lwm2m/3/0>,</lwm2m/3/0/1>", "</3/0>,</3/0/1>"] {
        let found = Discovered::parse_below(Some("/lwm2m"), text.as_bytes()).unwrap();
        assert_eq!(found.to_string(), "</3/0>,</3/0/1>");
    }
}

#[test]
fn what_does_not_fit_is_kept_apart() {
    let found = parse("</3/0/1>;pmin=soon;pmin=5;new;dim=-1,</x>;dim=1,</3/0/1/2/3>");
    assert_eq!(found.links[0].attributes.pmin, Some(5));
    assert_eq!(found.links[0].other.len(), 3);
    assert_eq!(found.foreign.len(), 2);
    assert_eq!(parse(&found.to_string()), found);
    assert!(Discovered::parse(b"</3/0").is_err());
}

proptest! {
    #[test]
    fn what_is_read_from_anything_prints_and_reads_back(text in "(lwm2m=1.0,)?(</?[0-9a/]{0,6}/?>|;|,|[a-z]{1,3}|ver=1.[0-9]|pmin=[0-9]|gt=-?[0-9.e]{1,4}|dim=|ssid=|uri=|lwm2m=1.1|=|\"| |\\\\|[0-9]){0,40}") {
        if let Ok(found) = Discovered::parse(text.as_bytes()) {
            let printed = found.to_string();
            prop_assert_eq!(Discovered::parse(printed.as_bytes()), Ok(found), "{}", printed);
        }
    }
}
