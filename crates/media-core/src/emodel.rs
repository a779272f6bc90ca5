//! The E-model (ITU-T G.107), simplified: one-way delay and packet loss to an R factor and a MOS.
//!
//! `R = R0 - Id - Ie_eff + A`. `Id` is the simplified delay impairment
//! `0.024 d + 0.11 (d - 177.3) [d > 177.3]`; G.107's own `Idd` is [`delay_impairment_g107`]. The two differ
//! (at 200 ms: 7.30 and 3.04), so a report should say which one it used; this crate's reports use the simplified.

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
        estimated: false,
    };
    /// G.711 with packet loss concealment (G.113 appendix I).
    pub const G711_PLC: Self = Self { loss_robustness: 25.1, ..Self::G711 };
    /// G.729A with voice activity detection (G.113 appendix I).
    pub const G729A: Self = Self { equipment_impairment: 11.0, loss_robustness: 19.0, ..Self::G711 };
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
    fn mos_stays_between_one_and_four_and_a_half() {
        for tenth in -200..1_200 {
            let score = mos(f64::from(tenth) / 10.0);
            assert!((1.0..=4.5).contains(&score));
        }
    }
}
