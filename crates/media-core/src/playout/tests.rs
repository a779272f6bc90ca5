//! A talker, a way with any delay, and a listener that pulls at an even pace, all in virtual time.

mod changing;
mod concealing;
mod drift;
mod holding;
mod playing;
mod resets;

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::LazyLock;
use std::time::Duration;

use super::*;
use crate::rtp::RtpHeader;
use crate::tick::Tick;

const START: Tick = Tick(1_000_000);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn header(sequence: u16, timestamp: u32) -> RtpHeader {
    RtpHeader { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 }
}

/// A decoder for linear samples in network order; payload type 13 is comfort noise and 99 is unknown.
fn linear(payload_type: u8, payload: &[u8], samples: &mut Vec<i16>) -> Content {
    match payload_type {
        13 => Content::ComfortNoise,
        99 => Content::Unknown,
        _ => {
            samples.extend(payload.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])));
            Content::Audio
        }
    }
}

/// A sine of 440 Hz at a quarter of full scale; 8 kHz.
fn tone(sample: u64) -> i16 {
    // Eleven periods have 200 samples.
    static PERIODS: LazyLock<Vec<i16>> = LazyLock::new(|| {
        (0..200).map(|n| ((f64::from(n) * 11.0 * TAU / 200.0).sin() * 8_192.0).round() as i16).collect()
    });
    PERIODS[(sample % 200) as usize]
}

/// A vowel-like sum of harmonics whose pitch glides between 100 and 140 Hz by up to 38 Hz a second, with syllables.
fn voice(sample: u64) -> i16 {
    let time = sample as f64 / 8_000.0;
    let phase = TAU * (120.0 * time - 20.0 / (TAU * 0.3) * (TAU * 0.3 * time).cos());
    let formants = |harmonic: f64| {
        let hz = 120.0 * harmonic;
        [(500.0, 1.0), (1_100.0, 0.3), (2_400.0, 0.1)]
            .iter()
            .map(|(centre, gain): &(f64, f64)| gain / (1.0 + ((hz - centre) / 150.0).powi(2)))
            .sum::<f64>()
    };
    let sum: f64 = (1..=25).map(|n| formants(f64::from(n)) * (phase * f64::from(n)).sin()).sum();
    let syllable = 0.6 + 0.4 * (TAU * 3.0 * time).sin();
    (sum * syllable * 2_500.0).round() as i16
}

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    /// Returns a number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A packet on its way.
struct Flight {
    header: RtpHeader,
    payload: Vec<u8>,
}

struct Scene {
    playout: Playout,
    format: Format,
    now: Tick,
    /// How long one pull lasts, and how many samples it gives.
    frame: Duration,
    samples: usize,
    way: BTreeMap<(Tick, u64), Flight>,
    sent: u64,
    puts: Vec<Put>,
    heard: Vec<i16>,
    pulls: Vec<Pulled>,
}

impl Scene {
    fn new(settings: PlayoutSettings) -> Self {
        Self {
            playout: Playout::new(settings, Format::NARROWBAND),
            format: Format::NARROWBAND,
            now: START,
            frame: settings.frame,
            samples: settings.frame.as_millis() as usize * 8,
            way: BTreeMap::new(),
            sent: 0,
            puts: Vec::new(),
            heard: Vec::new(),
            pulls: Vec::new(),
        }
    }

    fn arrive(&mut self, at: Tick, header: RtpHeader, payload: Vec<u8>) {
        self.sent += 1;
        self.way.insert((at, self.sent), Flight { header, payload });
    }

    /// A packet of so many samples of a signal from `first` on, which is its timestamp too.
    fn say(&mut self, at: Tick, sequence: u16, first: u64, count: u64, signal: fn(u64) -> i16) {
        let payload = (first..first + count).flat_map(|sample| signal(sample).to_be_bytes()).collect();
        self.arrive(at, header(sequence, first as u32), payload);
    }

    /// Packets of 20 ms of a signal, `first` the number of the first of `count`, each as late as `delay` says.
    fn talk(&mut self, first: u64, count: u64, signal: fn(u64) -> i16, mut delay: impl FnMut(u64) -> u64) {
        for packet in first..first + count {
            let at = START + ms(packet * 20 + delay(packet));
            self.say(at, packet as u16, packet * 160, 160, signal);
        }
    }

    fn deliver(&mut self) {
        while let Some(((at, number), flight)) = self.way.pop_first() {
            if at > self.now {
                self.way.insert((at, number), flight);
                break;
            }
            if flight.header.payload_type == 101 {
                self.playout.skip(&flight.header, at);
            } else {
                self.puts.push(self.playout.put(&flight.header, &flight.payload, self.format, at));
            }
        }
    }

    fn pull(&mut self) -> Pulled {
        self.deliver();
        let mut out = vec![i16::MIN; self.samples];
        let pulled = self.playout.pull(self.now, &mut out, &mut linear);
        assert_eq!(pulled.received + pulled.concealed + pulled.silent, self.samples);
        self.heard.extend(out);
        self.pulls.push(pulled);
        self.now += self.frame;
        pulled
    }

    fn run_until(&mut self, end: Tick) {
        while self.now < end {
            self.pull();
        }
    }

    fn report(&self) -> PlayoutReport {
        self.playout.report()
    }

    fn concealed(&self) -> usize {
        self.pulls.iter().map(|pulled| pulled.concealed).sum()
    }
}

/// The largest difference of two neighbours.
fn largest_step(samples: &[i16]) -> i32 {
    samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}
