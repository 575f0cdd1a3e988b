use std::time::Duration;

use super::*;
use world::{At, OLD, Quirk, SIZE, World};

mod world;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_device_that_does_as_it_should_is_updated_and_proves_itself() {
    let mut world = World::new(Quirk::None);
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    let Update { attempt, sent, result, .. } = &world.update;
    assert_eq!((*attempt, *sent, *result), (1, SIZE, Some(1)));
    assert_eq!(world.pushes, [0], "it is written once");
    let asked = |ask| world.asked.iter().filter(|asked| **asked == ask).count();
    assert_eq!(asked(Ask::Install), 1);
    assert!(world.now >= world.update.created_at.after(world.update.terms.quiet), "it ran for a while");
}

#[test]
fn what_it_runs_already_is_not_sent_and_numbers_are_compared_as_numbers() {
    let mut world = World::new(Quirk::None).running("v1.1.10+build.7");
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded);
    assert!(world.pushes.is_empty());
    let mut world = World::new(Quirk::None).running(OLD);
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "1.1.1 is not 1.1.10: {:?}", world.update.notes);
    assert_eq!(world.pushes, [0]);
}

#[test]
fn what_may_not_go_there_is_not_even_looked_at() {
    let mut world = World::new(Quirk::None);
    world.seen.misfit = Some("the artefact is for class meter".into());
    assert_eq!(world.run(DAY), UpdatePhase::Refused);
    assert!(world.asked.is_empty());
    assert!(world.update.detail.contains("class meter"), "{}", world.update.detail);
}

#[test]
fn a_push_that_was_broken_off_goes_on_where_it_was_unless_it_is_to_begin_anew() {
    let mut world = World::new(Quirk::BreaksOff(1));
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert_eq!(world.pushes, [0, SIZE / 2]);
    let mut world = World::new(Quirk::BreaksOff(1)).with_terms(|terms| terms.resume = false);
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert_eq!(world.pushes, [0, 0]);
    assert!(world.asked.contains(&Ask::Reset), "the part is dropped");
}

#[test]
fn each_result_has_its_end_with_its_remedy() {
    for code in [2, 3, 4, 8, 12] {
        let mut world = World::new(Quirk::FailsWith(code, At::Download));
        assert_eq!(world.run(DAY), UpdatePhase::Failed, "{code}");
        assert_eq!(world.pushes.len(), 3, "{code}: another try may go better");
        let remedy = UpdateResult::of_firmware(code.into()).remedy;
        assert!(world.update.detail.contains(remedy), "{}", world.update.detail);
        assert_eq!(world.update.result, Some(code));
    }
    for (code, phase) in [(5, UpdatePhase::Failed), (6, UpdatePhase::Failed), (10, UpdatePhase::Cancelled)] {
        for at in [At::Download, At::Install] {
            let mut world = World::new(Quirk::FailsWith(code, at));
            assert_eq!(world.run(DAY), phase, "{code}");
            assert_eq!(world.pushes.len(), 1, "{code}: no try will go better");
        }
    }
}

#[test]
fn a_push_that_the_server_itself_broke_off_is_no_try_the_less() {
    let mut world = World::new(Quirk::CutOff(7));
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert_eq!(world.pushes.len(), 8);
    assert_eq!(world.update.attempt, 1);
    assert!(world.pushes[1..].iter().all(|from| *from == SIZE / 2), "{:?}", world.pushes);
}

#[test]
fn a_device_that_refuses_a_package_is_asked_why() {
    for (code, pushes) in [(2, 3), (5, 1), (6, 1)] {
        let mut world = World::new(Quirk::Refuses(code));
        assert_eq!(world.run(DAY), UpdatePhase::Failed, "{code}");
        assert_eq!(world.pushes.len(), pushes, "{code}");
        assert_eq!(world.update.result, Some(code));
        let remedy = UpdateResult::of_firmware(code.into()).remedy;
        assert!(world.update.detail.contains(remedy), "{}", world.update.detail);
    }
    // One that says what it said before the push has not said why.
    let mut world = World::new(Quirk::Refuses(5)).having_said(5);
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert_eq!(world.pushes.len(), 2, "{:?}", world.update.notes);
    let mut world = World::new(Quirk::Refuses(0));
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert_eq!(world.pushes.len(), 3);
    assert!(world.update.detail.contains("4.00 Bad Request (3 of 3 tries)"), "{}", world.update.detail);
}

#[test]
fn a_device_that_never_answers_again_is_given_up_with_a_reason() {
    let mut world = World::new(Quirk::FallsSilent);
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert!(world.update.detail.contains("3 of 3 tries"), "{}", world.update.detail);
    let mut world = World::new(Quirk::NeverReturns).with_terms(|terms| terms.give_up_after = DAY / 2);
    assert_eq!(world.run(DAY), UpdatePhase::Failed, "{:?}", world.update.notes);
    let mut world = World::new(Quirk::InstallsForEver);
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert!(world.update.detail.contains("installing"), "{}", world.update.detail);
}

#[test]
fn success_is_when_result_version_and_a_quiet_time_agree() {
    for (quirk, says) in [
        (Quirk::SaysOnly, "runs 1.1.1 instead of 1.1.10"),
        (Quirk::SaysNothing, "does not say that the update was a success"),
        (Quirk::StartsAgain, "again and again"),
    ] {
        let mut world = World::new(quirk);
        assert_eq!(world.run(DAY), UpdatePhase::Failed, "{quirk:?}: {:?}", world.update.notes);
        assert!(world.update.detail.contains(says), "{quirk:?}: {}", world.update.detail);
        assert_eq!(world.pushes, [0], "{quirk:?}: it is not tried on a device that lies");
    }
    let mut world = World::new(Quirk::None).without_device_version();
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert!(world.update.detail.contains("which version"), "{}", world.update.detail);
}

#[test]
fn an_update_that_is_told_twice_or_put_off_is_done_once() {
    let mut world = World::new(Quirk::DeafOnce);
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert_eq!(world.pushes, [0]);
    let mut world = World::new(Quirk::PutsOff(2)).with_terms(|terms| terms.defer_up_to = Some(DAY));
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert!(world.asked.contains(&Ask::Defer));
}

#[test]
fn it_is_fetched_by_what_both_know_and_pushed_where_they_know_nothing_in_common() {
    let coaps = (Scheme::Coaps, "coaps://192.0.2.1:5884/d/key");
    let mut world = World::new(Quirk::None)
        .with_terms(|terms| terms.delivery = Delivery::Pull)
        .offering(Scheme::Https, "https://192.0.2.1/d/key")
        .offering(coaps.0, coaps.1);
    world.seen.protocols = vec![1];
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert_eq!((world.uris.as_slice(), world.pushes.is_empty()), ([coaps.1.to_owned()].as_slice(), true));

    let mut world = World::new(Quirk::None).offering(coaps.0, coaps.1);
    (world.seen.protocols, world.seen.delivery) = (vec![0, 2], Some(0));
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert!(world.uris.is_empty(), "no address is sent whose scheme the device does not list");
    assert!(world.update.detail.contains("/5/0/8: 0, 2"), "{}", world.update.detail);
}

#[test]
fn a_download_that_fails_is_tried_again_or_explained_by_its_result() {
    let pulling = |quirk| {
        World::new(quirk)
            .with_terms(|terms| terms.delivery = Delivery::Pull)
            .offering(Scheme::Coaps, "coaps://192.0.2.1:5885/d/key")
    };
    for (code, tries) in [(4, 3), (7, 1), (9, 1)] {
        let mut world = pulling(Quirk::FailsWith(code, At::Download));
        assert_eq!(world.run(DAY), UpdatePhase::Failed, "{code}");
        assert_eq!(world.uris.len(), tries, "{code}: {:?}", world.update.notes);
        let remedy = UpdateResult::of_firmware(code.into()).remedy;
        assert!(world.update.detail.contains(remedy), "{}", world.update.detail);
        assert!(world.pushes.is_empty(), "it was to be fetched");
        assert_eq!(world.update.download, None, "the address is good no more");
    }
    let mut world = pulling(Quirk::Hangs);
    assert_eq!(world.run(DAY), UpdatePhase::Failed);
    assert!(world.update.detail.contains("no progress"), "{}", world.update.detail);
    assert_eq!(world.uris.len(), 3);
    let mut world = pulling(Quirk::AnswersLate);
    assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
    assert_eq!(world.uris.len(), 1, "it has asked for something there: it has the address");
}

#[test]
fn what_may_not_go_there_any_more_is_dropped_within_a_download() {
    let mut world = World::new(Quirk::Hangs)
        .with_terms(|terms| terms.delivery = Delivery::Pull)
        .offering(Scheme::Https, "https://192.0.2.1/d/key");
    while world.uris.is_empty() {
        world.turn();
    }
    world.turn();
    assert!(world.update.delivered && world.update.lets_fetch(world.now).is_ok());
    world.update.sent = 1_000;
    world.update.due_at = world.now;
    world.seen.misfit = Some("the artefact was withdrawn".into());
    assert_eq!(world.run(Duration::from_secs(5)), UpdatePhase::Refused, "{:?}", world.update.notes);
    assert_eq!(world.asked.last(), Some(&Ask::Reset), "the device drops what it has");
    assert!(world.update.detail.contains("after 1000 bytes: the artefact was withdrawn"));
    assert_eq!(world.update.lets_fetch(world.now), Err(NotGiven::Unknown));
}

/// One whose package is on its way.
pub(super) fn delivering() -> Update {
    Update { phase: UpdatePhase::Delivering, ..World::new(Quirk::None).update }
}

#[test]
fn a_device_that_rests_waits_and_one_that_was_let_off_does_not() {
    let rest = Duration::from_secs(7_200);
    for rested in [false, true] {
        let mut world = World::new(Quirk::None);
        world.seen.rests_until = Some(world.now.after(rest));
        world.update.rested = rested;
        assert_eq!(world.run(DAY), UpdatePhase::Succeeded);
        assert_eq!(world.update.notes[0].text.contains("rests"), !rested);
        assert_eq!(world.now.since(world.update.created_at) > rest, !rested);
    }
}

#[test]
fn a_package_of_somebody_else_is_dropped_first() {
    for state in [1, 2] {
        let mut world = World::new(Quirk::None).in_state(state, 0);
        assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{:?}", world.update.notes);
        assert_eq!(world.asked.iter().filter(|ask| **ask == Ask::Reset).count(), 1);
    }
}

#[test]
fn a_device_that_keeps_a_package_is_told_so_a_few_times_and_given_up() {
    for state in [1, 2] {
        let mut world = World::new(Quirk::Keeps).in_state(state, 0);
        assert_eq!(world.run(DAY), UpdatePhase::Failed, "{:?}", world.update.notes);
        assert!(world.update.detail.contains("however often"), "{}", world.update.detail);
        assert_eq!(world.asked.iter().filter(|ask| **ask == Ask::Reset).count(), 9, "three times a try");
        assert!(world.pushes.is_empty());
    }
}

#[test]
fn a_device_that_is_revoked_on_its_way_to_a_package_is_not_waited_for() {
    let revoke = |world: &mut World| (world.seen.registered, world.seen.is_revoked) = (None, true);
    // While it fetches, and between two tries of a push.
    let mut fetching = World::new(Quirk::Hangs)
        .with_terms(|terms| terms.delivery = Delivery::Pull)
        .offering(Scheme::Coaps, "coaps://192.0.2.1:5885/d/key");
    while fetching.uris.is_empty() {
        fetching.turn();
    }
    let mut pushed = World::new(Quirk::BreaksOff(1));
    while pushed.update.attempt == 1 && !pushed.update.has_ended() {
        pushed.turn();
    }
    assert_eq!((pushed.update.attempt, pushed.update.phase), (2, UpdatePhase::Waiting));
    for mut world in [fetching, pushed] {
        revoke(&mut world);
        assert_eq!(world.run(Duration::from_secs(1)), UpdatePhase::Failed);
        assert!(world.update.detail.contains("revoked"), "{}", world.update.detail);
        assert_eq!(world.update.download, None);
    }
    // One that has got nothing yet may be given another credential.
    let mut waiting = World::new(Quirk::None);
    let registered = waiting.seen.registered;
    revoke(&mut waiting);
    waiting.turn();
    assert!(!waiting.update.has_ended());
    (waiting.seen.registered, waiting.seen.is_revoked) = (registered, false);
    assert_eq!(waiting.run(DAY), UpdatePhase::Succeeded);
}

#[test]
fn it_ends_when_it_is_cancelled_but_not_while_the_device_installs() {
    for turns in 0..12 {
        let mut world = World::new(Quirk::InstallsForEver);
        for _ in 0..turns {
            world.turn();
        }
        let installs = world.asked.contains(&Ask::Install);
        world.update.cancelling = true;
        world.update.due_at = world.now;
        let asked_at = world.now;
        assert_eq!(world.run(DAY), UpdatePhase::Cancelled, "after {turns}: {:?}", world.update.notes);
        let waited = world.now.since(asked_at) >= Duration::from_secs(1_000);
        assert_eq!(waited, installs, "after {turns}");
        let dropped = world.asked.contains(&Ask::Reset);
        assert!(installs || world.pushes.is_empty() || dropped, "after {turns}: it keeps the package");
    }
}

/// A restart at each step: what was asked has no outcome that anybody knows.
#[test]
fn a_restart_anywhere_changes_nothing_in_the_outcome() {
    for quirk in [Quirk::None, Quirk::BreaksOff(1), Quirk::DeafOnce] {
        for at in 0..24 {
            let mut world = World::new(quirk);
            for _ in 0..at {
                if world.update.has_ended() {
                    break;
                }
                world.turn();
            }
            world.lose_outcome();
            assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "{quirk:?} at {at}: {:?}", world.update.notes);
        }
    }
    for at in 0..24 {
        let mut world = World::new(Quirk::None)
            .with_terms(|terms| terms.delivery = Delivery::Pull)
            .offering(Scheme::Coaps, "coaps://192.0.2.1:5685/d/key");
        for _ in 0..at {
            if world.update.has_ended() {
                break;
            }
            world.turn();
        }
        world.lose_outcome();
        assert_eq!(world.run(DAY), UpdatePhase::Succeeded, "pull at {at}: {:?}", world.update.notes);
        assert_eq!(world.uris.len(), 1, "pull at {at}: it is told once");
    }
}

#[test]
fn notes_are_bounded_and_the_first_ones_stay() {
    let mut update = World::new(Quirk::None).update;
    for at in 0..1_000 {
        update.note(Timestamp(at), format!("{at} {}", "é".repeat(400)));
    }
    assert_eq!(update.notes.len(), Update::MAX_NOTES);
    assert!(update.notes.iter().all(|note| note.text.len() <= Update::MAX_TEXT));
    assert_eq!((update.notes[0].at, update.notes[Update::MAX_NOTES - 1].at), (Timestamp(0), Timestamp(999)));
}

#[test]
fn terms_that_no_update_can_keep_are_refused() {
    let check = |change: fn(&mut UpdateTerms)| {
        let mut terms = UpdateTerms::default();
        change(&mut terms);
        terms.check()
    };
    assert_eq!(check(|_| ()), Ok(()));
    assert_eq!(check(|terms| terms.block_bytes = 100), Err(UpdateTermsError::BlockBytes));
    assert_eq!(check(|terms| terms.block_bytes = 2_048), Err(UpdateTermsError::BlockBytes));
    assert_eq!(check(|terms| terms.attempts = 0), Err(UpdateTermsError::Attempts));
    assert_eq!(check(|terms| terms.severity = Some(3)), Err(UpdateTermsError::Severity));
    assert_eq!(check(|terms| terms.quiet = 400 * DAY), Err(UpdateTermsError::Time));
}
