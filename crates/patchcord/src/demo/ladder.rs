//! The ladder diagram: SIP messages of all parties, merged, one line each.
//!
//! Every message is seen twice, as sent and as received. It is printed where it was sent; where it was received tells
//! the order: what a party sends after it received a message stands below that message, whatever the clocks say.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use session_core::report::Lifelines;

use super::parties::PARTIES;

/// The bus brings urgent events before others; after this time nothing earlier is expected any more.
const SETTLE: Duration = Duration::from_millis(20);
/// A received message waits this long for its sender's side; then its sender is not one of ours.
const STRANGER: Duration = Duration::from_millis(200);
/// Sent messages that were not seen to arrive, kept for the merge; a lost datagram stays until it is pushed out.
const MOST_UNDERWAY: usize = 64;

/// What stands in the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A message left for another party; for `None` the address is nobody's of the three.
    Sent { to: Option<usize>, label: String, bytes: Vec<u8> },
    /// A message arrived.
    Received { bytes: Vec<u8> },
    /// Something else happened at a party.
    Note(String),
}

/// One line to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// At whom.
    pub(crate) party: usize,
    /// On the common clock.
    pub(crate) at: Duration,
    /// What.
    pub(crate) what: What,
}

/// Merges what the parties saw into one order.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    waiting: [BTreeMap<(Duration, u64), (Instant, Step)>; 3],
    underway: VecDeque<Vec<u8>>,
    count: u64,
}

impl Merge {
    /// Takes a step; steps of one party may come out of order within [`SETTLE`].
    pub(crate) fn push(&mut self, taken: Instant, own_time: Duration, step: Step) {
        self.count += 1;
        self.waiting[step.party].insert((own_time, self.count), (taken, step));
    }

    /// Gives the next step in order that is settled at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Step> {
        loop {
            self.take_arrivals(now);
            let party = (0..3)
                .filter_map(|party| self.settled(party, now).map(|step| (step.at, party)))
                .min()
                .map(|(_, party)| party)?;
            let (_, (_, step)) = self.waiting[party].pop_first()?;
            match &step.what {
                What::Sent { to, bytes, .. } => {
                    if to.is_some() {
                        if self.underway.len() == MOST_UNDERWAY {
                            self.underway.pop_front();
                        }
                        self.underway.push_back(bytes.clone());
                    }
                    return Some(step);
                }
                What::Note(_) => return Some(step),
                What::Received { .. } => {}
            }
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.iter().all(BTreeMap::is_empty)
    }

    /// Removes arrivals whose sending was printed, and those of strangers.
    fn take_arrivals(&mut self, now: Instant) {
        for waiting in &mut self.waiting {
            while let Some(first) = waiting.first_entry() {
                let (taken, step) = first.get();
                let What::Received { bytes } = &step.what else { break };
                let known = self.underway.iter().position(|sent| sent == bytes);
                let aged = now.saturating_duration_since(*taken);
                match known {
                    Some(index) if aged >= SETTLE => {
                        self.underway.remove(index);
                    }
                    None if aged >= STRANGER => {}
                    Some(_) | None => break,
                }
                first.remove();
            }
        }
    }

    /// The first step of a party, if it can be printed.
    fn settled(&self, party: usize, now: Instant) -> Option<&Step> {
        let (taken, step) = self.waiting[party].first_key_value()?.1;
        let settled = now.saturating_duration_since(*taken) >= SETTLE;
        (settled && !matches!(step.what, What::Received { .. })).then_some(step)
    }
}

/// Draws the lines.
#[derive(Debug)]
pub(crate) struct Ladder {
    lines: Lifelines,
    refer_at: Option<Duration>,
}

impl Default for Ladder {
    fn default() -> Self {
        Self { lines: Lifelines::new(PARTIES.len()), refer_at: None }
    }
}

impl Ladder {
    /// The heading: who stands where.
    pub(crate) fn heading() -> Vec<String> {
        let lines = Lifelines::new(PARTIES.len());
        let names = PARTIES.map(|party| party.name.to_owned());
        let tones = PARTIES.map(|party| format!("{} Hz", party.tone));
        vec![lines.heading("      ms", &names), lines.heading("", &tones), lines.bare()]
    }

    /// One step as a line.
    pub(crate) fn draw(&mut self, step: &Step) -> Option<String> {
        if let What::Sent { label, .. } = &step.what
            && self.refer_at.is_none()
            && label.starts_with("REFER")
        {
            self.refer_at = Some(step.at);
        }
        let time = self.time(step.at);
        Some(match &step.what {
            What::Sent { to: Some(to), label, .. } if *to != step.party => {
                self.lines.arrow(&time, step.party, *to, label)
            }
            What::Sent { label, .. } => {
                self.lines.remark(&time, step.party, &format!("-> elsewhere: {label}"))
            }
            What::Note(words) => self.lines.remark(&time, step.party, words),
            What::Received { .. } => return None,
        })
    }

    /// Since the start; from the REFER on, since the REFER, with a plus sign.
    fn time(&self, at: Duration) -> String {
        match self.refer_at.and_then(|refer| at.checked_sub(refer)) {
            Some(since) => format!("{:>8}", format!("+{}", since.as_millis())),
            None => format!("{:>8}", at.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests;
