//! Updates that go wrong: each result at its moment, power cuts, silence, lies.

use std::time::Duration;

use coap::{Block, BlockSize, Code, Failure, Kind, Message, MessageId, Method, OptionNumber, Token};
use device::{
    Firmware, FirmwareFault,
    FirmwareState::{Downloaded, Downloading, Idle, Updating},
    Mishap, Output, Profile, TestImage, UpdateResult,
};
use objects::Value;

use crate::{
    firmware::{execute, image, package, text, updatable},
    world::{Link, World, get, seconds, with},
};

/// A device with which this goes wrong once.
fn once(mishap: Mishap) -> World {
    failing(updatable(), FirmwareFault::once(mishap))
}

fn failing(mut profile: Profile, fault: FirmwareFault) -> World {
    profile.faults.firmware = vec![fault];
    World::registered(profile)
}

impl World {
    /// Hands one block of the image to the device, past the link, and says what it answers.
    fn block(&mut self, number: u32) -> Option<(String, Option<Block>)> {
        let image = image();
        let at = number as usize * 1024;
        let bytes = &image[at..image.len().min(at + 1024)];
        let token = Token::new(b"block").unwrap();
        let id = MessageId(30_000 + u16::try_from(self.sent + number as usize).unwrap());
        let mut message = Message::new(Kind::Confirmable, Code::from(Method::Put), id, token);
        ["5", "0", "0"].iter().for_each(|segment| message.options.push(OptionNumber::URI_PATH, *segment));
        message.options.push_uint(OptionNumber::CONTENT_FORMAT, 42);
        let more = at + 1024 < image.len();
        let block = Block { number, more, size: BlockSize::B1024 };
        message.options.push_uint(OptionNumber::BLOCK1, block.to_uint());
        message.payload = bytes.to_vec();
        self.device.handle_datagram(self.now, &message.to_bytes().unwrap());
        let mut answer = None;
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Transmit { bytes } => {
                    self.sent += 1;
                    let message = Message::parse(&bytes).unwrap();
                    if message.token == token {
                        let block = message.options.uint(OptionNumber::BLOCK1).and_then(Block::from_uint);
                        answer = Some((message.code.to_string(), block));
                    }
                }
                Output::Event(event) => self.events.push((self.now, event)),
                Output::Connect { .. } | Output::Fetch(_) => panic!("nothing is fetched, from nobody"),
            }
        }
        answer
    }

    fn code_of_block(&mut self, number: u32) -> Option<String> {
        self.block(number).map(|(code, _)| code)
    }

    fn update_and_wait(&mut self) {
        assert_eq!(self.code(package(image())), "2.04");
        assert_eq!(self.code(execute("/5/0/2")), "2.04");
        self.run(seconds(30));
        assert!(self.device.is_registered());
    }
}

#[test]
fn each_result_of_a_download_comes_at_its_moment_and_leaves_an_idle_device() {
    for (result, received, code) in [
        (UpdateResult::NoStorage, 0, Some("4.13")),
        (UpdateResult::NoMemory, 1024, Some("5.00")),
        (UpdateResult::PackageType, 0, Some("4.00")),
        (UpdateResult::Integrity, 9 * 1024, Some("2.04")),
    ] {
        let mut world = once(Mishap::Ends(result));
        let mut most = 0;
        let id = world.request(package(image()));
        let outcome = loop {
            if let Some((_, outcome)) = world.take_outcome(id) {
                break outcome;
            }
            most = most.max(world.device.firmware().unwrap().received);
            let until = world.now + seconds(10);
            world.step(until);
        };
        assert_eq!(outcome.ok().map(|response| response.code.to_string()).as_deref(), code, "{result:?}");
        assert_eq!((world.firmware(), most), ((Idle, result), received));
        assert_eq!(world.read("/5/0/5"), Value::Integer(result as i64));
        assert_eq!(world.code(execute("/5/0/2")), "4.05");
        // It strikes once, and the next package is taken.
        assert_eq!(world.code(package(image())), "2.04", "{result:?}");
        assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
    }
}

#[test]
fn a_connection_that_is_lost_leaves_the_server_without_an_answer() {
    let mut world = once(Mishap::Ends(UpdateResult::ConnectionLost));
    assert_eq!(world.code_of_block(0).as_deref(), Some("2.31"));
    assert_eq!(world.code_of_block(1), None);
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost));
    assert_eq!(world.code_of_block(1).as_deref(), Some("4.08"), "nothing is left of what came before");
}

#[test]
fn a_package_larger_than_there_is_room_for_ends_with_result_2() {
    let firmware = Some(Firmware { max_bytes: 5_000, ..Firmware::default() });
    let mut world = World::registered(Profile { firmware, ..updatable() });
    assert_eq!(world.code(package(image())), "4.13");
    assert_eq!(world.firmware(), (Idle, UpdateResult::NoStorage));
}

#[test]
fn what_is_no_test_image_ends_with_result_6() {
    for bytes in [vec![0x7f; 4_000], b"MUSTER".to_vec()] {
        let mut world = World::registered(updatable());
        assert_eq!(world.code(package(bytes)), "4.00");
        assert_eq!(world.firmware(), (Idle, UpdateResult::PackageType));
    }
}

#[test]
fn an_update_that_fails_says_so_and_can_be_tried_again() {
    let mut world = once(Mishap::Ends(UpdateResult::UpdateFailed));
    world.ask(package(image()));
    world.ask(execute("/5/0/2"));
    world.run(seconds(6));
    assert_eq!(world.firmware(), (Downloaded, UpdateResult::UpdateFailed));
    assert!(world.device.is_registered(), "it has not even tried to start anew");
    assert_eq!(world.code(execute("/5/0/2")), "2.04");
    world.run(seconds(30));
    assert_eq!(
        (world.firmware(), world.versions()),
        ((Idle, UpdateResult::Success), (text("2.0"), text("2.0")))
    );
}

#[test]
fn a_user_can_cancel_at_the_last_moment() {
    let mut world = once(Mishap::Ends(UpdateResult::Cancelled));
    world.ask(package(image()));
    assert_eq!(world.code(execute("/5/0/2")), "2.04");
    assert_eq!(world.firmware(), (Idle, UpdateResult::Cancelled));
}

#[test]
fn a_user_puts_an_update_off_as_far_as_the_server_allows() {
    for (allowed, wanted, lasts) in [(3600, 600, 600), (300, 600, 300), (0, 600, 0)] {
        let mut world = once(Mishap::Defers(seconds(wanted)));
        let allowed = allowed.to_string();
        assert_eq!(world.code(with(Method::Put, "/5/0/13", objects::ContentFormat::TEXT, allowed)), "2.04");
        world.ask(package(image()));
        let start = world.now;
        assert_eq!(world.code(execute("/5/0/2")), "2.04");
        if lasts > 0 {
            assert_eq!(world.firmware(), (Downloaded, UpdateResult::Deferred));
        }
        while world.firmware().0 != Updating {
            let until = world.now + seconds(1000);
            assert!(world.step(until));
        }
        assert_eq!((world.now - start).as_secs(), lasts);
        world.run(seconds(30));
        assert_eq!(world.firmware(), (Idle, UpdateResult::Success));
    }
}

#[test]
fn an_update_that_is_put_off_can_be_asked_for_again_or_cancelled() {
    let mut world = once(Mishap::Defers(seconds(600)));
    world.ask(package(image()));
    world.ask(execute("/5/0/2"));
    assert_eq!(world.code(execute("/5/0/2")), "2.04", "the user agrees this time");
    assert_eq!(world.firmware(), (Updating, UpdateResult::Initial));
    let mut world = once(Mishap::Defers(seconds(600)));
    world.ask(package(image()));
    world.ask(execute("/5/0/2"));
    assert_eq!(world.code(execute("/5/0/10")), "2.04");
    world.run(seconds(1000));
    assert_eq!(world.firmware(), (Idle, UpdateResult::Cancelled));
}

#[test]
fn a_power_cut_in_the_middle_of_the_download_loses_what_was_there_or_not() {
    for remembers in [false, true] {
        let back_after = seconds(60);
        let mut world = once(Mishap::PowerCut { at: 3 * 1024, back_after, remembers });
        for number in 0..3 {
            assert_eq!(world.code_of_block(number).as_deref(), Some("2.31"));
        }
        assert_eq!(world.code_of_block(3), None);
        assert_eq!(world.code_of_block(3), None, "it is off");
        world.run(seconds(62));
        assert!(world.device.is_registered());
        if remembers {
            assert_eq!(world.firmware(), (Downloading, UpdateResult::Initial));
            for number in 3..10 {
                let code = world.code_of_block(number);
                assert_eq!(code.as_deref(), Some(if number < 9 { "2.31" } else { "2.04" }));
            }
            assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
        } else {
            assert_eq!(world.firmware(), (Idle, UpdateResult::Initial));
            assert_eq!(world.code_of_block(3).as_deref(), Some("4.08"));
            assert_eq!(world.code(package(image())), "2.04");
        }
        assert_eq!(world.device.firmware().unwrap().delivered.unwrap().len, 10_000);
    }
}

#[test]
fn a_power_cut_during_the_installation_leaves_the_old_version() {
    let mut world = World::registered(updatable());
    world.ask(package(image()));
    world.ask(execute("/5/0/2"));
    world.call(|device, now| device.reboot(now));
    world.run(seconds(30));
    assert_eq!(world.firmware(), (Downloaded, UpdateResult::UpdateFailed));
    assert_eq!(world.read("/3/0/3"), text("1.0"));
}

#[test]
fn a_package_that_is_there_survives_a_reboot() {
    let mut world = World::registered(updatable());
    world.ask(package(image()));
    world.call(|device, now| device.reboot(now));
    world.run(seconds(30));
    assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
}

#[test]
fn a_device_that_forgets_all_it_was_told_keeps_its_firmware() {
    let mut world = World::registered(updatable());
    world.device.faults_mut().loses_state = true;
    world.update_and_wait();
    assert_eq!(
        (world.firmware(), world.versions()),
        ((Idle, UpdateResult::Success), (text("2.0"), text("2.0")))
    );
}

#[test]
fn a_block_is_answered_with_the_code_that_is_wanted_and_taken_the_next_time() {
    for code in [Code::REQUEST_ENTITY_INCOMPLETE, Code::INTERNAL_SERVER_ERROR] {
        let mut world = once(Mishap::Answers { at: 2048, code });
        let answers: Vec<_> = [0, 1, 2, 2, 3].into_iter().map(|number| world.code_of_block(number)).collect();
        let continued = Some("2.31".to_owned());
        assert_eq!(
            answers,
            [continued.clone(), continued.clone(), Some(code.to_string()), continued.clone(), continued]
        );
    }
}

#[test]
fn blocks_that_are_too_large_are_refused_with_the_size_that_is_taken() {
    let mut world = failing(updatable(), FirmwareFault::always(Mishap::WantsSmaller(BlockSize::B256)));
    let (code, block) = world.block(0).unwrap();
    assert_eq!((code.as_str(), block.map(|block| block.size)), ("4.13", Some(BlockSize::B256)));
    assert_eq!(world.firmware(), (Idle, UpdateResult::Initial));
    // The server's endpoint begins anew with blocks of that size.
    assert_eq!(world.code(package(image())), "2.04");
}

#[test]
fn a_device_falls_silent_once_the_transfer_has_begun() {
    let mut world = failing(updatable(), FirmwareFault::always(Mishap::FallsSilent { at: 1024 }));
    let (_, outcome) = world.outcome(package(image()));
    assert_eq!(outcome, Err(Failure::TimedOut { acknowledged: false }));
    assert_eq!(world.firmware().0, Downloading);
    assert_eq!(world.code(get("/3/0/0", None)), "2.05", "to the blocks of the package, that is");
    world.run(seconds(300));
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost));
}

#[test]
fn a_device_falls_asleep_in_the_middle_and_goes_on_when_it_wakes() {
    let profile = Profile { queue_mode: true, awake: seconds(10), lifetime: 120, ..updatable() };
    let mut world = failing(profile, FirmwareFault::once(Mishap::FallsAsleep { at: 2048 }));
    for number in 0..3 {
        assert_eq!(world.code_of_block(number).as_deref(), Some("2.31"));
    }
    world.run(Duration::from_millis(10));
    assert!(!world.device.hears());
    assert_eq!(world.code_of_block(3), None);
    while !world.device.hears() {
        let until = world.now + seconds(100);
        assert!(world.step(until));
    }
    assert_eq!(world.code_of_block(3).as_deref(), Some("2.31"));
    assert_eq!(world.device.firmware().unwrap().received, 4 * 1024);
}

#[test]
fn an_installation_can_take_for_ever() {
    let mut world = once(Mishap::Hangs);
    world.ask(package(image()));
    world.ask(execute("/5/0/2"));
    world.run(seconds(86_400));
    assert_eq!(world.firmware(), (Updating, UpdateResult::Initial));
    assert!(world.device.is_registered());
}

#[test]
fn a_device_comes_back_with_the_old_version_or_lies_about_it() {
    let failed = (Downloaded, UpdateResult::UpdateFailed);
    let success = (Idle, UpdateResult::Success);
    for (mishap, status, in_device, in_object) in [
        (Mishap::RollsBack { admits: true }, failed, "1.0", "2.0"),
        (Mishap::RollsBack { admits: false }, success, "1.0", "1.0"),
        (Mishap::KeepsQuiet, (Idle, UpdateResult::Initial), "2.0", "2.0"),
        (Mishap::Lies, success, "1.0", "2.0"),
    ] {
        let mut world = once(mishap);
        world.update_and_wait();
        assert_eq!(world.firmware(), status, "{mishap:?}");
        assert_eq!(world.versions(), (text(in_device), text(in_object)), "{mishap:?}");
        assert_eq!(world.asked().len(), 1, "it has started anew, {mishap:?}");
        assert_eq!(world.device.firmware().unwrap().version, in_device, "{mishap:?}");
    }
}

#[test]
fn a_device_comes_back_again_and_again_after_the_update() {
    let flaps = FirmwareFault { mishap: Mishap::Flaps(seconds(60)), times: 3 };
    let mut world = failing(updatable(), flaps);
    world.update_and_wait();
    world.run(seconds(600));
    let registers = world.asked().iter().filter(|line| line.starts_with("Post /rd?")).count();
    assert_eq!(registers, 4, "{:?}", world.asked());
    assert_eq!(world.firmware(), (Idle, UpdateResult::Success));
}

#[test]
fn in_any_weather_a_package_comes_whole_or_not_at_all() {
    let mut whole = 0;
    for seed in 0..20 {
        let mut world = World::registered(updatable());
        world.random = rand::SeedableRng::seed_from_u64(seed);
        world.link = Link { loss: 0.2, ..Link::BAD };
        let (_, outcome) = world.outcome(package(TestImage::bytes("2.0", 20_000)));
        match world.firmware().0 {
            Downloaded => whole += 1,
            state => assert!(outcome.is_err() && state == Downloading, "seed {seed}: {state:?}"),
        }
    }
    assert!(whole > 10, "{whole}");
}
