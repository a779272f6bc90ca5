//! What playing a scenario brings.

use std::time::Duration;

use session_core::{Outcome, SessionId, SessionMediaInfo};

use super::parties::{ALICE, BOB, CAROL};
use super::plot::Phase;

/// What was measured at one party in one call.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When.
    pub(crate) phase: Phase,
    /// Who.
    pub(crate) party: usize,
    /// With whom.
    pub(crate) with: usize,
    /// What.
    pub(crate) info: SessionMediaInfo,
}

/// Both ends of each call there can be, in the order of the report: who, with whom.
pub(crate) const ENDS: [(usize, usize); 6] =
    [(ALICE, BOB), (BOB, ALICE), (ALICE, CAROL), (CAROL, ALICE), (BOB, CAROL), (CAROL, BOB)];

/// The calls' ids, each at its party; two parties have one call with each other, or none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls([[Option<SessionId>; 3]; 3]);

impl Calls {
    /// A party's call with another one.
    pub(crate) const fn of(&self, party: usize, with: usize) -> Option<SessionId> {
        self.0[party][with]
    }

    /// Notes a party's call with another one.
    pub(crate) const fn note(&mut self, party: usize, with: usize, call: SessionId) {
        self.0[party][with] = Some(call);
    }

    /// Whether a party's call is one of these.
    pub(crate) fn knows(&self, party: usize, call: SessionId) -> bool {
        self.0[party].contains(&Some(call))
    }
}

/// What a scenario brought.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The calls.
    pub(crate) calls: Calls,
    /// The outcome that Alice was given.
    pub(crate) outcome: Option<Outcome>,
    /// The measurements, in order.
    pub(crate) samples: Vec<Sample>,
    /// The longest silence each party heard.
    pub(crate) silence: [Option<Duration>; 3],
    /// Calls and transfers that were alive after the last BYE.
    pub(crate) left: Option<usize>,
    /// Why the scenario could not be played to its end.
    pub(crate) stopped: Option<String>,
}

impl Played {
    /// What was measured at a party in a phase; it has one sample for each call that was alive.
    pub(crate) fn samples(&self, party: usize, phase: Phase) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.party == party && sample.phase == phase)
    }

    /// What a party heard in a phase: it has one pair of ears, which are on one of its calls.
    pub(crate) fn tone(&self, party: usize, phase: Phase) -> Option<u16> {
        self.samples(party, phase).find_map(|sample| sample.info.heard.as_ref()?.tone)
    }
}
