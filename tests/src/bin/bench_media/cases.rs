//! What a frame, a packet and a description cost, each alone, in virtual time.

use media_core::Direction;
use patchcord_tests::media::{self, Calls, Case, Protection};
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::Region;

use crate::{ALLOCATIONS, BenchError};

/// The iterations of one timing: some milliseconds of the cheapest cases.
const ITERATIONS: u32 = 2_000;
/// The timings of a case in one round.
const TIMINGS: u32 = 20;
/// The calls whose streams are there at the same time.
const MANY: u64 = 1_000;
/// The turns of one timing of many calls: one second, after which what is said begins again.
const TURNS: u32 = 50;
/// The timings of many calls in one round.
const MANY_TIMINGS: u32 = 5;

/// A row: what it says, the case, and the case that is a part of it and not meant.
const ROWS: [(&str, &str, Option<&str>); 22] = [
    ("RTP frame sent, clear", "media-send-clear", None),
    ("RTP frame sent, clear, of a tone that is generated", "media-send-tone", None),
    ("RTP frame sent, AES-CM with HMAC-SHA1-80", "media-send-cm", None),
    ("RTP frame sent, AES-GCM", "media-send-gcm", None),
    ("RTP frame received and heard, clear", "media-call-clear", Some("media-send-clear")),
    ("RTP frame received and heard, clear, of a tone", "media-call-tone", Some("media-send-tone")),
    ("RTP frame received and heard, AES-CM with HMAC-SHA1-80", "media-call-cm", Some("media-send-cm")),
    ("RTP frame received and heard, AES-GCM", "media-call-gcm", Some("media-send-gcm")),
    ("encode PCMU", "media-encode-pcmu", None),
    ("decode PCMU", "media-decode-pcmu", None),
    ("encode PCMA", "media-encode-pcma", None),
    ("decode PCMA", "media-decode-pcma", None),
    ("encode G.722", "media-encode-g722", None),
    ("decode G.722", "media-decode-g722", None),
    ("encode L16 at 16 kHz", "media-encode-l16", None),
    ("decode L16 at 16 kHz", "media-decode-l16", None),
    ("playout: packet put, 20 ms pulled", "media-playout", None),
    ("the same, every tenth packet lost and concealed", "media-playout-lossy", None),
    ("SRTP protect, AES-CM with HMAC-SHA1-80", "media-send-cm", Some("media-send-clear")),
    ("SRTP protect, AES-GCM", "media-send-gcm", Some("media-send-clear")),
    ("SDP of 264 bytes parsed", "media-sdp-parse", None),
    ("offer and answer, both sides", "media-sdp-offer-answer", None),
];

struct Timed {
    case: &'static str,
    run: Case,
    iterations: u32,
    /// CPU nanoseconds of each timing's iteration, the least.
    nanoseconds: f64,
    allocations: f64,
}

impl Timed {
    fn time(&mut self) -> Result<(), BenchError> {
        let region = Region::new(ALLOCATIONS);
        let start = cpu_nanoseconds();
        if !(0..self.iterations).all(|_| (self.run)()) {
            return Err(BenchError::Case(self.case.to_owned()));
        }
        let took = (cpu_nanoseconds() - start) as f64 / f64::from(self.iterations);
        let change = region.change();
        let allocations = (change.allocations + change.reallocations) as f64 / f64::from(self.iterations);
        self.nanoseconds = self.nanoseconds.min(took);
        self.allocations = self.allocations.min(allocations);
        Ok(())
    }
}

pub(crate) fn print(rounds: u32) -> Result<(), BenchError> {
    let mut names: Vec<&str> =
        ROWS.iter().flat_map(|(_, case, part)| [Some(*case), *part]).flatten().collect();
    names.sort_unstable();
    names.dedup();
    let mut timed = names
        .into_iter()
        .map(|case| {
            let run = media::case(case).ok_or_else(|| BenchError::SetUp(case.to_owned()))?;
            Ok(Timed {
                case,
                run,
                iterations: ITERATIONS,
                nanoseconds: f64::INFINITY,
                allocations: f64::INFINITY,
            })
        })
        .collect::<Result<Vec<_>, BenchError>>()?;
    for _ in 0..rounds * TIMINGS {
        timed.iter_mut().try_for_each(Timed::time)?;
    }
    println!("| each | CPU ns | allocations |\n| --- | --- | --- |");
    let of = |name: &str| timed.iter().find(|timed| timed.case == name);
    for (what, case, part) in ROWS {
        let Some(whole) = of(case) else { continue };
        let (ns, allocations) =
            part.and_then(of).map_or((0.0, 0.0), |part| (part.nanoseconds, part.allocations));
        println!("| {what} | {:.0} | {:.2} |", whole.nanoseconds - ns, whole.allocations - allocations);
    }
    println!();
    Ok(())
}

/// What the streams of one side cost in CPU time, without pump and sockets: turns of many calls in virtual time.
pub(crate) fn print_many(rounds: u32) -> Result<(), BenchError> {
    println!("| {MANY} calls in virtual time | CPU ns, a frame sent and one heard | cores of one side |");
    println!("| --- | --- | --- |");
    for (name, protection) in Protection::NAMES {
        let mut calls = Calls::new(MANY, protection, true, Direction::SendRecv, &media::speech())
            .ok_or_else(|| BenchError::SetUp(format!("{MANY} calls")))?;
        let mut least = f64::INFINITY;
        for _ in 0..rounds * MANY_TIMINGS {
            let start = cpu_nanoseconds();
            for _ in 0..TURNS {
                if calls.turn().surprises > 0 {
                    return Err(BenchError::Case(format!("{MANY} calls, {name}")));
                }
            }
            least = least.min((cpu_nanoseconds() - start) as f64 / f64::from(TURNS));
        }
        // A turn is 20 ms of both sides.
        let each = least / 2.0 / MANY as f64;
        println!("| {name} | {each:.0} | {:.3} |", least / 2.0 / 20e6);
    }
    println!();
    Ok(())
}

/// CPU time that this process has used.
fn cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
