//! Comfort noise (RFC 3389): the payload that describes the noise of a pause, its level measured where it is sent, and
//! noise like it where it is heard.

mod estimator;
mod generator;
#[cfg(test)]
mod tests;

pub use estimator::NoiseEstimator;
pub use generator::NoiseGenerator;

/// The encoding name of the `rtpmap` attribute; the clock rate is that of the codec it is used with (§5.1).
pub const NAME: &str = "CN";
/// The static payload type at a clock rate of 8,000 Hz (§4); other rates have dynamic ones.
pub const STATIC_PAYLOAD_TYPE: u8 = 13;
/// The quietest level in -dBov that there is.
pub const MAX_LEVEL: u8 = 127;
/// The most reflection coefficients that are kept, the order that ITU-T G.711 Appendix II works with. A receiver may
/// reduce the order (§3).
pub const MAX_ORDER: usize = 10;

/// The index of a coefficient of zero: it is 258 * (index - 127) / 32,768 (§3.2).
const ZERO_INDEX: u8 = 127;
/// An index without a meaning so far (§3.2).
const RESERVED_INDEX: u8 = 255;

/// Describes noise: its level, and with reflection coefficients its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComfortNoise {
    level: u8,
    order: usize,
    indices: [u8; MAX_ORDER],
}

impl ComfortNoise {
    /// White noise of a level in -dBov: decibels below a square wave at full scale (§3.1). Beyond [`MAX_LEVEL`] it is
    /// taken for that.
    pub fn white(level: u8) -> Self {
        Self { level: level.min(MAX_LEVEL), order: 0, indices: [ZERO_INDEX; MAX_ORDER] }
    }

    /// Reads a payload; an empty one is none. The unused bit of the level is ignored; coefficients from the first
    /// reserved index on, or beyond [`MAX_ORDER`], are left out.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (&level, coefficients) = payload.split_first()?;
        let mut noise = Self::white(level & MAX_LEVEL);
        let known = coefficients.iter().take_while(|&&index| index != RESERVED_INDEX);
        for (place, &index) in noise.indices.iter_mut().zip(known) {
            *place = index;
            noise.order += 1;
        }
        Some(noise)
    }

    /// Appends the payload: one byte, and one more for each coefficient.
    pub fn print(&self, payload: &mut Vec<u8>) {
        payload.push(self.level);
        payload.extend_from_slice(&self.indices[..self.order]);
    }

    /// Returns the level in -dBov, 0 to [`MAX_LEVEL`].
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Returns the reflection coefficients, each within -1 and 1, from the first on; none means white.
    pub fn reflection(&self) -> impl Iterator<Item = f64> + '_ {
        self.indices[..self.order].iter().map(|&index| coefficient(index))
    }
}

fn coefficient(index: u8) -> f64 {
    258.0 * (f64::from(index) - f64::from(ZERO_INDEX)) / 32_768.0
}
