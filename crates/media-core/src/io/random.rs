//! Numbers nobody outside can guess: SSRCs and first sequence numbers should not be predictable (RFC 3550 §5.1).

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::PumpError;

/// Draws numbers from a key that the system gave.
pub(super) struct Random {
    key: [u64; 2],
    count: u64,
}

impl Random {
    pub(super) fn new() -> Result<Self, PumpError> {
        let key =
            [getrandom::u64().map_err(PumpError::Random)?, getrandom::u64().map_err(PumpError::Random)?];
        Ok(Self { key, count: 0 })
    }

    pub(super) fn next(&mut self) -> u64 {
        self.count += 1;
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        hasher.write_u64(self.count);
        hasher.finish()
    }
}
