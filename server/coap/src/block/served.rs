//! A response body that is handed out block by block with Block2.

use std::hash::{DefaultHasher, Hasher};

use super::{Block, BlockKey, BlockSize};
use crate::Response;

/// The response to a request, kept so that a peer can fetch the blocks after the first.
#[derive(Debug)]
pub(crate) struct Served<P> {
    pub(crate) peer: P,
    pub(crate) key: BlockKey,
    /// A digest of what was asked for.
    pub(crate) asked: Option<u64>,
    pub(crate) response: Response,
}

/// The block that answers a request for `asked`, with its payload; nothing for a block beyond the end.
pub(crate) fn slice(body: &[u8], asked: Option<Block>, limit: BlockSize) -> Option<(Block, &[u8])> {
    let size = asked.map_or(limit, |block| block.size.min(limit));
    let offset = asked.map_or(0, Block::offset);
    let rest = body.get(offset..)?;
    if rest.is_empty() && offset > 0 {
        return None;
    }
    let payload = &rest[..rest.len().min(size.bytes())];
    Some((Block::at(offset, payload.len() < rest.len(), size)?, payload))
}

/// An ETag for a body whose owner gave none, so that a peer can tell blocks of two bodies apart (RFC 7959 §2.4).
pub(crate) fn etag_of(body: &[u8]) -> Vec<u8> {
    digest(body).to_be_bytes().to_vec()
}

/// Tells two bodies apart.
pub(crate) fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_at_the_smaller_of_both_sizes() {
        let body: Vec<u8> = (0..100).collect();
        let asked = |number, size| Some(Block { number, more: false, size });
        let (block, payload) = slice(&body, None, BlockSize::B64).unwrap();
        assert_eq!((block.number, block.more, payload), (0, true, &body[..64]));
        let (block, payload) = slice(&body, asked(1, BlockSize::B64), BlockSize::B16).unwrap();
        assert_eq!((block.number, block.more, block.size, payload), (4, true, BlockSize::B16, &body[64..80]));
        let (block, payload) = slice(&body, asked(6, BlockSize::B16), BlockSize::B64).unwrap();
        assert_eq!((block.number, block.more, payload), (6, false, &body[96..]));
        assert_eq!(slice(&body, asked(7, BlockSize::B16), BlockSize::B64), None);
        assert_eq!(slice(&body, asked(Block::MAX_NUMBER, BlockSize::B1024), BlockSize::B1024), None);
        assert_eq!(slice(&[], asked(0, BlockSize::B16), BlockSize::B64).unwrap().1, []);
    }
}
