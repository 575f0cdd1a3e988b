//! AES-128-CCM of one record, within one choice of the AES backend.
//!
//! A mode of operation asks its cipher for a backend (what this processor has) for each block, and each time that backend
//! makes round keys for wide registers, which records of a few blocks never use: half of a record's time. Here it is asked once.

use aes::{
    Aes128Enc,
    cipher::{
        Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser,
        ParBlocksSizeUser,
        array::ArraySize,
        consts::{U1, U16},
        inout::InOut,
    },
};
use ccm::{AeadInOut, Ccm, KeyInit, Nonce, Tag, TagSize, consts::U12};

use super::KEY;

/// One record: its text is encrypted in place.
pub(super) fn encrypt<T: ArraySize + TagSize>(
    key: &[u8; KEY],
    nonce: [u8; 12],
    additional: &[u8],
    text: &mut [u8],
) -> Tag<T> {
    let mut tag = None;
    let sealing = Sealing::<T> { nonce: nonce.into(), additional, text, tag: &mut tag };
    Aes128Enc::new(key.into()).encrypt_with_backend(sealing);
    tag.expect("a record is far shorter than the cipher's limit")
}

/// One record, of text and tag: the text, decrypted in place. None if it does not authenticate.
pub(super) fn decrypt<'a, T: ArraySize + TagSize>(
    key: &[u8; KEY],
    nonce: [u8; 12],
    additional: &[u8],
    text_and_tag: &'a mut [u8],
) -> Option<&'a mut [u8]> {
    let length = text_and_tag.len().checked_sub(T::USIZE)?;
    let (text, tag) = text_and_tag.split_at_mut(length);
    let tag = (&*tag).try_into().ok()?;
    let mut authentic = false;
    let opening =
        Opening::<T> { nonce: nonce.into(), additional, text: &mut *text, tag, authentic: &mut authentic };
    Aes128Enc::new(key.into()).encrypt_with_backend(opening);
    authentic.then_some(text)
}

struct Sealing<'a, T: ArraySize> {
    nonce: Nonce<U12>,
    additional: &'a [u8],
    text: &'a mut [u8],
    tag: &'a mut Option<Tag<T>>,
}

struct Opening<'a, T: ArraySize> {
    nonce: Nonce<U12>,
    additional: &'a [u8],
    text: &'a mut [u8],
    tag: &'a Tag<T>,
    authentic: &'a mut bool,
}

/// A cipher whose backend is chosen. It is one that takes a block at a time: for more, CTR would clear a buffer of 64.
struct Chosen<'a, B>(&'a B);

impl<T: ArraySize> BlockSizeUser for Sealing<'_, T> {
    type BlockSize = U16;
}

impl<T: ArraySize + TagSize> BlockCipherEncClosure for Sealing<'_, T> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let ccm = Ccm::<_, T, U12>::from(Chosen(backend));
        *self.tag = ccm.encrypt_inout_detached(&self.nonce, self.additional, self.text.into()).ok();
    }
}

impl<T: ArraySize> BlockSizeUser for Opening<'_, T> {
    type BlockSize = U16;
}

impl<T: ArraySize + TagSize> BlockCipherEncClosure for Opening<'_, T> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let ccm = Ccm::<_, T, U12>::from(Chosen(backend));
        *self.authentic =
            ccm.decrypt_inout_detached(&self.nonce, self.additional, self.text.into(), self.tag).is_ok();
    }
}

impl<B: BlockSizeUser> BlockSizeUser for Chosen<'_, B> {
    type BlockSize = B::BlockSize;
}

impl<B: BlockSizeUser> ParBlocksSizeUser for Chosen<'_, B> {
    type ParBlocksSize = U1;
}

impl<B: BlockCipherEncBackend> BlockCipherEncBackend for Chosen<'_, B> {
    #[inline(always)]
    fn encrypt_block(&self, block: InOut<'_, '_, Block<B>>) {
        self.0.encrypt_block(block);
    }
}

impl<B: BlockCipherEncBackend> BlockCipherEncrypt for Chosen<'_, B> {
    #[inline(always)]
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = B::BlockSize>) {
        f.call(self);
    }
}
