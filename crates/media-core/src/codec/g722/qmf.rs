//! The quadrature mirror filters: G.722 table 11, 24 taps, symmetric.

/// Half of the coefficients, scaled by 2^13; the other half mirrors them.
const COEFFICIENTS: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
const TAPS: usize = 24;
/// How many samples go by until the last ones move to the front again.
const ROOM: usize = 8 * TAPS;

/// The delay line of one direction.
#[derive(Debug)]
pub(super) struct Delay {
    samples: [i16; ROOM],
    /// Behind the newest sample.
    end: usize,
}

impl Default for Delay {
    fn default() -> Self {
        Self { samples: [0; ROOM], end: TAPS - 2 }
    }
}

impl Delay {
    /// Takes the next two samples and returns the sums over every other tap: from the oldest sample on, and from the
    /// one behind it.
    pub(super) fn push(&mut self, first: i16, second: i16) -> (i32, i32) {
        if self.end == ROOM {
            self.samples.copy_within(ROOM - (TAPS - 2).., 0);
            self.end = TAPS - 2;
        }
        self.samples[self.end] = first;
        self.samples[self.end + 1] = second;
        self.end += 2;
        let (pairs, _) = self.samples[self.end - TAPS..self.end].as_chunks::<2>();
        let mut sums = (0, 0);
        for (index, &[one, other]) in pairs.iter().enumerate() {
            sums.0 += i32::from(one) * COEFFICIENTS[index];
            sums.1 += i32::from(other) * COEFFICIENTS[11 - index];
        }
        sums
    }
}
