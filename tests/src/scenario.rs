//! Scenarios in plain text: who takes part, what they do when, what must come of it.
//!
//! One statement a line; `#` starts a comment. Durations are `200ms` or `3s`; where a range is allowed, `0ms..80ms` draws
//! one by the run's seed.
//!
//! ```text
//! title Blind transfer, the target answers
//! party alice                                  # the first party has the address 192.0.2.1, the next 192.0.2.2 …
//! party bob answers
//! party carol answers after 500ms              # also: rings | rejects 486
//! option bob ring-limit 20s                    # also: refer deny|allow|ask, hold off
//! network delay 5ms..20ms                      # also: loss 10, duplication 5, rtp-loss 1
//! lose 3 NOTIFY from bob after 1               # `lose all REFER from alice`, `lose 2 200/BYE from bob`
//! cut alice bob from 5s to 8s
//! at 0s alice call bob
//! on alice established 1 after 1s alice blind carol
//! end 30s                                      # then every party hangs up all that is left
//! expect alice outcome Succeeded notify        # `Succeeded|PeerHungUp *` allows several
//! expect alice calls 0                         # calls that are up when everybody hangs up
//! expect alice hears 700                       # Hz, when everybody hangs up; needs `rtp on`
//! ```

mod parse;

use std::time::Duration;

use sip_message::StatusCode;

use crate::{network::Faults, seed::Span};

pub use parse::ScenarioError;

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows, in one line.
    pub title: String,
    /// Who takes part.
    pub parties: Vec<Party>,
    /// What the network does.
    pub faults: Faults,
    /// Whether audio flows.
    pub rtp: bool,
    /// Who does what when.
    pub steps: Vec<Step>,
    /// When everybody hangs up.
    pub end: Duration,
    /// What must come of it.
    pub expectations: Vec<Expectation>,
}

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        parse::scenario(text)
    }
}

/// One party.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// What it does about a new call.
    pub calls: OnCall,
    /// What it does about a REFER.
    pub refers: OnRefer,
    /// How long its calls ring.
    pub ring_limit: Duration,
    /// Whether it holds before it sends a REFER.
    pub hold: bool,
}

/// What a party does about a new call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCall {
    /// Nothing at all: not even 180.
    Ignore,
    /// 180 and no more.
    Ring,
    /// 180, and 200 after this.
    Answer(Span),
    /// Refuses.
    Reject(StatusCode),
}

/// What a party does about a REFER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefer {
    /// Refuses all.
    Deny,
    /// Follows all.
    Allow,
    /// Leaves it to steps of the scenario.
    Ask,
}

/// Something a party does.
#[derive(Debug, Clone)]
pub struct Step {
    /// When.
    pub when: When,
    /// How long after that.
    pub after: Span,
    /// Who.
    pub party: usize,
    /// What.
    pub action: Action,
}

/// When a step is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// At the start.
    Start,
    /// When a party's engine tells an event of this name for the n-th time, counted from 1.
    Event {
        /// Whose.
        party: usize,
        /// The event's name, as in `SessionEvent::name`.
        name: String,
        /// Which time.
        nth: u32,
    },
}

/// What a party can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Calls another party.
    Call(usize),
    /// Moves the other side of its call to a party.
    Blind(usize),
    /// Hangs up its first call.
    HangUp,
    /// Hangs up all its calls.
    HangUpAll,
    /// Holds its first call.
    Hold,
    /// Resumes its first call.
    Resume,
    /// Gives its transfer up.
    CancelTransfer,
    /// Agrees to a transfer that it was asked for.
    AcceptTransfer,
    /// Refuses a transfer that it was asked for.
    RejectTransfer,
}

/// What must come of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// The outcome of a party's first transfer.
    Outcome {
        /// Whose.
        party: usize,
        /// Any of these names.
        outcomes: Vec<String>,
        /// Learned in any of these ways; empty if it does not matter.
        learned_from: Vec<String>,
    },
    /// How many calls of a party are up when everybody hangs up.
    Calls {
        /// Whose.
        party: usize,
        /// How many.
        count: usize,
    },
    /// Which tone a party hears when everybody hangs up.
    Hears {
        /// Who.
        party: usize,
        /// In Hz.
        hz: u16,
    },
    /// An event that a party's engine must tell so many times.
    Event {
        /// Whose.
        party: usize,
        /// Its name.
        name: String,
        /// How many times.
        count: usize,
    },
}
