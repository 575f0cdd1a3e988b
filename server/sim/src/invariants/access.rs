//! Who may not come any more: I-9.

use std::time::Duration;

use coap::Message;
use fleet::DeviceState;

use super::View;

/// How long after a revocation its device may be served (RELIABILITY §1: one second), and its last words be on their way.
const AT_ONCE: Duration = Duration::from_secs(1);
const ON_ITS_WAY: Duration = Duration::from_secs(60);

/// I-9: what a revoked device asks is not done, and it is asked nothing.
pub(super) fn heard(view: &View<'_>, device: usize, message: &Message) {
    let (known, node) = (&view.model.devices[device], &view.nodes[device]);
    let Some(revoked) = known.revoked.and_then(|revoked| revoked.told) else { return };
    if message.code.is_request() && view.bench.now() > revoked + ON_ITS_WAY {
        view.bench
            .violate("I-9", format!("{}: revoked at {revoked:?}, and is asked something", known.endpoint));
    }
    let asked = view.model.request(device, node.power_cycles, (message.id.0, message.token));
    let arrived = asked.and_then(|asked| asked.arrived).map(|(_, _, at)| at);
    if message.code.is_success() && arrived.is_some_and(|at| at > revoked + AT_ONCE) {
        let text = format!("{}: revoked at {revoked:?}, and is answered {}", known.endpoint, message.code);
        view.bench.violate("I-9", text);
    }
}

/// I-9: after all, it is not registered.
pub(super) fn gone(view: &View<'_>) {
    for (device, known) in view.model.devices.iter().enumerate() {
        let is_revoked = known.revoked.is_some_and(|revoked| revoked.told.is_some());
        if is_revoked && view.stored(device).is_some_and(|stored| stored.state == DeviceState::Registered) {
            view.bench.violate("I-9", format!("{} is revoked and registered", known.endpoint));
        }
    }
}
