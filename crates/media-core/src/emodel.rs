//! The E-model (ITU-T G.107), simplified: one-way delay and packet loss to an R factor and a MOS.
//!
//! `R = R0 - Id - Ie_eff + A`. `Id` is the simplified delay impairment
//! `0.024 d + 0.11 (d - 177.3) [d > 177.3]`; G.107's own `Idd` is [`delay_impairment_g107`]. The two differ
//! (at 200 ms: 7.30 and 3.04), so a report should say which one it used; this crate's reports use the simplified.
//!
//! Wide-band codecs have a longer scale: their R factor reaches 129 (G.107.1), and [`EModelProfile::mos`] brings it back
//! to 100 before it is scored.

use std::time::Duration;

/// The top of the scale of narrow-band codecs.
const NARROW_BAND: f64 = 100.0;
/// The top of the wide-band scale (G.107.1).
const WIDE_BAND: f64 = 129.0;

/// Holds the numbers of a codec and a network; they are data, not code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EModelProfile {
    /// The R factor of a connection without delay or loss.
    pub r0: f64,
    /// The equipment impairment of the codec, `Ie`.
    pub equipment_impairment: f64,
    /// The codec's robustness against random loss, `Bpl`.
    pub loss_robustness: f64,
    /// The burst ratio, 1 for random loss.
    pub burst_ratio: f64,
    /// The advantage factor, `A`.
    pub advantage: f64,
    /// The top of the scale of R: 100, or 129 for wide-band codecs.
    pub scale: f64,
    /// How far the encoder looks ahead, beyond the packet itself.
    pub look_ahead: Duration,
    /// True when the numbers are not from G.113 but somebody's estimate.
    pub estimated: bool,
}

impl EModelProfile {
    /// G.711 without packet loss concealment (G.113 appendix I).
    pub const G711: Self = Self {
        r0: 93.2,
        equipment_impairment: 0.0,
        loss_robustness: 4.3,
        burst_ratio: 1.0,
        advantage: 0.0,
        scale: NARROW_BAND,
        look_ahead: Duration::ZERO,
        estimated: false,
    };
    /// G.711 with packet loss concealment (G.113 appendix I).
    pub const G711_PLC: Self = Self { loss_robustness: 25.1, ..Self::G711 };
    /// G.729A with voice activity detection (G.113 appendix I).
    pub const G729A: Self = Self {
        equipment_impairment: 11.0,
        loss_robustness: 19.0,
        look_ahead: Duration::from_millis(5),
        ..Self::G711
    };
    /// G.722 at 64 kbit/s: `Ie` 13 on the wide-band scale. Its robustness depends on the concealment and is estimated as
    /// that of G.711 without.
    pub const G722: Self = Self {
        r0: WIDE_BAND,
        equipment_impairment: 13.0,
        scale: WIDE_BAND,
        look_ahead: Duration::from_micros(1_500),
        estimated: true,
        ..Self::G711
    };
    /// G.722 at 56 kbit/s.
    pub const G722_56: Self = Self { equipment_impairment: 20.0, ..Self::G722 };
    /// G.722 at 48 kbit/s.
    pub const G722_48: Self = Self { equipment_impairment: 31.0, ..Self::G722 };
    /// Opus: G.113 has no numbers for it, so these are estimates.
    pub const OPUS: Self = Self {
        r0: WIDE_BAND,
        equipment_impairment: 0.0,
        loss_robustness: 17.5,
        scale: WIDE_BAND,
        look_ahead: Duration::from_micros(6_500),
        estimated: true,
        ..Self::G711
    };

    /// Returns the one-way mouth-to-ear delay in milliseconds (TM-085): half of the round trip as far as it is known, the
    /// time of one packet, the look-ahead of the encoder and what the jitter buffer holds.
    pub fn delay_ms(
        &self,
        round_trip: Option<Duration>,
        packet_time: Duration,
        jitter_buffer: Duration,
    ) -> f64 {
        let half_trip = round_trip.unwrap_or_default().as_secs_f64() * 500.0;
        half_trip
            + (packet_time.as_secs_f64() + self.look_ahead.as_secs_f64() + jitter_buffer.as_secs_f64())
                * 1_000.0
    }

    /// Returns the R factor of this profile on the scale of narrow-band codecs, 0 to 100: what RTCP XR carries.
    pub fn narrow_band(&self, r: f64) -> f64 {
        (r * NARROW_BAND / self.scale).clamp(0.0, NARROW_BAND)
    }

    /// Returns the mean opinion score of an R factor of this profile (TM-086).
    pub fn mos(&self, r: f64) -> f64 {
        mos(r * NARROW_BAND / self.scale)
    }
}

impl Default for EModelProfile {
    fn default() -> Self {
        Self::G711
    }
}

/// Returns the R factor for a loss in percent and a one-way mouth-to-ear delay in milliseconds (TM-085).
pub fn r_factor(profile: &EModelProfile, loss_percent: f64, delay_ms: f64) -> f64 {
    let effective = profile.equipment_impairment
        + (95.0 - profile.equipment_impairment) * loss_percent
            / (loss_percent / profile.burst_ratio + profile.loss_robustness);
    profile.r0 - delay_impairment(delay_ms) - effective + profile.advantage
}

/// Returns the simplified delay impairment for a one-way delay in milliseconds.
pub fn delay_impairment(delay_ms: f64) -> f64 {
    let late = (delay_ms - 177.3).max(0.0);
    0.024 * delay_ms + 0.11 * late
}

/// Returns G.107's `Idd` for a one-way delay in milliseconds: zero up to 100 ms.
pub fn delay_impairment_g107(delay_ms: f64) -> f64 {
    if delay_ms <= 100.0 {
        return 0.0;
    }
    let x = (delay_ms / 100.0).log2();
    let root = |value: f64| (1.0 + value.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// Returns the mean opinion score, 1 to 4.5, of an R factor (G.107 annex B).
pub fn mos(r: f64) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    if r >= 100.0 {
        return 4.5;
    }
    // Below R = 6.5 the polynomial dips under 1.
    (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
    }

    #[test]
    fn mos_of_r() {
        // covers: TM-087
        let rows = [(93.2, 4.409), (90.0, 4.339), (80.0, 4.024), (70.0, 3.597), (60.0, 3.100), (50.0, 2.575)];
        for (r, expected) in rows {
            near(mos(r), expected, 0.0006);
        }
        for (profile, loss, delay, r, score) in [
            (EModelProfile::G711_PLC, 0.0, 20.0, 92.72, 4.40),
            (EModelProfile::G711_PLC, 1.0, 20.0, 89.08, 4.32),
            (EModelProfile::G711_PLC, 1.0, 150.0, 85.96, 4.23),
            (EModelProfile::G711_PLC, 2.0, 150.0, 82.59, 4.12),
            (EModelProfile::G711_PLC, 5.0, 150.0, 73.82, 3.77),
            (EModelProfile::G711_PLC, 5.0, 250.0, 63.42, 3.28),
            (EModelProfile::G711, 1.0, 20.0, 74.80, 3.81),
            (EModelProfile::G711, 5.0, 20.0, 41.64, 2.15),
            (EModelProfile::G711, 5.0, 150.0, 38.52, 1.99),
            (EModelProfile::G729A, 0.0, 20.0, 81.72, 4.09),
            (EModelProfile::G729A, 2.0, 150.0, 70.60, 3.63),
        ] {
            near(r_factor(&profile, loss, delay), r, 0.006);
            near(mos(r_factor(&profile, loss, delay)), score, 0.006);
        }
    }

    #[test]
    fn both_delay_impairments_and_bursts() {
        // covers: TM-085
        for (delay, simplified, g107) in
            [(150.0, 3.60, 0.164), (200.0, 7.30, 3.044), (250.0, 14.0, 8.917), (300.0, 20.7, 14.761)]
        {
            near(delay_impairment(delay), simplified, 0.006);
            near(delay_impairment_g107(delay), g107, 0.0006);
        }
        near(delay_impairment_g107(400.0), 24.070, 0.0006);
        near(delay_impairment_g107(100.0), 0.0, 0.0);
        for (burst_ratio, r) in [(1.0, 82.59), (2.0, 82.32), (4.0, 82.18)] {
            let profile = EModelProfile { burst_ratio, ..EModelProfile::G711_PLC };
            near(r_factor(&profile, 2.0, 150.0), r, 0.006);
        }
    }

    #[test]
    fn wide_band_codecs_are_scored_on_their_own_scale() {
        // covers: TM-086
        for (profile, r, score) in [
            (EModelProfile::G722, 116.0, 4.337),
            (EModelProfile::G722_56, 109.0, 4.182),
            (EModelProfile::G722_48, 98.0, 3.863),
            (EModelProfile::OPUS, 129.0, 4.5),
        ] {
            near(r_factor(&profile, 0.0, 0.0), r, 1e-9);
            near(profile.mos(r), score, 0.0006);
            assert!(profile.estimated);
        }
        near(EModelProfile::OPUS.narrow_band(129.0), 100.0, 1e-9);
        near(EModelProfile::OPUS.narrow_band(-3.0), 0.0, 1e-9);
        near(EModelProfile::G711.narrow_band(93.2), 93.2, 1e-9);
        near(EModelProfile::G711.mos(80.0), mos(80.0), 1e-9);
    }

    #[test]
    fn the_delay_is_half_the_trip_the_packet_the_look_ahead_and_the_jitter_buffer() {
        // covers: TM-085
        let ms = Duration::from_millis;
        near(EModelProfile::G711.delay_ms(Some(ms(80)), ms(20), ms(60)), 120.0, 1e-9);
        near(EModelProfile::G722.delay_ms(None, ms(20), ms(0)), 21.5, 1e-9);
        near(EModelProfile::OPUS.delay_ms(None, ms(20), ms(40)), 66.5, 1e-9);
    }

    #[test]
    fn mos_stays_between_one_and_four_and_a_half() {
        for tenth in -200..1_200 {
            let score = mos(f64::from(tenth) / 10.0);
            assert!((1.0..=4.5).contains(&score));
        }
    }
}
