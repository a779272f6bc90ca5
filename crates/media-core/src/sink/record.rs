//! A recording of what a device says and hears, both on one time line.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::SampleRate;
use crate::rate_change::RateChange;
use crate::tick::Tick;

/// How much is given out at a time.
const BLOCK: Duration = Duration::from_millis(200);
/// How long one direction is waited for when only the other one has audio.
const LAG: Duration = Duration::from_millis(200);
/// Audio that is this much off its place on the time line is put there; less is the play of packets on their way.
const SLACK: Duration = Duration::from_millis(60);

/// Names how two parties share a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordLayout {
    /// One channel with the sum of both.
    Mono,
    /// Two channels: what the device says, then what it hears.
    #[default]
    Stereo,
}

impl RecordLayout {
    /// Returns the number of channels.
    pub fn channels(self) -> u16 {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }
}

/// Holds the next piece of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBlock {
    /// The samples per second and channel.
    pub rate: SampleRate,
    /// What the channels are.
    pub layout: RecordLayout,
    /// The samples, the channels of a moment side by side.
    pub samples: Vec<i16>,
    /// The moments of silence that follow: a hold is not carried as zeros.
    pub silence: u64,
    /// True for the last piece.
    pub last: bool,
}

impl RecordedBlock {
    /// Returns how many moments the samples are.
    pub fn moments(&self) -> u64 {
        self.samples.len() as u64 / u64::from(self.layout.channels())
    }
}

/// Collects both directions of a device.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    rate: SampleRate,
    layout: RecordLayout,
    started: Tick,
    /// The moment, counted in samples, at which both tracks begin.
    base: u64,
    said: VecDeque<i16>,
    heard: VecDeque<i16>,
    /// From the stream's rate to the recording's, for each direction.
    changes: [RateChange; 2],
    /// Room for samples at the recording's rate.
    own: Vec<i16>,
}

/// Names a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Said,
    Heard,
}

impl Recorder {
    pub(crate) fn new(rate: SampleRate, layout: RecordLayout, started: Tick) -> Self {
        let (said, heard) = (VecDeque::new(), VecDeque::new());
        let (changes, own) = ([RateChange::default(), RateChange::default()], Vec::new());
        Self { rate, layout, started, base: 0, said, heard, changes, own }
    }

    /// Takes audio of one direction that began at `at`, and returns a block when there is enough.
    pub(crate) fn write(
        &mut self,
        track: Track,
        rate: SampleRate,
        samples: &[i16],
        at: Tick,
    ) -> Option<RecordedBlock> {
        let place = self.moments(at.since(self.started));
        let most = self.moments(BLOCK + LAG);
        // After a pause the tracks begin anew behind it.
        let pause = (place > self.newest() + most).then(|| self.give_all(place));
        let (base, slack) = (self.base, self.moments(SLACK));
        let [said, heard] = &mut self.changes;
        let (queue, change) = match track {
            Track::Said => (&mut self.said, said),
            Track::Heard => (&mut self.heard, heard),
        };
        self.own.clear();
        change.process(rate, self.rate, samples, &mut self.own);
        let end = base + queue.len() as u64;
        // A direction that had nothing lately starts exactly where it belongs.
        if place > end + slack || queue.is_empty() {
            queue.extend(std::iter::repeat_n(0, place.saturating_sub(end) as usize));
        }
        // A direction that gives more than time passes is cut, not allowed to run ahead of the other.
        let room = (2 * most as usize).saturating_sub(queue.len());
        queue.extend(&self.own[..self.own.len().min(room)]);
        pause.or_else(|| self.next_block())
    }

    /// Ends the recording at a moment.
    pub(crate) fn finish(mut self, at: Tick) -> RecordedBlock {
        let end = self.moments(at.since(self.started));
        RecordedBlock { last: true, ..self.give_all(end) }
    }

    fn moments(&self, time: Duration) -> u64 {
        (time.as_micros() * u128::from(self.rate.hz()) / 1_000_000) as u64
    }

    /// The moment behind everything that waits.
    fn newest(&self) -> u64 {
        self.base + self.said.len().max(self.heard.len()) as u64
    }

    fn next_block(&mut self) -> Option<RecordedBlock> {
        let (block, lag) = (self.moments(BLOCK) as usize, self.moments(LAG) as usize);
        let (said, heard) = (self.said.len(), self.heard.len());
        (said.min(heard) >= block || said.max(heard) >= block + lag).then(|| self.give(block))
    }

    /// Gives out what waits, and the silence from there to `next`, where the tracks begin anew.
    fn give_all(&mut self, next: u64) -> RecordedBlock {
        let newest = self.newest();
        let silence = next.saturating_sub(newest);
        let block = self.give((newest - self.base) as usize);
        self.base += silence;
        RecordedBlock { silence, ..block }
    }

    fn give(&mut self, count: usize) -> RecordedBlock {
        let mut samples = Vec::with_capacity(count * usize::from(self.layout.channels()));
        for _ in 0..count {
            let said = self.said.pop_front().unwrap_or(0);
            let heard = self.heard.pop_front().unwrap_or(0);
            match self.layout {
                RecordLayout::Mono => samples.push(said.saturating_add(heard)),
                RecordLayout::Stereo => samples.extend([said, heard]),
            }
        }
        self.base += count as u64;
        RecordedBlock { rate: self.rate, layout: self.layout, samples, silence: 0, last: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::Hz8000;
    const FRAME: Duration = Duration::from_millis(20);

    /// The whole recording as moments of `[said, heard]`.
    #[derive(Default)]
    struct File(Vec<[i16; 2]>);

    impl File {
        fn add(&mut self, block: Option<RecordedBlock>) {
            let Some(block) = block else { return };
            assert!(block.samples.len() <= 2 * 3_200, "{}", block.samples.len());
            self.0.extend(block.samples.chunks(2).map(|moment| [moment[0], moment[1]]));
            self.0.extend(std::iter::repeat_n([0, 0], block.silence as usize));
        }

        /// The moments from one millisecond to another.
        fn cut(&self, from: usize, to: usize) -> &[[i16; 2]] {
            &self.0[from * 8..to * 8]
        }
    }

    #[test]
    fn both_directions_stand_side_by_side() {
        let mut recorder = Recorder::new(RATE, RecordLayout::Stereo, Tick(0));
        let mut file = File::default();
        for number in 0..50u64 {
            // What is heard comes 7 ms later and jitters.
            file.add(recorder.write(Track::Said, RATE, &[1; 160], Tick(number * 20_000)));
            file.add(recorder.write(
                Track::Heard,
                RATE,
                &[2; 160],
                Tick(number * 20_000 + 7_000 + number % 3 * 4_000),
            ));
        }
        file.add(Some(recorder.finish(Tick(1_000_000))));
        assert!(file.cut(0, 7).iter().all(|moment| *moment == [1, 0]));
        assert!(file.cut(7, 1_000).iter().all(|moment| *moment == [1, 2]));
        assert!(file.cut(1_000, 1_007).iter().all(|moment| *moment == [0, 2]));
        assert_eq!(file.0.len(), 1_007 * 8);
    }

    #[test]
    fn a_direction_without_packets_is_silent_in_its_channel() {
        let mut recorder = Recorder::new(RATE, RecordLayout::Stereo, Tick(0));
        let mut file = File::default();
        let mut at = Tick(0);
        for number in 0..100 {
            file.add(recorder.write(Track::Said, RATE, &[1; 160], at));
            if !(20..70).contains(&number) {
                file.add(recorder.write(Track::Heard, RATE, &[2; 160], at));
            }
            at += FRAME;
        }
        file.add(Some(recorder.finish(at)));
        assert!(file.cut(0, 400).iter().all(|moment| *moment == [1, 2]));
        assert!(file.cut(400, 1_400).iter().all(|moment| *moment == [1, 0]));
        assert!(file.cut(1_400, 2_000).iter().all(|moment| *moment == [1, 2]));
        assert_eq!(file.0.len(), 2_000 * 8);
    }

    #[test]
    fn a_hold_of_ten_minutes_is_silence_and_no_memory() {
        let mut recorder = Recorder::new(RATE, RecordLayout::Stereo, Tick(0));
        let mut blocks = Vec::new();
        blocks.extend(recorder.write(Track::Heard, RATE, &[2; 160], Tick(0)));
        blocks.extend(recorder.write(Track::Said, RATE, &[1; 160], Tick(600_000_000)));
        blocks.push(recorder.finish(Tick(700_000_000)));
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].samples.len(), blocks[0].silence), (320, 600 * 8_000 - 160));
        assert_eq!((blocks[1].samples.len(), blocks[1].silence), (320, 100 * 8_000 - 160));
        assert!(blocks[1].last && !blocks[0].last);
    }

    #[test]
    fn a_direction_that_gives_too_much_is_cut() {
        let mut recorder = Recorder::new(RATE, RecordLayout::Stereo, Tick(0));
        let mut file = File::default();
        for _ in 0..1_000 {
            file.add(recorder.write(Track::Heard, RATE, &[2; 160], Tick(5)));
        }
        assert!(recorder.heard.len() <= 6_400, "{}", recorder.heard.len());
    }

    #[test]
    fn mono_is_the_sum_of_both() {
        let mut recorder = Recorder::new(RATE, RecordLayout::Mono, Tick(0));
        recorder.write(Track::Said, RATE, &[30_000, 1, 1], Tick(0));
        recorder.write(Track::Heard, RATE, &[10_000, 2], Tick(0));
        let block = recorder.finish(Tick(375));
        assert_eq!((block.samples, block.silence, block.last), (vec![32_767, 3, 1], 0, true));
    }
}
