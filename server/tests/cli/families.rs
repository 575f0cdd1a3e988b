//! Each family of commands, and the forms of what they print.

use std::{fs, thread, time::Duration};

use fleet::Role;

use crate::{
    snapshot::{is_as_kept, settled},
    world::{World, complaint},
};

#[test]
fn each_form_of_what_is_printed_is_as_it_is_kept() {
    let world = World::start();
    world.prints(&["class", "add", "meters"]);
    world.prints(&["device", "add", "node-7", "--class", "meters"]);
    world.prints(&["device", "add", "node-8", "--credential", "none"]);
    let claim = ["claim", "add", "batch 1", "--quota", "5", "--closes", "30d", "--class", "meters"];
    world.prints(&claim);
    world.prints(&["webhook", "add", "http://127.0.0.1:9/hook", "--kinds", "registered,values"]);
    world.prints(&["token", "create", "ci", "--scope", "read"]);
    // When a token was used last is written a moment later.
    let used = |token: &serde_json::Value| token["name"] == "test" && !token["last_used_at"].is_null();
    let written = || world.json(&["token", "list"]).as_array().is_some_and(|tokens| tokens.iter().any(used));
    for _ in 0..100 {
        if written() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let mut text = String::new();
    for arguments in [
        &["overview"][..],
        &["class", "list"],
        &["class", "policy", "show", "meters"],
        &["class", "retention", "show", "meters"],
        &["class", "wishes", "show", "meters"],
        &["class", "awake", "show", "meters"],
        &["device", "list"],
        &["device", "show", "node-7"],
        &["device", "values", "node-7"],
        &["device", "timeline", "node-7"],
        &["device", "wishes", "node-7"],
        &["device", "awake", "node-7"],
        &["credential", "list", "node-7"],
        &["bootstrap", "plan", "show", "--device", "node-7"],
        &["bootstrap", "sessions", "node-7"],
        &["claim", "list"],
        &["diary", "list"],
        &["webhook", "list"],
        &["user", "list"],
        &["token", "list"],
        &["audit", "list"],
        &["operation", "list", "node-7"],
        &["operation", "waiting"],
        // They show secrets, so that they have another form than their list.
        &["device", "add", "node-ID"],
        &["credential", "add", "node-8"],
        &["token", "create", "again", "--scope", "operate", "--expires", "1d"],
    ] {
        for form in ["table", "csv", "json"] {
            let arguments: Vec<String> = arguments.iter().map(|part| part.replace("ID", form)).collect();
            // A device has one credential of a purpose that waits for its proof.
            if arguments[0] == "credential" && arguments[1] == "add" && form != "table" {
                continue;
            }
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.extend(["--output", form]);
            text.push_str(&format!(
                "$ muster {}\n{}\n",
                arguments.join(" "),
                settled(&world.prints(&arguments))
            ));
        }
    }
    is_as_kept("output.txt", &text.replace("\r\n", "\n"));
}

#[test]
fn a_list_is_as_long_as_it_is_asked_for() {
    let world = World::start();
    let rows: String =
        (0..600).map(|number| format!("node-{number:03},ID-{number},{:032x}\n", number + 7)).collect();
    let file = world.folder.path().join("devices.csv");
    fs::write(&file, format!("endpoint,bootstrap_identity,bootstrap_key\n{rows}")).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(world.json(&["device", "import", file, "--dry-run"])["added"], 600);
    assert_eq!(world.json(&["overview"])["awaited"], 0);
    assert_eq!(world.json(&["device", "import", file])["added"], 600);
    assert_eq!(world.json(&["device", "import", file])["unchanged"], 600);

    let count = |arguments: &[&str]| world.json(arguments).as_array().unwrap().len();
    assert_eq!(count(&["device", "list"]), 100);
    assert_eq!(count(&["device", "list", "--limit", "550"]), 550);
    assert_eq!(count(&["device", "list", "--all"]), 600);
    assert_eq!(count(&["device", "list", "--all", "--prefix", "node-01"]), 10);
    let cut = world.run(&["device", "list", "--limit", "3"]);
    assert!(complaint(&cut).contains("there are more than these 3"), "{}", complaint(&cut));
    let export = world.prints(&["device", "export"]);
    assert!(export.starts_with("id,endpoint,class,") && export.lines().count() == 601);

    fs::write(file, "{\"endpoint\":\"node-900\"}\n{\"endpoint\":\"\"}\n").unwrap();
    let partly = world.run(&["device", "import", file, "--format", "json-lines"]);
    assert_eq!(partly.status.code(), Some(9));
    assert!(complaint(&partly).contains("line 2: "), "{}", complaint(&partly));
}

#[test]
fn what_goes_wrong_has_a_number_and_a_line() {
    let world = World::start();
    world.prints(&["device", "add", "node-7"]);
    let viewer = world.make_token(Role::Viewer);
    for (code, said, arguments) in [
        (2, "invalid value", &["device", "list", "--state", "lost"][..]),
        (2, "the following required", &["credential", "revoke", "node-7", "--all"]),
        (2, "The request can't be done as it is", &["claim", "add", "b", "--quota", "0", "--closes", "1d"]),
        (2, "nobody is there to be asked", &["device", "remove", "node-7", "--reason", "test"]),
        (3, "there is no device `node-9`", &["device", "show", "node-9"]),
        (3, "There is no such thing", &["diary", "show", "00000000000000000000000000000000"]),
        (4, "The token may not do that", &["device", "add", "node-8", "--token", &viewer]),
        (4, "A token is needed", &["device", "list", "--token", "muster_00"]),
        (5, "It is there already", &["device", "add", "node-7"]),
        (5, "The device is not registered", &["device", "read", "node-7", "/3"]),
    ] {
        let (is, text) = world.fails(arguments);
        assert!(is == code && text.contains(said), "{arguments:?}: {is} {text}");
    }
}

#[test]
fn keys_and_certificates_are_given_and_shown_as_pem() {
    let world = World::start();
    let file = |name: &str, text: &str| {
        let path = world.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let keys = world.json(&["authority", "server-keys"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let public = file("public.pem", &text(&keys["public_key"]["pem"]));
    let added = world.json(&["device", "add", "rpk", "--public-key", &public]);
    let credential = &added["credentials"][0]["credential"];
    assert_eq!(credential["kind"], "rpk");
    assert_eq!(credential["identity"], format!("spki:{}", text(&keys["public_key"]["fingerprint"])));
    let made = world.prints(&["device", "add", "x509", "--kind", "x509", "--output", "table"]);
    assert!(made.contains("\n-----BEGIN PRIVATE KEY-----\n"), "{made}");
    assert!(made.contains("\n-----BEGIN CERTIFICATE-----\n"), "{made}");
    let pinned = file("server.pem", &text(&keys["certificate"]["pem"]));
    let added = world.json(&["device", "add", "pinned", "--certificate", &pinned]);
    assert_eq!(added["credentials"][0]["credential"]["kind"], "x509");
    let added = world.json(&["device", "add", "mapped", "--name", "node 7"]);
    assert_eq!(added["credentials"][0]["credential"]["identity"], "cn:node 7");

    let authorities = world.json(&["authority", "list"]);
    assert!(authorities[0]["own"] == true && authorities[0]["name"] == "Muster", "{authorities}");
    let shown = world.prints(&["authority", "show", "Muster", "--output", "table"]);
    assert!(shown.contains("\n-----BEGIN CERTIFICATE-----\n"), "{shown}");
    let own = file("own.pem", &text(&authorities[0]["certificate"]["pem"]));
    let (code, said) = world.fails(&["authority", "add", "Again", &own]);
    assert!(code == 5, "{code} {said}");
    let (code, said) = world.fails(&["authority", "revocations", "Muster", &own]);
    assert!(code == 2 && said.contains("revocation_list"), "{code} {said}");
    let (code, said) = world.fails(&["authority", "remove", "Muster", "--yes"]);
    assert!(code == 2 && said.contains("own authority"), "{code} {said}");

    world.prints(&["class", "policy", "set", "default", "--kinds", "rpk,x509", "--provision", "rpk"]);
    let policy = world.json(&["class", "policy", "show", "default"]);
    assert_eq!(policy["kinds"], serde_json::json!(["rpk", "x509"]));
    world.prints(&["class", "retention", "set", "default", "--days", "90"]);
    let retention = world.json(&["class", "retention", "show", "default"]);
    assert_eq!(retention, serde_json::json!({"days": 90, "readings": 1000}));
    let (code, said) = world.fails(&["class", "retention", "set", "default", "--readings", "0"]);
    assert!(code == 2 && said.contains("readings"), "{code} {said}");
    world.prints(&["class", "wishes", "set", "default", "/3/0/9 pmin=10", "/3303/*/5700"]);
    let wishes = world.json(&["class", "wishes", "show", "default"]);
    assert_eq!(wishes, serde_json::json!({"lines": ["/3/0/9 pmin=10", "/3303/*/5700"]}));
    let (code, said) = world.fails(&["class", "wishes", "set", "default", "/3/0/9", "/3/0/4"]);
    assert!(code == 2 && said.contains("line 2: /3/0/4 can't be read"), "{code} {said}");
    let (code, said) = world.fails(&["device", "add", "psk"]);
    assert!(code == 2 && said.contains("bootstrap.kind"), "{code} {said}");
}

#[test]
fn what_is_made_can_be_taken_back() {
    let world = World::start();
    let id = |value: &serde_json::Value| value["id"].as_str().unwrap().to_owned();
    world.prints(&["class", "add", "meters"]);
    for name in ["node-1", "node-2", "node-3"] {
        world.prints(&["device", "add", name]);
    }
    world.prints(&["device", "classify", "node-1", "meters"]);
    assert_eq!(world.json(&["device", "show", "node-1"])["class"], "meters");

    let credentials = world.json(&["credential", "list", "node-1"]);
    let rotation = world.json(&["credential", "rotate", "node-1", &id(&credentials[0])]);
    assert_eq!((&rotation["rotation"], rotation["key"].is_string()), (&"shown".into(), true));
    let fresh = id(&rotation["credential"]);
    world.prints(&["credential", "revoke", "node-1", &fresh, "--reason", "test", "--yes"]);
    world.prints(&["credential", "revoke", "node-1", "--all", "--reason", "test", "--yes"]);
    let credentials = world.json(&["credential", "list", "node-1"]);
    assert!(credentials.as_array().unwrap().iter().all(|credential| credential["state"] == "revoked"));

    let plan = world.folder.path().join("plan.json");
    fs::write(&plan, "{\"lifetime_seconds\": 600}").unwrap();
    world.prints(&["bootstrap", "plan", "set", "--class", "meters", "--file", plan.to_str().unwrap()]);
    let effective = world.json(&["bootstrap", "plan", "show", "--device", "node-1"]);
    assert!(effective["origin"] == "class" && effective["plan"]["lifetime_seconds"] == 600, "{effective}");
    world.prints(&["bootstrap", "plan", "unset", "--class", "meters"]);
    assert_eq!(world.json(&["bootstrap", "plan", "show", "--class", "meters"])["origin"], "default");

    let claim = world.json(&["claim", "add", "batch", "--quota", "5", "--closes", "1d"]);
    world.prints(&["claim", "close", &id(&claim["claim"]), "--yes"]);
    assert_eq!(world.json(&["claim", "list"])[0]["closed"], true);

    let webhook = id(&world.json(&["webhook", "add", "http://127.0.0.1:9/hook"])["webhook"]);
    world.prints(&["webhook", "pause", &webhook]);
    assert_eq!(world.json(&["webhook", "list"])[0]["paused"], true);
    world.prints(&["webhook", "resume", &webhook]);
    world.prints(&["webhook", "remove", &webhook, "--yes"]);
    assert_eq!(world.json(&["webhook", "list"]), serde_json::json!([]));

    assert!(world.json(&["model", "reload"])["models"].as_u64().unwrap() > 0);
    assert_eq!(world.fails(&["model", "remove", "3", "1.1", "--yes"]).0, 3, "it was not uploaded");

    world.prints(&["device", "remove", "node-1", "--reason", "test", "--yes"]);
    let report =
        world.json(&["device", "remove", "node-2", "node-3", "--keep-data", "--reason", "test", "--yes"]);
    assert_eq!(report["done"], 2);
    assert_eq!(world.json(&["device", "list"]), serde_json::json!([]));
    let audited = world.json(&["audit", "list", "--action", "remove-device"]);
    assert_eq!(audited.as_array().unwrap().len(), 3);
    let by_the_command_line = world.json(&["audit", "list", "--action", "create-user"]);
    assert_eq!(by_the_command_line[0]["cause"], "command-line");
}

#[test]
fn how_long_devices_listen_is_said_and_what_waits_is_listed() {
    let world = World::start();
    world.prints(&["device", "add", "node-7", "--credential", "none"]);
    let time = world.json(&["device", "awake", "node-7"]);
    assert_eq!((&time["seconds"], &time["from"]), (&93.0.into(), &"default".into()));
    world.prints(&["class", "awake", "set", "default", "30s"]);
    assert_eq!(world.json(&["class", "awake", "show", "default"])["seconds"], 30);
    let time = world.json(&["device", "awake", "node-7", "--set", "20s"]);
    assert_eq!((&time["seconds"], &time["from"]), (&20.0.into(), &"device".into()));
    assert_eq!(world.json(&["device", "awake", "node-7", "--forget"])["from"], "class");
    world.prints(&["class", "awake", "set", "default"]);
    assert_eq!(world.json(&["device", "awake", "node-7"])["from"], "default");
    let (code, said) = world.fails(&["device", "awake", "node-7", "--set", "2d"]);
    assert!(code == 2 && said.contains("1 to 86400"), "{code} {said}");
    assert_eq!(world.json(&["operation", "waiting", "--device", "node-7"]), serde_json::json!([]));
    let nothing = serde_json::json!({"cancelled": 0, "too_late": 0});
    assert_eq!(world.json(&["operation", "cancel-all", "node-7", "--yes"]), nothing);
    assert_eq!(world.fails(&["operation", "waiting", "--priority", "soon"]).0, 2);
}

#[test]
fn who_is_in_a_group_follows_its_rule_the_labels_and_the_classes() {
    let world = World::start();
    world.prints(&["class", "add", "spares"]);
    for device in ["node-7", "node-8"] {
        world.prints(&["device", "add", device]);
    }
    let tested = world.json(&["group", "test", "'spare' in labels"]);
    assert_eq!((&tested["sampled"], &tested["all"], &tested["join"]), (&2.into(), &true.into(), &0.into()));
    let made = world.json(&["group", "save", "old ones", "--rule", "class == 'spares'", "--rank", "-2"]);
    assert_eq!(made["rank"], -2);
    world.prints(&["class", "rule", "set", "spares", "--labels", "spare,site=bern"]);
    world.prints(&["device", "label", "node-8", "spare", "site=zurich"]);
    world.prints(&["device", "label", "node-8", "site=bern"]);
    let members = || world.json(&["group", "members", "old ones"]);
    for _ in 0..100 {
        if members() != serde_json::json!([]) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!((&members()[0]["endpoint"], &members()[0]["class"]), (&"node-8".into(), &"spares".into()));
    assert_eq!(world.json(&["device", "list", "--label", "site=bern"])[0]["endpoint"], "node-8");
    assert_eq!(world.json(&["class", "rule", "contested", "spares"]), serde_json::json!([]));
    world.prints(&["group", "save", "old ones", "--description", "in the cellar"]);
    let shown = world.json(&["group", "show", "old ones"]);
    assert_eq!((&shown["rule"], &shown["rank"]), (&"class == 'spares'".into(), &(-2).into()));
    world.prints(&["device", "label", "node-8", "--remove", "spare,site"]);
    assert_eq!(world.json(&["device", "label", "node-8"])["labels"], serde_json::json!({}));
    world.prints(&["group", "remove", "old ones", "--yes"]);
    assert_eq!(world.json(&["group", "list"]), serde_json::json!([]));
}

#[test]
fn a_baseline_is_tried_set_compared_and_rolled_back() {
    let world = World::start();
    world.prints(&["device", "add", "node-7", "--credential", "none"]);
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let file = folder.path().join("lines");
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let first = write("/1/0/1 = 60\n/3/0/15 secret Europe/Berlin\n");
    let tried = world.json(&["baseline", "dry-run", "fleet", &first]);
    assert_eq!((&tried[0]["endpoint"], &tried[0]["effect"]), (&"node-7".into(), &"look".into()));
    let made =
        world.json(&["baseline", "set", "class:default", &first, "--mode", "report", "--ticket", "CHG-1"]);
    assert_eq!((&made["version"], &made["lines"]), (&1.into(), &"/1/0/1 = 60\n/3/0/15 secret\n".into()));
    let second = write("/1/0/1 = 90\n/3/0/15 secret\n");
    world.prints(&["baseline", "set", "class:default", &second, "--after", "1"]);
    let (_, said) = world.fails(&["baseline", "set", "class:default", &second, "--after", "1"]);
    assert!(said.contains("version 2 by now"), "{said}");
    let diff = world.json(&["baseline", "diff", "class:default", "1"]);
    assert_eq!(diff.as_array().map(Vec::len), Some(2));
    let back = world.json(&["baseline", "roll-back", "class:default", "1"]);
    assert_eq!((&back["version"], &back["rolls_back_to"]), (&3.into(), &1.into()));
    assert_eq!(world.json(&["baseline", "list"]).as_array().map(Vec::len), Some(1));
    let shown = world.json(&["configuration", "show", "node-7"]);
    assert_eq!(shown["lines"].as_array().map(Vec::len), Some(2));
    // It never registered, so it waits.
    let list = ["configuration", "list", "--state", "waiting"];
    world.wait_for(&list, |rows| rows.as_array().is_some_and(|rows| rows.len() == 1));
}
