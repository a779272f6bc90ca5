//! Packet loss concealment in the manner of ITU-T G.711 Appendix I, on PCM at any rate.
//!
//! A gap is filled with the last pitch period, after 10 ms with the last two and after 20 ms with the last three, so that
//! it does not sound like an organ. From 10 ms on it fades by 20 % of the first amplitude each 10 ms; after 60 ms it is
//! silent. What comes after a gap is cross-faded with the continuing repetition. Unlike the Appendix, which delays
//! everything by 3.75 ms to have something to cross-fade at the start of a gap, this has no delay: the difference to the
//! period before is taken into the gap and faded out within a quarter of a period.

use super::likeness::{Search, best_lag, likeness};

/// Searched pitch: 66 to 200 Hz (5 to 15 ms). Higher ones repeat within one of these periods.
const PITCH_MILLIS: (usize, usize) = (5, 15);
/// The piece that is compared with the past to find the pitch.
const WINDOW_MILLIS: usize = 20;
/// After so long another period is taken, and from the first such moment on the gap fades.
const STAGE_MILLIS: usize = 10;
/// The most periods that are repeated.
const MAX_PERIODS: usize = 3;
/// So long after the start of the gap it is silent.
const SILENT_MILLIS: usize = 60;
/// The shortest and the longest cross-fade into what follows.
const REJOIN_MILLIS: (usize, usize) = (4, 10);
/// The cross-fade grows by so much with each stage.
const REJOIN_GROWTH_MILLIS: usize = 4;
/// The first search for the pitch tries lags of this rate, over samples of half of it.
const COARSE_RATE: usize = 8_000;

/// Continues audio over gaps. Everything that is heard goes through it, by [`Self::pass`] or [`Self::conceal`].
#[derive(Debug, Clone)]
pub struct Concealment {
    rate: usize,
    /// What was heard last, the newest at the end.
    history: Vec<i16>,
    /// The history as it was when the gap began.
    before: Vec<i16>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The last sample that was heard continues in the next.
    Passing,
    /// In a gap.
    Concealing(Repetition),
    /// Behind a gap: `done` of `length` samples of the cross-fade are over.
    Rejoining { repetition: Repetition, done: usize, length: usize },
}

/// A place in the last periods before the gap.
#[derive(Debug, Clone, Copy)]
struct Place {
    periods: usize,
    offset: usize,
}

/// Plays the last periods again and again.
#[derive(Debug, Clone, Copy)]
struct Repetition {
    pitch: usize,
    place: Place,
    /// The place of the stage before, which is faded out over so many more samples.
    leaving: Option<(Place, usize)>,
    /// Samples since the start of the gap.
    elapsed: usize,
    /// How far the last sample before the gap was from the one a period earlier.
    step: f32,
    /// Nothing but silence was heard.
    silent: bool,
}

impl Concealment {
    /// Creates one for samples at `rate` hertz, of which it has heard nothing. It works from 1000 Hz on; a lower rate is
    /// taken as that.
    pub fn new(rate: u32) -> Self {
        let rate = (rate as usize).max(1_000);
        let longest = rate * PITCH_MILLIS.1 / 1_000;
        let length = longest * MAX_PERIODS + longest / 4 + 1;
        Self { rate, history: vec![0; length], before: vec![0; length], state: State::Passing }
    }

    /// Fills `out` with the continuation of what was heard and returns how many of its samples are not yet silenced.
    pub fn conceal(&mut self, out: &mut [i16]) -> usize {
        let mut repetition = match self.state {
            State::Concealing(repetition) => repetition,
            State::Passing | State::Rejoining { .. } => self.begin(),
        };
        let audible = self.samples(SILENT_MILLIS).saturating_sub(repetition.elapsed).min(out.len());
        for sample in &mut *out {
            *sample = rounded(self.next(&mut repetition));
        }
        self.state = State::Concealing(repetition);
        self.remember(out);
        audible
    }

    /// Says that what comes next does not continue what was heard last; the next [`Self::pass`] is cross-faded.
    pub fn cut(&mut self) {
        if !matches!(self.state, State::Concealing(_)) {
            self.state = State::Concealing(self.begin());
        }
    }

    /// Passes samples that were received; behind a gap their start is cross-faded with its continuation.
    pub fn pass(&mut self, samples: &mut [i16]) {
        if let State::Concealing(repetition) = self.state {
            let length = self.rejoin_length(&repetition);
            self.state = State::Rejoining { repetition, done: 0, length };
        }
        if let State::Rejoining { mut repetition, mut done, length } = self.state {
            for sample in samples.iter_mut().take(length - done) {
                done += 1;
                let weight = done as f32 / (length + 1) as f32;
                let made_up = self.next(&mut repetition);
                *sample = rounded(made_up * (1.0 - weight) + f32::from(*sample) * weight);
            }
            self.state =
                if done < length { State::Rejoining { repetition, done, length } } else { State::Passing };
        }
        self.remember(samples);
    }

    /// Returns true when the last sample was passed and no cross-fade is going on.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.state, State::Passing)
    }

    /// Returns what was heard last, the newest at the end: at least three of the longest periods.
    pub(super) fn history(&self) -> &[i16] {
        &self.history
    }

    pub(super) fn bytes(&self) -> usize {
        (self.history.capacity() + self.before.capacity()) * size_of::<i16>()
    }

    fn samples(&self, millis: usize) -> usize {
        self.rate * millis / 1_000
    }

    fn remember(&mut self, heard: &[i16]) {
        let length = self.history.len();
        let kept = length.saturating_sub(heard.len());
        self.history.copy_within(length - kept.., 0);
        self.history[kept..].copy_from_slice(&heard[heard.len() - (length - kept)..]);
    }

    fn begin(&mut self) -> Repetition {
        self.before.copy_from_slice(&self.history);
        let pitch = self.pitch();
        let last = self.before.len() - 1;
        Repetition {
            pitch,
            place: Place { periods: 1, offset: 0 },
            leaving: None,
            elapsed: 0,
            step: f32::from(self.before[last]) - f32::from(self.before[last - pitch]),
            silent: self.before.iter().all(|&sample| sample == 0),
        }
    }

    fn pitch(&self) -> usize {
        let window = self.before.len() - self.samples(WINDOW_MILLIS);
        let lags = self.samples(PITCH_MILLIS.0)..=self.samples(PITCH_MILLIS.1);
        let step = (self.rate / COARSE_RATE).max(1);
        let end = self.before.len();
        let (lag, _) = best_lag(lags, Search { step, stride: step * 2 }, |lag, stride| {
            likeness(&self.before[window..], &self.before[window - lag..end - lag], stride)
        });
        lag
    }

    /// The cross-fade is a quarter of a period, and longer after a longer gap (Appendix I §I.2.7).
    fn rejoin_length(&self, repetition: &Repetition) -> usize {
        let stages = (repetition.elapsed / self.samples(STAGE_MILLIS)).saturating_sub(1);
        let length = repetition.pitch / 4 + stages * self.samples(REJOIN_GROWTH_MILLIS);
        length.clamp(self.samples(REJOIN_MILLIS.0), self.samples(REJOIN_MILLIS.1))
    }

    /// Returns the next sample of the repetition.
    fn next(&self, repetition: &mut Repetition) -> f32 {
        let stage = self.samples(STAGE_MILLIS);
        let Repetition { pitch, elapsed, .. } = *repetition;
        let faded = elapsed.saturating_sub(stage) as f32 / (self.samples(SILENT_MILLIS) - stage) as f32;
        repetition.elapsed += 1;
        if repetition.silent || faded >= 1.0 {
            return 0.0;
        }
        let quarter = (pitch / 4).max(1);
        if elapsed > 0 && elapsed % stage == 0 && repetition.place.periods < MAX_PERIODS {
            let Place { periods, offset } = repetition.place;
            repetition.leaving = Some((repetition.place, quarter));
            repetition.place = Place { periods: periods + 1, offset: offset % pitch };
        }
        let mut value = self.at(&mut repetition.place, pitch, quarter);
        if let Some((mut place, left)) = repetition.leaving {
            let weight = left as f32 / (quarter + 1) as f32;
            value = value * (1.0 - weight) + self.at(&mut place, pitch, quarter) * weight;
            repetition.leaving = (left > 1).then_some((place, left - 1));
        }
        if elapsed < quarter {
            value += repetition.step * (1.0 - elapsed as f32 / quarter as f32);
        }
        value * (1.0 - faded)
    }

    /// Returns the sample at a place and moves on. The end of the periods is cross-faded with what stood before their
    /// start, so that they can follow each other.
    fn at(&self, place: &mut Place, pitch: usize, quarter: usize) -> f32 {
        let length = place.periods * pitch;
        let index = self.before.len() - length + place.offset;
        let mut value = f32::from(self.before[index]);
        if let Some(into) = (place.offset + quarter).checked_sub(length) {
            let weight = (into + 1) as f32 / (quarter + 1) as f32;
            value = value * (1.0 - weight) + f32::from(self.before[index - length]) * weight;
        }
        place.offset = (place.offset + 1) % length;
        value
    }
}

fn rounded(value: f32) -> i16 {
    // The cast saturates.
    value.round() as i16
}
