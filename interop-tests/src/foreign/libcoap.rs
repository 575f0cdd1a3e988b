//! libcoap's `coap-client`: it asks for a resource by the CoAP library's DTLS, and prints what it gets. It takes no suite, so
//! the server serves the one.

use std::process::Command;

use super::{Feature, Foreign, IDENTITY, NotDone, Proof, Task, process::Process};
use crate::{Missing, skip};

pub(super) fn prepare(client: Foreign) -> Result<(), Missing> {
    skip::is_there(program(client), "-?", "libcoap's coap-client (libcoap3-bin)")
}

pub(super) fn talk(client: Foreign, task: &Task<'_>) -> Result<(), NotDone> {
    if !matches!(task.feature(), Feature::Plain | Feature::Stranger) {
        return Err(NotDone::NoWay);
    }
    let mut command = Command::new(program(client));
    command.args(["-v", "6", "-B", "8"]);
    match task.cell.proof {
        Proof::Psk => {
            let key = String::from_utf8(task.key()).expect("the keys are letters");
            command.args(["-u", IDENTITY, "-k", &key]);
        }
        Proof::Certificate => {
            command.arg("-c").arg(task.means.path(&format!("{}.pem", task.own())));
            command.arg("-j").arg(task.means.path(&format!("{}-key.pem", task.own())));
            command.arg("-C").arg(task.means.path("authority.pem"));
        }
        // OpenSSL below 3.2 has none.
        Proof::RawPublicKey if client == Foreign::LibcoapOpenssl => return Err(NotDone::NoWay),
        Proof::RawPublicKey => {
            command.arg("-M").arg(task.means.path(&format!("{}-pair.pem", task.own())));
        }
    }
    let uri = format!("coaps://{}/text", task.host.address());
    let mut process = Process::start(command.arg(uri));
    process.hear(|line| line.contains(Task::TEXT)).map(drop)
}

fn program(client: Foreign) -> &'static str {
    if client == Foreign::LibcoapGnutls { "coap-client-gnutls" } else { "coap-client-openssl" }
}
