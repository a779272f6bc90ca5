//! A hash for identifiers that are made here.
//!
//! An identifier of ours counts up, and a digest of [`Guard::digest`](crate::Guard::digest) is uniform already: neither
//! can be chosen by a peer, so their tables need no keyed hash. What a peer chooses has to be digested first.

use std::hash::{BuildHasherDefault, Hasher};

/// Hashes words by multiplication; for keys that no peer can choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdHasher(u64);

/// Makes an [`IdHasher`]; the same in every process, so that runs can be repeated.
pub type BuildIdHasher = BuildHasherDefault<IdHasher>;

/// An odd number without pattern: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        // The low bits choose the bucket and have taken nothing from the high ones yet.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(FACTOR);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn numbers_in_a_row_fill_the_buckets_evenly() {
        let mut buckets = [0_u32; 256];
        for number in 0_u64..1024 {
            buckets[(BuildIdHasher::default().hash_one(number) % 256) as usize] += 1;
        }
        assert!(buckets.iter().all(|filled| (1..=8).contains(filled)), "{buckets:?}");
    }
}
