//! Packages that go to devices, block by block (RFC 7959 §2.5), while their other exchanges go on.
//!
//! A shard holds one block of each. It asks for the bytes by [`Output::Open`] and [`Output::Read`]; whether
//! the device may have them is decided by who answers the first. A block that was not answered is sent again above what CoAP
//! does by itself, in smaller ones, and from wherever the device is reached by then.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use coap::{BlockSize, Sent, Transfer};
use fleet::{
    Content, DeviceId, Failure, Now, Operation, OperationId, Order, Outcome, Presence, ResponseCode, Subject,
    WireTrace,
};
use objects::Path;

use super::{
    Output, Shard,
    work::{Ended, Work},
};
use crate::binding;

/// The packages that are on their way.
#[derive(Default)]
pub(super) struct Pushes {
    by_operation: BTreeMap<OperationId, Box<Push>>,
    requests: BTreeMap<coap::RequestId, OperationId>,
}

struct Push {
    order: Order,
    path: Path,
    from: u64,
    block_size: BlockSize,
    /// Once it is known how long the package is.
    transfer: Option<Transfer>,
    /// The block that is due, from where on: while it is not on its way.
    block: Option<(usize, Vec<u8>)>,
    /// What is being read.
    reading: Option<Range<usize>>,
    request: Option<coap::RequestId>,
    /// How often in a row the block that is due was not answered.
    unanswered: u8,
    /// How often the device has wanted the package anew.
    anew: u8,
    /// When to send the block that is due, if not at once.
    not_before: Duration,
    began: Duration,
    sent: usize,
}

/// How often a block is sent again after CoAP's own transmissions of it have come to nothing.
const MAX_UNANSWERED: u8 = 4;
/// How often a device may want the package anew.
const MAX_ANEW: u8 = 5;
/// How long after a block was not answered it is sent again; twice as long after each further time.
const AGAIN: Duration = Duration::from_secs(5);

impl Shard {
    /// Begins to send a package: asks for its bytes first.
    pub(super) fn begin_push(&mut self, now: Now, order: Order) {
        let Operation::Push { path, artefact, from, block_bytes } = order.operation else { return };
        let (operation, device) = (order.id, order.device);
        let exponent = block_bytes.max(16).ilog2().saturating_sub(4);
        let block_size = u8::try_from(exponent).ok().and_then(BlockSize::from_exponent);
        let push = Push {
            order,
            path,
            from,
            block_size: block_size.unwrap_or(BlockSize::B1024),
            transfer: None,
            block: None,
            reading: None,
            request: None,
            unanswered: 0,
            anew: 0,
            not_before: Duration::ZERO,
            began: now.mono,
            sent: 0,
        };
        self.publish_sent(&push.order);
        self.pushes.by_operation.insert(operation, Box::new(push));
        let instance = path.instance().map_or(0, |instance| instance.0);
        self.outputs.push_back(Output::Open { operation, device, artefact, instance });
    }

    /// The answer to [`Output::Open`]: how long the package is, or why the device gets no byte of it.
    pub(crate) fn handle_opened(&mut self, now: Now, operation: OperationId, opened: Result<u64, String>) {
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return };
        let transfer = opened.and_then(|len| {
            let (len, from) = (usize::try_from(len), usize::try_from(push.from));
            let transfer =
                len.ok().zip(from.ok()).and_then(|(len, from)| Transfer::new(len, from, push.block_size));
            transfer.ok_or_else(|| "the package needs more blocks than can be numbered".to_owned())
        });
        match transfer {
            Ok(transfer) => {
                push.transfer = Some(transfer);
                self.advance_push(now, operation);
                self.drain_coap(now);
            }
            Err(reason) => self.end_push(now, operation, Outcome::Failed(Failure::Transfer { reason })),
        }
    }

    /// The answer to [`Output::Read`].
    pub(crate) fn handle_read(
        &mut self,
        now: Now,
        operation: OperationId,
        offset: usize,
        read: Result<Vec<u8>, String>,
    ) {
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return };
        if push.reading.as_ref().is_none_or(|range| range.start != offset) {
            return;
        }
        let wanted = push.reading.take().unwrap_or_default();
        match read {
            Ok(bytes) if bytes.len() == wanted.len() => {
                push.block = Some((offset, bytes));
                self.advance_push(now, operation);
                self.drain_coap(now);
            }
            Ok(_) => {
                let reason = "the package has become shorter".to_owned();
                self.end_push(now, operation, Outcome::Failed(Failure::Transfer { reason }));
            }
            Err(reason) => self.end_push(now, operation, Outcome::Failed(Failure::Transfer { reason })),
        }
    }

    /// Sends the block that is due, if it was read and the device listens.
    fn advance_push(&mut self, now: Now, operation: OperationId) {
        let Some(push) = self.pushes.by_operation.get(&operation) else { return };
        let device = push.order.device;
        let (Some(transfer), None) = (&push.transfer, push.request) else { return };
        let due = transfer.due();
        let block = push.block.as_ref();
        if !block.is_some_and(|(offset, bytes)| *offset == due.start && bytes.len() >= due.len()) {
            return self.read_block(operation, due);
        }
        if push.not_before > now.mono || self.roster.presence(now, device) != Presence::Awake {
            return;
        }
        let Some(registration) = self.roster.registration(device) else { return };
        let source = registration.source;
        if !self.reaches(device, source) {
            return self.put_off(now, operation);
        }
        let (part, path) = (transfer.part(), push.path);
        let mut request = binding::downlink::package(registration, path);
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return };
        let Some((_, mut bytes)) = push.block.take() else { return };
        bytes.truncate(due.len());
        (request.payload, request.part) = (bytes, Some(part));
        self.have_proven(now, source, due.len());
        let sent = self.coap.send_request(now.mono, source, request);
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return };
        match sent {
            Ok(request) => {
                push.request = Some(request);
                self.pushes.requests.insert(request, operation);
            }
            Err(_) => self.put_off(now, operation),
        }
    }

    fn read_block(&mut self, operation: OperationId, range: Range<usize>) {
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return };
        if push.reading.as_ref() != Some(&range) {
            let (offset, len) = (range.start, range.len());
            push.reading = Some(range);
            self.outputs.push_back(Output::Read { operation, offset, len });
        }
    }

    /// The request may have been that of a block. False if it was not.
    pub(super) fn block_answered(
        &mut self,
        now: Now,
        request: coap::RequestId,
        answer: &Result<coap::Response, coap::Failure>,
    ) -> bool {
        let Some(operation) = self.pushes.requests.remove(&request) else { return false };
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return true };
        push.request = None;
        let device = push.order.device;
        let Some(transfer) = &mut push.transfer else { return true };
        match answer {
            Ok(response) => {
                let outcome = transfer.on_response(response);
                let acknowledged = transfer.acknowledged();
                push.unanswered = 0;
                self.heard(now, device);
                self.block_taken(now, operation, outcome, acknowledged, response);
            }
            Err(failure) => {
                // A device that was cut off is reached elsewhere by now, or comes back; one that rejects it has just started.
                let timed_out = matches!(failure, coap::Failure::TimedOut { .. });
                push.unanswered += 1;
                if push.unanswered > MAX_UNANSWERED {
                    let failure = binding::downlink::failure(failure);
                    self.end_push(now, operation, Outcome::Failed(failure));
                } else {
                    if timed_out {
                        transfer.shrink();
                    }
                    self.put_off(now, operation);
                }
            }
        }
        true
    }

    fn block_taken(
        &mut self,
        now: Now,
        operation: OperationId,
        sent: Sent,
        acknowledged: usize,
        response: &coap::Response,
    ) {
        let Some(push) = self.pushes.by_operation.get_mut(&operation) else { return };
        let code = ResponseCode { class: response.code.class(), detail: response.code.detail() };
        match sent {
            Sent::Next => {
                push.sent = acknowledged;
                self.outputs.push_back(Output::Progress { operation, sent: acknowledged as u64 });
                self.advance_push(now, operation);
            }
            Sent::Anew => {
                push.anew += 1;
                push.sent = 0;
                if push.anew > MAX_ANEW {
                    let reason = format!("the device wants the package anew again and again ({code})");
                    return self.end_push(now, operation, Outcome::Failed(Failure::Transfer { reason }));
                }
                self.outputs.push_back(Output::Progress { operation, sent: 0 });
                self.advance_push(now, operation);
            }
            Sent::Stray => {
                push.unanswered += 1;
                self.put_off(now, operation);
            }
            Sent::Done => {
                let outcome = Outcome::Success { code, content: Content::Empty };
                self.end_push(now, operation, outcome);
            }
            Sent::Refused if response.code.is_error() => {
                let diagnostic = binding::downlink::diagnostic(&response.payload);
                self.end_push(now, operation, Outcome::Refused { code, diagnostic });
            }
            Sent::Refused => {
                let reason = format!("the device does not take a package block by block ({code})");
                self.end_push(now, operation, Outcome::Failed(Failure::Transfer { reason }));
            }
        }
    }

    fn put_off(&mut self, now: Now, operation: OperationId) {
        if let Some(push) = self.pushes.by_operation.get_mut(&operation) {
            push.not_before = now.mono + AGAIN * (1 << push.unanswered.min(6));
        }
    }

    /// Goes on with the packages whose time has come, or whose device listens again.
    pub(super) fn go_on_pushing(&mut self, now: Now) {
        let waits =
            |push: &Push| push.request.is_none() && push.transfer.is_some() && push.not_before <= now.mono;
        let operations: Vec<OperationId> = self
            .pushes
            .by_operation
            .iter()
            .filter(|(_, push)| waits(push))
            .map(|(operation, _)| *operation)
            .collect();
        for operation in operations {
            let is_over = self
                .pushes
                .by_operation
                .get(&operation)
                .is_some_and(|push| push.order.expires_at <= now.wall);
            match is_over {
                true => {
                    self.end_push(now, operation, Outcome::Failed(Failure::TimedOut { acknowledged: false }))
                }
                false => self.advance_push(now, operation),
            }
        }
    }

    /// The registration of a device has ended, and what was on its way there with it.
    pub(super) fn cancel_pushes(&mut self, now: Now, device: DeviceId) {
        let of_device = self.pushes.by_operation.iter().filter(|(_, push)| push.order.device == device);
        let operations: Vec<OperationId> = of_device.map(|(operation, _)| *operation).collect();
        for operation in operations {
            self.end_push(now, operation, Outcome::Failed(Failure::OutcomeUnknown));
        }
    }

    /// Breaks a package off that is on its way. False if it is not.
    pub(super) fn break_off_push(&mut self, now: Now, operation: OperationId) -> bool {
        let is_there = self.pushes.by_operation.contains_key(&operation);
        if is_there {
            self.end_push(now, operation, Outcome::Failed(Failure::Cancelled));
        }
        is_there
    }

    fn end_push(&mut self, now: Now, operation: OperationId, outcome: Outcome) {
        let Some(push) = self.pushes.by_operation.remove(&operation) else { return };
        if let Some(request) = push.request {
            self.pushes.requests.remove(&request);
            self.coap.cancel_request(now.mono, request);
        }
        self.outputs.push_back(Output::Close { operation });
        let total = push.transfer.map_or(0, |transfer| transfer.len());
        let (sent, after) = (push.sent, now.mono.saturating_sub(push.began).as_millis());
        let line =
            format!("→ CON PUT {}, block by block: {sent} of {total} bytes (after {after} ms)", push.path);
        let trace = Some(WireTrace { lines: vec![line] });
        let ended = Ended { order: push.order, outcome, trace, began: None };
        self.submit(now, Subject::Device(ended.order.device), Work::End(ended));
    }
}
