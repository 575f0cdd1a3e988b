//! Devices from a file.

use proptest::{collection::vec, prelude::*};

use super::{
    credentials::live,
    enrol::{add, endpoint, remove},
    issuer::{Factory, YEAR},
    *,
};
use crate::{CredentialState, DeviceState, ImportFormat, ImportReport, Purpose, Validity};

const KEY: &str = "00112233445566778899aabbccddeef0";
const OTHER_KEY: &str = "ffeeddccbbaa99887766554433221100aa";
const HEADER: &str = "endpoint,class,bootstrap_identity,bootstrap_key,management_identity,management_key";

#[test]
fn both_formats_add_the_same_devices() {
    let csv =
        format!("{HEADER}\nsensor,default,b1,{KEY},m1,{OTHER_KEY}\n\"quoted, one\",,,{KEY},,\nbare,,,,,\n");
    let json = format!(
        "{{\"endpoint\":\"sensor\",\"class\":\"default\",\"bootstrap_identity\":\"b1\",\"bootstrap_key\":\"{KEY}\",\
         \"management_identity\":\"m1\",\"management_key\":\"{OTHER_KEY}\"}}\r\n\n\
         {{\"endpoint\":\"quoted, one\",\"bootstrap_key\":\"{KEY}\"}}\n{{\"endpoint\":\"bare\"}}"
    );
    for (format, text) in [(ImportFormat::Csv, csv), (ImportFormat::JsonLines, json)] {
        let bench = Bench::new();
        let report = import(&bench, format, &text, false);
        assert_eq!((report.rows, report.added, report.errors_total), (3, 3, 0), "{report:?}");
        let device = found(&bench, "sensor").unwrap();
        assert_eq!((device.state, device.secured), (DeviceState::Awaited, true));
        let mut held = block_on(bench.store.credentials(device.device.id)).unwrap();
        held.sort_by_key(|credential| credential.purpose);
        let held: Vec<_> = held.iter().map(|one| (one.purpose, one.identity.text())).collect();
        assert_eq!(held, [(Purpose::Bootstrap, "b1".into()), (Purpose::Management, "m1".into())]);
        let quoted = found(&bench, "quoted, one").unwrap().device.id;
        let own = block_on(bench.store.credentials(quoted)).unwrap();
        assert_eq!(own[0].identity.text(), "quoted, one", "the name, where no identity is given");
        assert!(!found(&bench, "bare").unwrap().secured);
        assert_eq!(bench.audit().len(), 1);
        assert!(bench.audit()[0].starts_with("import devices · administrator · 3 devices of lines "));
        assert_eq!(bench.script.followed.lock().unwrap().len(), 1);
        let timeline = bench.timeline(device.device.id);
        assert_eq!(
            timeline,
            [
                "enrolment: added by administrator by an import; bootstrap credential b1; management credential m1"
            ]
        );
    }
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let bench = Bench::new();
    let text = format!("endpoint,bootstrap_key\na,{KEY}\nb,xyz\nnode-1,\n");
    let dry = import(&bench, ImportFormat::Csv, &text, true);
    assert!(dry.dry_run && found(&bench, "a").is_none() && bench.audit().is_empty());
    assert!(bench.script.followed.lock().unwrap().is_empty());
    let real = import(&bench, ImportFormat::Csv, &text, false);
    assert_eq!(ImportReport { dry_run: false, ..dry }, real);
    assert_eq!((real.rows, real.added, real.unchanged, real.errors_total), (3, 1, 1, 1));
}

#[test]
fn each_row_that_is_wrong_is_named_with_what_to_do_and_never_with_a_key() {
    let bench = Bench::new();
    add(&bench, "taken").unwrap();
    let secret = "5ec2e75ec2e75ec2e75ec2e75ec2e7ff";
    let text = format!(
        "{HEADER}\n\
         good,,,{KEY},,\n\
         good,,other,{KEY},,\n\
         ,,,,,\n\
         short,,,0011,,\n\
         known,,,00000000000000000000000000000000,,\n\
         no hex,,,{secret}zz,,\n\
         no key,,identity,,,\n\
         no identity,,,,,{secret}\n\
         twice,,same,{KEY},same,{secret}\n\
         stolen,,taken,{KEY},,\n\
         classless,unheard,,{secret},,\n\
         long{},,,,,\n\
         \"control\u{1b}[2J\",,,,,\n\
         few,,\n",
        "x".repeat(252)
    );
    let report = import(&bench, ImportFormat::Csv, &text, false);
    let errors: Vec<_> = report.errors.iter().map(|error| (error.line, error.reason.as_str())).collect();
    assert_eq!(
        errors,
        [
            (3, "the same endpoint stands on line 2"),
            (4, "endpoint: an endpoint name is not empty"),
            (5, "bootstrap_key: a key has 16 to 64 bytes, this one has 2"),
            (6, "bootstrap_key: this key is one that anybody would try first; make a random one"),
            (7, "bootstrap_key: a key is written in hexadecimal digits, two a byte"),
            (8, "a bootstrap identity needs a bootstrap_key"),
            (9, "a management key needs a management_identity"),
            (10, "the same identity stands on line 10: each credential has its own"),
            (11, "the bootstrap identity belongs to another device: choose another"),
            (12, "there is no class \"unheard\": make it first"),
            (13, "endpoint: an endpoint name has at most 252 bytes, this one has 256"),
            (14, "endpoint: an endpoint name holds no control characters"),
            (15, "it has 3 fields, the first line has 6"),
        ]
    );
    assert_eq!((report.rows, report.added), (14, 1));
    assert!(!format!("{report:?}").contains(secret));
}

#[test]
fn a_quote_that_is_not_closed_spoils_its_own_line_alone() {
    let bench = Bench::new();
    let text = format!(
        "endpoint,class\n\"one,default\ntwo,default\n\"three\",\"default\"\n{},\n",
        ",".repeat(20_000)
    );
    let report = import(&bench, ImportFormat::Csv, &text, true);
    let wrong: Vec<u64> = report.errors.iter().map(|error| error.line).collect();
    assert_eq!((report.added, wrong), (2, vec![2, 5]), "{report:?}");
    assert_eq!(report.errors[1].reason, "a line has at most 16384 bytes");
}

#[test]
fn lines_are_counted_alike_however_they_end() {
    for end in ["\n", "\r\n"] {
        let bench = Bench::new();
        let lines = ["endpoint", "one", "", "one", "\"two\"", "two"];
        let report = import(&bench, ImportFormat::Csv, &lines.join(end), true);
        let wrong: Vec<u64> = report.errors.iter().map(|error| error.line).collect();
        assert_eq!(wrong, [4, 6], "{end:?}");
    }
}

#[test]
fn a_file_that_is_not_what_it_says_is_refused_as_a_whole() {
    let bench = Bench::new();
    let refused = |format, text: &[u8]| {
        let admin = context(Role::Administrator);
        block_on(bench.fleet.import(&admin, format, text, false)).unwrap_err().to_string()
    };
    let csv = |text: &str| refused(ImportFormat::Csv, text.as_bytes());
    assert!(
        csv("").starts_with("columns: the file is empty; its first line names the columns: endpoint,class,")
    );
    assert!(csv("endpoint,colour\n").starts_with("columns: there is no column colour; the first line names"));
    assert!(csv("class\n").starts_with("columns: the column endpoint is missing"));
    assert!(csv("endpoint,endpoint\n").starts_with("columns: the column endpoint is named twice"));
    let headless = csv(&format!("sensor-1,default,b,{KEY},m,{KEY}\n"));
    assert!(headless.starts_with("columns: there is no column …") && !headless.contains(KEY), "{headless}");
    let large = vec![b'\n'; ImportReport::MAX_BYTES + 1];
    assert!(refused(ImportFormat::JsonLines, &large).starts_with("file: a file has at most"));
}

#[test]
fn hostile_lines_are_errors_and_harm_no_other() {
    let bench = Bench::new();
    let deep = "[".repeat(100_000);
    let long = format!("{{\"endpoint\":\"{}\"}}", "x".repeat(100_000));
    let lines = [
        "{",
        "null",
        "[]",
        "{\"endpoint\":1}",
        "{\"endpoint\":\"a\",\"colour\":\"red\"}",
        "{\"endpoint\":\"a\",\"endpoint\":\"b\"}",
        "{\"endpoint\":\"a\",\"bootstrap_key\":12345678901234567890}",
        &deep,
        &long,
        "{\"endpoint\":\"\\u0000\"}",
        "\u{0}",
        "{\"endpoint\":\"good\"}",
    ];
    let report = import(&bench, ImportFormat::JsonLines, &lines.join("\n"), false);
    assert_eq!((report.rows, report.added, report.errors_total), (12, 1, 11), "{report:?}");
    assert!(!format!("{report:?}").contains("12345678901234567890"), "what the parser says may quote a key");
    let bytes = b"endpoint\n\xff\xfe\nfine\n";
    let admin = context(Role::Administrator);
    let report = block_on(bench.fleet.import(&admin, ImportFormat::Csv, bytes, false)).unwrap();
    assert_eq!((report.added, report.errors[0].reason.as_str()), (1, "it is not written in UTF-8"));
    for markup in ["=1+1", "@SUM(A1)", "<script>alert(1)</script>", "\u{202e}gnp"] {
        let text = format!("endpoint\n{markup}\n");
        assert_eq!(
            import(&bench, ImportFormat::Csv, &text, false).added,
            1,
            "a name like any other: {markup}"
        );
    }
}

#[test]
fn errors_are_counted_and_the_first_thousand_listed() {
    let bench = Bench::new();
    let text: String =
        "endpoint,class\n".to_owned() + &(0..1_500).map(|row| format!("n{row},none\n")).collect::<String>();
    let report = import(&bench, ImportFormat::Csv, &text, false);
    assert_eq!((report.errors_total, report.errors.len()), (1_500, ImportReport::MAX_ERRORS));
    assert_eq!((report.errors[0].line, report.errors[999].line), (2, 1_001));
}

#[test]
fn a_key_that_was_revoked_is_not_taken_again_and_one_that_was_rotated_is() {
    let bench = Bench::new();
    let text = format!("{HEADER}\na,,b-a,{KEY},,\n");
    import(&bench, ImportFormat::Csv, &text, false);
    let device = found(&bench, "a").unwrap().device;
    let held = block_on(bench.store.credentials(device.id)).unwrap().remove(0);
    let end = |state| bench.commit(vec![Change::CredentialEnded { id: held.id, state, at: START }]);
    end(CredentialState::Retired);
    assert_eq!(import(&bench, ImportFormat::Csv, &text, false).unchanged, 1);
    end(CredentialState::Revoked);
    let reason = |text: &str| import(&bench, ImportFormat::Csv, text, false).errors.remove(0).reason;
    assert_eq!(reason(&text), "this bootstrap key was revoked: make a new one");
    remove(&bench, device.public_id, true).unwrap();
    assert_eq!(reason(&text), "this bootstrap key was revoked: make a new one", "a removed device, too");
    let other = text.replace(KEY, OTHER_KEY);
    assert_eq!(import(&bench, ImportFormat::Csv, &other, false).added, 1, "an import enrols it again");
    let back = found(&bench, "a").unwrap();
    assert_eq!((back.device.id, back.state, back.secured), (device.id, DeviceState::Awaited, true));
}

#[test]
fn what_is_there_otherwise_is_an_error() {
    let bench = Bench::new();
    let [_, management] = live(&bench, 1);
    let admin = context(Role::Administrator);
    block_on(bench.fleet.add_class(&admin, "meters")).unwrap();
    let identity = management.identity.text();
    let rows = [
        format!("node-1,,,,{identity},{OTHER_KEY}"),
        format!("node-1,,{identity},{KEY},,"),
        format!("node-1,,,,another,{KEY}"),
        "node-1,meters,,,,".to_owned(),
    ];
    let reasons = rows.map(|row| {
        import(&bench, ImportFormat::Csv, &format!("{HEADER}\n{row}\n"), false).errors.remove(0).reason
    });
    assert_eq!(
        reasons,
        [
            "the device is there with another management key: rotate or revoke that on its page",
            "the device is there with another bootstrap key: rotate or revoke that on its page",
            "the device is there without this management credential: give it one more on its page",
            "the device is there in another class: put it into this one on its page",
        ]
    );
}

#[test]
fn a_fleet_that_gets_full_refuses_the_rows_it_has_no_room_for() {
    let bench = Bench::new();
    *bench.script.room.lock().unwrap() = 500;
    let text: String = "endpoint\n".to_owned() + &(0..600).map(|row| format!("n{row}\n")).collect::<String>();
    let report = import(&bench, ImportFormat::Csv, &text, false);
    assert_eq!((report.added, report.errors_total), (500, 100));
    assert_eq!(report.errors[0].reason, "the server holds as many devices as it may");
}

#[test]
fn a_commit_has_at_most_so_many_rows_and_is_followed() {
    let bench = Bench::new();
    let text: String =
        "endpoint\n".to_owned() + &(0..1_201).map(|row| format!("n{row}\n")).collect::<String>();
    assert_eq!(import(&bench, ImportFormat::Csv, &text, false).added, 1_201);
    let followed = bench.script.followed.lock().unwrap().clone();
    let added = |commit: &Arc<Commit>| {
        commit.changes.iter().filter(|change| matches!(change, Change::DeviceAdded(_))).count()
    };
    assert_eq!(followed.iter().map(added).collect::<Vec<_>>(), [500, 500, 201]);
    drop(followed);
    assert_eq!(import(&bench, ImportFormat::Csv, &text, false).unchanged, 1_201);
    assert_eq!(bench.audit().len(), 3, "what changes nothing leaves nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn to_import_twice_is_to_import_once(
        rows in vec((0_u8..12, prop::option::of((0_u8..12, 0_u8..3)), prop::option::of((0_u8..12, 0_u8..3))), 0..30),
    ) {
        let psk = |prefix: &str, given: Option<(u8, u8)>| match given {
            Some((identity, key)) => format!("{prefix}{identity},{KEY}{key:02x}"),
            None => ",".to_owned(),
        };
        let row = |(name, bootstrap, management)| {
            format!("d{name},,{},{}\n", psk("b", bootstrap), psk("m", management))
        };
        let text: String = format!("{HEADER}\n") + &rows.into_iter().map(row).collect::<String>();
        let bench = Bench::new();
        let first = import(&bench, ImportFormat::Csv, &text, false);
        let before = block_on(bench.store.restore()).unwrap().devices;
        let second = import(&bench, ImportFormat::Csv, &text, false);
        prop_assert_eq!(first.added + first.unchanged + first.errors_total, first.rows);
        prop_assert_eq!(second.added, 0);
        prop_assert_eq!(second.unchanged, first.added);
        prop_assert_eq!(second.errors, first.errors);
        prop_assert_eq!(block_on(bench.store.restore()).unwrap().devices, before);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), csv in any::<bool>()) {
        let bench = Bench::new();
        let format = if csv { ImportFormat::Csv } else { ImportFormat::JsonLines };
        let with_header = [b"endpoint,bootstrap_key\n", &bytes[..]].concat();
        for bytes in [&bytes, &with_header] {
            drop(block_on(bench.fleet.import(&context(Role::Administrator), format, bytes, true)));
        }
    }
}

fn import(bench: &Bench, format: ImportFormat, text: &str, dry_run: bool) -> ImportReport {
    let admin = context(Role::Administrator);
    block_on(bench.fleet.import(&admin, format, text.as_bytes(), dry_run)).unwrap()
}

fn found(bench: &Bench, name: &str) -> Option<DeviceView> {
    block_on(bench.store.device_by_endpoint(&endpoint(name))).unwrap()
}

#[test]
fn keys_and_certificates_are_imported_by_what_is_public_of_them() {
    let bench = Bench::new();
    let factory = Factory::new("factory");
    let base64 = |der: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let der = factory.issue("pinned", 7, &[], YEAR);
    let key = crate::Certificate::parse(&factory.certificate()).unwrap().public_key;
    let over = factory.issue("over", 8, &[], Validity { from: Timestamp(0), to: Timestamp(START.0 - 1_000) });
    let text = format!(
        "endpoint,management_public_key,management_certificate\nraw,{},\npinned,,{}\nmapped,,cn:mapped\n\
         both,{0},{1}\nother,,serial:ab\nbroken,,xyz\nover,,{}\n",
        base64(&key),
        base64(&der),
        base64(&over)
    );
    let report = import(&bench, ImportFormat::Csv, &text, false);
    let lines: Vec<u64> = report.errors.iter().map(|error| error.line).collect();
    assert_eq!((report.added, lines), (3, vec![5, 6, 7, 8]), "{report:?}");
    for (line, reason) in [
        (0, "either a public key or a certificate"),
        (1, "by cn:…, not so"),
        (2, "management_certificate: this is no certificate"),
        (3, "past its time"),
    ] {
        assert!(report.errors[line].reason.contains(reason), "{:?}", report.errors[line]);
    }
    let again = import(&bench, ImportFormat::Csv, &text, false);
    assert_eq!((again.added, again.unchanged), (0, 3), "{again:?}");
    let found = block_on(bench.fleet.opening_by_key(Purpose::Management, &key, START)).unwrap().unwrap();
    assert_eq!(found.endpoint.unwrap().as_str(), "raw");
}
