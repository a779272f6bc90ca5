//! What each scenario of the demo is: who does what, and what should come of it.

use std::time::Duration;

use crate::args::Scenario;

use super::parties::{ALICE, BOB, CAROL};
use super::plays::{Asked, Play, Referred};

/// How long Carol rings before she answers or refuses.
pub(crate) const CAROL_RINGS: Duration = Duration::from_millis(600);
/// How long a referred call rings in the demo before Bob gives up.
pub(crate) const RING_LIMIT: Duration = Duration::from_secs(2);

/// T1 of RFC 3261 where somebody is to be given up on; the usual is 500 ms.
pub(crate) const SHORT_T1: Duration = Duration::from_millis(50);
/// How long somebody is waited for then: 64 times T1 (RFC 3261 §17.1.2.2).
const SILENCE: Duration = Duration::from_millis(64 * 50);

/// What Bob hears while he waits in a warm transfer.
pub(crate) const MUSIC: u16 = 300;
/// What Carol is told then, in Hz.
pub(crate) const BRIEFING: u16 = 1_000;

/// The part of a scenario in which a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Alice and Bob talk.
    Before,
    /// Bob is on hold and Carol rings.
    During,
    /// Bob is on hold, Alice and Carol talk.
    Consulting,
    /// Carol is on hold, Alice and Bob talk again.
    Swapped,
    /// Whoever is to talk talks.
    After,
}

impl Phase {
    /// For people and for JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::During => "during",
            Self::Consulting => "consulting",
            Self::Swapped => "swapped",
            Self::After => "after",
        }
    }

    /// The least time that is talked: some RTCP reports at the demo's interval.
    pub(crate) const fn talk(self) -> Duration {
        match self {
            Self::Before | Self::After => Duration::from_millis(1_200),
            Self::During => Duration::ZERO,
            Self::Consulting => Duration::from_millis(800),
            Self::Swapped => Duration::from_millis(600),
        }
    }
}

/// What a party is to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hears {
    /// This party's tone.
    Party(usize),
    /// The music for who waits.
    Music,
    /// What Carol is told, by Alice.
    Briefing,
    /// Nothing: it is on hold.
    Nothing,
    /// Nothing: the two others talk through it.
    Between,
    /// It has no call.
    NoCall,
}

/// How Alice's transfer is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) codes: &'static [u16],
    pub(crate) learned_from: &'static str,
}

/// What becomes of the REFER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refer {
    /// There is none.
    Absent,
    /// Bob follows it.
    Followed,
    /// Bob refuses it with 603.
    Refused,
}

/// What is to be seen of Replaces on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replacing {
    /// Nothing.
    Absent,
    /// Bob takes the place of Alice in her call with Carol.
    Done,
    /// He is refused.
    Refused,
}

/// What is between the parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Nothing that is lost.
    Clean,
    /// One of twenty packets is lost on its way.
    Lossy,
    /// Carol's cable is pulled while her phone rings.
    Cut,
}

impl Network {
    /// Of a thousand datagrams, so many are lost when they are sent, and as many when they arrive.
    pub(crate) const fn loss(self) -> u16 {
        match self {
            Self::Clean | Self::Cut => 0,
            Self::Lossy => 25,
        }
    }

    /// How long signalling may take besides the ringing, on a busy machine: what is lost is sent again after 0.5 s, 1 s, 2 s.
    pub(crate) const fn signalling(self) -> Duration {
        match self {
            Self::Clean | Self::Cut => Duration::from_millis(1_500),
            Self::Lossy => Duration::from_secs(8),
        }
    }
}

/// A scenario.
#[derive(Debug)]
pub(crate) struct Plot {
    /// As it is written on the command line.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// What happens, in lines.
    pub(crate) story: Vec<String>,
    /// Who does what.
    pub(crate) play: Play,
    /// Who talks with whom, in order.
    pub(crate) talks: &'static [(Phase, [Hears; 3])],
    /// Of Alice's transfer.
    pub(crate) outcome: Outcome,
    /// To Bob.
    pub(crate) refer: Refer,
    /// How long Carol takes by her own will, or Bob waits for her, between the REFER and the outcome.
    pub(crate) answer_time: Duration,
    /// On the wire.
    pub(crate) replacing: Replacing,
    /// What is between them.
    pub(crate) network: Network,
    /// Whose call with whom the transfer ends, or the end of the other one.
    pub(crate) over: &'static [(usize, usize, &'static str)],
}

const FIRST: (Phase, [Hears; 3]) = (Phase::Before, [Hears::Party(BOB), Hears::Party(ALICE), Hears::NoCall]);
const MOVED: (Phase, [Hears; 3]) = (Phase::After, [Hears::NoCall, Hears::Party(CAROL), Hears::Party(BOB)]);
const BACK: (Phase, [Hears; 3]) = (Phase::After, [Hears::Party(BOB), Hears::Party(ALICE), Hears::NoCall]);
const CONSULTING: (Phase, [Hears; 3]) =
    (Phase::Consulting, [Hears::Party(CAROL), Hears::Nothing, Hears::Party(ALICE)]);
const BRIEFED: (Phase, [Hears; 3]) =
    (Phase::Consulting, [Hears::Party(CAROL), Hears::Music, Hears::Briefing]);
const SWAPPED: (Phase, [Hears; 3]) =
    (Phase::Swapped, [Hears::Party(BOB), Hears::Party(ALICE), Hears::Nothing]);
const BACK_AND_HELD: (Phase, [Hears; 3]) =
    (Phase::After, [Hears::Party(BOB), Hears::Party(ALICE), Hears::Nothing]);

const BRIDGED: (Phase, [Hears; 3]) = (Phase::After, [Hears::Between, Hears::Party(CAROL), Hears::Party(BOB)]);

const SUCCEEDED: Outcome = Outcome { name: "Succeeded", codes: &[200], learned_from: "notify" };
const ALICE_IS_OUT: (usize, usize, &str) = (ALICE, BOB, "Alice's call with Bob has ended");
const REPLACED: (usize, usize, &str) = (ALICE, CAROL, "Alice's call with Carol has ended");

/// The scenarios that are asked for, in order.
pub(crate) fn plots(scenario: Scenario) -> Vec<Plot> {
    match scenario {
        Scenario::Blind => vec![blind()],
        Scenario::TargetBusy => vec![target_busy()],
        Scenario::TargetSilent => vec![target_silent()],
        Scenario::Attended => vec![attended()],
        Scenario::Consultative => vec![consultative()],
        Scenario::Warm => vec![warm()],
        Scenario::Lossy => vec![lossy()],
        Scenario::Kill => vec![kill()],
        Scenario::ReplacesRefused => vec![replaces_refused()],
        Scenario::ConsultBusy => vec![consult_busy()],
        Scenario::Fallback => vec![fallback()],
        Scenario::All => vec![
            blind(),
            target_busy(),
            target_silent(),
            attended(),
            consultative(),
            warm(),
            replaces_refused(),
            consult_busy(),
            lossy(),
            kill(),
            fallback(),
        ],
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn talk_first(then: &str) -> String {
    format!("Alice calls Bob, they talk for {}, and she {then}.", seconds(Phase::Before.talk()))
}

fn blind() -> Plot {
    Plot {
        name: "blind",
        title: "blind transfer",
        story: vec![
            talk_first("moves him to Carol"),
            format!(
                "Carol answers after {}. Then Bob and Carol talk, and Alice is out.",
                seconds(CAROL_RINGS)
            ),
        ],
        play: Play::Unattended(Referred::Answers),
        talks: &[FIRST, MOVED],
        outcome: SUCCEEDED,
        refer: Refer::Followed,
        answer_time: CAROL_RINGS,
        replacing: Replacing::Absent,
        network: Network::Clean,
        over: &[ALICE_IS_OUT],
    }
}

fn lossy() -> Plot {
    Plot {
        name: "lossy",
        title: "blind transfer over a network that loses one of twenty packets",
        story: vec![
            talk_first("moves him to Carol"),
            format!(
                "Carol answers after {}. Of all packets, SIP and audio, one of twenty is lost.",
                seconds(CAROL_RINGS)
            ),
            "What is lost of SIP is sent again after 0.5 s; in the end Bob and Carol talk, and Alice is out."
                .to_owned(),
        ],
        network: Network::Lossy,
        ..blind()
    }
}

fn kill() -> Plot {
    Plot {
        name: "kill",
        title: "blind transfer, the target's machine goes while it rings",
        story: vec![
            talk_first("moves him to Carol"),
            format!("Carol's phone rings for {}, then her cable is pulled.", seconds(CAROL_RINGS)),
            format!(
                "Bob gives up after {}, and waits {} for a word on that. Then Alice has him back.",
                seconds(RING_LIMIT),
                seconds(SILENCE)
            ),
        ],
        play: Play::Unattended(Referred::Gone),
        network: Network::Cut,
        answer_time: RING_LIMIT.saturating_add(SILENCE),
        over: &[],
        ..target_silent()
    }
}

fn target_busy() -> Plot {
    Plot {
        name: "target-busy",
        title: "blind transfer, the target is busy",
        story: vec![
            talk_first("moves him to Carol"),
            format!("Carol refuses (486) after {}. Then Alice has Bob back.", seconds(CAROL_RINGS)),
        ],
        play: Play::Unattended(Referred::Busy),
        talks: &[FIRST, BACK],
        outcome: Outcome { name: "Recovered", codes: &[486], learned_from: "notify" },
        over: &[(CAROL, BOB, "Carol's phone no longer rings")],
        ..blind()
    }
}

fn target_silent() -> Plot {
    Plot {
        name: "target-silent",
        title: "blind transfer, the target does not answer",
        story: vec![
            talk_first("moves him to Carol"),
            format!("Carol only rings; Bob gives up after {}. Then Alice has him back.", seconds(RING_LIMIT)),
        ],
        play: Play::Unattended(Referred::Silent),
        // What a referred call that was never answered is reported as: timed out, cancelled, or unavailable.
        outcome: Outcome { name: "Recovered", codes: &[408, 480, 487], learned_from: "notify" },
        answer_time: RING_LIMIT,
        ..target_busy()
    }
}

fn attended() -> Plot {
    Plot {
        name: "attended",
        title: "attended transfer, completed by the target's answer",
        story: vec![
            talk_first("holds him and calls Carol"),
            format!(
                "Carol answers after {}, and Alice asks Bob to take her place in that call (Replaces).",
                seconds(CAROL_RINGS)
            ),
            "Carol answers Bob and ends her call with Alice. Then they talk, and Alice is out.".to_owned(),
        ],
        play: Play::Attended(Asked::Answers),
        talks: &[FIRST, MOVED],
        outcome: SUCCEEDED,
        refer: Refer::Followed,
        answer_time: Duration::ZERO,
        replacing: Replacing::Done,
        network: Network::Clean,
        over: &[ALICE_IS_OUT, REPLACED],
    }
}

fn consultative() -> Plot {
    Plot {
        name: "consultative",
        title: "consultative transfer, completed by command",
        story: vec![
            talk_first("holds him and calls Carol"),
            format!(
                "Carol answers after {}, and she and Alice talk for {}; Bob hears nothing.",
                seconds(CAROL_RINGS),
                seconds(Phase::Consulting.talk())
            ),
            format!(
                "Alice turns back to Bob for {}, then asks him to take her place in the call with Carol.",
                seconds(Phase::Swapped.talk())
            ),
            "Then Bob and Carol talk, and Alice is out.".to_owned(),
        ],
        play: Play::Consultative,
        talks: &[FIRST, CONSULTING, SWAPPED, MOVED],
        ..attended()
    }
}

fn warm() -> Plot {
    Plot {
        name: "warm",
        title: "warm transfer, the target is told first and takes the caller over",
        story: vec![
            talk_first("lets him wait with music and calls Carol"),
            format!(
                "Carol answers after {} and is told for {} what it is about; Bob hears the music only.",
                seconds(CAROL_RINGS),
                seconds(Phase::Consulting.talk())
            ),
            "She presses 1: Bob takes Alice's place in that call (Replaces). Then they talk, and Alice is out."
                .to_owned(),
        ],
        play: Play::Warm,
        talks: &[FIRST, BRIEFED, MOVED],
        ..attended()
    }
}

fn replaces_refused() -> Plot {
    Plot {
        name: "replaces-refused",
        title: "attended transfer, the target lets nobody replace a call",
        story: vec![
            talk_first("holds him and calls Carol"),
            format!(
                "Carol answers after {}, but refuses (403) that Bob takes Alice's place.",
                seconds(CAROL_RINGS)
            ),
            "Then Alice has Bob back, and her call with Carol is still there, on hold.".to_owned(),
        ],
        play: Play::Attended(Asked::Refuses),
        talks: &[FIRST, BACK_AND_HELD],
        outcome: Outcome { name: "Recovered", codes: &[403], learned_from: "notify" },
        replacing: Replacing::Refused,
        over: &[],
        ..attended()
    }
}

fn consult_busy() -> Plot {
    Plot {
        name: "consult-busy",
        title: "attended transfer, the target is busy",
        story: vec![
            talk_first("holds him and calls Carol"),
            format!(
                "Carol refuses (486) after {}. Then Alice has Bob back; he is never asked to call anybody.",
                seconds(CAROL_RINGS)
            ),
        ],
        play: Play::Attended(Asked::Busy),
        talks: &[FIRST, BACK],
        outcome: Outcome { name: "Recovered", codes: &[486], learned_from: "local" },
        refer: Refer::Absent,
        replacing: Replacing::Absent,
        over: &[(CAROL, ALICE, "Carol's phone no longer rings")],
        ..attended()
    }
}

fn fallback() -> Plot {
    Plot {
        name: "fallback",
        title: "blind transfer of a party that takes no REFER, and a bridge instead",
        story: vec![
            talk_first("asks him to call Carol"),
            format!(
                "Bob's phone refuses (603), so Alice calls Carol herself, who answers after {}.",
                seconds(CAROL_RINGS)
            ),
            "She joins the two calls: Bob and Carol talk through her, and she hears nothing of it."
                .to_owned(),
            "Then Carol hangs up, and Alice ends her call with Bob.".to_owned(),
        ],
        play: Play::Bridged,
        talks: &[FIRST, BRIDGED],
        outcome: Outcome { name: "Bridged", codes: &[603], learned_from: "local" },
        refer: Refer::Refused,
        over: &[(BOB, ALICE, "Carol hangs up, and Bob's call ends, too")],
        ..blind()
    }
}

impl Plot {
    /// What each party is to hear at the end.
    pub(crate) fn at_the_end(&self) -> [Hears; 3] {
        self.talks.last().map_or([Hears::NoCall; 3], |(_, hears)| *hears)
    }

    /// Who talks in a call with whom in a phase, once for each direction.
    pub(crate) fn talkers(&self, phase: Phase) -> impl Iterator<Item = (usize, usize)> {
        let talks = self.talks.iter().filter(move |(of, _)| *of == phase);
        talks.flat_map(|(_, hears)| {
            let between = hears[ALICE] == Hears::Between;
            hears.iter().enumerate().filter_map(move |(party, hears)| match hears {
                Hears::Party(_) if between => Some((party, ALICE)),
                Hears::Party(other) => Some((party, *other)),
                Hears::Briefing => Some((party, ALICE)),
                Hears::Music | Hears::Nothing | Hears::Between | Hears::NoCall => None,
            })
        })
    }

    /// Whether Bob and Carol are to talk in the end.
    pub(crate) fn moves(&self) -> bool {
        self.at_the_end()[BOB] == Hears::Party(CAROL)
    }

    /// Whether they are to talk through Alice.
    pub(crate) fn bridges(&self) -> bool {
        self.at_the_end()[ALICE] == Hears::Between
    }
}
