//! The ladder diagram: SIP messages of all parties, merged, one line each.
//!
//! Every message is seen twice, as sent and as received. It is printed where it was sent; where it was received tells
//! the order: what a party sends after it received a message stands below that message, whatever the clocks say.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::parties::PARTIES;

/// The bus brings urgent events before others; after this time nothing earlier is expected any more.
const SETTLE: Duration = Duration::from_millis(20);
/// A received message waits this long for its sender's side; then its sender is not one of ours.
const STRANGER: Duration = Duration::from_millis(200);
/// Sent messages that were not seen to arrive, kept for the merge; a lost datagram stays until it is pushed out.
const MOST_UNDERWAY: usize = 64;

/// The lifelines' columns: Alice, Bob, Carol.
const LINES: [usize; 3] = [12, 54, 96];
const WIDTH: usize = 100;

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
#[derive(Debug, Default)]
pub(crate) struct Ladder {
    refer_at: Option<Duration>,
}

impl Ladder {
    /// The heading: who stands where.
    pub(crate) fn heading() -> Vec<String> {
        let mut names = blank(false);
        let mut tones = blank(false);
        for (party, line) in PARTIES.iter().zip(LINES) {
            centre(&mut names, line, party.name);
            centre(&mut tones, line, &format!("{} Hz", party.tone));
        }
        put(&mut names, 0, "      ms");
        vec![finish(names), finish(tones), finish(blank(true))]
    }

    /// One step as a line.
    pub(crate) fn draw(&mut self, step: &Step) -> Option<String> {
        let mut row = blank(true);
        match &step.what {
            What::Sent { to, label, .. } => {
                if self.refer_at.is_none() && label.starts_with("REFER") {
                    self.refer_at = Some(step.at);
                }
                match to {
                    Some(to) if *to != step.party => arrow(&mut row, step.party, *to, label),
                    Some(_) | None => note(&mut row, step.party, &format!("-> elsewhere: {label}")),
                }
            }
            What::Note(words) => note(&mut row, step.party, words),
            What::Received { .. } => return None,
        }
        put(&mut row, 0, &self.time(step.at));
        Some(finish(row))
    }

    /// Since the start; from the REFER on, since the REFER, with a plus sign.
    fn time(&self, at: Duration) -> String {
        match self.refer_at.and_then(|refer| at.checked_sub(refer)) {
            Some(since) => format!("{:>8}", format!("+{}", since.as_millis())),
            None => format!("{:>8}", at.as_millis()),
        }
    }
}

fn blank(lifelines: bool) -> Vec<char> {
    let mut row = vec![' '; WIDTH];
    if lifelines {
        for line in LINES {
            row[line] = '|';
        }
    }
    row
}

fn finish(row: Vec<char>) -> String {
    row.into_iter().collect::<String>().trim_end().to_owned()
}

fn put(row: &mut [char], from: usize, text: &str) {
    for (cell, character) in row.iter_mut().skip(from).zip(text.chars()) {
        *cell = character;
    }
}

fn centre(row: &mut [char], line: usize, text: &str) {
    let from = (line + 1).saturating_sub(text.chars().count().div_ceil(2));
    put(row, from.min(WIDTH.saturating_sub(text.chars().count())), text);
}

fn arrow(row: &mut [char], from: usize, to: usize, label: &str) {
    let (left, right) = (LINES[from.min(to)] + 1, LINES[from.max(to)] - 1);
    row[left..=right].fill('-');
    if from < to {
        row[right] = '>';
    } else {
        row[left] = '<';
    }
    let label = format!(" {} ", shortened(label, right - left - 4));
    put(row, left + (right - left + 1 - label.chars().count()) / 2, &label);
}

/// A remark beside a lifeline, on the side where there is room.
fn note(row: &mut [char], party: usize, words: &str) {
    let gap = LINES[1] - LINES[0] - 3;
    let words = shortened(words, gap);
    row[LINES[party]] = '*';
    let from = if party == 2 { LINES[2] - 1 - words.chars().count() } else { LINES[party] + 2 };
    put(row, from, &words);
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(2)).collect();
    short.push_str("..");
    short
}

#[cfg(test)]
mod tests;
