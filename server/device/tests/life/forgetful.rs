//! A device that says it has done what it has not: its bootstrap does not finish until it was told once more.

use device::{Event, Inconsistency};
use objects::{ContentFormat, link::Discovered};

use crate::{
    provisioning::{account, blank, delete, finish, server, write_instance},
    world::{World, get, seconds},
};

#[test]
fn a_forgetful_device_refuses_to_finish_until_it_was_told_once_more() {
    let mut profile = blank(0);
    profile.faults = device::Faults::forgetting_servers();
    let mut world = World::bootstrapping(profile);
    // It says that it has written the Server instance, and has not.
    world.provision(&account("key"));
    assert_eq!(world.code(finish()), "4.06");
    assert_eq!(world.count(&Event::BootstrapInconsistent { reason: Inconsistency::NoAccount }), 1);
    let found = Discovered::parse(&world.ask(get("/1", Some(ContentFormat::LINK))).payload).unwrap();
    assert_eq!(found.links.len(), 1, "no instance of it");
    assert_eq!(world.code(write_instance("/1/1", server(7))), "2.04");
    // A second one of the same server, which it says it has deleted, and has not.
    assert_eq!(world.code(write_instance("/1/4", server(7))), "2.04");
    assert_eq!(world.code(delete("/1/4")), "2.02");
    assert_eq!(world.code(finish()), "4.06");
    assert_eq!(world.code(delete("/1/4")), "2.02");
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("key")));
}
