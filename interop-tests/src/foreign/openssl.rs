//! OpenSSL's `s_client`: a line that is typed is sent, what arrives is printed.

use std::process::Command;

use dtls::Suite;

use super::{Feature, IDENTITY, NotDone, Proof, Task, process::Process};
use crate::{Missing, skip};

pub(super) fn prepare() -> Result<(), Missing> {
    skip::is_there("openssl", "version", "OpenSSL's command (openssl)")
}

pub(super) fn talk(task: &Task<'_>) -> Result<(), NotDone> {
    if task.feature().has_connection_id() || task.cell.proof == Proof::RawPublicKey {
        return Err(NotDone::NoWay);
    }
    let kept = task.means.path("openssl-session.pem");
    let kept = kept.to_str().expect("temporary folders have plain names");
    match task.feature() {
        Feature::Resumption => {
            run(task, &["-sess_out", kept])?;
            let again = run(task, &["-sess_in", kept])?;
            // It says so before the answer of the server is shown.
            if again { Ok(()) } else { Err(NotDone::Failed("New, not Reused".to_owned())) }
        }
        _ => run(task, &[]).map(drop),
    }
}

/// Whether the session was an old one.
fn run(task: &Task<'_>, more: &[&str]) -> Result<bool, NotDone> {
    let mut command = Command::new("openssl");
    // Level 0 lets the suites with a tag of 8 bytes pass.
    let cipher = format!("{}:@SECLEVEL=0", cipher(task.cell.suite).ok_or(NotDone::NoWay)?);
    command.args(["s_client", "-dtls1_2", "-connect", &task.host.address().to_string(), "-cipher", &cipher]);
    if task.is_psk() {
        let key: String = task.key().iter().map(|byte| format!("{byte:02x}")).collect();
        command.args(["-psk_identity", IDENTITY, "-psk", &key]);
    } else {
        command.args(["-verify_return_error", "-CAfile"]).arg(task.means.path("authority.pem"));
        command.arg("-cert").arg(task.means.path(&format!("{}.pem", task.own())));
        command.arg("-key").arg(task.means.path(&format!("{}-key.pem", task.own())));
    }
    if task.feature() == Feature::SmallDatagrams {
        command.args(["-mtu", &Task::SMALL_MTU.to_string()]);
    }
    let mut process = Process::start(command.args(more));
    process.tell(Task::TEXT);
    let is_done = |line: &str| line.starts_with("New, ") || line.starts_with("Reused, ");
    let reused = process.hear(is_done)?.starts_with("Reused");
    process.hear(|line| line == Task::TEXT)?;
    if task.feature() == Feature::Restart {
        task.host.restart();
        process.tell(Task::TEXT);
        process.hear(|line| line == Task::TEXT)?;
    }
    process.tell("Q");
    process.end()?;
    Ok(reused)
}

/// As OpenSSL calls it.
fn cipher(suite: Suite) -> Option<&'static str> {
    match suite {
        Suite::PskAes128Ccm8 => Some("PSK-AES128-CCM8"),
        Suite::PskAes128Ccm => Some("PSK-AES128-CCM"),
        Suite::PskAes128GcmSha256 => Some("PSK-AES128-GCM-SHA256"),
        Suite::PskAes128CbcSha256 => Some("PSK-AES128-CBC-SHA256"),
        Suite::EcdhePskAes128CbcSha256 => Some("ECDHE-PSK-AES128-CBC-SHA256"),
        Suite::EcdheEcdsaAes128Ccm8 => Some("ECDHE-ECDSA-AES128-CCM8"),
        Suite::EcdheEcdsaAes128Ccm => Some("ECDHE-ECDSA-AES128-CCM"),
        Suite::EcdheEcdsaAes128GcmSha256 => Some("ECDHE-ECDSA-AES128-GCM-SHA256"),
        Suite::EcdheEcdsaAes128CbcSha256 => Some("ECDHE-ECDSA-AES128-SHA256"),
        Suite::EcdhePskAes128GcmSha256 | Suite::EcdhePskAes128Ccm8Sha256 => None,
    }
}
