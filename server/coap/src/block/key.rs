//! What makes two block-wise requests parts of one operation (RFC 7959 §2.5, RFC 9175 §3).

use crate::{Code, OptionNumber, Options};

/// Method and options that all requests of one transfer share. The token is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockKey {
    code: Code,
    options: Options,
}

impl BlockKey {
    pub(crate) fn new(code: Code, options: &Options) -> Self {
        let mut shared = Options::default();
        for (number, value) in options.iter() {
            let varies =
                matches!(number, OptionNumber::BLOCK1 | OptionNumber::BLOCK2 | OptionNumber::OBSERVE);
            if !varies && !number.is_no_cache_key() {
                shared.push(number, value);
            }
        }
        Self { code, options: shared }
    }

    /// The memory the key takes, roughly.
    pub(crate) fn len(&self) -> usize {
        self.options.encoded_len()
    }
}
