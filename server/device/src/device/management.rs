//! The server's requests (LwM2M Core 1.1.1 §6.3, Transport 1.1.1 §6.4.4).

use std::time::Duration;

use coap::{Code, ExchangeId, Request, Response};
use objects::{
    ContentFormat, ObjectId, Path, Value,
    codec::{self, EncodeError},
};

use super::{
    Device,
    client::{Phase, Then},
};
use crate::{
    Event, How, arguments,
    command::{Command, Operation},
    firmware::FIRMWARE,
    refusal::Refusal,
    software::SOFTWARE,
    tree::Payload,
};

/// What is left to do when an Execute has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Bootstrap,
    Conclude,
    Disable,
    FactoryReset,
    Reboot,
    Update,
}

/// What has become of a request.
pub(super) struct Done {
    pub(super) response: Response,
    pub(super) event: Option<Event>,
    /// What has changed in the tree.
    pub(super) changed: Vec<Path>,
    /// What is done instead of the answer, where something goes wrong in the middle.
    pub(super) instead: Option<How>,
}

impl Device {
    pub(super) fn on_request(&mut self, now: Duration, exchange: ExchangeId, request: &Request) {
        let parsed = match self.hear_bootstrap(now) {
            Some(admitted) => admitted.and_then(|()| Command::parse_bootstrap(request)),
            None => Command::parse(request, self.profile.root.as_deref()),
        };
        let command = match parsed {
            Ok(command) => command,
            Err(refusal) => return self.endpoint.respond(now, exchange, refusal.into()),
        };
        let fault = self.faults.meet(&command);
        match fault {
            Some(How::Ignore) => return self.endpoint.drop_exchange(now, exchange),
            // The endpoint acknowledges what waits, and in time forgets it.
            Some(How::AcknowledgeOnly) => return,
            Some(How::AnswerWith(code)) => {
                return self.endpoint.respond(now, exchange, Response::new(code));
            }
            Some(How::Forget(_)) => {
                let is_delete = matches!(command.operation, Operation::Delete | Operation::BootstrapDelete);
                let code = if is_delete { Code::DELETED } else { Code::CHANGED };
                return self.endpoint.respond(now, exchange, Response::new(code));
            }
            Some(How::AnswerLate(_) | How::AnswerMalformed | How::PowerCut(_)) | None => {}
        }
        let mut done = self.obey(now, &command, request).unwrap_or_else(|refusal| {
            if let Refusal::Full { .. } = refusal {
                self.counters.max_instances += 1;
            }
            Done::new(refusal.into())
        });
        let fault = fault.or(done.instead);
        if fault == Some(How::AnswerMalformed) {
            // No text, no CBOR, no JSON, and a TLV that is longer than there are bytes.
            done.response.payload = vec![0xff; 3];
        }
        if let Some(How::PowerCut(back_after)) = fault {
            done.event.into_iter().for_each(|event| self.emit(event));
            self.vanish();
            self.phase = Phase::Off { back_at: Some(now.saturating_add(back_after)) };
            return;
        }
        match fault {
            Some(How::AnswerLate(by)) => self.late.push((now.saturating_add(by), exchange, done.response)),
            Some(How::Ignore) => self.endpoint.drop_exchange(now, exchange),
            Some(How::AnswerWith(code)) => self.endpoint.respond(now, exchange, Response::new(code)),
            _ => self.endpoint.respond(now, exchange, done.response),
        }
        done.event.into_iter().for_each(|event| self.emit(event));
        if !done.changed.is_empty() {
            self.changed(now, &done.changed);
        }
    }

    /// Gives the answers that were held back.
    pub(super) fn answer_late(&mut self, now: Duration) {
        for (at, exchange, response) in std::mem::take(&mut self.late) {
            if at <= now {
                self.endpoint.respond(now, exchange, response);
            } else {
                self.late.push((at, exchange, response));
            }
        }
    }

    /// Does what an Execute has left to do.
    pub(super) fn go_on(&mut self, now: Duration) {
        let Some((_, after)) = self.after.take_if(|(at, _)| *at <= now) else { return };
        match after {
            After::Bootstrap => self.leave(now, Then::Bootstrap),
            After::Conclude => self.conclude(now),
            After::Disable => self.disable(now),
            After::Update => self.update(now),
            After::Reboot => {
                self.emit(Event::Rebooting);
                self.reboot(now);
            }
            After::FactoryReset => {
                self.emit(Event::Rebooting);
                self.vanish();
                self.reset();
                self.boot(now);
            }
        }
    }

    fn obey(&mut self, now: Duration, command: &Command, request: &Request) -> Result<Done, Refusal> {
        let path = command.path;
        let payload = Payload {
            format: request.content_format.map(ContentFormat),
            bytes: &request.payload,
            received_ms: self.time_ms(now),
        };
        match (request.block1, command.operation) {
            (Some(block), Operation::Write) if path.object() == Some(SOFTWARE) => {
                return self.push_software_block(path, now, request, block);
            }
            (Some(block), Operation::Write) => return self.push_block(now, path, request, block),
            // Only a package comes block by block.
            (Some(_), _) => return Err(Refusal::NotAllowed { path }),
            (None, _) => {}
        }
        match command.operation {
            Operation::Read => self.read(&path, request).map(Done::new),
            Operation::Observe => self.observe(now, &path, request).map(Done::new),
            Operation::CancelObservation => {
                self.cancel(request);
                self.read(&path, request).map(Done::new)
            }
            Operation::Discover => {
                let links = self.tree.discover(&path)?.to_string();
                let response = Response::new(Code::CONTENT);
                Ok(Done::new(response.with_payload(ContentFormat::LINK.0, below(self.root(), &links))))
            }
            Operation::Write => {
                let before = self.package_uri();
                let changed = self.tree.write(&path, request.method, payload)?;
                self.take_written(now, path, changed, before)
            }
            Operation::WriteAttributes => {
                self.tree.write_attributes(&path, &request.queries)?;
                Ok(Done::with(Code::CHANGED, Event::AttributesWritten { path }))
            }
            Operation::Execute => self.execute(now, path, request),
            Operation::Create => {
                let path = self.tree.create(path.object().unwrap_or_default(), payload)?;
                let mut done = Done::with(Code::CREATED, Event::Created { path });
                let location = format!("{}{path}", self.root());
                done.response.location_path = segments(&location);
                done.changed.push(path);
                self.software_created(path);
                Ok(done)
            }
            Operation::ReadComposite => {
                let paths = self.composite_paths(payload)?;
                let format = self.composite_format(request)?;
                self.composite_content(&paths, format).map(Done::new)
            }
            Operation::ObserveComposite => {
                let paths = self.composite_paths(payload)?;
                self.observe_several(now, paths, request).map(Done::new)
            }
            Operation::CancelCompositeObservation => {
                self.cancel(request);
                let paths = self.composite_paths(payload)?;
                let format = self.composite_format(request)?;
                self.composite_content(&paths, format).map(Done::new)
            }
            Operation::WriteComposite => {
                let before = self.package_uri();
                let changed = self.tree.write_several(payload)?;
                let written = changed.first().copied().unwrap_or(Path::Root);
                self.take_written(now, written, changed, before)
            }
            Operation::BootstrapDiscover => self.bootstrap_discover(&path),
            Operation::BootstrapRead => self.bootstrap_read(&path, request),
            Operation::BootstrapWrite => self.bootstrap_write(path, payload),
            Operation::BootstrapDelete => self.bootstrap_delete(path),
            Operation::BootstrapFinish => self.bootstrap_finish(now),
            Operation::Delete if path.object() == Some(FIRMWARE) && self.update.is_some() => {
                Err(Refusal::NotAllowed { path })
            }
            Operation::Delete => {
                self.tree.delete(&path)?;
                self.software_deleted(path);
                Ok(Done { changed: vec![path], ..Done::with(Code::DELETED, Event::Deleted { path }) })
            }
        }
    }

    /// The answer to a Read, in the format that was asked for or else the preferred one.
    pub(super) fn read(&self, path: &Path, request: &Request) -> Result<Response, Refusal> {
        let format = request.accept.map_or(self.profile.preferred_format, ContentFormat).registered();
        self.content(path, format)
    }

    /// What is at a path.
    pub(super) fn content(&self, path: &Path, format: ContentFormat) -> Result<Response, Refusal> {
        let node = self.tree.read(path)?;
        let payload = self.tree.encode(format, path, &node)?;
        Ok(Response::new(Code::CONTENT).with_payload(format.0, payload))
    }

    /// The nodes that a composite operation names. None may be one that a management server has no access to.
    fn composite_paths(&self, payload: Payload<'_>) -> Result<Vec<Path>, Refusal> {
        self.tree.check_composites()?;
        let format = payload.format.ok_or(Refusal::NoContentFormat)?;
        let paths = codec::decode_paths(format, payload.bytes)?;
        let hidden = |path: &&Path| matches!(path.object(), Some(ObjectId(0 | 21)));
        match paths.iter().find(hidden) {
            Some(path) => Err(Refusal::Unauthorized { path: *path }),
            None => Ok(paths),
        }
    }

    /// The format of the answer to a composite operation.
    pub(super) fn composite_format(&self, request: &Request) -> Result<ContentFormat, Refusal> {
        let format = request.accept.or(request.content_format).ok_or(Refusal::NoContentFormat)?;
        let format = ContentFormat(format).of_answer();
        match codec::is_composite(format) {
            true => Ok(format),
            false => Err(Refusal::NotAcceptable(EncodeError::Unsupported { format })),
        }
    }

    /// What is at several paths, as far as it is there.
    pub(super) fn composite_content(
        &self,
        paths: &[Path],
        format: ContentFormat,
    ) -> Result<Response, Refusal> {
        let payload = self.tree.encode_several(format, &self.tree.read_several(paths)?)?;
        Ok(Response::new(Code::CONTENT).with_payload(format.0, payload))
    }

    fn execute(&mut self, now: Duration, path: Path, request: &Request) -> Result<Done, Refusal> {
        self.tree.check_executable(&path)?;
        let arguments = arguments::parse(&request.payload)?;
        if path.object() == Some(SOFTWARE) && self.profile.software.is_some() {
            let changed = self.execute_software(now, path, &arguments)?;
            return Ok(Done { changed, ..Done::with(Code::CHANGED, Event::Executed { path, arguments }) });
        }
        let mut done = Done::with(Code::CHANGED, Event::Executed { path, arguments });
        let after = match path.ids()[..] {
            [1, _, 4] => After::Disable,
            [1, _, 8] => After::Update,
            // There is a bootstrap server to ask, or there is none (LwM2M Core 1.1.1 §E.2).
            [1, _, 9] if self.accounts.bootstrap().is_some() => After::Bootstrap,
            [1, _, 9] => return Err(Refusal::NotAllowed { path }),
            [5, _, _] if self.update.is_some() => {
                done.changed = self.execute_firmware(now, path)?;
                return Ok(done);
            }
            [3, _, 4] => After::Reboot,
            [3, _, 5] => After::FactoryReset,
            [3, instance, 12] => {
                done.changed = self.reset_errors(instance);
                return Ok(done);
            }
            // What anything else means is up to the caller.
            _ => return Ok(done),
        };
        self.put_off(now, after);
        Ok(done)
    }

    /// Leaves something for when the request has been answered.
    pub(super) fn put_off(&mut self, now: Duration, after: After) {
        let pause = if after == After::Update { Duration::ZERO } else { LAST_WORDS };
        // What turns the device deaf is not put off by what comes after it.
        self.after.get_or_insert((now + pause, after));
    }

    /// No error is left, which is said by a single instance of value 0 (LwM2M Core 1.1.1 §E.4, Error Code).
    fn reset_errors(&mut self, instance: u16) -> Vec<Path> {
        let Ok(codes) = Path::from_ids(&[3, instance, 11]) else { return Vec::new() };
        self.tree.remove(&codes);
        let none = codes.child(0).map(|first| self.tree.set(first, Value::Integer(0)));
        none.into_iter().flatten().map(|()| codes).collect()
    }

    fn root(&self) -> &str {
        self.profile.root.as_deref().unwrap_or_default()
    }
}

impl Done {
    pub(super) fn new(response: Response) -> Self {
        Self { response, event: None, changed: Vec::new(), instead: None }
    }

    pub(super) fn with(code: Code, event: Event) -> Self {
        Self { event: Some(event), ..Self::new(Response::new(code)) }
    }
}

/// Links as they stand below the root of the objects.
fn below(root: &str, links: &str) -> String {
    links.replace("</", &format!("<{}/", root.trim_end_matches('/')))
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// Between the answer to an Execute and what turns the device deaf: long enough to answer the first retransmission of the
/// request, which comes within ACK_TIMEOUT · ACK_RANDOM_FACTOR.
const LAST_WORDS: Duration = Duration::from_secs(4);
