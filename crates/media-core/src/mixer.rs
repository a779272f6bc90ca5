//! A small conference: each party hears the sum of the others.

use std::collections::VecDeque;

use crate::codec::SampleRate;
use crate::rate_change::RateChange;

/// The most parties of a mixer: four streams, each with the device that is attached to it.
pub const MAX_PARTIES: usize = 8;
/// What a party has not heard yet is kept for so long; the oldest beyond it is dropped. Speakers and listeners have one
/// clock, so this only has to cover the longest packet time and some play.
const KEPT_MS: u32 = 100;

/// Joins what its parties say. Each says and hears at a rate of its own and in frames of its own length, all multiples of
/// 10 ms, at the pace of one clock.
#[derive(Debug, Clone)]
pub struct Mixer {
    rate: SampleRate,
    parties: [Option<Party>; MAX_PARTIES],
    /// Room for the sum.
    sum: Vec<i32>,
    samples: Vec<i16>,
}

#[derive(Debug, Clone, Default)]
struct Party {
    says: RateChange,
    hears: RateChange,
    /// What each other party has said, and this one has not heard.
    unheard: [VecDeque<i16>; MAX_PARTIES],
}

impl Mixer {
    /// Creates a mixer without parties that works at a rate.
    pub fn new(rate: SampleRate) -> Self {
        Self { rate, parties: Default::default(), sum: Vec::new(), samples: Vec::new() }
    }

    /// Takes in a party and returns its seat; `None` when [`MAX_PARTIES`] are there.
    pub fn join(&mut self) -> Option<usize> {
        let seat = self.parties.iter().position(Option::is_none)?;
        self.parties[seat] = Some(Party::default());
        Some(seat)
    }

    /// A party goes; what it said last is not heard any more.
    pub fn leave(&mut self, seat: usize) {
        if let Some(place) = self.parties.get_mut(seat) {
            *place = None;
        }
        for party in self.parties.iter_mut().flatten() {
            if let Some(unheard) = party.unheard.get_mut(seat) {
                unheard.clear();
            }
        }
    }

    /// Returns the number of parties.
    pub fn parties(&self) -> usize {
        self.parties.iter().flatten().count()
    }

    /// A party says something.
    pub fn say(&mut self, seat: usize, rate: SampleRate, samples: &[i16]) {
        let Some(Some(party)) = self.parties.get_mut(seat) else { return };
        self.samples.clear();
        party.says.process(rate, self.rate, samples, &mut self.samples);
        let most = self.rate.samples_in(KEPT_MS);
        for (other, party) in self.parties.iter_mut().enumerate() {
            let Some(party) = party.as_mut().filter(|_| other != seat) else { continue };
            let unheard = &mut party.unheard[seat];
            unheard.extend(&self.samples);
            let excess = unheard.len().saturating_sub(most);
            unheard.drain(..excess);
        }
    }

    /// Appends what a party hears in its next milliseconds. Who has not said as much yet is silent.
    pub fn hear(&mut self, seat: usize, rate: SampleRate, milliseconds: u32, out: &mut Vec<i16>) {
        let count = self.rate.samples_in(milliseconds);
        self.sum.clear();
        self.sum.resize(count, 0);
        let Some(Some(party)) = self.parties.get_mut(seat) else {
            out.extend(std::iter::repeat_n(0, rate.samples_in(milliseconds)));
            return;
        };
        for unheard in party.unheard.iter_mut().filter(|unheard| unheard.len() >= count) {
            for (sum, sample) in self.sum.iter_mut().zip(unheard.drain(..count)) {
                *sum += i32::from(sample);
            }
        }
        self.samples.clear();
        let loudest = i32::from(i16::MIN)..=i32::from(i16::MAX);
        self.samples.extend(self.sum.iter().map(|sum| *sum.clamp(loudest.start(), loudest.end()) as i16));
        party.hears.process(self.rate, rate, &self.samples, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::Hz8000;

    fn heard(mixer: &mut Mixer, seat: usize) -> Vec<i16> {
        let mut out = Vec::new();
        mixer.hear(seat, RATE, 20, &mut out);
        assert_eq!(out.len(), 160);
        out
    }

    fn of(parties: usize) -> Mixer {
        let mut mixer = Mixer::new(RATE);
        for seat in 0..parties {
            assert_eq!(mixer.join(), Some(seat));
        }
        mixer
    }

    #[test]
    fn each_hears_the_sum_of_the_others() {
        let mut mixer = of(3);
        for (seat, sample) in [(0, 1), (1, 10), (2, 100)] {
            mixer.say(seat, RATE, &[sample; 160]);
        }
        assert_eq!(heard(&mut mixer, 0), [110; 160]);
        assert_eq!(heard(&mut mixer, 1), [101; 160]);
        assert_eq!(heard(&mut mixer, 2), [11; 160]);
        assert_eq!(heard(&mut mixer, 0), [0; 160]);
    }

    #[test]
    fn loud_voices_saturate() {
        let mut mixer = of(3);
        mixer.say(1, RATE, &[30_000; 160]);
        mixer.say(2, RATE, &[30_000; 160]);
        assert_eq!(heard(&mut mixer, 0), [i16::MAX; 160]);
        mixer.say(1, RATE, &[-30_000; 160]);
        mixer.say(2, RATE, &[-30_000; 160]);
        assert_eq!(heard(&mut mixer, 0), [i16::MIN; 160]);
    }

    #[test]
    fn parties_end_at_the_limit_and_a_seat_is_given_again() {
        let mut mixer = of(MAX_PARTIES);
        assert_eq!((mixer.join(), mixer.parties()), (None, MAX_PARTIES));
        mixer.say(3, RATE, &[7; 160]);
        mixer.leave(3);
        // Nobody hears what was said before.
        assert_eq!(heard(&mut mixer, 0), [0; 160]);
        assert_eq!(mixer.join(), Some(3));
        assert_eq!(heard(&mut mixer, 3), [0; 160]);
        mixer.say(99, RATE, &[1; 160]);
        assert_eq!(heard(&mut mixer, 99), [0; 160]);
    }

    #[test]
    fn who_does_not_listen_keeps_the_newest_100_ms() {
        let mut mixer = of(2);
        mixer.say(0, RATE, &[1; 800]);
        mixer.say(0, RATE, &[2; 160]);
        let all: Vec<i16> = (0..5).flat_map(|_| heard(&mut mixer, 1)).collect();
        assert_eq!((all[0], all[639], all[640], all[799]), (1, 1, 2, 2));
    }

    #[test]
    fn frames_of_any_length_and_rate_go_together() {
        let mut mixer = Mixer::new(SampleRate::Hz16000);
        let seats = [mixer.join().expect("a seat"), mixer.join().expect("a seat")];
        let mut out = Vec::new();
        let mut silent = 0;
        for step in 0..300 {
            if step % 2 == 0 {
                mixer.say(seats[0], RATE, &[5_000; 160]);
            }
            if step % 3 == 0 {
                out.clear();
                mixer.hear(seats[1], SampleRate::Hz48000, 30, &mut out);
                assert_eq!(out.len(), 1_440);
                silent += usize::from(out.iter().all(|sample| *sample == 0));
            }
        }
        assert!(silent <= 1, "{silent} frames");
    }
}
