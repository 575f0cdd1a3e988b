//! One copy of the object links that many devices share: devices of one make register the same list.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Arc, Weak},
};

use objects::link::ObjectLinks;

/// The lists that are in use.
#[derive(Debug, Default)]
pub(super) struct LinkPool {
    by_hash: HashMap<u64, Vec<Weak<ObjectLinks>>>,
    len: usize,
    /// How many were in use when the pool was last swept.
    swept_len: usize,
}

impl LinkPool {
    /// The pool is swept when it has doubled since the last time, but never below this.
    const SMALL: usize = 64;

    /// The copy in use that is equal to `links`, else `links`, which is in use from here on.
    pub(super) fn share(&mut self, links: &Arc<ObjectLinks>) -> Arc<ObjectLinks> {
        if self.len > (2 * self.swept_len).max(Self::SMALL) {
            self.sweep();
        }
        let same = self.by_hash.entry(hash(links)).or_default();
        if let Some(shared) = same.iter().filter_map(Weak::upgrade).find(|shared| shared == links) {
            return shared;
        }
        same.push(Arc::downgrade(links));
        self.len += 1;
        Arc::clone(links)
    }

    /// Forgets the lists that nobody uses.
    pub(super) fn sweep(&mut self) {
        self.by_hash.retain(|_, same| {
            same.retain(|links| links.strong_count() > 0);
            !same.is_empty()
        });
        self.len = self.by_hash.values().map(Vec::len).sum();
        self.swept_len = self.len;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// Equal lists have equal hashes; the attributes are left to the comparison.
fn hash(links: &ObjectLinks) -> u64 {
    let mut hasher = DefaultHasher::new();
    links.root.hash(&mut hasher);
    links.content_formats.hash(&mut hasher);
    for (object, entry) in &links.objects {
        (object, entry.version, &entry.instances).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use objects::{ObjectId, link::ObjectEntry};

    use super::*;

    fn links(object: u16) -> Arc<ObjectLinks> {
        let objects = [(ObjectId(object), ObjectEntry::default())].into();
        Arc::new(ObjectLinks { objects, ..ObjectLinks::default() })
    }

    #[test]
    fn equal_lists_are_kept_once() {
        let mut pool = LinkPool::default();
        let first = pool.share(&links(3));
        assert!(Arc::ptr_eq(&first, &pool.share(&links(3))));
        assert!(!Arc::ptr_eq(&first, &pool.share(&links(4))));
    }

    #[test]
    fn lists_that_nobody_uses_are_forgotten_in_time() {
        let mut pool = LinkPool::default();
        for object in 0..10_000 {
            drop(pool.share(&links(object)));
            assert!(pool.len() <= LinkPool::SMALL + 1);
        }
    }
}
