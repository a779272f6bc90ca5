//! Randomness from the operating system, drawn in blocks.

use crate::step::Random;

/// Numbers drawn at once: a call needs some ten.
const BLOCK: usize = 64;

/// The operating system's random source, for what drives the reducers.
#[derive(Debug, Default)]
pub struct SystemRandom {
    block: Vec<u64>,
}

impl Random for SystemRandom {
    /// # Panics
    ///
    /// If the system has no randomness. Linux' source does not fail once it has been drawn from.
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
        // invariant: whoever starts has drawn from the source already, and Linux' source does not fail after that.
        getrandom::fill(&mut bytes).expect("invariant: the random source works");
        let words = bytes
            .chunks_exact(8)
            .map(|word| word.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        self.block.extend(words);
    }
}
