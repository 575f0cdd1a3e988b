//! No secret stands anywhere but where it belongs: keys are planted, and everything that is written is searched.

use super::{claims::new_claim, credentials::live, enrol::*, handshake::*, *};
use crate::{
    Closed, CredentialState, GivenPsk, ImportFormat, NewClaim, NewDevice, PskKey, Purpose, Rotation, Secret,
    store::DiaryQuery,
};

const PLANTED: [&str; 4] = [
    "a1a2a3a4a5a6a7a8a9b1b2b3b4b5b6b7",
    "c1c2c3c4c5c6c7c8c9d1d2d3d4d5d6d7",
    "e1e2e3e4e5e6e7e8e9f1f2f3f4f5f6f7",
    "a9a8a7a6a5a4a3a2a1b9b8b7b6b5b4b3",
];

#[test]
fn no_key_is_in_the_audit_log_a_timeline_the_diary_or_what_is_printed() {
    let bench = with_users();
    let admin = context(Role::Administrator);
    let planted = |index: usize| Some(PskKey::from_hex(PLANTED[index]).unwrap());
    let given = |index| Some(GivenPsk { identity: None, key: planted(index) }.into());
    let mut printed = String::new();
    let mut print = |thing: &dyn std::fmt::Debug| printed.push_str(&format!("{thing:?}\n"));

    let new = NewDevice { bootstrap: given(0), management: given(1), ..new("sensor") };
    print(&new);
    let enrolled = block_on(bench.fleet.add_device(&admin, new)).unwrap();
    print(&enrolled);
    let id = enrolled.device.public_id;
    let claim = NewClaim { credential: GivenPsk { identity: None, key: planted(2) }, ..new_claim("batch") };
    print(&claim);
    print(&block_on(bench.fleet.add_claim(&admin, claim)).unwrap());
    let file = format!("endpoint,bootstrap_key\nimported,{}\nimported,{0}\nbroken,{0}0\n", PLANTED[3]);
    print(&block_on(bench.fleet.import(&admin, ImportFormat::Csv, file.as_bytes(), false)).unwrap());
    live(&bench, 3);

    let mut keys: Vec<String> = PLANTED.map(str::to_owned).into();
    let mut made = |shown: &crate::Shown| keys.push(shown.psk().unwrap().to_hex().to_string());
    enrolled.shown.iter().for_each(&mut made);
    let mut check = |rotation: Rotation| match rotation {
        Rotation::Shown(shown) => made(&shown),
        Rotation::Triggered(_) => {}
    };
    let bootstrap = &enrolled.shown[0].credential;
    let rotation = block_on(bench.fleet.rotate_credential(&admin, id, bootstrap.public_id)).unwrap();
    print(&rotation);
    check(rotation);
    let management = &enrolled.shown[1].credential;
    print(&open(&bench, management, Purpose::Management).unwrap());
    opened(&bench, management).unwrap();
    for purpose in Purpose::ALL {
        let closed: Option<Closed> = open(&bench, bootstrap, purpose).err();
        print(&closed);
    }
    block_on(bench.fleet.revoke_device(&admin, id, "lost")).unwrap();
    remove(&bench, id, false).unwrap();
    let (token, text) = block_on(bench.fleet.add_token(&admin, "ci", Role::Viewer, None)).unwrap();
    keys.push(text.trim_start_matches("muster_").to_owned());
    print(&token);
    let (webhook, text) = block_on(bench.fleet.add_webhook(&admin, "https://example.com/", vec![])).unwrap();
    keys.push(text.trim_start_matches("whsec_").to_owned());
    print(&webhook);
    let password = PasswordHash::make("x", "planted horse battery", [1; 16]).unwrap();
    keys.extend([password.as_phc().rsplit('$').next().unwrap().to_owned(), "planted horse".into()]);
    print(&block_on(bench.fleet.add_user(&admin, "x", Role::Viewer, password)).unwrap());

    for commit in bench.script.followed.lock().unwrap().iter() {
        print(commit);
    }
    print(&*bench.script.endings.lock().unwrap());
    let page = PageRequest::first(500);
    print(&block_on(bench.store.audit(&AuditQuery::all(page.clone()))).unwrap());
    print(&block_on(bench.store.diary(&DiaryQuery::all(page.clone()))).unwrap());
    for number in [1, 2, 3, 1_000, 1_001] {
        print(&bench.timeline(DeviceId(number)));
    }
    print(&bench.store);

    let printed = printed.to_lowercase();
    for key in keys {
        assert!(!printed.contains(&key.to_lowercase()), "{key}");
        let decimal: Vec<String> = key
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| {
                u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().map(|byte| byte.to_string())
            })
            .collect();
        assert!(decimal.len() < 8 || !printed.contains(&decimal.join(", ")), "{key} as numbers");
    }
}

#[test]
fn a_removed_device_whose_data_is_deleted_leaves_no_key() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    remove(&bench, enrolled.device.public_id, false).unwrap();
    for shown in enrolled.shown {
        let (credential, secret) =
            block_on(bench.store.credential_row(shown.credential.id)).unwrap().unwrap();
        assert_eq!(credential.state, CredentialState::Revoked);
        assert_eq!(secret, Secret::None);
        assert_ne!(shown.secret, Secret::None);
    }
}
