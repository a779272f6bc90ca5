//! Digits as two tones in the audio (ITU-T Q.23).

use std::f64::consts::TAU;
use std::time::Duration;

use super::queue::{DigitError, DigitQueue, MIN_PAUSE, units};
use super::{Event, FULL_SCALE_DBM0};

/// The level of the low tone in dBm0; both together stay 5 dB below full scale.
const LOW_LEVEL_DBM0: f64 = -10.0;
/// The high tone is louder by this many dB, because lines attenuate it more (ITU-T Q.23 lets 0 to 4 dB).
const TWIST_DB: f64 = 2.0;

/// Generates the two tones of a digit, sample by sample, without a break between calls.
#[derive(Clone)]
pub struct DualTone {
    /// Radians per sample, phase in radians and peak of each tone.
    tones: [(f64, f64, f64); 2],
}

impl DualTone {
    /// Creates the tones of a digit for samples at `sample_rate` hertz: the low one at `level_dbm0`, the high one
    /// `twist_db` above it. `None` for the flash, which has no tone.
    pub fn new(event: Event, sample_rate: u32, level_dbm0: f64, twist_db: f64) -> Option<Self> {
        let (low, high) = event.frequencies()?;
        Some(Self::of(low, high, sample_rate, level_dbm0, twist_db))
    }

    /// Creates any two tones in hertz, as [`Self::new`] does those of a digit.
    pub fn of(low_hz: f64, high_hz: f64, sample_rate: u32, level_dbm0: f64, twist_db: f64) -> Self {
        let tone = |hz: f64, level: f64| {
            let peak = 32_767.0 * 10f64.powf((level - FULL_SCALE_DBM0) / 20.0);
            (TAU * hz / f64::from(sample_rate.max(1)), 0.0, peak)
        };
        Self { tones: [tone(low_hz, level_dbm0), tone(high_hz, level_dbm0 + twist_db)] }
    }

    /// Adds the next samples to what is there; what would be beyond full scale is cut.
    pub fn add(&mut self, samples: &mut [i16]) {
        for sample in samples {
            let mut sum = f64::from(*sample);
            for (step, phase, peak) in &mut self.tones {
                sum += phase.sin() * *peak;
                *phase = (*phase + *step) % TAU;
            }
            // `as` saturates.
            *sample = sum.round() as i16;
        }
    }
}

#[derive(Clone)]
enum State {
    Idle,
    Tone(DualTone, usize),
    Pause(usize),
}

/// Sends queued digits as tones in place of the audio, for peers without telephone events.
#[derive(Clone)]
pub struct ToneSender {
    sample_rate: u32,
    queue: DigitQueue,
    state: State,
}

impl ToneSender {
    /// Creates a sender for audio at `sample_rate` hertz.
    pub fn new(sample_rate: u32) -> Self {
        Self { sample_rate, queue: DigitQueue::default(), state: State::Idle }
    }

    /// Queues a digit behind those that wait.
    pub fn push(&mut self, event: Event, duration: Duration) -> Result<(), DigitError> {
        if event.frequencies().is_none() {
            return Err(DigitError::NoTone);
        }
        self.queue.push(event, duration)
    }

    /// Returns the digits that wait, without the one that is sent now.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Returns false once every digit and the pause behind it are over.
    pub fn is_active(&self) -> bool {
        !self.queue.is_empty() || !matches!(self.state, State::Idle)
    }

    /// Drops what sounds and what waits (TM-044).
    pub fn cancel(&mut self) {
        self.queue.clear();
        self.state = State::Idle;
    }

    /// Puts tones and pauses in place of the next samples of the audio; what is not needed stays as it is.
    pub fn replace(&mut self, mut samples: &mut [i16]) {
        while !samples.is_empty() {
            let left = match &mut self.state {
                State::Idle => {
                    let Some((event, duration)) = self.queue.pop() else { return };
                    let length = units(duration, self.sample_rate) as usize;
                    if let Some(tone) = DualTone::new(event, self.sample_rate, LOW_LEVEL_DBM0, TWIST_DB) {
                        self.state = State::Tone(tone, length);
                    }
                    continue;
                }
                State::Tone(_, left) | State::Pause(left) => left,
            };
            let (now, behind) = samples.split_at_mut((*left).min(samples.len()));
            *left -= now.len();
            let over = *left == 0;
            now.fill(0);
            samples = behind;
            if let State::Tone(tone, _) = &mut self.state {
                tone.add(now);
            }
            if over {
                self.state = match self.state {
                    State::Tone(..) => State::Pause(units(MIN_PAUSE, self.sample_rate) as usize),
                    State::Pause(_) | State::Idle => State::Idle,
                };
            }
        }
    }
}

impl std::fmt::Debug for DualTone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DualTone").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ToneSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToneSender").field("sample_rate", &self.sample_rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(digit: char) -> Event {
        Event::from_char(digit).expect("a digit")
    }

    #[test]
    fn the_level_is_that_of_each_tone() {
        let mut samples = [0i16; 8_000];
        let mut tone = DualTone::new(event('1'), 8_000, -10.0, 0.0).expect("has a tone");
        for chunk in samples.chunks_mut(37) {
            tone.add(chunk);
        }
        let mean = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / 8_000.0;
        // Two sines of 13.17 dB below the peak of full scale, 3.01 of them below its power.
        let dbov = 10.0 * (mean / 32_767f64.powi(2)).log10();
        assert!((dbov + 13.17).abs() < 0.02, "{dbov}");
    }

    #[test]
    fn what_is_too_loud_is_cut() {
        let mut samples = [i16::MAX; 80];
        DualTone::of(697.0, 1_209.0, 8_000, 3.0, 0.0).add(&mut samples);
        assert!(samples.contains(&i16::MAX) && samples.iter().any(|&sample| sample < 0));
    }

    #[test]
    fn digits_take_the_place_of_the_audio_and_then_it_is_heard_again() {
        let mut sender = ToneSender::new(8_000);
        sender.push(event('1'), Duration::from_millis(50)).expect("room");
        sender.push(event('2'), Duration::from_millis(40)).expect("room");
        assert_eq!(sender.push(Event::FLASH, Duration::from_millis(50)), Err(DigitError::NoTone));
        let mut samples = vec![9i16; 3_000];
        for chunk in samples.chunks_mut(160) {
            sender.replace(chunk);
        }
        let pauses = [400..880, 1_200..1_680];
        for (index, sample) in samples.iter().enumerate() {
            if index >= 1_680 {
                assert_eq!(*sample, 9);
            } else if pauses.iter().any(|pause| pause.contains(&index)) {
                assert_eq!(*sample, 0);
            }
        }
        assert!(samples[..400].iter().any(|&sample| sample > 8_000));
        assert!(!sender.is_active());
    }

    #[test]
    fn a_cancelled_digit_is_silent_at_once() {
        // covers: TM-044
        let mut sender = ToneSender::new(16_000);
        sender.push(event('1'), Duration::from_millis(500)).expect("room");
        sender.push(event('2'), Duration::from_millis(500)).expect("room");
        sender.replace(&mut [0; 320]);
        sender.cancel();
        let mut samples = [5i16; 320];
        sender.replace(&mut samples);
        assert_eq!(samples, [5; 320]);
        assert!(!sender.is_active());
    }
}
