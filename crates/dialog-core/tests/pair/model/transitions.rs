//! What may happen next, and as much of the past as the choice needs.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::{
    net::{Fate, REGISTRAR},
    registrar::Verdict,
};

/// Calls that are placed in one case: two at a time cross each other, a third one meets what they left.
const CALLS: usize = 3;

/// Registrations that are begun in one case: one beside another.
const REGISTRATIONS: usize = 2;

/// Datagrams in a row that meet the same fate: one more than an INVITE, and as many as a BYE, is sent before it fails.
const RUN: usize = 11;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Transition {
    /// An end places the next call.
    Place { by: usize, offerless: bool },
    /// An end asks something of a call, if it knows it.
    Call { by: usize, call: usize, ask: Ask },
    /// An end makes the next subscription, by a REFER in a call.
    Refer { by: usize, call: usize },
    /// An end makes the next subscription, by a SUBSCRIBE.
    Subscribe { by: usize, expires: u32 },
    /// Whoever got the REFER or SUBSCRIBE tells of it, for the last time or not.
    Report { usage: usize, last: bool },
    /// Whoever sent it does not want to hear of it any more.
    Unsubscribe { usage: usize },
    /// An end sends a request in a call.
    Inform { by: usize, call: usize },
    /// An end sends a request on its own.
    Message { by: usize },
    /// An end begins the next registration.
    Register { by: usize, seconds: u64 },
    /// Whoever began it wants it refreshed now.
    Refresh { registration: usize },
    /// Whoever began it does not want it any more.
    Unregister { registration: usize },
    /// How the registrar answers a REGISTER to come.
    Answer(Verdict),
    /// The flow of an end to the registrar ends.
    Break { whose: usize },
    /// From now on an end takes REFERs and SUBSCRIBEs or not, and has descriptions or not.
    Able { who: usize, follows: bool, describes: bool },
    /// What becomes of the next datagrams of an end, or of the registrar.
    Network { from: usize, next: usize, fate: Fate },
    /// Time passes.
    Pass { millis: u64 },
}

/// What is asked of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Ring,
    Progress,
    Accept,
    Reject,
    Reoffer { seconds: u64 },
    Unacceptable,
    HangUp,
}

/// How much was asked so far.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Of the random numbers of both ends.
    pub(crate) seed: u64,
    /// Whether provisional responses are reliable where they may be, at each end.
    pub(crate) reliable: [bool; 2],
    /// The session interval in seconds that each end asks for; `None` where it knows no session timers.
    pub(crate) interval: [Option<u32>; 2],
    /// Whether the registrar has gone when everybody is to unregister.
    pub(crate) gone: bool,
    calls: usize,
    usages: usize,
    registrations: usize,
}

/// The state machine from which cases are drawn.
pub(crate) struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Asked;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Asked> {
        let interval = || prop_oneof![Just(None), Just(Some(90)), Just(Some(1800))];
        (1..10_000_u64, any::<[bool; 2]>(), [interval(), interval()], proptest::bool::weighted(0.2))
            .prop_map(|(seed, reliable, interval, gone)| Asked {
                seed,
                reliable,
                interval,
                gone,
                calls: 0,
                usages: 0,
                registrations: 0,
            })
            .boxed()
    }

    fn transitions(asked: &Asked) -> BoxedStrategy<Transition> {
        let place = (0..2_usize, proptest::bool::weighted(0.3))
            .prop_map(|(by, offerless)| Transition::Place { by, offerless });
        if asked.calls == 0 {
            let others = prop_oneof![network(), able(), pass(), registering(asked.registrations)];
            return prop_oneof![3 => place, 3 => others].boxed();
        }
        let calls = asked.calls;
        let call =
            (0..2_usize, 0..calls, ask()).prop_map(|(by, call, ask)| Transition::Call { by, call, ask });
        let refer = (0..2_usize, 0..calls).prop_map(|(by, call)| Transition::Refer { by, call });
        let placing = if calls < CALLS { 2 } else { 0 };
        let usages = asked.usages.max(1);
        let reporting = u32::from(asked.usages > 0);
        let report = (0..usages, any::<bool>()).prop_map(|(usage, last)| Transition::Report { usage, last });
        let unsubscribe = (0..usages).prop_map(|usage| Transition::Unsubscribe { usage });
        let expires = prop_oneof![1 => Just(0_u32), 3 => Just(90_u32), 1 => Just(3600_u32)];
        let subscribe = (0..2_usize, expires).prop_map(|(by, expires)| Transition::Subscribe { by, expires });
        let inform = (0..2_usize, 0..calls).prop_map(|(by, call)| Transition::Inform { by, call });
        let message = (0..2_usize).prop_map(|by| Transition::Message { by });
        let usage = prop_oneof![3 => report, 1 => unsubscribe];
        let other = prop_oneof![subscribe, inform, message];
        prop_oneof![
            placing => place,
            16 => call,
            3 => refer,
            4 * reporting => usage,
            3 => other,
            1 => able(),
            4 => registering(asked.registrations),
            6 => network(),
            12 => pass(),
        ]
        .boxed()
    }

    fn apply(mut asked: Asked, transition: &Transition) -> Asked {
        match transition {
            Transition::Place { .. } => asked.calls += 1,
            Transition::Refer { .. } | Transition::Subscribe { .. } => asked.usages += 1,
            Transition::Register { .. } => asked.registrations += 1,
            Transition::Call { .. }
            | Transition::Report { .. }
            | Transition::Unsubscribe { .. }
            | Transition::Inform { .. }
            | Transition::Message { .. }
            | Transition::Refresh { .. }
            | Transition::Unregister { .. }
            | Transition::Answer(_)
            | Transition::Break { .. }
            | Transition::Able { .. }
            | Transition::Network { .. }
            | Transition::Pass { .. } => {}
        }
        asked
    }

    fn preconditions(asked: &Asked, transition: &Transition) -> bool {
        match transition {
            Transition::Place { .. } => asked.calls < CALLS,
            Transition::Call { call, .. }
            | Transition::Refer { call, .. }
            | Transition::Inform { call, .. } => *call < asked.calls,
            Transition::Report { usage, .. } | Transition::Unsubscribe { usage } => *usage < asked.usages,
            Transition::Register { .. } => asked.registrations < REGISTRATIONS,
            Transition::Refresh { registration } | Transition::Unregister { registration } => {
                *registration < asked.registrations
            }
            Transition::Subscribe { .. }
            | Transition::Message { .. }
            | Transition::Answer(_)
            | Transition::Break { .. }
            | Transition::Able { .. }
            | Transition::Network { .. }
            | Transition::Pass { .. } => true,
        }
    }
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        1 => Just(Ask::Ring),
        3 => Just(Ask::Progress),
        6 => Just(Ask::Accept),
        1 => Just(Ask::Reject),
        6 => (1..30_u64).prop_map(|seconds| Ask::Reoffer { seconds }),
        1 => Just(Ask::Unacceptable),
        2 => Just(Ask::HangUp),
    ]
}

fn registering(registrations: usize) -> impl Strategy<Value = Transition> {
    let some = 0..registrations.max(1);
    let known = u32::from(registrations > 0);
    let seconds = prop_oneof![1 => 1..60_u64, 9 => 60..10_000_u64];
    let register = (0..2_usize, seconds).prop_map(|(by, seconds)| Transition::Register { by, seconds });
    prop_oneof![
        3 * u32::from(registrations < REGISTRATIONS) => register,
        known => some.clone().prop_map(|registration| Transition::Refresh { registration }),
        known => some.prop_map(|registration| Transition::Unregister { registration }),
        4 => verdict().prop_map(Transition::Answer),
        known => (0..2_usize).prop_map(|whose| Transition::Break { whose }),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        3 => prop_oneof![0..20_u32, 20..4_000_u32, Just(u32::MAX)].prop_map(Verdict::Grant),
        1 => Just(Verdict::Forget),
        3 => Just(Verdict::Challenge),
        2 => prop_oneof![1..8_000_u32, Just(u32::MAX)].prop_map(Verdict::TooBrief),
        2 => (0..5_000_u32).prop_map(Verdict::Busy),
        1 => prop::sample::select(vec![302_u16, 400, 403, 404, 407, 408, 480, 500, 600]).prop_map(Verdict::Refuse),
        2 => Just(Verdict::Silence),
    ]
}

fn able() -> impl Strategy<Value = Transition> {
    let often = || proptest::bool::weighted(0.7);
    (0..2_usize, often(), often()).prop_map(|(who, follows, describes)| Transition::Able {
        who,
        follows,
        describes,
    })
}

fn network() -> impl Strategy<Value = Transition> {
    let fate = prop_oneof![
        3 => Just(Fate::Lost),
        1 => Just(Fate::Twice),
        2 => (1..4_000_u32).prop_map(Fate::Late),
    ];
    let next = prop_oneof![3 => 1..3_usize, 1 => 3..=RUN];
    (0..=REGISTRAR, next, fate).prop_map(|(from, next, fate)| Transition::Network { from, next, fate })
}

fn pass() -> impl Strategy<Value = Transition> {
    let millis = prop_oneof![2 => 1..60_u64, 3 => 60..1_500_u64, 2 => 1_500..8_000_u64, 1 => 8_000..70_000_u64, 1 => 70_000..4_000_000_u64];
    millis.prop_map(|millis| Transition::Pass { millis })
}
