//! Bootstrap: I-27.

use device::Event;

use super::View;

/// I-27: a bootstrap that finishes has given the device what it works with.
pub(super) fn finished(view: &View<'_>, device: usize, event: &Event) {
    let name = &view.model.devices[device].endpoint;
    match event {
        Event::BootstrapInconsistent { reason } => {
            view.bench.violate("I-27", format!("{name}: the bootstrap was finished too early: {reason:?}"));
        }
        Event::Bootstrapped if view.nodes[device].device.management_account().is_none() => {
            view.bench.violate("I-27", format!("{name}: it is bootstrapped and has no account"));
        }
        _ => {}
    }
}
