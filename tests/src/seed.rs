//! A small seeded generator: what a run draws depends on its seed and on nothing else.

use std::time::Duration;

/// Draws a sequence of numbers from a seed (`SplitMix64`, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Seed {
    state: u64,
}

impl Seed {
    /// Starts a sequence. Sequences of different `purpose` are independent of each other under one seed, so that one
    /// more draw in one place does not change all others.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut this = Self { state: seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93) };
        this.draw();
        this
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Whether something that happens `percent` times in a hundred happens now.
    pub fn happens(&mut self, percent: u8) -> bool {
        self.draw() % 100 < u64::from(percent)
    }

    /// A duration in `range`, both ends included, in microseconds.
    pub fn within(&mut self, range: Span) -> Duration {
        let (from, to) = (range.from.as_micros() as u64, range.to.as_micros() as u64);
        Duration::from_micros(from + self.draw() % (to.saturating_sub(from) + 1))
    }
}

impl sip_transport::Random for Seed {
    fn next_u64(&mut self) -> u64 {
        self.draw()
    }
}

/// From one duration to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub from: Duration,
    /// The most.
    pub to: Duration,
}

impl Span {
    /// Exactly one duration.
    pub const fn exactly(duration: Duration) -> Self {
        Self { from: duration, to: duration }
    }

    /// From `from` to `to` milliseconds.
    pub const fn millis(from: u64, to: u64) -> Self {
        Self { from: Duration::from_millis(from), to: Duration::from_millis(to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_purpose_others() {
        let draw = |seed, purpose| {
            let mut seed = Seed::new(seed, purpose);
            [seed.draw(), seed.draw(), seed.draw()]
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn a_span_is_kept_at_both_ends() {
        let mut seed = Seed::new(1, 0);
        let span = Span { from: Duration::from_micros(3), to: Duration::from_micros(5) };
        let drawn: Vec<_> = (0..100).map(|_| seed.within(span).as_micros()).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&5)));
    }
}
