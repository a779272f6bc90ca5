//! The simulated network: decides by its seed when a datagram arrives, how often, and whether at all.

mod streams;

use std::time::Duration;

use crate::seed::{Seed, Span};

pub use streams::{Break, Fate, Habit, Restart, Split};

/// Most copies of one datagram that arrive.
const MOST_COPIES: usize = 2;

/// What the network does to datagrams.
#[derive(Debug, Clone)]
pub struct Faults {
    /// How many of a hundred SIP datagrams are lost.
    pub loss: u8,
    /// How many of a hundred arrive twice.
    pub duplication: u8,
    /// How long one takes. A wide span reorders.
    pub delay: Span,
    /// How many of a hundred RTP and RTCP packets are lost.
    pub rtp_loss: u8,
    /// What is lost by rule, in the order of the rules.
    pub rules: Vec<Rule>,
    /// When which parties do not hear each other. One that begins breaks their connections.
    pub partitions: Vec<Partition>,
    /// How many of a hundred messages on connections break theirs, somewhere between their first byte and their last.
    pub cuts: u8,
    /// When connections between parties break.
    pub breaks: Vec<Break>,
    /// When parties start anew.
    pub restarts: Vec<Restart>,
    /// When parties stop without a word, and are gone.
    pub stops: Vec<Restart>,
    /// A message on a connection that arrives in two parts, or of which only the first part does. All others then come in
    /// as few pieces as they can.
    pub split: Option<Split>,
}

impl Default for Faults {
    /// A quiet network: 10 ms each way, nothing lost.
    fn default() -> Self {
        Self {
            loss: 0,
            duplication: 0,
            delay: Span::millis(10, 10),
            rtp_loss: 0,
            rules: Vec::new(),
            partitions: Vec::new(),
            cuts: 0,
            breaks: Vec::new(),
            restarts: Vec::new(),
            stops: Vec::new(),
            split: None,
        }
    }
}

impl Faults {
    /// A network that loses `loss` of a hundred datagrams, repeats five and reorders freely.
    pub fn rough(loss: u8) -> Self {
        Self { loss, duplication: 5, delay: Span::millis(2, 60), rtp_loss: loss / 10, ..Self::default() }
    }
}

/// Loses messages of one kind from one party. A connection loses none and goes on: it breaks.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The sender, by its number.
    pub from: usize,
    /// `NOTIFY` for a request; `202/REFER` for a response.
    pub what: String,
    /// How many more are let through first.
    pub after: u32,
    /// How many are lost then.
    pub count: u32,
}

/// A time in which two parties do not hear each other.
#[derive(Debug, Clone, Copy)]
pub struct Partition {
    /// The parties, by their numbers.
    pub between: (usize, usize),
    /// From the start of the world.
    pub from: Duration,
    /// When they hear each other again.
    pub to: Duration,
}

/// The network of one run.
#[derive(Debug)]
pub struct Network {
    faults: Faults,
    seed: Seed,
    rtp_seed: Seed,
    stream_seed: Seed,
    /// How many messages of the kind of [`Faults::split`] there have been.
    like_split: u32,
}

impl Network {
    /// Makes the network of a run.
    pub fn new(faults: Faults, seed: u64) -> Self {
        let [seed, rtp_seed, stream_seed] = [0x51, 0x52, 0x53].map(|purpose| Seed::new(seed, purpose));
        Self { faults, seed, rtp_seed, stream_seed, like_split: 0 }
    }

    /// Whether it needs to know what kind of message it carries.
    pub fn looks_inside(&self) -> bool {
        !self.faults.rules.is_empty() || self.faults.split.is_some()
    }

    /// What it does to datagrams and connections.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// After what times a SIP datagram from one party arrives at another; empty if it is lost. `what` is the kind of
    /// message as in [`Rule::what`]; it matters only where [`Network::looks_inside`].
    pub fn carry(&mut self, now: Duration, from: usize, to: usize, what: &str) -> Arrivals {
        let mut arrivals = Arrivals::default();
        // The draws do not depend on what becomes of the datagram: a rule more leaves the rest of the run as it was.
        let lost = self.seed.happens(self.faults.loss);
        let twice = self.seed.happens(self.faults.duplication);
        let delays = [self.seed.within(self.faults.delay), self.seed.within(self.faults.delay)];
        if !(lost || self.is_cut(now, from, to) || self.is_ruled_out(from, what)) {
            arrivals.after[0] = Some(delays[0]);
            arrivals.after[1] = twice.then_some(delays[1]);
        }
        arrivals
    }

    /// The same for RTP and RTCP, which are neither repeated nor reordered.
    pub fn carry_rtp(&mut self, now: Duration, from: usize, to: usize) -> Option<Duration> {
        let lost = self.rtp_seed.happens(self.faults.rtp_loss);
        (!lost && !self.is_cut(now, from, to)).then_some(self.faults.delay.from)
    }

    /// Whether the two do not hear each other.
    pub fn is_cut(&self, now: Duration, from: usize, to: usize) -> bool {
        self.faults.partitions.iter().any(|cut| {
            (cut.between == (from, to) || cut.between == (to, from)) && (cut.from..cut.to).contains(&now)
        })
    }

    fn is_ruled_out(&mut self, from: usize, what: &str) -> bool {
        let Some(rule) = self
            .faults
            .rules
            .iter_mut()
            .find(|rule| rule.from == from && rule.what == what && rule.count > 0)
        else {
            return false;
        };
        if rule.after > 0 {
            rule.after -= 1;
            return false;
        }
        rule.count -= 1;
        true
    }
}

/// When the copies of one datagram arrive.
#[derive(Debug, Default)]
pub struct Arrivals {
    after: [Option<Duration>; MOST_COPIES],
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.after.iter_mut().find_map(Option::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_loses_what_it_names_and_no_more() {
        let rule = Rule { from: 1, what: "NOTIFY".into(), after: 1, count: 2 };
        let mut network = Network::new(Faults { rules: vec![rule], ..Faults::default() }, 1);
        let mut arrive = |from, what| network.carry(Duration::ZERO, from, 0, what).count();
        assert_eq!(arrive(1, "BYE"), 1);
        assert_eq!(arrive(2, "NOTIFY"), 1);
        assert_eq!(
            [arrive(1, "NOTIFY"), arrive(1, "NOTIFY"), arrive(1, "NOTIFY"), arrive(1, "NOTIFY")],
            [1, 0, 0, 1]
        );
    }

    #[test]
    fn a_partition_cuts_both_ways_and_only_in_its_time() {
        let cut = Partition { between: (0, 2), from: Duration::from_secs(1), to: Duration::from_secs(2) };
        let mut network = Network::new(Faults { partitions: vec![cut], ..Faults::default() }, 1);
        let mut arrive = |at, from, to| network.carry(Duration::from_millis(at), from, to, "BYE").count();
        assert_eq!(
            [arrive(999, 0, 2), arrive(1000, 0, 2), arrive(1999, 2, 0), arrive(2000, 2, 0)],
            [1, 0, 0, 1]
        );
        assert_eq!(arrive(1500, 0, 1), 1);
    }

    #[test]
    fn loss_and_duplication_are_about_what_was_asked_for() {
        let mut network = Network::new(Faults { duplication: 20, ..Faults::rough(30) }, 3);
        let copies: Vec<_> =
            (0..10_000).map(|_| network.carry(Duration::ZERO, 0, 1, "BYE").count()).collect();
        let share = |wanted| copies.iter().filter(|copies| **copies == wanted).count();
        assert!((2800..3200).contains(&share(0)), "{} lost", share(0));
        assert!((1200..1600).contains(&share(2)), "{} twice", share(2));
    }
}
