//! How long it takes to add many. Run by hand: `cargo test --release -p server many -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use fleet::{
    Change, Credential, CredentialId, CredentialKind, CredentialState, DeviceId, Holder, NewCredential,
    PskIdentity, PskKey, PublicId, Purpose, Secret, Store as _, Timestamp,
};
use uuid::Uuid;

use super::fixture::{assert_tallies_are_true, commit, device, happened, open};

const DEVICES: i64 = 100_000;
const COMMIT: i64 = 500;

/// Each device with its bootstrap credential, its management credential and a line in its timeline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while, and says how long"]
async fn an_import_of_many_devices_takes_less_than_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let started = Instant::now();
    for first in (1..=DEVICES).step_by(COMMIT as usize) {
        let changes = (first..first + COMMIT).flat_map(|number| {
            let mut new = device(number, &format!("urn:imei:{number:015}"));
            // As random as the real ones, so that they hit the index everywhere.
            new.public_id = scattered(number);
            [
                Change::DeviceAdded(new),
                credential(number * 2, number, Purpose::Bootstrap),
                credential(number * 2 + 1, number, Purpose::Management),
                Change::Timeline(happened(number, "imported")),
            ]
        });
        store.commit(commit(changes)).await.unwrap();
    }
    let took = started.elapsed();
    println!("{DEVICES} devices with two credentials each: {took:.1?}");
    assert!(took < Duration::from_secs(60));
    assert_tallies_are_true(&store).await;
    let started = Instant::now();
    let restored = store.restore().await.unwrap();
    println!("restored: {:.1?}", started.elapsed());
    assert_eq!((restored.devices.len(), restored.secured.len()), (100_000, 100_000));
    store.close().await;
}

fn credential(number: i64, of_device: i64, purpose: Purpose) -> Change {
    let credential = Credential {
        id: CredentialId(number),
        public_id: scattered(-number),
        holder: Holder::Device(DeviceId(of_device)),
        purpose,
        kind: CredentialKind::Psk,
        state: CredentialState::Staged,
        identity: PskIdentity::new(format!("{}-{number:015}", purpose.name())).unwrap().into(),
        parent: None,
        valid_from: Timestamp(1_000),
        valid_to: None,
        created_by: "admin".into(),
        created_at: Timestamp(1_000),
        changed_at: Timestamp(1_000),
        last_used_at: None,
    };
    let secret = Secret::Psk(PskKey::new(scattered(number).0.as_bytes().to_vec()).unwrap());
    Change::CredentialAdded(Box::new(NewCredential { credential, secret }))
}

/// An odd multiplier scatters, and gives no two numbers the same.
fn scattered(number: i64) -> PublicId {
    let number = u128::from(number.cast_unsigned());
    PublicId(Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
}
