//! What stands where, and what goes away.

use super::*;

#[test]
fn the_bootstrap_account_survives_wherever_it_sits_and_so_does_a_working_account() {
    for (links, security, server, deletes) in [
        // Fresh.
        ("</0/0>,</1>", 1, 0, &[][..]),
        ("</0/1>,</1>", 0, 0, &[]),
        ("</0/3>,</1>", 0, 0, &[]),
        // Its own account is written over, in place.
        ("</0/0>,</0/1>;ssid=1;uri=\"coaps://a\",</1/0>;ssid=1", 1, 0, &[]),
        ("</0/0>;ssid=1,</0/1>,</1/4>;ssid=1", 0, 4, &[]),
        // Another server's account is taken over, and what is left of others goes once ours is written.
        ("</0/0>,</0/1>;ssid=5,</1/0>;ssid=5", 1, 0, &[]),
        (
            "</0/2>,</0/1>;ssid=5,</0/3>;ssid=1,</1/0>;ssid=5,</1/1>;ssid=1",
            3,
            1,
            &["Delete /0/1", "Delete /1/0"],
        ),
        // Reserved numbers are no short server id.
        ("</0/0>;ssid=65535,</0/1>;ssid=1,</1/0>;ssid=1", 1, 0, &[]),
        ("</0/0>;ssid=0,</0/1>;ssid=1,</1/0>;ssid=1", 1, 0, &[]),
        // No short server ids, but addresses.
        ("</0/0>;uri=\"coaps://a\",</0/1>,</1/0>", 0, 0, &[]),
        // The accounts are not shown.
        ("</1/0>;ssid=1,</3/0>", 1, 0, &[]),
    ] {
        let bench = Bench::new(|_| {}).run(discovering(links));
        bench.finished();
        let mut expected = vec![
            "Discover /".to_owned(),
            format!("Write /0/{security} (TLV, 7 values)"),
            format!("Write /1/{server} (TLV, 4 values)"),
        ];
        expected.extend(deletes.iter().map(|&delete| delete.to_owned()));
        expected.push("Finish".to_owned());
        assert_eq!(bench.asked, expected, "{links}");
    }
}

#[test]
fn a_plan_that_deletes_nothing_leaves_other_servers_alone() {
    let links = "</0/0>,</0/1>;ssid=5,</1/0>;ssid=5,</3/0>";
    let bench = Bench::new(|prepared| prepared.plan.delete.clear()).run(discovering(links));
    bench.finished();
    assert_eq!(
        bench.asked,
        ["Discover /", "Write /0/2 (TLV, 7 values)", "Write /1/1 (TLV, 4 values)", "Finish"]
    );
}

#[test]
fn accounts_that_cannot_be_told_apart_are_sorted_out_by_the_device_itself() {
    let mut looks = 0;
    let bench = Bench::new(|_| {}).run(|step| {
        looks += usize::from(step == "Discover /");
        (step == "Discover /")
            .then(|| found(if looks == 1 { "</0/0>,</0/1>,</1/0>" } else { "</0/1>,</1/0>" }))
    });
    bench.finished();
    assert_eq!(
        bench.asked,
        [
            "Discover /",
            "Delete /0",
            "Discover /",
            "Write /0/0 (TLV, 7 values)",
            "Write /1/0 (TLV, 4 values)",
            "Finish"
        ]
    );
    // If they stay, both are left alone.
    let bench = Bench::new(|_| {}).run(discovering("</0/0>,</0/1>,</1/0>"));
    assert_eq!(bench.finished().asked[3], "Write /0/2 (TLV, 7 values)");
}

#[test]
fn the_whole_device_is_deleted_but_for_its_accounts_and_the_device_object() {
    let links = "</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</2/0>,</2/1>,</3/0>,</4/0>,</6>";
    let bench = Bench::new(|prepared| prepared.plan.delete = vec![Path::Root]).run(discovering(links));
    bench.finished();
    assert_eq!(
        bench.asked,
        [
            "Discover /",
            "Delete /2",
            "Delete /4",
            "Write /0/1 (TLV, 7 values)",
            "Write /1/0 (TLV, 4 values)",
            "Finish"
        ]
    );
    let one =
        Bench::new(|prepared| prepared.plan.delete = vec!["/2/1".parse().unwrap(), "/2/9".parse().unwrap()]);
    assert_eq!(one.run(discovering(links)).asked[1..3], ["Delete /2/1", "Write /0/1 (TLV, 7 values)"]);
}

#[test]
fn a_refused_delete_is_noted_and_harms_nothing() {
    let bench = Bench::new(|prepared| prepared.plan.delete = vec!["/2".parse().unwrap()]);
    let bench = bench.run(|step| match step {
        "Discover /" => Some(found("</0/0>,</2/0>")),
        "Delete /2" => Some(code(4, 5, "no")),
        _ => None,
    });
    assert_eq!(bench.finished().record().steps[1].answer, "4.05: no");
}

#[test]
fn a_device_without_discover_is_assumed_to_have_its_bootstrap_account_in_0_0() {
    for refusal in [code(4, 4, ""), code(4, 5, ""), code(5, 1, ""), code(4, 0, ""), found("</0/0")] {
        let bench = Bench::new(|_| {});
        let bench = bench.run(|step| step.starts_with("Discover").then(|| refusal.clone()));
        bench.finished();
        assert_eq!(
            bench.asked,
            [
                "Discover /",
                "Discover /0",
                "Write /0/1 (TLV, 7 values)",
                "Write /1/0 (TLV, 4 values)",
                "Finish"
            ]
        );
        let steps = &bench.record().steps;
        let said = steps.iter().find(|step| step.asked == "Delete /0").unwrap();
        assert_eq!(said.answer, "not sent: the device does not say where its bootstrap account is");
    }
}

#[test]
fn a_device_that_can_only_discover_objects_is_asked_for_both() {
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" => Some(code(4, 5, "")),
        "Discover /0" => Some(found("</0/0>;ssid=1,</0/1>")),
        "Discover /1" => Some(found("</1/2>;ssid=1")),
        _ => None,
    });
    bench.finished();
    assert_eq!(bench.asked[3..5], ["Write /0/0 (TLV, 7 values)", "Write /1/2 (TLV, 4 values)"]);
}

#[test]
fn a_free_instance_is_the_lowest_that_nobody_has() {
    let links = Discovered::parse(b"</0/0>;ssid=2,</0/1>,</0/2>;ssid=3").unwrap().links;
    let layout = Layout::of(&links, &Plan { delete: vec![], ..Plan::default() }, 1);
    assert_eq!((layout.security, layout.bootstrap), (InstanceId(3), Some(InstanceId(1))));
}
