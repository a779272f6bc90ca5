//! The memory that packets are sent from.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The size of a block: some 370 packets of G.711.
const BLOCK: usize = 64 * 1024;
/// The blocks that are kept while their packets are on their way: 512 kB, what 3,000 streams send in one step.
const KEPT: usize = 8;

/// Gives out packets that share blocks of memory. A block whose packets are all gone is used again, so a warm arena
/// allocates nothing.
#[derive(Debug)]
pub(super) struct Arena {
    open: BytesMut,
    /// Full blocks, the oldest first.
    full: VecDeque<BytesMut>,
}

impl Arena {
    pub(super) fn new() -> Self {
        Self { open: BytesMut::with_capacity(BLOCK), full: VecDeque::new() }
    }

    /// Returns a copy of the bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Bytes {
        if self.open.capacity() < bytes.len() {
            self.renew();
        }
        self.open.extend_from_slice(bytes);
        self.open.split().freeze()
    }

    fn renew(&mut self) {
        if self.open.try_reclaim(BLOCK) {
            return;
        }
        for _ in 0..self.full.len() {
            let Some(mut block) = self.full.pop_front() else { break };
            if block.try_reclaim(BLOCK) {
                self.full.push_back(std::mem::replace(&mut self.open, block));
                return;
            }
            self.full.push_back(block);
        }
        let spent = std::mem::replace(&mut self.open, BytesMut::with_capacity(BLOCK));
        // Beyond the limit a block is left to its packets.
        if self.full.len() < KEPT {
            self.full.push_back(spent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_keep_their_bytes_while_blocks_are_reused() {
        let mut arena = Arena::new();
        let mut waiting = VecDeque::new();
        for round in 0..20_000u32 {
            let bytes = [round as u8; 172];
            waiting.push_back((bytes, arena.put(&bytes)));
            if waiting.len() > 1_000 {
                let (bytes, packet) = waiting.pop_front().expect("just filled");
                assert_eq!(packet, bytes[..]);
            }
        }
        // A thousand packets of 172 bytes are under way at a time: three blocks, one open, one to change.
        assert!(arena.full.len() <= 4, "{}", arena.full.len());
    }

    #[test]
    fn blocks_whose_packets_stay_are_not_kept_beyond_the_limit() {
        let mut arena = Arena::new();
        let packets: Vec<_> = (0..20).map(|_| arena.put(&vec![7; BLOCK])).collect();
        assert_eq!(arena.full.len(), KEPT);
        assert!(packets.iter().all(|packet| packet.len() == BLOCK));
        let larger = arena.put(&vec![1; BLOCK + 1]);
        assert_eq!(larger.len(), BLOCK + 1);
    }
}
