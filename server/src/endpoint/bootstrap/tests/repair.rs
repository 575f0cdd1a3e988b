//! Devices that do not finish: looked at, mended, finished, and given up where that comes to nothing.

use super::*;

#[test]
fn a_device_that_does_not_finish_is_looked_at_mended_and_finished() {
    for (lwm2m, can_read) in [(Version::V1_0, false), (Version::V1_1, true), (Version::V1_1, false)] {
        let mut world = World::new();
        let shown = world.enrol("node-7");
        let mut profile = secured("node-7", lwm2m, &shown, 0);
        profile.faults = Faults::forgetting_servers();
        if !can_read {
            let how = How::AnswerWith(coap::Code::METHOD_NOT_ALLOWED);
            profile
                .faults
                .misbehaviours
                .extend(misbehaving(Operation::BootstrapRead, "/", how).misbehaviours);
        }
        world.start(profile);
        assert!(world.run_until(secs(60), registered), "{lwm2m} {can_read}: {:?}", world.ended);
        let record = world.record();
        assert_eq!((record.result, record.repaired()), (BootstrapResult::Finished, Some("repaired")));
        let finding = &record.repairs[0].findings[0];
        assert_eq!(finding.what, "/1/0 was written and is not there");
        assert!(finding.done.starts_with("Write /1/0") && finding.done.ends_with("2.04"), "{finding:?}");
        assert_eq!(block_on(world.store.bootstrap(record.id)).unwrap().as_ref(), Some(record));
        // Nothing was taken over before it had proved itself: the one credential that was made is live.
        let identity = world.devices[0].managed[0].unwrap();
        assert_eq!(Some(identity.credential), record.credential);
    }
}

#[test]
fn a_device_that_is_never_content_is_not_repaired_over_and_over() {
    let mut world = World::new();
    let mut profile = plain("node-7");
    profile.faults = misbehaving(Operation::BootstrapWrite, "/1", How::Forget(1_000));
    world.start(profile);
    world.run(secs(3_000));
    let repaired = world.ended.iter().filter(|record| record.repaired().is_some()).count();
    assert!(world.ended.len() > 1, "it comes again: {}", world.ended.len());
    assert_eq!(repaired, 1, "{:?}", world.ended);
    assert!(world.ended[0].repairs.len() <= fleet::Repair::MAX_ROUNDS);
    assert!(world.ended[1].reason.contains("no repair is tried"), "{}", world.ended[1].reason);
}
