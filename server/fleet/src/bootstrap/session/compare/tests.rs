use objects::link::Discovered;

use super::{super::What, *};

/// What a comparison finds, one text each.
fn found(links: Option<&str>, read: &[(&str, Value)], change: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut plan = Plan::default();
    change(&mut plan);
    let path = |text: &str| text.parse::<Path>().unwrap();
    let account = Account { uri: "coaps://muster:5684".into(), short_server_id: 101, credential: None };
    let layout = Layout {
        security: InstanceId(1),
        server: InstanceId(0),
        bootstrap: Some(InstanceId(0)),
        ..Layout::default()
    };
    let write = |at: &str, values: &[(&str, Value)]| Task::Write {
        what: What::Account,
        path: path(at),
        values: values.iter().map(|(at, value)| (path(at), value.clone())).collect(),
    };
    let mut writes = vec![
        write("/0/1", &[("/0/1/10", Value::Integer(101))]),
        write("/1/0", &[("/1/0/0", Value::Integer(101)), ("/1/0/1", Value::Integer(86_400))]),
    ];
    if plan.deletes(&Path::Object(ACCESS_CONTROL)) {
        writes.push(write("/2/0", &[("/2/0/2/101", Value::Integer(15))]));
    }
    let taken = writes.iter().filter_map(|task| match task {
        Task::Write { path, .. } => Some(*path),
        _ => None,
    });
    let taken = taken.collect();
    let links = links.map(|links| Discovered::parse(links.as_bytes()).unwrap().links);
    let mut by_object: BTreeMap<ObjectId, Vec<(Path, Value)>> = BTreeMap::new();
    for (at, value) in read {
        by_object.entry(path(at).object().unwrap()).or_default().push((path(at), value.clone()));
    }
    let meant = Meant { plan: &plan, account: &account, layout: &layout, writes: &writes, taken: &taken };
    let shown = Shown { links: links.as_deref(), is_whole: true, read: &by_object };
    let text = |one: Discrepancy| match one.remedy {
        Remedy::DeleteFirst => format!("first {}: {}", one.path, one.what),
        Remedy::DeleteLast => format!("last {}: {}", one.path, one.what),
        Remedy::Write => format!("write {}: {}", one.path, one.what),
        Remedy::Take => format!("take {}: {}", one.path, one.what),
        Remedy::Nothing(why) => format!("{}: {} ({why})", one.path, one.what),
    };
    compare(&meant, &shown).into_iter().map(text).collect()
}

fn by_links(links: &str) -> Vec<String> {
    found(Some(links), &[], |_| {})
}

// The payloads are of the form that LwM2M Core 1.1.1 §6.1.7.3 and 1.0.2 §5.2.7.3 print.
#[test]
fn what_fits_together_is_left_alone() {
    for links in [
        "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101;uri=\"coaps://muster:5684\",</1/0>;ssid=101,</3/0>,</5>,</4>",
        "lwm2m=\"1.0\",</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</3/0>,</4>,</5>",
        // Without attributes there is nothing to judge by.
        "</0/0>,</0/1>,</1/0>,</3/0>",
        // Devices that hide their accounts.
        "</1/0>;ssid=101,</3/0>",
        "</1/0>,</3/0>",
        // The bootstrap server's account, as some clients show it.
        "</0/0>;ssid=0,</0/1>;ssid=101,</1/0>;ssid=101",
        "</0/0>;ssid=65535,</0/1>;ssid=101,</1/0>;ssid=101",
    ] {
        assert_eq!(by_links(links), [""; 0], "{links}");
    }
    assert_eq!(found(None, &[], |_| {}), [""; 0]);
}

#[test]
fn each_thing_that_does_not_fit_is_named_with_its_remedy() {
    for (links, expected) in [
        ("</0/0>,</0/1>;ssid=101,</1>", "write /1/0: /1/0 was written and is not there"),
        ("</0/0>,</1/0>;ssid=101", "write /0/1: /0/1 was written and is not there"),
        ("</0/0>,</0/1>;ssid=101,</1/0>;ssid=102", "write /1/0: /1/0 has the short server id 102, not 101"),
        (
            "</0/0>,</0/1>;ssid=101;uri=\"coaps://x\",</1/0>;ssid=101",
            "write /0/1: /0/1 has the address coaps://x, not coaps://muster:5684",
        ),
        (
            "</0/0>,</0/1>;ssid=101,</0/2>;ssid=102,</1/0>;ssid=101",
            "first /0/2: /0/2 has the short server id 102, and no instance of /1 has it",
        ),
        (
            "</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</1/1>;ssid=102",
            "first /1/1: /1/1 has the short server id 102, and no instance of /0 has it",
        ),
        (
            "</0/0>,</0/1>;ssid=101,</0/2>;ssid=101,</1/0>;ssid=101",
            "last /0/2: /0/2 is left over: the plan deletes it",
        ),
    ] {
        assert_eq!(by_links(links), [expected], "{links}");
    }
    let both = by_links("</0/0>,</0/1>;ssid=101,</0/2>;ssid=7,</1/0>;ssid=101,</1/2>;ssid=7");
    assert_eq!(both.len(), 2, "a whole account that the plan deletes: {both:?}");
    assert!(both.iter().all(|one| one.starts_with("last ")), "{both:?}");
}

#[test]
fn of_others_that_the_plan_leaves_alone_only_halves_go() {
    let leave = |plan: &mut Plan| plan.delete.clear();
    let whole = "</0/0>,</0/1>;ssid=101,</0/2>;ssid=7,</1/0>;ssid=101,</1/2>;ssid=7";
    assert_eq!(found(Some(whole), &[], leave), [""; 0]);
    let twice = format!("{whole},</1/3>;ssid=7");
    let said = found(Some(&twice), &[], leave);
    assert!(said[0].contains("/1/2 and /1/3 both have the short server id 7"), "{said:?}");
    assert!(said[0].contains("let the plan delete one"), "{said:?}");
    let own = "</0/0>,</0/1>;ssid=101,</0/2>;ssid=101,</1/0>;ssid=101";
    assert_eq!(found(Some(own), &[], leave), ["last /0/2: /0/2 has the short server id 101, as /0/1 has"]);
}

#[test]
fn what_was_read_counts_where_discover_says_nothing() {
    let (ssid, lifetime) = (Value::Integer(101), Value::Integer(60));
    let read = [("/1/0/0", ssid.clone()), ("/1/0/1", lifetime), ("/1/4/0", Value::Integer(7))];
    assert_eq!(
        found(None, &read, |_| {}),
        ["write /1/0: /1/0/1 is 60, not 86400", "last /1/4: /1/4 is left over: the plan deletes it"]
    );
    // Of another type, and the same.
    let read = [("/1/0/0", Value::Unsigned(101)), ("/1/0/1", Value::Unsigned(86_400))];
    assert_eq!(found(None, &read, |_| {}), [""; 0]);
    assert_eq!(
        found(None, &[("/1/3/0", ssid)], |plan| plan.delete.clear()),
        [
            "write /1/0: /1/0 was written and is not there",
            "last /1/3: /1/3 has the short server id 101, as /1/0 has"
        ]
    );
}

#[test]
fn rights_that_are_left_over_or_other_are_found() {
    let deletes = |plan: &mut Plan| plan.delete.push(Path::Object(ACCESS_CONTROL));
    let read = [("/2/0/2/101", Value::Integer(1)), ("/2/9/0", Value::Integer(3))];
    let links = "</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</2/0>,</2/9>";
    assert_eq!(
        found(Some(links), &read, deletes),
        ["write /2/0: /2/0/2/101 is 1, not 15", "first /2/9: /2/9 is left over: the plan deletes it"]
    );
}

#[test]
fn no_more_is_found_than_one_round_does() {
    let links: Vec<String> = (2..100).map(|id| format!("</1/{id}>;ssid={id}")).collect();
    let links = format!("</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,{}", links.join(","));
    assert_eq!(by_links(&links).len(), Repair::MAX_FINDINGS);
}
