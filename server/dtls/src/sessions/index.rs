//! An index of slots: four bytes and a control byte each, whatever they are found by.

use std::hash::{DefaultHasher, Hash, Hasher};

use hashbrown::HashTable;

/// Slots by the hash of what they are found by.
#[derive(Default)]
pub(super) struct Index(HashTable<u32>);

/// What hashes are begun with, so that nobody outside can choose those that collide.
#[derive(Clone, Copy)]
pub(super) struct Seed(pub(super) u64);

impl Index {
    /// Adds a slot; `hash_of` tells the hash of those that are in.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        self.0.insert_unique(hash, slot, |slot| hash_of(*slot));
    }

    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(hash, |slot| is_it(*slot)).copied()
    }

    /// Takes a slot out. False if it is not in.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) -> bool {
        self.0.find_entry(hash, |other| *other == slot).map(|entry| entry.remove()).is_ok()
    }
}

impl Seed {
    pub(super) fn of(self, key: &impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        key.hash(&mut hasher);
        hasher.finish()
    }

    /// Of a number that no peer chooses, which takes a tenth of the time: both halves of a product.
    pub(super) fn of_own(self, number: u64) -> u64 {
        let product = u128::from(number ^ self.0) * u128::from(ODD);
        (product >> 64) as u64 ^ product as u64
    }
}

/// 2^64 over the golden ratio.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
