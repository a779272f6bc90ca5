//! Bursts and gaps: whether losses come one by one or together (RFC 3611 §4.7.2, A.2).

use std::time::Duration;

use crate::rtcp::VoipMetrics;

/// The received packets in a row that divide a burst from a gap, as RFC 3611 §4.7.2 recommends.
pub const GMIN: u8 = 16;

/// Counts what became of each packet that was expected, in the order of their numbers.
#[derive(Debug, Clone)]
pub struct BurstMeter {
    gmin: u64,
    lost: u64,
    discarded: u64,
    /// The packets received since the last one that was not.
    run: u64,
    /// The packets since the first one of what may become a burst, up to the last one that was not received, and those of
    /// them that were not. None are open while `open_missing` is 0.
    open: u64,
    open_missing: u64,
    bursts: u64,
    burst_packets: u64,
    burst_missing: u64,
    gap_packets: u64,
    gap_missing: u64,
}

/// Holds the shares and mean durations of bursts and gaps since the beginning of reception.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bursts {
    /// The packets expected.
    pub expected: u64,
    /// The share lost.
    pub loss_rate: f64,
    /// The share discarded.
    pub discard_rate: f64,
    /// The number of bursts.
    pub bursts: u64,
    /// The share lost or discarded within bursts.
    pub burst_density: f64,
    /// The share lost or discarded within gaps.
    pub gap_density: f64,
    /// The packets of a burst on average.
    pub burst_packets: f64,
    /// The packets in gaps per burst, as the algorithm and the example of RFC 3611 count them; all of them without bursts.
    pub gap_packets: f64,
}

impl BurstMeter {
    /// Starts with a threshold, [`GMIN`] as a rule; 0 counts as 1.
    pub fn new(gmin: u8) -> Self {
        Self {
            gmin: u64::from(gmin.max(1)),
            lost: 0,
            discarded: 0,
            run: 0,
            open: 0,
            open_missing: 0,
            bursts: 0,
            burst_packets: 0,
            burst_missing: 0,
            gap_packets: 0,
            gap_missing: 0,
        }
    }

    /// The next packet was received and played.
    pub fn received(&mut self) {
        self.run += 1;
    }

    /// The next `count` packets did not come.
    pub fn lost(&mut self, count: u64) {
        self.lost += count;
        self.missing(count);
    }

    /// The next packet came and could not be played.
    pub fn discarded(&mut self) {
        self.discarded += 1;
        self.missing(1);
    }

    fn missing(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        if self.open_missing > 0 && self.run < self.gmin {
            self.open += self.run + count;
            self.open_missing += count;
        } else {
            self.close();
            self.gap_packets += self.run;
            self.open = count;
            self.open_missing = count;
        }
        self.run = 0;
    }

    /// What was open stands alone: one packet belongs to the gap, more are a burst.
    fn close(&mut self) {
        if self.open_missing > 1 {
            self.bursts += 1;
            self.burst_packets += self.open;
            self.burst_missing += self.open_missing;
        } else {
            self.gap_packets += self.open;
            self.gap_missing += self.open_missing;
        }
        self.open = 0;
        self.open_missing = 0;
    }

    /// Returns the figures up to here; the last packets may be sorted anew by later ones (RFC 3611 §4.7.6).
    pub fn bursts(&self) -> Bursts {
        let mut all = self.clone();
        // The report counts as followed by enough packets that were received (§4.7.2).
        all.close();
        all.gap_packets += all.run;
        let expected = all.burst_packets + all.gap_packets;
        Bursts {
            expected,
            loss_rate: share(all.lost, expected),
            discard_rate: share(all.discarded, expected),
            bursts: all.bursts,
            burst_density: share(all.burst_missing, all.burst_packets),
            gap_density: share(all.gap_missing, all.gap_packets),
            burst_packets: share(all.burst_packets, all.bursts),
            gap_packets: all.gap_packets as f64 / all.bursts.max(1) as f64,
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Bursts {
    /// Writes the figures into an XR block of voice metrics: shares in 1/256 without the fraction, durations in milliseconds for
    /// packets of this duration.
    pub fn fill(&self, packet_time: Duration, gmin: u8, metrics: &mut VoipMetrics) {
        // `as` saturates: 255 and 65,535 are the largest values of the fields.
        let rate = |share: f64| (share * 256.0) as u8;
        let milliseconds = |packets: f64| (packets * packet_time.as_secs_f64() * 1_000.0).round() as u16;
        metrics.loss_rate = rate(self.loss_rate);
        metrics.discard_rate = rate(self.discard_rate);
        metrics.burst_density = rate(self.burst_density);
        metrics.gap_density = rate(self.gap_density);
        metrics.burst_duration_ms = milliseconds(self.burst_packets);
        metrics.gap_duration_ms = milliseconds(self.gap_packets);
        metrics.gmin = gmin.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pattern of RFC 3611 §4.7.2: `1` received, `0` lost, `X` discarded.
    fn meter(pattern: &str) -> BurstMeter {
        let mut meter = BurstMeter::new(GMIN);
        for packet in pattern.chars() {
            match packet {
                '1' => meter.received(),
                '0' => meter.lost(1),
                _ => meter.discarded(),
            }
        }
        meter
    }

    const EXAMPLE: &str = "11110111111111111111111X111X1011110111111111111111111X111111111";

    #[test]
    fn the_example_of_rfc_3611_has_one_burst_between_two_gaps() {
        // covers: TM-089
        let bursts = meter(EXAMPLE).bursts();
        assert_eq!((bursts.bursts, bursts.burst_packets), (1, 12.0));
        // The RFC says 64 packets and prints 63: its second gap of 29 is printed one short.
        let bursts = meter(&format!("{EXAMPLE}1")).bursts();
        assert_eq!((bursts.expected, bursts.gap_packets), (64, 52.0));
        let mut metrics = VoipMetrics::default();
        bursts.fill(Duration::from_millis(10), GMIN, &mut metrics);
        assert_eq!((metrics.loss_rate, metrics.discard_rate), (12, 12));
        assert_eq!((metrics.burst_duration_ms, metrics.gap_duration_ms), (120, 520));
        // The RFC prints 84 and 10, which are 0.33 and 0.04 times 256: it rounded before it multiplied. Its rule for the
        // fields, the fraction times 256 without what is behind the point, gives 85 and 9.
        assert_eq!((metrics.burst_density, metrics.gap_density), (85, 9));
        let rounded = |share: f64| ((share * 100.0).round() / 100.0 * 256.0) as u8;
        assert_eq!((rounded(bursts.burst_density), rounded(bursts.gap_density)), (84, 10));
    }

    #[test]
    fn fifteen_packets_join_losses_and_sixteen_divide_them() {
        let pattern = |between: usize| format!("0{}0{}", "1".repeat(between), "1".repeat(40));
        let joined = meter(&pattern(15)).bursts();
        assert_eq!((joined.bursts, joined.burst_packets, joined.gap_density), (1, 17.0, 0.0));
        let divided = meter(&pattern(16)).bursts();
        assert_eq!((divided.bursts, divided.gap_packets), (0, 58.0));
        assert!((divided.gap_density - 2.0 / 58.0).abs() < 1e-12);
    }

    #[test]
    fn many_losses_at_once_are_one_burst() {
        let mut one_by_one = meter("1111");
        let mut at_once = one_by_one.clone();
        for _ in 0..1_000 {
            one_by_one.lost(1);
        }
        at_once.lost(1_000);
        at_once.lost(0);
        assert_eq!(one_by_one.bursts(), at_once.bursts());
        assert!((at_once.bursts().burst_density - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_received_is_zero_everywhere() {
        let mut metrics = VoipMetrics { gap_density: 7, ..VoipMetrics::default() };
        meter("").bursts().fill(Duration::from_millis(20), 0, &mut metrics);
        assert_eq!(metrics, VoipMetrics { gmin: 1, ..VoipMetrics::default() });
        let long = meter(&"1".repeat(10_000)).bursts();
        long.fill(Duration::from_millis(20), GMIN, &mut metrics);
        assert_eq!(metrics.gap_duration_ms, u16::MAX, "200 s are more than the field can say");
    }
}
