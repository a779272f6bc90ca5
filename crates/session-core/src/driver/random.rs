//! Randomness from the operating system, drawn in blocks.

use sip_transport::Random;

/// Numbers drawn at once: a call needs some ten.
const BLOCK: usize = 64;

/// The operating system's random source.
#[derive(Debug, Default)]
pub(crate) struct SystemRandom {
    block: Vec<u64>,
}

impl Random for SystemRandom {
    fn next_u64(&mut self) -> u64 {
        if self.block.is_empty() {
            self.refill();
        }
        // invariant: `refill` leaves a full block.
        self.block.pop().expect("invariant: a full block")
    }
}

impl SystemRandom {
    fn refill(&mut self) {
        let mut bytes = [0; BLOCK * 8];
        // invariant: the start-up has drawn from the source already, and Linux' source does not fail after that.
        getrandom::fill(&mut bytes).expect("invariant: the random source works");
        let words = bytes
            .chunks_exact(8)
            .map(|word| word.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        self.block.extend(words);
    }
}
