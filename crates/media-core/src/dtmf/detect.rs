//! Finding digits in audio (ITU-T Q.24).
//!
//! Every 4 ms a window of 8 ms is looked at: eight Goertzel filters tell how much of its energy the strongest low and the
//! strongest high tone have. Seven windows in a row with the same pair begin a digit: 40 ms always hold eight whole ones,
//! 23 ms never seven (Q.24 table A-1). The phase that a tone gains from window to window tells its frequency far more
//! closely than the width of a filter, and voices, which are rich in other energy and keep no phase, do not pass.
//! The windows overlap and rise and fall softly (Hann), so that the one tone does not disturb the phase of the other.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use super::{Digit, FULL_SCALE_DBM0, HIGH_HZ, KEYPAD, LOW_HZ};
use crate::dtmf::Event;

/// The milliseconds from one window to the next, half of a window.
const HOP_MS: u32 = 4;
/// The windows in a row that begin a digit.
const BEGIN: u32 = 7;
/// The windows in a row without the digit that end it: a pause of 40 ms holds eight, a break of 10 ms touches five at
/// most, and one digit is not heard twice because of that (Q.24 table A-1).
const END: u32 = 6;
/// The share of a window's energy that the two tones must have: what is left when both are 1.5 % off and there is noise
/// 15 dB below them.
const DOMINANCE: f64 = 0.85;
/// The share by which a frequency may be off: between the 1.5 % that must be accepted and the 3.5 % that must be refused.
const TOLERANCE: f64 = 0.019;
/// The share by which a frequency may be off from one window to the next: noise 15 dB below the tones stays within it, a
/// gliding voice does not.
const STEP_TOLERANCE: f64 = 0.04;
/// How much louder than the high tone the low one may be, in power: 8 dB (Q.24) and 1 dB for the measurement.
const TWIST: f64 = 7.94;
/// How much louder than the low tone the high one may be, in power: 4 dB (Q.24) and 1 dB for the measurement.
const REVERSE_TWIST: f64 = 3.16;
/// The level below which a tone does not count, in dBm0: 2 dB below the weakest that must be accepted (Q.24: -29 dBm).
const LOWEST_DBM0: f64 = -31.0;

/// The sample rate is not a multiple of 1,000 Hz between 8,000 and 48,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("digits are found in audio of 8,000 to 48,000 Hz, in steps of 1,000 Hz")]
pub struct UnsuitedSampleRate;

/// A Goertzel filter: one frequency of the audio.
#[derive(Debug, Clone, Copy)]
struct Filter {
    coefficient: f64,
    sine: f64,
    cosine: f64,
    /// The phase an exact tone gains from window to window, in radians.
    advance: f64,
    last: f64,
    before: f64,
}

impl Filter {
    fn new(hz: f64, sample_rate: u32, hop: usize) -> Self {
        let step = TAU * hz / f64::from(sample_rate);
        let (sine, cosine) = step.sin_cos();
        Self { coefficient: 2.0 * cosine, sine, cosine, advance: step * hop as f64, last: 0.0, before: 0.0 }
    }

    fn push(&mut self, sample: f64) {
        let next = sample + self.coefficient * self.last - self.before;
        self.before = self.last;
        self.last = next;
    }

    /// The tone as a complex number: its phase is that at the window's end.
    fn value(&self) -> (f64, f64) {
        (self.last - self.cosine * self.before, self.sine * self.before)
    }

    fn power(&self) -> f64 {
        self.last * self.last + self.before * self.before - self.coefficient * self.last * self.before
    }

    fn phase(&self) -> f64 {
        let (real, imaginary) = self.value();
        imaginary.atan2(real)
    }

    fn reset(&mut self) {
        self.last = 0.0;
        self.before = 0.0;
    }
}

/// A row and a column of the keypad.
type Key = (usize, usize);

/// The same key in windows that follow each other.
#[derive(Debug, Clone, Copy)]
struct Run {
    key: Key,
    windows: u32,
    phases: [f64; 2],
    /// How far the phases have run off since the first window, in radians.
    drift: [f64; 2],
}

/// A digit that sounds.
#[derive(Debug, Clone, Copy)]
struct Sounding {
    key: Key,
    windows: u32,
    missed: u32,
}

/// The filters over one window; two of them take turns.
#[derive(Clone)]
struct Bank {
    filters: [Filter; 8],
    filled: usize,
    energy: f64,
}

/// Finds digits in audio that comes in pieces of any length; never allocates besides what is pushed.
#[derive(Clone)]
pub struct DtmfDetector {
    banks: [Bank; 2],
    window: Arc<[f64]>,
    /// The power in its filter of a tone at the lowest level.
    floor: f64,
    /// What a window's energy is multiplied by to be compared with the powers of tones.
    scale: f64,
    /// What the beat of a low and a high tone adds to the energy, as complex numbers by row and column.
    beats: [[(f64, f64); 4]; 4],
    run: Option<Run>,
    sounding: Option<Sounding>,
}

impl DtmfDetector {
    /// Creates a detector for samples at `sample_rate` hertz.
    pub fn new(sample_rate: u32) -> Result<Self, UnsuitedSampleRate> {
        if !(8_000..=48_000).contains(&sample_rate) || !sample_rate.is_multiple_of(1_000) {
            return Err(UnsuitedSampleRate);
        }
        let hop = (sample_rate / 1_000 * HOP_MS) as usize;
        let length = 2 * hop;
        let window: Arc<[f64]> =
            (0..length).map(|at| 0.5 - 0.5 * (TAU * (at as f64 + 0.5) / length as f64).cos()).collect();
        let mut filters = [Filter::new(0.0, sample_rate, hop); 8];
        for (filter, hz) in filters.iter_mut().zip(LOW_HZ.into_iter().chain(HIGH_HZ)) {
            *filter = Filter::new(hz, sample_rate, hop);
        }
        let gain: f64 = window.iter().sum();
        let squares: f64 = window.iter().map(|weight| weight * weight).sum();
        // A sine of peak A has the power (A·gain/2)² in its filter and the energy A²/2·squares in the window.
        let peak = 32_767.0 * 10f64.powf((LOWEST_DBM0 - FULL_SCALE_DBM0) / 20.0);
        let floor = (peak * gain / 2.0).powi(2);
        let scale = gain * gain / (2.0 * squares);
        let beat = |low: f64, high: f64| {
            let step = TAU * (low - high) / f64::from(sample_rate);
            window.iter().rev().enumerate().fold((0.0, 0.0), |(real, imaginary), (behind, weight)| {
                let (sine, cosine) = (-step * behind as f64).sin_cos();
                (real + weight * weight / squares * cosine, imaginary + weight * weight / squares * sine)
            })
        };
        let beats = LOW_HZ.map(|low| HIGH_HZ.map(|high| beat(low, high)));
        let first = Bank { filters, filled: 0, energy: 0.0 };
        // The second bank is half a window ahead.
        let second = Bank { filled: hop, ..first.clone() };
        Ok(Self { banks: [first, second], window, floor, scale, beats, run: None, sounding: None })
    }

    /// Listens to the next samples and pushes the digits that ended in them; a digit ends some 30 ms behind its tones.
    pub fn listen(&mut self, samples: &[i16], out: &mut Vec<Digit>) {
        for &sample in samples {
            for index in 0..self.banks.len() {
                let bank = &mut self.banks[index];
                let sample = f64::from(sample) * self.window[bank.filled];
                bank.energy += sample * sample;
                for filter in &mut bank.filters {
                    filter.push(sample);
                }
                bank.filled += 1;
                if bank.filled == self.window.len() {
                    self.end_window(index, out);
                }
            }
        }
    }

    /// The audio has come to an end: pushes the digit that sounds.
    pub fn finish(&mut self, out: &mut Vec<Digit>) {
        if let Some(sounding) = self.sounding.take() {
            let (row, column) = sounding.key;
            if let Some(event) = Event::from_code(KEYPAD[row][column]) {
                let duration_ms = sounding.windows.saturating_add(1).saturating_mul(HOP_MS);
                out.push(Digit { digit: event.to_char(), duration_ms });
            }
        }
        self.run = None;
    }

    fn end_window(&mut self, index: usize, out: &mut Vec<Digit>) {
        let bank = &self.banks[index];
        self.run = self.key(bank).map(|key| self.follow(bank, key));
        if let Some(sounding) = &mut self.sounding {
            if self.run.is_some_and(|run| run.key == sounding.key) {
                // A short break belongs to the digit.
                sounding.windows = sounding.windows.saturating_add(1 + sounding.missed);
                sounding.missed = 0;
            } else {
                sounding.missed += 1;
                if sounding.missed == END {
                    let run = self.run;
                    self.finish(out);
                    self.run = run;
                }
            }
        }
        if let Some(run) = self.run
            && run.windows >= BEGIN
            && self.sounding.is_none()
            && self.in_tune(&run)
        {
            self.sounding = Some(Sounding { key: run.key, windows: run.windows, missed: 0 });
        }
        let bank = &mut self.banks[index];
        bank.filled = 0;
        bank.energy = 0.0;
        for filter in &mut bank.filters {
            filter.reset();
        }
    }

    /// The key whose tones dominate a window.
    fn key(&self, bank: &Bank) -> Option<Key> {
        let powers: [f64; 8] = std::array::from_fn(|index| bank.filters[index].power());
        let strongest = |group: &[f64]| (0..4).max_by(|&one, &other| group[one].total_cmp(&group[other]));
        let (row, column) = (strongest(&powers[..4])?, strongest(&powers[4..])?);
        let (low, high) = (powers[row], powers[4 + column]);
        // The real part of low · conjugate(high) · beat.
        let ((a, b), (c, d)) = (bank.filters[row].value(), bank.filters[4 + column].value());
        let beat = self.beats[row][column];
        let together = low + high + (a * c + b * d) * beat.0 - (b * c - a * d) * beat.1;
        let fits = low >= self.floor
            && high >= self.floor
            && low <= high * TWIST
            && high <= low * REVERSE_TWIST
            && together >= bank.energy * self.scale * DOMINANCE;
        fits.then_some((row, column))
    }

    /// Joins a window to those before it that had the same key.
    fn follow(&self, bank: &Bank, key: Key) -> Run {
        let filters = [&bank.filters[key.0], &bank.filters[4 + key.1]];
        let phases = filters.map(Filter::phase);
        let Some(run) = self.run.filter(|run| run.key == key) else {
            return Run { key, windows: 1, phases, drift: [0.0; 2] };
        };
        let mut drift = run.drift;
        for (index, filter) in filters.into_iter().enumerate() {
            let step = wrapped(phases[index] - run.phases[index] - filter.advance);
            if step.abs() > filter.advance * STEP_TOLERANCE {
                return Run { key, windows: 1, phases, drift: [0.0; 2] };
            }
            drift[index] += step;
        }
        Run { key, windows: run.windows.saturating_add(1), phases, drift }
    }

    /// Tells whether both frequencies are within [`TOLERANCE`].
    fn in_tune(&self, run: &Run) -> bool {
        let filters = [&self.banks[0].filters[run.key.0], &self.banks[0].filters[4 + run.key.1]];
        filters
            .into_iter()
            .zip(run.drift)
            .all(|(filter, drift)| drift.abs() <= filter.advance * TOLERANCE * f64::from(run.windows - 1))
    }
}

/// Returns an angle between -π and π.
fn wrapped(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

impl std::fmt::Debug for DtmfDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DtmfDetector").field("window", &self.window.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
