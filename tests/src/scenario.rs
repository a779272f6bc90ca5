//! Scenarios in plain text: who takes part, what they do when, what must come of it.
//!
//! One statement a line; `#` starts a comment. Durations are `200ms` or `3s`; where a range is allowed, `0ms..80ms` draws
//! one by the run's seed.
//!
//! ```text
//! title Blind transfer, the target answers
//! party alice                                  # the first party has the address 192.0.2.1, the next 192.0.2.2 …
//! party bob answers
//! party carol answers after 500ms              # also: rings | rejects 486 | scripted
//! option bob ring-limit 20s                    # all options: `scenario/options.rs`
//! option bob listen tcp udp                    # `udp`, `tcp`, `tls`; its URI names the first
//! network delay 5ms..20ms                      # also: loss 10, duplication 5, rtp-loss 1, cuts 5
//! lose 3 NOTIFY from bob after 1               # `lose all REFER from alice`, `lose 2 200/BYE from bob`
//! cut alice bob from 5s to 8s                  # nothing goes through; connections break
//! break alice bob at 5s                        # connections break
//! restart bob at 5s                            # forgets everything; its connections break
//! stop bob at 5s                               # is gone without a word
//! at 0s alice call bob
//! at 0s alice register bob for 60s             # an action; all actions: `scenario/actions.rs`
//! on alice established 1 after 1s alice blind carol
//! end 30s                                      # then every party hangs up all that is left
//! expect alice outcome Succeeded notify        # `Succeeded|PeerHungUp *` allows several
//! expect alice calls 0                         # calls that are up when everybody hangs up
//! expect alice talks bob                       # two-way with that party, when everybody hangs up
//! expect alice hears 700                       # Hz, when everybody hangs up; needs `rtp on`
//! expect alice event hold_changed 2            # how often it is told
//! expect alice settled                         # no transfer goes on, and no call is about to begin or to end
//! expect alice refused 1                       # commands that were not followed
//! ```
//!
//! A message that is to be lost on a connection breaks it, as do `network cuts 5` of a hundred.
//!
//! A party that is `scripted` has no engine: it does what the scenario says, however wrong, and nothing else but to
//! acknowledge, to repeat itself and to answer 200 where the scenario says nothing (`scripted.rs`). Its steps may also
//! wait for a message: `on bob REFER 1 after 5ms bob reply 202`, `on bob 200/NOTIFY 1 after 0ms bob send BYE`. Lines that
//! begin with `|` are header lines and, after an empty one, the body of the message before them. A From, To or Contact among
//! them stands in the place of the party's own: so it answers as several forks, or as somebody behind a proxy.

mod actions;
mod options;
mod parse;

use std::time::Duration;

use session_core::{Authentication, Keyring, Reliability, SessionTimers, SrtpPolicy};
use sip_message::StatusCode;
use sip_transport::Transport;
use transfer::{AttendedOptions, Completion, ReferOptions, TransferPolicy};

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
    /// Its transfer policy; its ring limit is that of its own calls, too.
    pub policy: TransferPolicy,
    /// Whether it holds before it sends a REFER.
    pub hold: bool,
    /// How it sends a REFER.
    pub refer: ReferOptions,
    /// By what it listens; its URI names the first.
    pub listens: Vec<Transport>,
    /// Whether its calls are secured by SRTP.
    pub srtp: SrtpPolicy,
    /// How long its User-Agent is, in bytes; the usual one where the scenario does not say.
    pub user_agent: Option<usize>,
    /// With what it answers challenges.
    pub keys: Keyring,
    /// Whom it asks to prove who it is.
    pub authentication: Option<Authentication>,
    /// When its provisional responses are reliable.
    pub reliability: Reliability,
    /// Whether its sessions are timed.
    pub session_timers: SessionTimers,
}

impl Party {
    /// Whether it has no engine.
    pub fn is_scripted(&self) -> bool {
        self.calls == OnCall::Scripted
    }
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
    /// What the steps of the scenario say: there is no engine.
    Scripted,
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
    /// When a scripted party gets a message of this kind for the n-th time, repetitions not counted.
    Message {
        /// Who.
        party: usize,
        /// `REFER` for a request, `200/INVITE` for a response.
        kind: String,
        /// Which time.
        nth: u32,
    },
}

impl When {
    /// Whether it is when this party tells an event of this name for the n-th time.
    pub fn is_event(&self, whose: usize, told: &str, time: u32) -> bool {
        match self {
            Self::Event { party, name, nth } => *party == whose && name == told && *nth == time,
            Self::Start | Self::Message { .. } => false,
        }
    }
}

/// What a party can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Calls another party.
    Call(usize),
    /// Moves the other side of its first call to a party.
    Blind(usize),
    /// Asks a party first, to move the other side of its first call there.
    Consult(usize, AttendedOptions, Completion),
    /// The same with a target that is told first what it is about.
    Warm {
        /// Whom.
        target: usize,
        /// Its answer is enough; otherwise the application decides.
        briefed: bool,
        /// How long the target may take to decide, if not the usual time.
        deadline: Option<Duration>,
    },
    /// Says whether the target of its warm transfer takes the caller over.
    DecideWarm(bool),
    /// Moves the first of two parties that it has calls with to the second.
    Attended(usize, usize, AttendedOptions),
    /// Completes the transfer whose target it asks.
    Complete,
    /// Refers its party of a call, or of its first one, to the party that is bridged with it.
    HandOver(Option<usize>),
    /// Turns to the other of the two.
    Swap,
    /// Hangs up its call with a party, or its first call.
    HangUp(Option<usize>),
    /// Hangs up all its calls.
    HangUpAll,
    /// Holds its call with a party, or its first call.
    Hold(Option<usize>),
    /// Resumes it.
    Resume(Option<usize>),
    /// Gives its transfer up.
    CancelTransfer,
    /// Agrees to a transfer that it was asked for.
    AcceptTransfer,
    /// Refuses a transfer that it was asked for.
    RejectTransfer,
    /// Registers itself with a party, for so long.
    Register(usize, Duration),
    /// Takes its last registration back.
    Unregister,
    /// Scripted: answers the request that the step waited for.
    Reply {
        /// The status.
        code: StatusCode,
        /// Its phrase; the usual one if empty.
        phrase: String,
        /// What the message holds besides.
        content: Content,
    },
    /// Scripted: sends a request.
    Send {
        /// The method.
        method: String,
        /// In which dialog.
        dialog: InDialog,
        /// What the message holds besides.
        content: Content,
    },
}

/// In which dialog a scripted party sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InDialog {
    /// That of the message which the step waited for, or its first.
    Same,
    /// Its n-th, counted from 1.
    Nth(usize),
    /// A new one.
    New {
        /// With whom.
        party: usize,
        /// What stands in the Request-URI and in To, if not the party's own URI.
        uri: Option<String>,
    },
}

/// What a scripted party's message holds besides what every one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Whether it has a session description.
    pub sdp: bool,
    /// Header lines; what is in brackets is filled in (`scripted/template.rs`).
    pub headers: Vec<String>,
    /// The body's lines, joined by CRLF; a last empty line ends the body with CRLF.
    pub body: Option<Vec<String>>,
}

impl Content {
    /// The value of its header line of this name, which then stands in the place of the party's own.
    pub fn given(&self, name: &str) -> Option<&str> {
        let lines = self.headers.iter().filter_map(|line| line.split_once(':'));
        lines.filter(|(given, _)| *given == name).map(|(_, value)| value.trim_start()).next()
    }

    /// Whether it has one.
    pub fn gives(&self, name: &str) -> bool {
        self.given(name).is_some()
    }
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
    /// Two parties have a call with each other that is two-way when everybody hangs up.
    Talks {
        /// The one.
        party: usize,
        /// The other.
        with: usize,
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
    /// When everybody hangs up, a party has no transfer that goes on, and no call that is not up.
    Settled {
        /// Who.
        party: usize,
    },
    /// How many commands of a party are refused.
    Refused {
        /// Whose.
        party: usize,
        /// How many.
        count: usize,
    },
}
