//! What an ear hears: tone, level, silences, over audio that is played as it arrives.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::SampleRate;
use crate::spectrum;
use crate::tick::Tick;

/// The length of one analysed block.
const BLOCK_MS: u32 = 20;
const BLOCK: Duration = Duration::from_millis(BLOCK_MS as u64);
/// The blocks of the window that is listened to: 200 ms.
const WINDOW_BLOCKS: usize = 10;
/// The blocks needed before a tone is named: less than 60 ms cannot tell neighbouring tones apart.
const LEAST_BLOCKS: usize = 3;
/// The blocks a new tone must last before it counts as a change.
const STABLE_BLOCKS: usize = 3;
/// The blocks after which noise is searched for a tone again: a search costs more than all the rest.
const NOISE_REST: usize = 4;
/// Two tones closer than this are the same: a window that holds parts of both is off by that much.
const SAME_TONE_HZ: u16 = 15;
/// The newest changes that are kept: a call with its transfers has some dozens.
pub const MAX_CHANGES: usize = 64;
/// Audio that stopped for this long is silence, not the wait for the next packet.
const STALE: Duration = Duration::from_millis(100);

/// Holds what an ear hears.
#[derive(Debug, Clone, PartialEq)]
pub struct Hearing {
    /// The dominant frequency of the last 200 ms in hertz; `None` for silence and for audio without one.
    pub tone: Option<u16>,
    /// The level of the last 200 ms as root mean square of 16-bit samples; 0 when nothing was played.
    pub level: f64,
    /// When the first audible block was played.
    pub first_audible: Option<Tick>,
    /// When the last audible block ended.
    pub last_audible: Option<Tick>,
    /// The longest time without audible audio since the first, the running one included.
    pub longest_silence: Duration,
    /// When that silence began.
    pub longest_silence_from: Option<Tick>,
    /// What was heard from when on: the newest [`MAX_CHANGES`], oldest first. `None` is silence or noise.
    pub changes: Vec<(Option<u16>, Tick)>,
    /// The changes that were dropped to keep the list short.
    pub dropped_changes: u64,
}

/// Listens to the audio that is played to one device.
#[derive(Debug, Clone)]
pub(crate) struct Ear {
    threshold: f64,
    rate: SampleRate,
    partial: Vec<i16>,
    blocks: VecDeque<Block>,
    /// Room for the samples of several blocks side by side.
    window: Vec<i16>,
    /// Blocks that are not used at the moment.
    spare: Vec<Vec<i16>>,
    first_audible: Option<Tick>,
    last_audible: Option<Tick>,
    last_played: Option<Tick>,
    longest: Option<(Duration, Tick)>,
    current: Option<u16>,
    candidate: Option<(Option<u16>, Tick, usize)>,
    rest: usize,
    changes: VecDeque<(Option<u16>, Tick)>,
    dropped_changes: u64,
}

#[derive(Debug, Clone)]
struct Block {
    samples: Vec<i16>,
    audible: bool,
}

impl Ear {
    /// Creates an ear for which blocks below this root mean square are silence.
    pub(crate) fn new(threshold: f64) -> Self {
        Self {
            threshold,
            rate: SampleRate::Hz8000,
            partial: Vec::new(),
            blocks: VecDeque::with_capacity(WINDOW_BLOCKS + 1),
            window: Vec::new(),
            spare: Vec::new(),
            first_audible: None,
            last_audible: None,
            last_played: None,
            longest: None,
            current: None,
            candidate: None,
            rest: 0,
            changes: VecDeque::new(),
            dropped_changes: 0,
        }
    }

    /// Plays samples, so many a second, from `now` on.
    pub(crate) fn play(&mut self, rate: SampleRate, samples: &[i16], now: Tick) {
        if rate != self.rate {
            self.clear();
            self.rate = rate;
        }
        let block = rate.samples_in(BLOCK_MS);
        let pause = self.last_played.is_some_and(|last| now.since(last) >= STALE);
        if pause {
            self.fall_silent();
        }
        let mut rest = samples;
        while !rest.is_empty() {
            let (next, behind) = rest.split_at(rest.len().min(block - self.partial.len()));
            self.partial.extend_from_slice(next);
            rest = behind;
            if self.partial.len() == block {
                let empty = self.spare.pop().unwrap_or_default();
                let full = std::mem::replace(&mut self.partial, empty);
                self.block(full, now);
            }
        }
        let length = samples.len() as u64 * 1_000_000 / u64::from(rate.hz());
        self.last_played = Some(now + Duration::from_micros(length));
    }

    /// The device has left its stream: what follows is a new piece of audio.
    pub(crate) fn detach(&mut self) {
        self.clear();
    }

    fn clear(&mut self) {
        self.partial.clear();
        self.spare.extend(self.blocks.drain(..).map(|block| {
            let mut samples = block.samples;
            samples.clear();
            samples
        }));
    }

    /// Returns what is heard at `now`.
    pub(crate) fn hearing(&self, now: Tick) -> Hearing {
        let stale = self.last_played.is_none_or(|last| now.since(last) >= STALE);
        let mut changes: Vec<_> = self.changes.iter().copied().collect();
        if stale
            && self.current.is_some()
            && let Some(end) = self.last_audible
        {
            changes.push((None, end));
        }
        let mut longest = self.longest;
        if let Some(end) = self.last_audible {
            longest = longer(longest, (now.since(end), end));
        }
        Hearing {
            tone: if stale { None } else { self.tone() },
            level: if stale { 0.0 } else { self.level() },
            first_audible: self.first_audible,
            last_audible: self.last_audible,
            longest_silence: longest.map_or(Duration::ZERO, |(length, _)| length),
            longest_silence_from: longest.map(|(_, from)| from),
            changes,
            dropped_changes: self.dropped_changes,
        }
    }

    fn block(&mut self, samples: Vec<i16>, now: Tick) {
        let audible = level(samples.iter()) >= self.threshold;
        if audible {
            if let Some(end) = self.last_audible {
                self.longest = longer(self.longest, (now.since(end), end));
            }
            self.first_audible.get_or_insert(now);
            self.last_audible = Some(now + BLOCK);
        }
        self.blocks.push_back(Block { samples, audible });
        if self.blocks.len() > WINDOW_BLOCKS
            && let Some(Block { mut samples, .. }) = self.blocks.pop_front()
        {
            samples.clear();
            self.spare.push(samples);
        }
        self.follow(now);
    }

    /// Compares what the newest blocks say with what is heard so far.
    fn follow(&mut self, now: Tick) {
        let heard = if !self.blocks.back().is_some_and(|block| block.audible) {
            self.rest = 0;
            None
        } else if self.blocks.len() < LEAST_BLOCKS {
            return;
        } else if self.rest > 0 {
            self.rest -= 1;
            return;
        } else {
            self.newest_tone()
        };
        if same(heard, self.current) {
            self.candidate = None;
            let all_audible = self.blocks.iter().rev().take(STABLE_BLOCKS).all(|block| block.audible);
            if heard.is_none() && all_audible {
                self.rest = NOISE_REST;
            }
            return;
        }
        let (from, count) = match self.candidate {
            Some((candidate, from, count)) if same(candidate, heard) => (from, count + 1),
            _ => (now, 1),
        };
        if count < STABLE_BLOCKS {
            self.candidate = Some((heard, from, count));
            return;
        }
        self.candidate = None;
        self.change(heard, from);
    }

    fn fall_silent(&mut self) {
        self.clear();
        self.candidate = None;
        self.rest = 0;
        if self.current.is_some()
            && let Some(end) = self.last_audible
        {
            self.change(None, end);
        }
    }

    fn change(&mut self, heard: Option<u16>, from: Tick) {
        self.current = heard;
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
            self.dropped_changes += 1;
        }
        self.changes.push_back((heard, from));
    }

    fn tone(&self) -> Option<u16> {
        if self.blocks.len() < LEAST_BLOCKS || self.level() < self.threshold {
            return None;
        }
        let mut window = Vec::new();
        self.fill(WINDOW_BLOCKS, &mut window);
        spectrum::dominant(&window, self.rate)
    }

    /// The tone of the newest blocks; the one that is heard already is tried first, which is cheap.
    fn newest_tone(&mut self) -> Option<u16> {
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        self.fill(STABLE_BLOCKS, &mut window);
        let tone = self
            .current
            .filter(|&hz| spectrum::is_dominant(&window, self.rate, hz))
            .or_else(|| spectrum::dominant(&window, self.rate));
        self.window = window;
        tone
    }

    fn fill(&self, newest: usize, window: &mut Vec<i16>) {
        let skip = self.blocks.len().saturating_sub(newest);
        for block in self.blocks.iter().skip(skip) {
            window.extend_from_slice(&block.samples);
        }
    }

    fn level(&self) -> f64 {
        level(self.blocks.iter().flat_map(|block| &block.samples))
    }
}

fn same(one: Option<u16>, other: Option<u16>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.abs_diff(other) <= SAME_TONE_HZ,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn longer(one: Option<(Duration, Tick)>, other: (Duration, Tick)) -> Option<(Duration, Tick)> {
    if other.0.is_zero() || one.is_some_and(|one| one.0 >= other.0) { one } else { Some(other) }
}

fn level<'a>(samples: impl Iterator<Item = &'a i16>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for &sample in samples {
        sum += f64::from(sample).powi(2);
        count += 1.0;
    }
    if count == 0.0 { 0.0 } else { f64::sqrt(sum / count) }
}

#[cfg(test)]
mod tests;
