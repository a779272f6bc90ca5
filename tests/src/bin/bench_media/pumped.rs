//! Streams of one pump that talk to each other over loopback, two and two: each is one side of a call, and what a pump does
//! for so many calls with others is done by it alone.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use media_core::io::{DESCRIPTORS_PER_STREAM, Lateness, PumpCounters};
use media_core::{
    DeviceId, Op, Pump, PumpConfig, PumpHandle, Source, StreamCommand, StreamId, StreamOutput, StreamsConfig,
};
use patchcord_tests::media::{Protection, speech};
use rustix::process::{Resource, getrlimit};

use crate::BenchError;
use crate::threads::{CpuTime, cpu_time};

/// The descriptors that are not a call's: standard streams, polls, the allocator's and the runtime's own.
const OTHER_DESCRIPTORS: u64 = 64;
/// The streams begin one after the other within this time, as those of people do: at every moment of 20 ms as many.
const BEGIN: Duration = Duration::from_millis(400);
/// Before it is measured: the playout has found its delay.
const WARM_UP: Duration = Duration::from_secs(3);
/// The thread of a pump.
const THREAD: &str = "rtp-pump";

/// What was seen in one round.
struct Round {
    cpu: CpuTime,
    seconds: f64,
    lateness: Lateness,
    send_errors: u64,
    turns: u64,
    ears: Ears,
}

pub(crate) fn print(wanted: u16, seconds: u64, rounds: u32) -> Result<(), BenchError> {
    let limit = getrlimit(Resource::Nofile).current;
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(OTHER_DESCRIPTORS));
    let streams = u64::from(wanted).min(room / DESCRIPTORS_PER_STREAM as u64) & !1;
    let limit = limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    println!(
        "{streams} streams, {} descriptors of which the soft limit allows {limit}; {rounds} rounds of {seconds} s\n",
        streams * DESCRIPTORS_PER_STREAM as u64,
    );
    if streams == 0 {
        return Err(BenchError::Streams("the descriptors do not suffice for two streams".to_owned()));
    }
    println!(
        "| streams | cores | program | kernel | µs a packet, program | kernel | late 50 % | 99 % | worst | packets a turn | lost | late at the ear | not sent | cores, every round | late 99 %, every round |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    // How late the machine wakes a pump that has next to nothing to do: no row below can be better.
    let floor = (0..rounds).map(|_| round(2, Protection::Clear, seconds)).collect::<Result<Vec<_>, _>>()?;
    println!("| 2, clear | {}", row(&floor));
    for (name, protection) in Protection::NAMES {
        let seen = (0..rounds).map(|_| round(streams, protection, seconds)).collect::<Result<Vec<_>, _>>()?;
        println!("| {streams}, {name} | {}", row(&seen));
    }
    println!();
    Ok(())
}

fn row(rounds: &[Round]) -> String {
    let cores = |round: &Round| round.cpu.whole.as_secs_f64() / round.seconds;
    let Some(least) = rounds.iter().min_by(|a, b| cores(a).total_cmp(&cores(b))) else {
        return String::new();
    };
    let percentile = |round: &Round, percent| {
        round
            .lateness
            .percentile(percent)
            .map_or_else(|| "-".to_owned(), |late| format!("{} µs", late.as_micros()))
    };
    // What is sent is received.
    let packets = 2.0 * least.lateness.total() as f64;
    let kernel = least.cpu.kernel();
    let program = least.cpu.whole.saturating_sub(kernel);
    let a_core = |time: Duration| time.as_secs_f64() / least.seconds;
    let a_packet = |time: Duration| time.as_secs_f64() * 1e6 / packets;
    let every = |of: &dyn Fn(&Round) -> String| rounds.iter().map(of).collect::<Vec<_>>().join(", ");
    format!(
        "{:.3} | {:.3} | {:.3} | {:.2} | {:.2} | {} | {} | {} µs | {:.1} | {} | {} | {} | {} | {} |",
        cores(least),
        a_core(program),
        a_core(kernel),
        a_packet(program),
        a_packet(kernel),
        percentile(least, 50.0),
        percentile(least, 99.0),
        least.lateness.worst.as_micros(),
        packets / least.turns as f64,
        least.ears.lost,
        least.ears.late,
        least.send_errors,
        every(&|round| format!("{:.3}", cores(round))),
        every(&|round| percentile(round, 99.0)),
    )
}

fn round(streams: u64, protection: Protection, seconds: u64) -> Result<Round, BenchError> {
    let pumped = Pumped::start(streams)?;
    let begin = Instant::now();
    for number in (1..=streams).step_by(2) {
        pumped.open_two([number, number + 1], protection)?;
        let next = begin + BEGIN.mul_f64(number as f64 / streams as f64);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    thread::sleep(WARM_UP);
    let before = Seen::look(&pumped.handle)?;
    thread::sleep(Duration::from_secs(seconds));
    let after = Seen::look(&pumped.handle)?;
    let ears = Ears::of(&pumped.handle, streams)?;
    match pumped.finish()? {
        0 => Ok(after.since(&before, ears)),
        failures => Err(BenchError::Streams(format!("{failures} commands were refused"))),
    }
}

/// A pump and the reader of its answers.
struct Pumped {
    pump: Pump,
    handle: PumpHandle,
    address: IpAddr,
    source: Source,
    reader: thread::JoinHandle<u64>,
}

impl Pumped {
    fn start(streams: u64) -> Result<Self, BenchError> {
        let most = streams as usize;
        let config = PumpConfig {
            max_streams: most,
            streams: StreamsConfig { max_streams: most, max_devices: most, ..StreamsConfig::default() },
            command_queue: 4 * most + 1_024,
            ..PumpConfig::default()
        };
        let address = config.address;
        let (mut pump, handle) = Pump::start(config)?;
        let answers = pump.answers();
        let reader = thread::spawn(move || {
            let mut failures = 0;
            let Some(mut answers) = answers else { return failures };
            while let Some(answer) = answers.blocking_recv() {
                failures += u64::from(matches!(answer, StreamOutput::Failed { .. }));
            }
            failures
        });
        Ok(Self { pump, handle, address, source: speech(), reader })
    }

    /// Opens two streams that talk to each other.
    fn open_two(&self, numbers: [u64; 2], protection: Protection) -> Result<(), BenchError> {
        let ports = [self.handle.reserve()?, self.handle.reserve()?];
        let [one, other] = ports.each_ref().map(|pair| SocketAddr::new(self.address, pair.rtp));
        let agreed = [protection.agreed(one, other, [1, 2]), protection.agreed(other, one, [2, 1])];
        for ((number, pair), agreed) in numbers.into_iter().zip(ports).zip(agreed) {
            let (stream, device, op) = (StreamId(number), DeviceId(number), Op(number));
            self.handle.open(stream, pair)?;
            self.handle.command(StreamCommand::OpenDevice { device, source: self.source.clone() })?;
            self.handle.command(StreamCommand::Open { op, stream, device: Some(device) })?;
            self.handle.command(StreamCommand::Apply { op, stream, agreed })?;
        }
        Ok(())
    }

    /// Ends the pump and returns how many commands it refused.
    fn finish(self) -> Result<u64, BenchError> {
        self.pump.shutdown()?;
        self.reader.join().map_err(|_| BenchError::Streams("the reader of answers panicked".to_owned()))
    }
}

/// What the streams have missed since their beginning.
struct Ears {
    lost: i64,
    late: u64,
}

impl Ears {
    fn of(handle: &PumpHandle, streams: u64) -> Result<Self, BenchError> {
        let mut ears = Self { lost: 0, late: 0 };
        for number in 1..=streams {
            let snapshot = handle.snapshot_blocking(StreamId(number))?;
            let heard = snapshot.filter(|snapshot| snapshot.received > 0);
            let heard =
                heard.ok_or_else(|| BenchError::Streams(format!("stream {number} received nothing")))?;
            ears.lost += heard.lost;
            ears.late += heard.late;
        }
        Ok(ears)
    }
}

/// What the pump has counted so far, and when.
struct Seen {
    at: Instant,
    cpu: CpuTime,
    counters: PumpCounters,
}

impl Seen {
    fn look(handle: &PumpHandle) -> Result<Self, BenchError> {
        let counters = handle.counters_blocking()?;
        Ok(Self { at: Instant::now(), cpu: cpu_time(THREAD)?, counters })
    }

    /// The worst lateness is that of all the time, as the pump keeps no other.
    fn since(self, before: &Self, ears: Ears) -> Round {
        let mut lateness = self.counters.lateness;
        for (count, before) in lateness.counts.iter_mut().zip(before.counters.lateness.counts) {
            *count -= before;
        }
        Round {
            cpu: self.cpu - before.cpu,
            seconds: self.at.duration_since(before.at).as_secs_f64(),
            lateness,
            send_errors: self.counters.send_errors - before.counters.send_errors,
            turns: self.counters.turns - before.counters.turns,
            ears,
        }
    }
}
