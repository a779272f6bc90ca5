//! Times and allocations of every contender at every message.

use std::time::Instant;

use bytes::Bytes;
use stats_alloc::Region;

use crate::ALLOCATIONS;
use crate::contenders::{CONTENDERS, OURS, Parse};
use crate::messages::{SAMPLES, Seen};

/// A batch lasts about this long: well above what the clock resolves, and short enough that many go by undisturbed.
const BATCH_NS: f64 = 50_000.0;

/// How often a case is run before it is looked at.
const WARM_UP: u32 = 50;

/// What one parse costs.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) nanoseconds: f64,
    pub(crate) allocations: usize,
    pub(crate) allocated: usize,
}

/// Why there is no cost.
#[derive(Clone, Copy)]
pub(crate) enum Unmeasured {
    /// The message is refused.
    Refused,
    /// The message is taken, but what is read of it is not what ours reads.
    ReadOtherwise,
}

/// The costs of one contender at one message.
pub(crate) struct Row {
    pub(crate) head: Result<Cost, Unmeasured>,
    pub(crate) full: Result<Cost, Unmeasured>,
}

/// One contender doing one thing with one message.
struct Case {
    parse: Parse,
    datagram: Bytes,
    batch: u32,
    cost: Cost,
}

/// The rows of each message, in the order of [`SAMPLES`] and [`CONTENDERS`].
///
/// The cheapest of the rounds counts. Each round times every case once, so that what else the machine does hits all
/// alike.
pub(crate) fn all(rounds: u32) -> Vec<Vec<Row>> {
    let mut cases: Vec<Result<Case, Unmeasured>> = Vec::new();
    for sample in &SAMPLES {
        let datagram = Bytes::copy_from_slice(sample.text);
        let expected = (CONTENDERS[OURS].full)(&datagram);
        for contender in &CONTENDERS {
            cases.push(Case::new(contender.head, &datagram, Some(Seen::default())));
            cases.push(Case::new(contender.full, &datagram, expected));
        }
    }
    for _ in 0..rounds {
        cases.iter_mut().flatten().for_each(Case::time);
    }
    let costs: Vec<_> = cases.into_iter().map(|case| case.map(|case| case.cost)).collect();
    let (pairs, _) = costs.as_chunks();
    let rows = |pairs: &[[_; 2]]| pairs.iter().map(|&[head, full]| Row { head, full }).collect();
    pairs.chunks(CONTENDERS.len()).map(rows).collect()
}

impl Case {
    fn new(parse: Parse, datagram: &Bytes, expected: Option<Seen>) -> Result<Case, Unmeasured> {
        let seen = parse(datagram).ok_or(Unmeasured::Refused)?;
        if Some(seen) != expected {
            return Err(Unmeasured::ReadOtherwise);
        }
        let cost = Cost { nanoseconds: f64::INFINITY, allocations: 0, allocated: 0 };
        let mut case = Case { parse, datagram: datagram.clone(), batch: WARM_UP, cost };
        case.time();
        case.time();
        case.batch = (BATCH_NS / case.cost.nanoseconds).clamp(1.0, BATCH_NS) as u32;
        let region = Region::new(ALLOCATIONS);
        parse(datagram);
        let change = region.change();
        case.cost.allocations = change.allocations + change.reallocations;
        case.cost.allocated = change.bytes_allocated;
        Ok(case)
    }

    fn time(&mut self) {
        let start = Instant::now();
        for _ in 0..self.batch {
            std::hint::black_box((self.parse)(std::hint::black_box(&self.datagram)));
        }
        let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(self.batch);
        self.cost.nanoseconds = self.cost.nanoseconds.min(nanoseconds);
    }
}
