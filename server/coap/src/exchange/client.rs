//! A request of ours: which message to send next, and what a response means for it.
//!
//! It knows of blocks, not of time: retransmission and queueing are the endpoint's.

use crate::{
    BlockError, BlockSize, Code, Failure, Kind, Message, MessageId, Method, NotificationId, OptionNumber,
    Part, Request, Response, Token,
    block::{Assembly, Block},
};

/// A request with the state of its block-wise transfers.
#[derive(Debug)]
pub(crate) struct ClientExchange {
    pub(crate) request: Request,
    pub(crate) purpose: Purpose,
    token: Token,
    size: BlockSize,
    /// The byte offset of the block that is sent; nothing where the body goes whole.
    upload: Option<usize>,
    /// Tells the blocks of this body from those of one that was broken off before (RFC 9175 §3.3).
    request_tag: u32,
    /// Boxed, for most exchanges have none.
    download: Option<Box<Download>>,
}

/// For whom the request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Caller,
    /// It fetches the rest of a notification.
    Notification(NotificationId),
}

/// A response that comes block-wise.
#[derive(Debug)]
struct Download {
    /// The first block's code and options; its payload is empty.
    head: Response,
    assembly: Assembly,
    size: BlockSize,
}

/// What a response means for the exchange.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next message is to be sent.
    Continue,
    Done(Response),
    Failed(Failure),
    /// The response belongs to an earlier block.
    Ignore,
}

impl ClientExchange {
    /// The exchange for a request whose body this endpoint takes.
    pub(crate) fn new(request: Request, token: Token, limit: BlockSize) -> Self {
        let size = request.block_size.map_or(limit, |size| size.min(limit));
        let upload = (request.part.is_none() && request.payload.len() > size.bytes()).then_some(0);
        Self { request, purpose: Purpose::Caller, token, size, upload, request_tag: 0, download: None }
    }

    /// The exchange that fetches the rest of a notification, whose first block has come.
    ///
    /// # Errors
    /// If that block is not the first of a body this endpoint takes.
    pub(crate) fn resume(
        observed: &Request,
        token: Token,
        limit: BlockSize,
        first: &Message,
        id: NotificationId,
        max: usize,
    ) -> Result<Self, Failure> {
        let request = Request { observe: None, confirmable: true, ..observed.clone() };
        let mut exchange = Self::new(request, token, limit);
        exchange.purpose = Purpose::Notification(id);
        exchange.upload = None;
        match exchange.on_block2(first, max) {
            Step::Failed(failure) => Err(failure),
            _ => Ok(exchange),
        }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// Gives the exchange another token. The blocks of an observation's first response are fetched with a token of
    /// their own, since the observation keeps its (RFC 7959 §3.4).
    pub(crate) fn set_token(&mut self, token: Token) {
        self.token = token;
    }

    /// Marks the blocks of a body whose sending has not begun; zero stands for no mark.
    pub(crate) fn set_request_tag(&mut self, tag: u32) {
        if self.upload == Some(0) {
            self.request_tag = tag;
        }
    }

    /// Whether the request body goes block by block.
    pub(crate) fn is_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// Whether the rest of a response is being fetched.
    pub(crate) fn is_downloading(&self) -> bool {
        self.download.is_some()
    }

    /// The sequence number in the first block of a response that is being fetched.
    pub(crate) fn first_observe(&self) -> Option<u32> {
        self.download.as_ref().and_then(|download| download.head.observe)
    }

    /// The bytes of the response so far.
    pub(crate) fn buffered(&self) -> usize {
        self.download.as_ref().map_or(0, |download| download.assembly.len())
    }

    /// The message to send now.
    pub(crate) fn message(&mut self, id: MessageId) -> Message {
        let kind = if self.request.confirmable { Kind::Confirmable } else { Kind::NonConfirmable };
        let mut message = Message::new(kind, Code::from(self.request.method), id, self.token);
        if let Some(download) = &self.download {
            // RFC 7959 §2.4: the same options but Observe, and Block2 with the number of the block that is due.
            message.options = Request { observe: None, ..self.request.clone() }.options();
            let due = Block::at(download.assembly.len(), false, download.size);
            let due = due.expect("the number of the next block was checked when the last one came");
            message.options.push_block(OptionNumber::BLOCK2, due);
            self.push_request_tag(&mut message);
            // The payload of a FETCH is part of what is asked (RFC 8132 §2).
            let fits = self.request.payload.len() <= self.size.bytes();
            if self.request.method == Method::Fetch && fits {
                message.payload.clone_from(&self.request.payload);
            }
            return message;
        }
        message.options = self.request.options();
        if let Some(block) = self.request.block2 {
            message.options.push_block(OptionNumber::BLOCK2, block);
            message.payload.clone_from(&self.request.payload);
            return message;
        }
        if let Some(Part { block, total }) = self.request.part {
            message.options.push_block(OptionNumber::BLOCK1, block);
            if block.number == 0 {
                message.options.push_uint(OptionNumber::SIZE1, total as u32);
            }
            // It goes in this message alone, which is kept as long as it is repeated: thousands may be on their way.
            message.payload = std::mem::take(&mut self.request.payload);
            return message;
        }
        if let Some((offset, end)) = self.upload_range() {
            let more = end < self.request.payload.len();
            let block = Block::at(offset, more, self.size).expect("the number of blocks was checked");
            message.options.push_block(OptionNumber::BLOCK1, block);
            self.push_request_tag(&mut message);
            if offset == 0 {
                message.options.push_uint(OptionNumber::SIZE1, self.request.payload.len() as u32);
            }
            message.payload = self.request.payload[offset..end].to_vec();
        } else {
            message.payload.clone_from(&self.request.payload);
        }
        // RFC 7959 §2.4: early negotiation, where the answer follows and smaller blocks are wanted than the largest.
        let answer_follows = self.upload_range().is_none_or(|(_, end)| end == self.request.payload.len());
        if self.size < BlockSize::B1024 && answer_follows {
            let first = Block { number: 0, more: false, size: self.size };
            message.options.push_block(OptionNumber::BLOCK2, first);
        }
        message
    }

    /// What a response with this token means. `max` is the largest body taken.
    pub(crate) fn on_response(&mut self, message: &Message, max: usize) -> Step {
        if self.download.is_some() {
            return self.on_block2(message, max);
        }
        if self.request.block2.is_some() {
            return match message.options.block(OptionNumber::BLOCK2) {
                Some(None) => Step::Failed(Failure::BlockTransfer(BlockError::ReservedSize)),
                block => Step::Done(Response { block2: block.flatten(), ..Response::from_message(message) }),
            };
        }
        let block1 = match message.options.block(OptionNumber::BLOCK1) {
            Some(None) => return Step::Failed(Failure::BlockTransfer(BlockError::ReservedSize)),
            Some(Some(block)) => Some(block),
            None => None,
        };
        if self.request.part.is_some() {
            return Step::Done(Response { block1, ..Response::from_message(message) });
        }
        if message.code == Code::REQUEST_ENTITY_TOO_LARGE
            && let Some(hint) = block1
            && hint.size < self.size
            && !self.request.payload.is_empty()
        {
            // RFC 7959 §2.9.3: the hint is a size the server can take; the body starts anew.
            return self.upload_from(0, hint.size);
        }
        let Some((offset, end)) = self.upload_range() else {
            if message.code == Code::CONTINUE {
                return Step::Failed(Failure::BlockTransfer(BlockError::Broken));
            }
            return self.on_block2(message, max);
        };
        // A peer that asks for smaller blocks counts them by the old size or by the new one.
        let acknowledges =
            |block: Block| block.number as usize * self.size.bytes() == offset || block.offset() == offset;
        if block1.is_some_and(|block| !acknowledges(block)) {
            return Step::Ignore;
        }
        let last = end == self.request.payload.len();
        match (message.code.is_success(), last) {
            (true, false) => match block1 {
                // RFC 7959 §2.3: a smaller size is for the blocks that follow; this one was taken as it is.
                Some(block) => self.upload_from(end, block.size.min(self.size)),
                None => Step::Failed(Failure::BlockTransfer(BlockError::Broken)),
            },
            (true, true) if message.code == Code::CONTINUE => {
                Step::Failed(Failure::BlockTransfer(BlockError::Broken))
            }
            _ => self.on_block2(message, max),
        }
    }

    fn push_request_tag(&self, message: &mut Message) {
        if self.request_tag > 0 {
            message.options.push_uint(OptionNumber::REQUEST_TAG, self.request_tag);
        }
    }

    fn upload_from(&mut self, offset: usize, size: BlockSize) -> Step {
        self.size = size;
        self.upload = Some(offset);
        if Block::at(self.request.payload.len(), false, size).is_none() {
            return Step::Failed(Failure::TooLarge { max: size.bytes() << 20 });
        }
        Step::Continue
    }

    fn upload_range(&self) -> Option<(usize, usize)> {
        let offset = self.upload?;
        Some((offset, (offset + self.size.bytes()).min(self.request.payload.len())))
    }

    fn on_block2(&mut self, message: &Message, max: usize) -> Step {
        let fail = |error| Step::Failed(Failure::BlockTransfer(error));
        let block = match message.options.block(OptionNumber::BLOCK2) {
            Some(None) => return fail(BlockError::ReservedSize),
            Some(Some(block)) => block,
            // An error in the middle of a transfer is the response; a success without the option is no block.
            None if self.download.is_none() || message.code.is_error() => {
                return Step::Done(Response::from_message(message));
            }
            None => return fail(BlockError::Broken),
        };
        // An error with a diagnostic payload ends the exchange, whatever its Block2 option says.
        if message.code.is_error() && (self.download.is_some() || !block.more) {
            return Step::Done(Response::from_message(message));
        }
        if message.options.uint(OptionNumber::SIZE2).is_some_and(|size| size as usize > max) {
            return Step::Failed(Failure::TooLarge { max });
        }
        if let Some(download) = &self.download {
            // Blocks of two representations never meet in one body (RFC 7959 §2.4).
            let etag = message.options.get(OptionNumber::ETAG);
            if etag != download.head.etag.as_deref() || message.code != download.head.code {
                return fail(BlockError::Changed);
            }
            if block.offset() < download.assembly.len() {
                return Step::Ignore;
            }
        }
        let size = self.size.min(block.size);
        let download = self.download.get_or_insert_with(|| {
            let mut head = Response::from_message(message);
            head.payload = Vec::new();
            Box::new(Download { head, assembly: Assembly::default(), size })
        });
        match download.assembly.append(block, &message.payload, max) {
            Ok(()) => {}
            Err(BlockError::TooLarge { max }) => return Step::Failed(Failure::TooLarge { max }),
            Err(error) => return fail(error),
        }
        download.size = download.size.min(block.size);
        if block.more {
            // The smallest size has the highest numbers.
            return match Block::at(download.assembly.len(), false, download.size) {
                Some(_) => Step::Continue,
                None => Step::Failed(Failure::TooLarge { max }),
            };
        }
        let mut download = self.download.take().expect("a block was just appended");
        download.head.payload = download.assembly.into_body();
        Step::Done(download.head)
    }
}
