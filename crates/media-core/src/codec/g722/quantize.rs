//! The quantizers of both sub-bands, their inverses, and what each code does to the scale factor.

/// What a code does to its band's scale factor: the logarithm's increment, and the logarithm's range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) increment: i32,
    pub(super) limit: i32,
    /// The power of two that the linear scale factor is relative to.
    pub(super) exponent: i32,
}

/// Decision levels of the lower band, relative to the scale factor (QUANTL, table 14).
const LOWER_LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121,
    1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];
/// Output values of the lower band by its six bits (INVQBL, QQ6).
const LOWER_VALUES: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232,
    -9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776,
    -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280,
    11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168,
    2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];
/// Output values of the lower band by its four upper bits (INVQAL, QQ4).
const LOWER_CORE_VALUES: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584,
    1_200, 0,
];
/// Increments of the lower band's logarithm by its four upper bits (LOGSCL, WL).
const LOWER_INCREMENTS: [i32; 16] =
    [-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60];
/// The one decision level of the higher band (QUANTH).
const HIGHER_LEVEL: i32 = 564;
/// Output values of the higher band (INVQAH, QQ2).
const HIGHER_VALUES: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
/// Increments of the higher band's logarithm (LOGSCH, WH).
const HIGHER_INCREMENTS: [i32; 4] = [798, -214, 798, -214];

/// Returns the six bits of a difference in the lower band (QUANTL).
pub(super) fn lower(difference: i32, scale: i32) -> u8 {
    let magnitude = magnitude(difference);
    let step = LOWER_LEVELS.partition_point(|level| magnitude >= (level * scale) >> 12) as u8;
    match (difference < 0, step) {
        (true, 0 | 1) => 63 - step,
        (true, _) => 33 - step,
        (false, _) => 61 - step,
    }
}

/// Returns the two bits of a difference in the higher band (QUANTH).
pub(super) fn higher(difference: i32, scale: i32) -> u8 {
    let outer = magnitude(difference) >= (HIGHER_LEVEL * scale) >> 12;
    match (difference < 0, outer) {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

pub(super) fn lower_value(code: u8, scale: i32) -> i32 {
    (LOWER_VALUES[usize::from(code)] * scale) >> 15
}

pub(super) fn lower_core_value(core: u8, scale: i32) -> i32 {
    (LOWER_CORE_VALUES[usize::from(core)] * scale) >> 15
}

pub(super) fn lower_step(core: u8) -> Step {
    Step { increment: LOWER_INCREMENTS[usize::from(core)], limit: 18_432, exponent: 8 }
}

pub(super) fn higher_value(code: u8, scale: i32) -> i32 {
    (HIGHER_VALUES[usize::from(code)] * scale) >> 15
}

pub(super) fn higher_step(code: u8) -> Step {
    Step { increment: HIGHER_INCREMENTS[usize::from(code)], limit: 22_528, exponent: 10 }
}

/// The one's complement of a negative difference, so that both signs have as many values.
fn magnitude(difference: i32) -> i32 {
    if difference < 0 { !difference } else { difference }
}
