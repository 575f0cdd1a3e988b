//! What a message at a CoAP listener for downloads asks, and the answer: without a memory of either.
//!
//! GET is idempotent, so that a message that comes twice is answered twice (RFC 7252 §4.5); block n is the answer to whoever
//! asks for block n (RFC 7959 §2.4). So nothing is held for a device between two of its messages.

use coap::{Block, BlockSize, Code, Kind, Message, MessageId, Method, OptionNumber};
use fleet::update::{DownloadKey, NotGiven};
use objects::ContentFormat;

use super::{PREFIX, Refused};

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A request for a part of a package.
    Question(Box<Question>),
    /// Something that has its answer already.
    Answer(Vec<u8>),
    /// Nothing to answer.
    Silence,
}

/// A request for a part of a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) key: DownloadKey,
    message: Message,
    block: Option<Block>,
    /// The id of the answer, if that is a message of its own.
    fresh: MessageId,
}

/// Which bytes are the answer, and how they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) offset: u64,
    pub(super) len: usize,
    block: Option<Block>,
    size: u64,
}

/// Reads a datagram.
pub(super) fn read(datagram: &[u8], fresh: MessageId) -> Read {
    let Ok(mut message) = Message::parse(datagram) else {
        metrics::counter!("muster_messages_turned_away_total", "bound" => "downloads_malformed").increment(1);
        return Read::Silence;
    };
    match (message.kind, message.code) {
        // A ping (RFC 7252 §4.3).
        (Kind::Confirmable, Code::EMPTY) => {
            return answered(Message::empty(Kind::Reset, message.id));
        }
        (Kind::Confirmable | Kind::NonConfirmable, code) if code.is_request() => {}
        _ => return Read::Silence,
    }
    let refuse = |message: &Message, code| answered(reply(message, code, fresh));
    if message.options.screen_request().is_err() {
        return refuse(&message, Code::BAD_OPTION);
    }
    if Method::from_code(message.code) != Some(Method::Get) {
        return refuse(&message, Code::METHOD_NOT_ALLOWED);
    }
    let accept = message.options.uint(OptionNumber::ACCEPT);
    if accept.is_some_and(|accept| accept != u32::from(ContentFormat::OPAQUE.0)) {
        return refuse(&message, Code::NOT_ACCEPTABLE);
    }
    let block = match message.options.uint(OptionNumber::BLOCK2).map(Block::from_uint) {
        // RFC 7959 §2.2: the size exponent 7 is reserved and leads to 4.00.
        Some(None) => return refuse(&message, Code::BAD_REQUEST),
        block => block.flatten(),
    };
    let path = message.options.strings(OptionNumber::URI_PATH).unwrap_or_default();
    let key = match path.as_slice() {
        [prefix, key] if prefix == PREFIX => DownloadKey::read(key),
        _ => None,
    };
    match key {
        Some(key) => Read::Question(Box::new(Question { key, message, block, fresh })),
        None => refuse(&message, Code::NOT_FOUND),
    }
}

impl Question {
    /// Which bytes are asked for of a package of this size, in blocks of at most `limit`; or the answer, if none are.
    pub(super) fn slice(&self, size: u64, etag: [u8; 8], limit: BlockSize) -> Result<Slice, Vec<u8>> {
        let begins = self.block.is_none_or(|block| block.number == 0);
        if begins && self.message.options.all(OptionNumber::ETAG).any(|known| known == etag) {
            let mut valid = reply(&self.message, Code::VALID, self.fresh);
            valid.options.push(OptionNumber::ETAG, etag);
            return Err(bytes(&valid));
        }
        let blocks = self.block.map_or(limit, |block| block.size.min(limit));
        let offset = self.block.map_or(0, Block::offset);
        let left = size.saturating_sub(offset as u64);
        if left == 0 && offset > 0 {
            return Err(self.refusal(Code::BAD_REQUEST));
        }
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(blocks.bytes());
        let more = left > len as u64;
        let block = match self.block.is_some() || more {
            true => Some(Block::at(offset, more, blocks).ok_or_else(|| self.refusal(Code::BAD_REQUEST))?),
            false => None,
        };
        Ok(Slice { offset: offset as u64, len, block, size })
    }

    /// The answer with those bytes.
    pub(super) fn content(&self, slice: &Slice, etag: [u8; 8], payload: Vec<u8>) -> Vec<u8> {
        let mut message = reply(&self.message, Code::CONTENT, self.fresh);
        message.options.push(OptionNumber::ETAG, etag);
        message.options.push_uint(OptionNumber::CONTENT_FORMAT, ContentFormat::OPAQUE.0.into());
        if let Some(block) = slice.block {
            message.options.push_uint(OptionNumber::BLOCK2, block.to_uint());
        }
        let asks_size = self.message.options.get(OptionNumber::SIZE2).is_some();
        if slice.offset == 0 && slice.block.is_some() || asks_size {
            let size = u32::try_from(slice.size).unwrap_or(u32::MAX);
            message.options.push_uint(OptionNumber::SIZE2, size);
        }
        message.payload = payload;
        bytes(&message)
    }

    /// The answer to who gets nothing. It says no more than its code, and is no longer than the request.
    pub(super) fn refused(&self, refused: &Refused) -> Vec<u8> {
        self.refusal(match refused {
            Refused::Unavailable => Code::SERVICE_UNAVAILABLE,
            Refused::NotGiven(NotGiven::Misfit(_) | NotGiven::NotAllowed(_)) => Code::FORBIDDEN,
            Refused::NotGiven(
                NotGiven::Expired | NotGiven::OtherDevice | NotGiven::Over | NotGiven::Unknown,
            ) => Code::NOT_FOUND,
        })
    }

    fn refusal(&self, code: Code) -> Vec<u8> {
        bytes(&reply(&self.message, code, self.fresh))
    }
}

fn reply(to: &Message, code: Code, fresh: MessageId) -> Message {
    let (kind, id) = match to.kind {
        Kind::Confirmable => (Kind::Acknowledgement, to.id),
        _ => (Kind::NonConfirmable, fresh),
    };
    Message::new(kind, code, id, to.token)
}

fn answered(message: Message) -> Read {
    Read::Answer(bytes(&message))
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_bytes().expect("few short options and at most a block")
}

#[cfg(test)]
mod tests {
    use coap::Token;

    use super::*;

    const KEY: DownloadKey = DownloadKey([0xa5; 16]);
    const ETAG: [u8; 8] = [9; 8];
    const SIZE: u64 = 2_500;

    fn get(options: &[(OptionNumber, Vec<u8>)]) -> Message {
        let token = Token::new(&[1, 2]).unwrap();
        let mut message = Message::new(Kind::Confirmable, Code::new(0, 1), MessageId(7), token);
        message.options.push(OptionNumber::URI_PATH, *b"d");
        message.options.push(OptionNumber::URI_PATH, KEY.text().as_bytes());
        for (number, value) in options {
            message.options.push(*number, value.clone());
        }
        message
    }

    fn block(number: u32, size: BlockSize) -> (OptionNumber, Vec<u8>) {
        let value = Block { number, more: false, size }.to_uint().to_be_bytes();
        (OptionNumber::BLOCK2, value[1..].to_vec())
    }

    fn question(message: &Message) -> Box<Question> {
        match read(&message.to_bytes().unwrap(), MessageId(99)) {
            Read::Question(question) => question,
            other => panic!("{other:?}"),
        }
    }

    fn code(message: &Message) -> Option<Code> {
        match read(&message.to_bytes().unwrap(), MessageId(99)) {
            Read::Answer(answer) => Some(Message::parse(&answer).unwrap().code),
            Read::Question(_) => panic!("a question"),
            Read::Silence => None,
        }
    }

    #[test]
    fn any_block_is_answered_in_any_order_and_in_the_smaller_of_both_sizes() {
        for (asked, limit, expected) in [
            (None, BlockSize::B1024, Ok((0, 1_024, Some((0, true))))),
            (Some((0, BlockSize::B64)), BlockSize::B1024, Ok((0, 64, Some((0, true))))),
            (Some((2, BlockSize::B1024)), BlockSize::B1024, Ok((2_048, 452, Some((2, false))))),
            (Some((1, BlockSize::B1024)), BlockSize::B512, Ok((1_024, 512, Some((2, true))))),
            (Some((39, BlockSize::B64)), BlockSize::B1024, Ok((2_496, 4, Some((39, false))))),
            (Some((40, BlockSize::B64)), BlockSize::B1024, Err(Code::BAD_REQUEST)),
            (Some((Block::MAX_NUMBER, BlockSize::B1024)), BlockSize::B1024, Err(Code::BAD_REQUEST)),
        ] {
            let options: Vec<_> = asked.into_iter().map(|(number, size)| block(number, size)).collect();
            let slice = question(&get(&options)).slice(SIZE, ETAG, limit);
            let found = match &slice {
                Ok(slice) => {
                    let block = slice.block.map(|block| (block.number, block.more));
                    Ok((slice.offset, slice.len, block))
                }
                Err(answer) => Err(Message::parse(answer).unwrap().code),
            };
            assert_eq!(found, expected, "{asked:?} {limit:?}");
        }
        let whole = question(&get(&[])).slice(1_000, ETAG, BlockSize::B1024).unwrap();
        assert_eq!((whole.len, whole.block), (1_000, None), "what fits needs no blocks");
    }

    #[test]
    fn the_first_block_says_how_much_there_is_and_each_says_of_what_it_is() {
        let first = question(&get(&[block(0, BlockSize::B512)]));
        let slice = first.slice(SIZE, ETAG, BlockSize::B1024).unwrap();
        let answer = Message::parse(&first.content(&slice, ETAG, vec![5; slice.len])).unwrap();
        assert_eq!(
            (answer.kind, answer.id, answer.code),
            (Kind::Acknowledgement, MessageId(7), Code::CONTENT)
        );
        assert_eq!(answer.options.uint(OptionNumber::SIZE2), Some(2_500));
        assert_eq!(answer.options.get(OptionNumber::ETAG), Some(&ETAG[..]));
        assert_eq!(answer.options.uint(OptionNumber::CONTENT_FORMAT), Some(42));
        assert_eq!((answer.payload.len(), answer.token.as_bytes()), (512, &[1, 2][..]));
        let later = question(&get(&[block(1, BlockSize::B512)]));
        let slice = later.slice(SIZE, ETAG, BlockSize::B1024).unwrap();
        let answer = Message::parse(&later.content(&slice, ETAG, vec![5; slice.len])).unwrap();
        assert_eq!(answer.options.uint(OptionNumber::SIZE2), None);
        assert_eq!(answer.options.get(OptionNumber::ETAG), Some(&ETAG[..]));
    }

    #[test]
    fn who_has_it_is_told_that_it_is_the_same() {
        let answer =
            |options: &[(OptionNumber, Vec<u8>)]| question(&get(options)).slice(SIZE, ETAG, BlockSize::B1024);
        let valid = answer(&[(OptionNumber::ETAG, vec![1]), (OptionNumber::ETAG, ETAG.to_vec())]);
        assert_eq!(Message::parse(&valid.unwrap_err()).unwrap().code, Code::VALID);
        assert!(answer(&[(OptionNumber::ETAG, vec![1])]).is_ok());
        assert!(answer(&[(OptionNumber::ETAG, ETAG.to_vec()), block(1, BlockSize::B16)]).is_ok());
    }

    #[test]
    fn what_is_no_question_has_its_answer() {
        assert_eq!(code(&Message::empty(Kind::Confirmable, MessageId(1))), Some(Code::EMPTY));
        assert_eq!(code(&Message::empty(Kind::Acknowledgement, MessageId(1))), None);
        assert_eq!(code(&Message { kind: Kind::Acknowledgement, code: Code::CONTENT, ..get(&[]) }), None);
        assert_eq!(read(&[0xff; 3], MessageId(1)), Read::Silence);
        for (options, expected) in [
            (&[(OptionNumber(9), vec![1])][..], Code::BAD_OPTION),
            (&[(OptionNumber::PROXY_URI, b"coap://a".to_vec())], Code::BAD_OPTION),
            (&[(OptionNumber::ACCEPT, vec![50])], Code::NOT_ACCEPTABLE),
            (&[(OptionNumber::BLOCK2, vec![7])], Code::BAD_REQUEST),
            (&[(OptionNumber::URI_PATH, b"x".to_vec())], Code::NOT_FOUND),
        ] {
            assert_eq!(code(&get(options)), Some(expected), "{options:?}");
        }
        for method in [Code::new(0, 2), Code::new(0, 3), Code::new(0, 4), Code::new(0, 31)] {
            assert_eq!(code(&Message { code: method, ..get(&[]) }), Some(Code::METHOD_NOT_ALLOWED));
        }
    }

    #[test]
    fn a_request_that_is_not_confirmable_is_answered_by_a_message_of_its_own() {
        let asked = question(&Message { kind: Kind::NonConfirmable, ..get(&[]) });
        let slice = asked.slice(SIZE, ETAG, BlockSize::B1024).unwrap();
        let answer = Message::parse(&asked.content(&slice, ETAG, Vec::new())).unwrap();
        assert_eq!((answer.kind, answer.id), (Kind::NonConfirmable, MessageId(99)));
    }

    #[test]
    fn a_refusal_is_no_longer_than_its_request() {
        for (reason, expected) in [
            (NotGiven::Unknown, Code::NOT_FOUND),
            (NotGiven::Expired, Code::NOT_FOUND),
            (NotGiven::Over, Code::NOT_FOUND),
            (NotGiven::OtherDevice, Code::NOT_FOUND),
            (NotGiven::NotAllowed(fleet::update::Scheme::Coap), Code::FORBIDDEN),
            (NotGiven::Misfit(fleet::Misfit::Withdrawn), Code::FORBIDDEN),
        ] {
            let message = get(&[]);
            let answer = question(&message).refused(&Refused::NotGiven(reason));
            assert_eq!(Message::parse(&answer).unwrap().code, expected);
            assert!(answer.len() <= message.to_bytes().unwrap().len());
        }
    }
}
