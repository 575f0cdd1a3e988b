//! The LwM2M clients of the scenarios, here for their DTLS: they register, and Leshan's moves on and begins anew.

use std::time::Duration;

use dtls::Suite;

use super::{Feature, Foreign, IDENTITY, NotDone, Proof, Task};
use crate::{Client, Deadline, Missing, Peer, Security, Spec, Transport};

pub(super) fn prepare(client: Foreign) -> Result<(), Missing> {
    peer(client).prepare(Transport::Dtls)
}

pub(super) fn talk(client: Foreign, task: &Task<'_>) -> Result<(), NotDone> {
    let is_able = match client {
        Foreign::Wakaama => {
            task.cell.suite == Suite::PskAes128Ccm8
                && matches!(task.feature(), Feature::Plain | Feature::Stranger)
        }
        _ => task.feature() != Feature::SmallDatagrams,
    };
    if !is_able {
        return Err(NotDone::NoWay);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(register(peer(client), task))
}

async fn register(peer: Peer, task: &Task<'_>) -> Result<(), NotDone> {
    let spec = Spec { security: security(task), ..Spec::new(IDENTITY) };
    let spec = if task.feature().has_connection_id() { spec } else { spec.without_connection_id() };
    let mut client = peer.start(task.host.address(), &spec);
    hear(task, &mut client, "registered").await?;
    match task.feature() {
        Feature::AddressChange => {
            client.run("rebind").await;
            // The server goes on with a new address when it has been heard there twice.
            for _ in 0..2 {
                client.run("update").await;
                hear(task, &mut client, "updated").await?;
            }
        }
        Feature::Resumption => {
            client.run("handshake resume").await;
            client.run("update").await;
            hear(task, &mut client, "updated").await?;
        }
        Feature::Restart => {
            task.host.restart();
            client.run("update").await;
            hear(task, &mut client, "updated").await?;
        }
        _ => {}
    }
    Ok(())
}

/// Waits for an event, or for the server to refuse the client, which may try for long.
async fn hear(task: &Task<'_>, client: &mut Client, event: &str) -> Result<(), NotDone> {
    let deadline = Deadline::after(Task::WITHIN);
    while !deadline.has_passed() && task.host.seen().failures.is_empty() {
        if client.has_told(event) {
            client.event(event).await;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(NotDone::Failed(format!("not {event}")))
}

fn security(task: &Task<'_>) -> Security {
    let own = || task.means.path(&format!("{}.der", task.own()));
    let key = || task.means.path(&format!("{}-key.der", task.own()));
    match task.cell.proof {
        Proof::Psk => Security::Psk { identity: IDENTITY.to_owned(), key: task.key() },
        Proof::RawPublicKey => Security::RawPublicKey {
            own: task.means.path(&format!("{}-public.der", task.own())),
            key: key(),
            server: task.means.path("server-public.der"),
        },
        Proof::Certificate => {
            Security::Certificate { own: own(), key: key(), server: task.means.path("server.der") }
        }
    }
}

fn peer(client: Foreign) -> Peer {
    if client == Foreign::Leshan { Peer::Leshan } else { Peer::Wakaama }
}
