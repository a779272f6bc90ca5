//! How unevenly packets arrive: the fastest transit of late and the jitter above it.

use std::time::Duration;

use super::settings::MAX_DELAY;
use crate::tick::Tick;

/// The width of a class of jitter.
const CLASS_MICROS: u64 = 5_000;
/// Classes up to [`MAX_DELAY`]; more jitter counts as that.
const CLASSES: usize = (MAX_DELAY.as_micros() as u64 / CLASS_MICROS) as usize;
/// One packet in so many may be later than the jitter that is reported. Until so many were seen, none may.
const ONE_IN: u32 = 100;
/// The statistics cover one to two periods: the delay falls so long after the jitter did, and a clock that is off by
/// 500 ppm moves the fastest transit by 2 ms in one.
const PERIOD: Duration = Duration::from_secs(4);
/// A period with fewer packets goes on, so that a few packets between pauses are not all there is.
const PERIOD_PACKETS: u32 = 50;

/// What one period saw.
#[derive(Debug, Clone)]
struct Period {
    /// The smallest transit in microseconds; only differences mean something.
    fastest: Option<i64>,
    /// Counts that are full stay so: what is asked is whether a class has more than a hundredth of two periods.
    counts: [u8; CLASSES],
    packets: u32,
}

impl Period {
    const EMPTY: Self = Self { fastest: None, counts: [0; CLASSES], packets: 0 };
}

/// Measures arrival against timestamps. Transits are arrival minus timestamp in microseconds, off by an unknown constant.
#[derive(Debug, Clone)]
pub(super) struct Transit {
    current: Period,
    before: Period,
    began: Tick,
    /// No class at or above this one has a packet.
    end: usize,
    jitter: Duration,
}

impl Transit {
    pub(super) fn new() -> Self {
        Self {
            current: Period::EMPTY,
            before: Period::EMPTY,
            began: Tick::default(),
            end: 0,
            jitter: Duration::ZERO,
        }
    }

    pub(super) fn observe(&mut self, transit: i64, now: Tick) {
        if self.current.packets == 0 {
            self.began = now;
        } else if self.current.packets >= PERIOD_PACKETS && now.since(self.began) >= PERIOD {
            std::mem::swap(&mut self.current, &mut self.before);
            self.current = Period::EMPTY;
            self.began = now;
            self.end = CLASSES;
        }
        let fastest = self.current.fastest.map_or(transit, |fastest| fastest.min(transit));
        self.current.fastest = Some(fastest);
        let above = transit.saturating_sub(self.fastest().unwrap_or(transit)) as u64;
        let class = usize::try_from(above / CLASS_MICROS).map_or(CLASSES - 1, |class| class.min(CLASSES - 1));
        self.current.counts[class] = self.current.counts[class].saturating_add(1);
        self.current.packets += 1;
        self.end = self.end.max(class + 1);
        self.jitter = self.measure();
    }

    /// Returns the fastest transit of late.
    pub(super) fn fastest(&self) -> Option<i64> {
        match (self.current.fastest, self.before.fastest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Returns the jitter that all packets but one in a hundred stay within.
    pub(super) fn jitter(&self) -> Duration {
        self.jitter
    }

    /// The way to the source is new and so are its transits; how uneven it is may be as before (TM-061).
    pub(super) fn rebase(&mut self) {
        self.current.fastest = None;
        self.before.fastest = None;
    }

    fn measure(&mut self) -> Duration {
        let mut tolerated = (self.current.packets + self.before.packets) / ONE_IN;
        let mut highest = true;
        for class in (0..self.end).rev() {
            let packets = u32::from(self.current.counts[class]) + u32::from(self.before.counts[class]);
            if highest && packets == 0 {
                self.end = class;
                continue;
            }
            highest = false;
            match tolerated.checked_sub(packets) {
                Some(rest) => tolerated = rest,
                None => return Duration::from_micros((class as u64 + 1) * CLASS_MICROS),
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(packet: u64) -> Tick {
        Tick(packet * 20_000)
    }

    #[test]
    fn jitter_rises_at_once_and_falls_after_two_periods() {
        let mut transit = Transit::new();
        for packet in 0..100 {
            transit.observe(if packet == 50 { 62_000 } else { 0 }, at(packet));
            let expected = if (50..99).contains(&packet) { 65 } else { 5 };
            assert_eq!(transit.jitter(), Duration::from_millis(expected), "packet {packet}");
        }
        for packet in 100..110 {
            transit.observe(62_000, at(packet));
        }
        assert_eq!(transit.jitter(), Duration::from_millis(65));
        for packet in 110..600 {
            transit.observe(0, at(packet));
        }
        assert_eq!(transit.jitter(), Duration::from_millis(5));
    }

    #[test]
    fn the_fastest_transit_follows_a_slow_clock() {
        let mut transit = Transit::new();
        for packet in 0..5_000i64 {
            // 500 ppm of 20 ms are 10 microseconds.
            transit.observe(packet * 10, at(packet.cast_unsigned()));
            let behind = packet * 10 - transit.fastest().expect("observed");
            assert!(behind <= 4_010, "{behind} microseconds behind");
            assert_eq!(transit.jitter(), Duration::from_millis(5));
        }
    }

    #[test]
    fn more_jitter_than_the_buffer_holds_is_that_of_the_buffer() {
        let mut transit = Transit::new();
        transit.observe(0, at(0));
        transit.observe(i64::MAX, at(1));
        assert_eq!(transit.jitter(), MAX_DELAY);
        transit.observe(i64::MIN, at(2));
        assert_eq!(transit.fastest(), Some(i64::MIN));
    }
}
