//! How a package is fetched: by CoAP block by block in a session of its own, by HTTP by whoever runs the device.

use std::time::Duration;

use coap::{Block, BlockSize, Boot, Code, Endpoint, Failure, Method, Request, Response};
use objects::{InstanceId, Value};

use super::super::{Device, client::Phase};
use crate::{
    Account, Fetch, FirmwareState, Mishap, Output, Security, UpdateResult,
    firmware::{PACKAGE_URI, PackageUri, Protocol, at, strike},
};

/// What a package is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::device) enum Target {
    Firmware,
    Software(InstanceId),
}

/// A package that is being fetched.
pub(in crate::device) struct Fetching {
    target: Target,
    by: By,
}

enum By {
    Coap(Box<Coap>),
    Http,
}

struct Coap {
    endpoint: Endpoint<()>,
    get: Request,
    size: BlockSize,
    etag: Option<Vec<u8>>,
}

impl Device {
    /// The session that the last [`Fetch::Connect`] asked for stands. Without security that is so at once.
    pub fn fetch_connected(&mut self, now: Duration) {
        self.ask_block(now);
        self.settle_fetch(now);
    }

    /// Takes a datagram of that session.
    pub fn handle_fetch_datagram(&mut self, now: Duration, bytes: &[u8]) {
        if let Some(Fetching { by: By::Coap(coap), .. }) = &mut self.fetching {
            coap.endpoint.handle_datagram(now, (), bytes);
        }
        self.settle_fetch(now);
    }

    /// Takes the next bytes of what [`Fetch::Get`] asked for.
    pub fn fetched(&mut self, now: Duration, bytes: &[u8], last: bool) {
        if let Some(Fetching { by: By::Http, .. }) = self.fetching {
            self.take_fetched(now, bytes, last);
            self.settle(now);
        }
    }

    /// The session could not be made or is over, or what [`Fetch::Get`] asked for can't be had; `found` says whether there
    /// is such a thing.
    pub fn fetch_failed(&mut self, now: Duration, found: bool) {
        self.fail_fetch(now, if found { UpdateResult::ConnectionLost } else { UpdateResult::InvalidUri });
        self.settle(now);
    }

    /// Begins to fetch what the URI of the firmware object names, or goes on with it.
    pub(super) fn fetch(&mut self, now: Duration) -> Result<(), UpdateResult> {
        self.meet(UpdateResult::InvalidUri)?;
        self.meet(UpdateResult::Protocol)?;
        let Some(Value::String(uri)) = self.tree.get(&at(PACKAGE_URI)).cloned() else { return Ok(()) };
        self.fetch_for(now, Target::Firmware, uri)
    }

    pub(in crate::device) fn fetch_for(
        &mut self,
        now: Duration,
        target: Target,
        uri: String,
    ) -> Result<(), UpdateResult> {
        let (protocols, security, size) = match (target, &self.profile.firmware, &self.profile.software) {
            (Target::Firmware, Some(of), _) => (&of.protocols, of.security.clone(), of.block_size),
            (Target::Software(_), _, Some(of)) => (&of.protocols, of.security.clone(), of.block_size),
            _ => return Ok(()),
        };
        let parsed = PackageUri::parse(&uri).ok_or(UpdateResult::InvalidUri)?;
        let protocol = match parsed {
            PackageUri::Coap { protocol, .. } | PackageUri::Http { protocol } => Some(protocol),
            PackageUri::Other => None,
        };
        if !protocol.is_some_and(|protocol| protocols.contains(&protocol)) {
            return Err(UpdateResult::Protocol);
        }
        match target {
            Target::Firmware => self.begin_pull(now),
            Target::Software(instance) => self.begin_software(now, instance),
        }
        let from = self.received_by(target);
        let PackageUri::Coap { protocol, host, path, queries } = parsed else {
            self.fetching = Some(Fetching { target, by: By::Http });
            self.outputs.push_back(Output::Fetch(Fetch::Get { uri, from }));
            return Ok(());
        };
        let (security, scheme) = match (protocol, security) {
            (Protocol::Coap, _) => (Some(Security::NoSec), "coap"),
            (_, Some(security)) => (Some(security), "coaps"),
            (_, None) => (self.management_account().map(|account| account.security), "coaps"),
        };
        let security = security.ok_or(UpdateResult::ConnectionLost)?;
        self.fetches = self.fetches.wrapping_add(1);
        // Message ids and tokens differ from one session to the next.
        let mut seed = [b'f'; 32];
        seed[..8].copy_from_slice(&self.seed.to_be_bytes());
        let endpoint = Endpoint::new(self.profile.coap.clone(), Boot { number: self.fetches, seed });
        let get = Request { path, queries, ..Request::new(Method::Get, "/") };
        let by = By::Coap(Box::new(Coap { endpoint, get, size, etag: None }));
        self.fetching = Some(Fetching { target, by });
        let to = Account { uri: format!("{scheme}://{host}"), security };
        self.outputs.push_back(Output::Fetch(Fetch::Connect { to }));
        Ok(())
    }

    /// Goes on after a power cut with a package that was being fetched.
    pub(in crate::device) fn resume_fetch(&mut self, now: Duration) {
        let pulls =
            |update: &crate::firmware::Update| update.state == FirmwareState::Downloading && update.pulls;
        if self.fetching.is_none() && self.update.as_deref().is_some_and(pulls) {
            if let Err(result) = self.fetch(now) {
                self.end_update(now, result);
            }
            self.tell_update(now);
        }
    }

    pub(in crate::device) fn end_fetch_of(&mut self, target: Target) {
        if self.fetching.as_ref().is_some_and(|fetching| fetching.target == target) {
            self.end_fetch();
        }
    }

    pub(in crate::device) fn end_fetch(&mut self) {
        if self.fetching.take().is_some() {
            self.outputs.push_back(Output::Fetch(Fetch::End));
        }
    }

    pub(in crate::device) fn fetch_due(&self) -> Option<Duration> {
        match &self.fetching {
            Some(Fetching { by: By::Coap(coap), .. }) => coap.endpoint.poll_timeout(),
            _ => None,
        }
    }

    pub(in crate::device) fn go_on_with_fetch(&mut self, now: Duration) {
        if let Some(Fetching { by: By::Coap(coap), .. }) = &mut self.fetching {
            coap.endpoint.handle_timeout(now);
            self.settle_fetch(now);
        }
    }

    fn settle_fetch(&mut self, now: Duration) {
        while let Some(Fetching { by: By::Coap(coap), .. }) = &mut self.fetching
            && let Some(output) = coap.endpoint.poll_output()
        {
            match output {
                coap::Output::Transmit { bytes, .. } => {
                    self.outputs.push_back(Output::Fetch(Fetch::Transmit { bytes }));
                }
                coap::Output::Event(coap::Event::Response { outcome, .. }) => self.on_block(now, outcome),
                coap::Output::Event(coap::Event::Request { exchange, .. }) => {
                    coap.endpoint.respond(now, exchange, Response::new(Code::NOT_FOUND));
                }
                coap::Output::Event(_) => {}
            }
        }
        self.settle(now);
    }

    /// Asks for the block that is due.
    fn ask_block(&mut self, now: Duration) {
        let Some(have) = self.fetching.as_ref().map(|fetching| self.received_by(fetching.target)) else {
            return;
        };
        let Some(Fetching { by: By::Coap(coap), .. }) = &mut self.fetching else { return };
        let asked = Block::at(have, false, coap.size).map(|block| {
            let get = Request { block2: Some(block), ..coap.get.clone() };
            coap.endpoint.send_request(now, (), get)
        });
        if !matches!(asked, Some(Ok(_))) {
            self.fail_fetch(now, UpdateResult::ConnectionLost);
        }
    }

    fn on_block(&mut self, now: Duration, outcome: Result<Response, Failure>) {
        let Some(have) = self.fetching.as_ref().map(|fetching| self.received_by(fetching.target)) else {
            return;
        };
        let Some(Fetching { by: By::Coap(coap), .. }) = &mut self.fetching else { return };
        let failed = match outcome {
            Ok(response) if response.code == Code::CONTENT => {
                let (offset, last) = response.block2.map_or((0, true), |block| (block.offset(), !block.more));
                coap.size = response.block2.map_or(coap.size, |block| block.size.min(coap.size));
                // Blocks of two representations never meet in one package (RFC 7959 §2.4).
                let same = coap.etag.is_none() || coap.etag == response.etag;
                coap.etag = response.etag;
                if let (true, Some(skip)) = (same, have.checked_sub(offset)) {
                    let bytes = response.payload.get(skip..).unwrap_or_default();
                    if self.take_fetched(now, bytes, last) {
                        self.ask_block(now);
                    }
                    return;
                }
                UpdateResult::Integrity
            }
            Ok(response) if response.code.class() == 4 => UpdateResult::InvalidUri,
            Ok(_) | Err(_) => UpdateResult::ConnectionLost,
        };
        self.fail_fetch(now, failed);
    }

    /// Takes what has come of a package, and says whether more is wanted.
    fn take_fetched(&mut self, now: Duration, bytes: &[u8], last: bool) -> bool {
        let Some(target) = self.fetching.as_ref().map(|fetching| fetching.target) else { return false };
        let have = self.received_by(target);
        let faults = match target {
            Target::Firmware => &mut self.faults.firmware,
            Target::Software(_) => &mut self.faults.software,
        };
        let mishap = strike(faults, |mishap| match mishap {
            Mishap::PowerCut { at, .. } | Mishap::FallsSilent { at } if have >= at => Some(mishap),
            _ => None,
        });
        match mishap {
            Some(Mishap::PowerCut { back_after, remembers, .. }) => {
                if let Some(update) = &mut self.update {
                    update.remembers = remembers && target == Target::Firmware;
                }
                self.vanish();
                self.phase = Phase::Off { back_at: Some(now.saturating_add(back_after)) };
                return false;
            }
            Some(_) => return false,
            None => {}
        }
        let taken = match target {
            Target::Firmware => self.take(now, bytes, last),
            Target::Software(instance) => self.take_software(now, instance, bytes, last),
        };
        self.tell_of(now, target);
        taken.is_ok() && !last
    }

    fn fail_fetch(&mut self, now: Duration, result: UpdateResult) {
        let Some(target) = self.fetching.as_ref().map(|fetching| fetching.target) else { return };
        match target {
            Target::Firmware => self.end_update(now, result),
            Target::Software(instance) => self.fail_software(instance, result),
        }
        self.tell_of(now, target);
    }

    fn received_by(&self, target: Target) -> usize {
        match target {
            Target::Firmware => self.update.as_ref().map_or(0, |update| update.received()),
            Target::Software(instance) => self.software_received(instance),
        }
    }

    fn tell_of(&mut self, now: Duration, target: Target) {
        match target {
            Target::Firmware => self.tell_update(now),
            Target::Software(instance) => self.tell_software(now, instance),
        }
    }

    /// The package is coming, or goes on coming.
    fn begin_pull(&mut self, now: Duration) {
        if let (Some(firmware), Some(update)) = (&self.profile.firmware, &mut self.update) {
            if update.state != FirmwareState::Downloading {
                update.begin(now, true);
            }
            update.wait(now, firmware.patience);
        }
    }
}
