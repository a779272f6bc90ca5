//! Any interleaving between two or more calls that behave as the dialog layer's do: who is left on hold, and which calls
//! a REFER may touch.

mod model;

use dialog_core::{LegId, NotifiedState, ReferAnswer, ReofferError};
use proptest::prelude::*;

use self::model::{Calls, Stage};
use super::{
    random::options,
    random_policies::{attended, fallback},
    rig::code,
};
use crate::{AttendedOptions, Completion, Hold, HoldPolicy, TransferPolicy};

/// One thing that can happen; indices wrap around in what there is.
#[derive(Debug, Clone)]
enum Input {
    Blind(u8, Hold),
    Attended(u8, u8, Hold, bool, AttendedOptions),
    Consult(u8, Hold, AttendedOptions, Completion),
    Complete(u8),
    Swap(u8),
    Cancel(u8),
    Decline(u8, crate::Decline),
    /// The oldest re-INVITE of a call is settled.
    Settle(u8, Result<(), ReofferError>),
    /// A call that was placed rings, is answered, or is refused.
    Ring(u8),
    Answer(u8, bool),
    Refuse(u8),
    Bye(u8),
    HangUp(u8),
    /// A call that is being ended from here is over.
    Close(u8),
    Respond(u8, ReferAnswer),
    Notify(u8, NotifiedState, Option<u16>),
    /// The oldest two calls that are to be joined are, or cannot be.
    Joined(bool),
    Expire,
}

fn input() -> impl Strategy<Value = Input> {
    use Input::*;
    let index = || 0u8..6;
    let hold = || prop::sample::select(vec![Hold::First, Hold::First, Hold::Already, Hold::No]);
    let completion = prop::sample::select(vec![Completion::OnAnswer, Completion::OnCommand]);
    let result = prop::sample::select(vec![
        Ok(()),
        Ok(()),
        Ok(()),
        Err(ReofferError::Refused(code(488))),
        Err(ReofferError::Refused(code(481))),
        Err(ReofferError::TimedOut),
        Err(ReofferError::Unreachable),
    ]);
    let refused = |status| ReferAnswer::Refused { status: code(status), retry_after: Some(3) };
    let answer = prop::sample::select(vec![
        ReferAnswer::Accepted(code(202)),
        ReferAnswer::Accepted(code(202)),
        ReferAnswer::Accepted(code(202)),
        refused(405),
        refused(481),
        refused(491),
        refused(500),
        refused(603),
        ReferAnswer::TimedOut,
    ]);
    let decline = prop::sample::select(vec![
        crate::Decline::Declined,
        crate::Decline::TimedOut,
        crate::Decline::Impossible,
    ]);
    let state = prop::sample::select(vec![NotifiedState::Active, NotifiedState::Terminated]);
    let status = prop::option::weighted(0.9, prop::sample::select(vec![100u16, 180, 200, 404, 481, 486]));
    prop_oneof![
        1 => (index(), hold()).prop_map(|(leg, hold)| Blind(leg, hold)),
        4 => (index(), index(), hold(), prop::bool::weighted(0.2), options())
            .prop_map(|(leg, with, hold, held, options)| Attended(leg, with, hold, held, options)),
        4 => (index(), hold(), options(), completion)
            .prop_map(|(leg, hold, options, completion)| Consult(leg, hold, options, completion)),
        5 => index().prop_map(Complete),
        3 => index().prop_map(Swap),
        1 => index().prop_map(Cancel),
        1 => (index(), decline).prop_map(|(index, reason)| Input::Decline(index, reason)),
        14 => (index(), result).prop_map(|(leg, result)| Settle(leg, result)),
        2 => index().prop_map(Ring),
        6 => (index(), prop::bool::weighted(0.8)).prop_map(|(leg, replaces)| Answer(leg, replaces)),
        1 => index().prop_map(Refuse),
        2 => index().prop_map(Bye),
        1 => index().prop_map(HangUp),
        3 => index().prop_map(Close),
        6 => (index(), answer).prop_map(|(sub, answer)| Respond(sub, answer)),
        6 => (index(), state, status).prop_map(|(sub, state, status)| Notify(sub, state, status)),
        4 => prop::bool::weighted(0.8).prop_map(Joined),
        2 => Just(Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Invariant 4, and what a REFER may touch: it is sent in a call that is up, and Replaces names another one that is
    /// up; a transfer has one live REFER at most; at the end nobody is held by this layer but a target that waits for what
    /// the application does about it. Of two calls that are bridged none outlives the other.
    #[test]
    fn nobody_is_left_on_hold_and_no_refer_touches_a_call_that_is_over(
        attended in attended(),
        strict in any::<bool>(),
        fallback in fallback(),
        inputs in prop::collection::vec(input(), 1..60),
    ) {
        let hold_failure = if strict { HoldPolicy::Fail } else { HoldPolicy::GoOn };
        let mut calls = Calls::new(TransferPolicy { hold_failure, fallback, attended, ..TransferPolicy::default() });
        for input in inputs {
            calls.run(&input);
            calls.carry();
        }
        calls.calm();
        calls.rig.assert_nothing_left();
        let ended: std::collections::BTreeSet<_> = calls.rig.ended.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(ended.len(), calls.rig.ended.len());
        prop_assert_eq!(ended.len(), calls.transfers.len());
        for (a, b) in &calls.joined {
            let up = |leg: &LegId| calls.legs[leg].stage == Stage::Up;
            prop_assert_eq!(up(a), up(b), "{} and {} of {:?}", a, b, calls.legs);
        }
        for (leg, call) in &calls.legs {
            prop_assert!(call.stage != Stage::Up || call.may_wait || !call.held(), "{} {:?}", leg, call);
        }
    }
}
