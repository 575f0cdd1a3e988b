//! What the instances of an account hold: every resource that their definitions call mandatory, empty or not.

use objects::{InstanceId, ObjectId, Path, ResourceId, Value};

use super::{Task, What};
use crate::{
    Public,
    bootstrap::{
        Account, AccountCredential, Material, OwnBootstrap, Plan,
        plan::{SECURITY, SERVER},
    },
};

/// `/0/x` of the management account. `complete` adds what is optional and has a value that changes nothing.
pub(super) fn security(account: &Account, plan: &Plan, instance: InstanceId, complete: bool) -> Task {
    let mut values = credentials(&account.uri, false, account.credential.as_ref());
    values.push((10, Value::Integer(account.short_server_id.into())));
    let neutral = complete.then_some(0);
    let hold_off = plan.hold_off.or(neutral);
    values.extend(hold_off.map(|seconds| (11, Value::Integer(seconds.into()))));
    task(What::Account, SECURITY, instance, values)
}

/// `/0/x` of the bootstrap server itself. It goes in one piece: its identity without its key would open nothing.
pub(super) fn bootstrap(own: &OwnBootstrap, instance: InstanceId) -> Task {
    task(What::Bootstrap, SECURITY, instance, credentials(&own.uri, true, Some(&own.credential)))
}

/// `/1/x`.
pub(super) fn server(
    account: &Account,
    plan: &Plan,
    instance: InstanceId,
    complete: bool,
    speaks_1_0: bool,
) -> Task {
    // LwM2M 1.1 has queue mode in the registration, and no Q in the binding any more (Core 1.1.1 §E.2).
    let binding = if speaks_1_0 { &plan.binding } else { plan.binding.trim_end_matches('Q') };
    let neutral = complete.then_some(0);
    let seconds = |seconds: u32| Value::Integer(seconds.into());
    let mut values = vec![(0, Value::Integer(account.short_server_id.into())), (1, seconds(plan.lifetime))];
    values.extend(plan.default_pmin.or(neutral).map(|pmin| (2, seconds(pmin))));
    values.extend(plan.default_pmax.or(neutral).map(|pmax| (3, seconds(pmax))));
    let registering = plan.registering.values(speaks_1_0);
    let timeout = complete && plan.registering.disable_timeout.is_none();
    values.extend(timeout.then_some((5, seconds(DISABLE_TIMEOUT))));
    values.push((6, Value::Boolean(plan.notification_storing)));
    values.push((7, Value::String(binding.to_owned())));
    values.extend(registering);
    values.sort_by_key(|(id, _)| *id);
    task(What::Account, SERVER, instance, values)
}

fn credentials(uri: &str, bootstrap: bool, credential: Option<&AccountCredential>) -> Vec<(u16, Value)> {
    let none = &[][..];
    // Each in DER as LwM2M Core 1.1.1 §E.1 has it. Of the private key it names no structure: it is PKCS#8 (RFC 5958), for
    // that is what Leshan reads, and what mbed TLS and OpenSSL take besides the bare ECPrivateKey of RFC 5915.
    let (mode, own, server, secret) = match credential.map(|credential| &credential.material) {
        None => (NO_SEC, none, none, none),
        // The server's key is mandatory in the definition, and of no use with a pre-shared key; Leshan asks for it all the same.
        Some(Material::Psk { identity, key }) => (PSK, identity.as_bytes(), none, key.as_bytes()),
        Some(Material::KeyPair { pair, server }) => {
            let mode = match pair.public {
                Public::Key(_) => RAW_PUBLIC_KEY,
                Public::Chain(_) => CERTIFICATE,
            };
            (mode, pair.leaf(), server.as_slice(), pair.private.as_bytes())
        }
    };
    vec![
        (0, Value::String(uri.to_owned())),
        (1, Value::Boolean(bootstrap)),
        (2, Value::Integer(mode)),
        (3, Value::Opaque(own.to_vec())),
        (4, Value::Opaque(server.to_vec())),
        (5, Value::Opaque(secret.to_vec())),
    ]
}

fn task(what: What, object: ObjectId, instance: InstanceId, values: Vec<(u16, Value)>) -> Task {
    let at = |(id, value)| (Path::Resource(object, instance, ResourceId(id)), value);
    Task::Write { what, path: Path::Instance(object, instance), values: values.into_iter().map(at).collect() }
}

// LwM2M Core 1.1.1 §E.1, Security Mode.
const PSK: i64 = 0;
const RAW_PUBLIC_KEY: i64 = 1;
const CERTIFICATE: i64 = 2;
const NO_SEC: i64 = 3;

/// What /1/x/5 is where nobody sets it (LwM2M Core 1.1.1 §E.2).
const DISABLE_TIMEOUT: u32 = 86_400;
