//! Any interleaving: the invariants of the catalogue's §2.7 that belong to this layer.

use std::time::Duration;

use dialog_core::{
    By, DialogCommand, EndReason, LegCommand, LegEvent, LegId, Misuse, NotifiedState, Peer, ReferAnswer,
    ReofferError, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use proptest::prelude::*;

use super::{
    invariants::{check_one_end_each, check_one_last_report_each},
    random_policies::{fallback, policy},
    rig::{Rig, code, uri},
};
use crate::{
    AttendedOptions, Completion, Decision, Hold, ManualStep, ReferOptions, ReferPlacement, ReferPolicy,
    ReferSubscription, ReferTarget, ReferredBy, TransferCommand, TransferEventKind, TransferHandling,
    TransferId, TransferOutput, TransferPolicy,
};

/// One thing that can happen, to some leg, subscription or transfer that was ever seen.
#[derive(Debug, Clone)]
enum Input {
    Call,
    Blind(u8, Hold, ReferOptions),
    Attended(u8, u8, Hold, bool, AttendedOptions, ReferOptions),
    Consult(u8, Hold, AttendedOptions, ReferOptions, Completion),
    Complete(u8),
    Swap(u8),
    Asked(u8, &'static str),
    Cancel(u8),
    Detach(u8),
    EventsAt(u8),
    Decide(u8, Decision),
    Step(u8, ByHand),
    Handling(u8, TransferHandling),
    Reoffered(u8, Result<(), ReofferError>),
    Closing(u8),
    BeforeHangUp(u8),
    Ended(u8, By, EndReason),
    Provisional(u8, u16),
    Up(u8, bool),
    Answered(u8, ReferAnswer),
    Notified(u8, NotifiedState, Option<u16>),
    Delivered(u8),
    SubEnded(u8, SubscriptionEnd),
    Misused(u8),
    Joined(u8, bool),
    Expire,
    Wait(u8),
}

/// A step of the application's; the call that it ends is one that was ever seen.
#[derive(Debug, Clone, Copy)]
enum ByHand {
    ProcessResponse,
    TakeNotify,
    Terminate(u8),
    Report(u16, bool),
}

fn step() -> impl Strategy<Value = ByHand> {
    prop_oneof![
        3 => Just(ByHand::ProcessResponse),
        3 => Just(ByHand::TakeNotify),
        2 => (0u8..4).prop_map(ByHand::Terminate),
        3 => (status(), any::<bool>()).prop_map(|(status, last)| ByHand::Report(status, last)),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    prop::sample::select(vec![100u16, 180, 183, 199, 200, 202, 302, 404, 481, 486, 487, 491, 500, 503, 603])
}

pub(super) fn options() -> impl Strategy<Value = AttendedOptions> {
    let refer_to =
        prop::sample::select(vec![None, Some(ReferTarget::Contact), Some(ReferTarget::AddressOfRecord)]);
    (refer_to, any::<bool>(), any::<bool>(), prop::option::of(fallback())).prop_map(
        |(refer_to, protect_target, force, fallback)| AttendedOptions {
            refer_to,
            protect_target,
            force,
            fallback,
        },
    )
}

pub(super) fn refer_options() -> impl Strategy<Value = ReferOptions> {
    let placement = prop::sample::select(vec![
        ReferPlacement::Auto,
        ReferPlacement::InDialog,
        ReferPlacement::OutOfDialog,
    ]);
    let subscription = prop::sample::select(vec![
        ReferSubscription::Implicit,
        ReferSubscription::Implicit,
        ReferSubscription::Suppress,
        ReferSubscription::None,
        ReferSubscription::Explicit,
    ]);
    let referred_by = prop::sample::select(vec![ReferredBy::Ours, ReferredBy::Named, ReferredBy::Omitted]);
    let header = prop::sample::select(vec![None, Some("X-Case"), Some("Via")]);
    (placement, subscription, referred_by, header).prop_map(
        |(placement, subscription, referred_by, header)| ReferOptions {
            placement,
            subscription,
            referred_by,
            headers: header.iter().map(|name| ((*name).into(), "1".into())).collect(),
            ..ReferOptions::default()
        },
    )
}

fn input() -> impl Strategy<Value = Input> {
    use Input::*;
    let index = 0u8..12;
    let hold = prop::sample::select(vec![Hold::First, Hold::Already, Hold::Done, Hold::No]);
    let reoffer = prop::sample::select(vec![
        Ok(()),
        Ok(()),
        Err(ReofferError::Refused(code(481))),
        Err(ReofferError::Refused(code(488))),
        Err(ReofferError::TimedOut),
        Err(ReofferError::Description),
        Err(ReofferError::Ended),
    ]);
    let by = prop::sample::select(vec![By::Local, By::Remote, By::Network]);
    let reason = prop::sample::select(vec![
        EndReason::Bye,
        EndReason::Cancelled,
        EndReason::Refused(code(486)),
        EndReason::Redirected {
            status: code(302),
            contacts: vec![uri("sip:carol@192.0.2.5"), uri("sip:x@10.0.0.1")],
        },
        EndReason::NoAnswer,
        EndReason::Unreachable,
        EndReason::Gone,
    ]);
    let answer = prop_oneof![
        3 => Just(ReferAnswer::Accepted(code(202))),
        2 => (prop::sample::select(vec![302u16, 401, 404, 405, 481, 491, 500, 603]), prop::option::of(0u32..40))
            .prop_map(|(status, retry_after)| ReferAnswer::Refused { status: code(status), retry_after }),
        1 => Just(ReferAnswer::TimedOut),
        1 => Just(ReferAnswer::Unreachable),
    ];
    let state =
        prop::sample::select(vec![NotifiedState::Pending, NotifiedState::Active, NotifiedState::Terminated]);
    let end = prop::sample::select(vec![
        SubscriptionEnd::Terminated,
        SubscriptionEnd::Refused,
        SubscriptionEnd::NoNotify,
        SubscriptionEnd::Expired,
        SubscriptionEnd::NotifyFailed,
        SubscriptionEnd::Unsubscribed,
        SubscriptionEnd::Suppressed,
    ]);
    let target = prop::sample::select(vec!["sip:carol@example.com", "sip:x@127.0.0.1", "http://x/"]);
    let decisions =
        vec![Decision::Accept, Decision::Reject, Decision::RejectWith(code(403)), Decision::HandleMyself];
    let handling = vec![TransferHandling::Automatic, TransferHandling::Manual];
    let completion = prop::sample::select(vec![Completion::OnAnswer, Completion::OnCommand]);
    prop_oneof![
        3 => Just(Call),
        4 => (index.clone(), hold.clone(), refer_options())
            .prop_map(|(leg, hold, options)| Blind(leg, hold, options)),
        4 => (index.clone(), index.clone(), hold.clone(), any::<bool>(), options(), refer_options())
            .prop_map(|(leg, with, hold, held, options, refer)| Attended(leg, with, hold, held, options, refer)),
        4 => (index.clone(), hold, options(), refer_options(), completion)
            .prop_map(|(leg, hold, options, refer, completion)| Consult(leg, hold, options, refer, completion)),
        3 => index.clone().prop_map(Complete),
        2 => index.clone().prop_map(Swap),
        4 => (index.clone(), target).prop_map(|(leg, target)| Asked(leg, target)),
        1 => index.clone().prop_map(Cancel),
        2 => (index.clone(), prop::sample::select(decisions)).prop_map(|(transfer, decision)| Decide(transfer, decision)),
        6 => (index.clone(), step()).prop_map(|(transfer, step)| Step(transfer, step)),
        1 => (index.clone(), prop::sample::select(handling)).prop_map(|(leg, handling)| Handling(leg, handling)),
        1 => index.clone().prop_map(Detach),
        1 => index.clone().prop_map(EventsAt),
        4 => (index.clone(), reoffer).prop_map(|(leg, result)| Reoffered(leg, result)),
        1 => index.clone().prop_map(Closing),
        1 => index.clone().prop_map(BeforeHangUp),
        2 => (index.clone(), by, reason).prop_map(|(leg, by, reason)| Ended(leg, by, reason)),
        3 => (index.clone(), status()).prop_map(|(leg, status)| Provisional(leg, status)),
        3 => (index.clone(), any::<bool>()).prop_map(|(leg, replaces)| Up(leg, replaces)),
        4 => (index.clone(), answer).prop_map(|(sub, answer)| Answered(sub, answer)),
        4 => (index.clone(), state, prop::option::of(status())).prop_map(|(sub, state, code)| Notified(sub, state, code)),
        2 => index.clone().prop_map(Delivered),
        1 => (index.clone(), end).prop_map(|(sub, end)| SubEnded(sub, end)),
        1 => index.clone().prop_map(Misused),
        3 => (index, prop::bool::weighted(0.8)).prop_map(|(join, joined)| Joined(join, joined)),
        2 => Just(Expire),
        1 => (0u8..100).prop_map(Wait),
    ]
}

/// An id that nobody minted.
const STRANGER: u64 = 9999;

/// What the run has met so far; indices of inputs wrap around in it.
#[derive(Debug, Default)]
struct Met {
    legs: Vec<LegId>,
    subs: Vec<SubscriptionId>,
    transfers: Vec<TransferId>,
    joins: Vec<(LegId, LegId)>,
}

fn pick<T: Copy>(of: &[T], index: u8) -> Option<T> {
    // The newest are picked most.
    (!of.is_empty()).then(|| of[of.len() - 1 - usize::from(index) % of.len()])
}

fn run(rig: &mut Rig, met: &mut Met, input: Input) {
    use Input::*;
    let leg = |met: &Met, index| pick(&met.legs, index).unwrap_or(STRANGER.into());
    let sub = |met: &Met, index| pick(&met.subs, index).unwrap_or(STRANGER.into());
    let transfer = |met: &Met, index| pick(&met.transfers, index).unwrap_or(STRANGER.into());
    match input {
        Call => met.legs.push(rig.call()),
        Blind(index, hold, options) => {
            met.transfers.push(rig.blind_with(leg(met, index), hold, options).0);
        }
        Attended(index, with, hold, consultation_held, options, refer) => {
            let transfer = rig.mint();
            met.transfers.push(transfer);
            rig.command(TransferCommand::Attended {
                transfer,
                leg: leg(met, index),
                consultation: leg(met, with),
                hold,
                consultation_held,
                referred_by: None,
                options,
                refer,
            });
        }
        Consult(index, hold, options, refer, completion) => {
            let (transfer, consultation) = (rig.mint(), rig.mint());
            met.transfers.push(transfer);
            rig.command(TransferCommand::Consult {
                transfer,
                leg: leg(met, index),
                consultation,
                target: uri("sip:carol@example.com"),
                hold,
                referred_by: None,
                options,
                refer,
                completion,
            });
        }
        Complete(index) => {
            rig.command(TransferCommand::Complete { transfer: transfer(met, index), fallback: None });
        }
        Swap(index) => {
            rig.command(TransferCommand::Swap { transfer: transfer(met, index) });
        }
        Asked(index, target) => met.subs.push(rig.asked(Rig::refer(leg(met, index), target)).0),
        Detach(index) => drop(rig.command(TransferCommand::Detach { transfer: transfer(met, index) })),
        EventsAt(index) => {
            rig.sub(sub(met, index), SubscriptionEvent::EventsAt(uri("sip:events@192.0.2.9")));
        }
        Cancel(index) => drop(rig.cancel(transfer(met, index))),
        Decide(index, decision) => {
            rig.command(TransferCommand::Decide { transfer: transfer(met, index), decision });
        }
        Step(index, asked) => {
            let step = match asked {
                ByHand::ProcessResponse => ManualStep::ProcessResponse,
                ByHand::TakeNotify => ManualStep::TakeNotify,
                ByHand::Terminate(index) => ManualStep::Terminate { leg: leg(met, index) },
                ByHand::Report(status, last) => ManualStep::Report { status: code(status), last },
            };
            rig.command(TransferCommand::Step { transfer: transfer(met, index), step });
        }
        Handling(index, handling) => {
            rig.transfers.handling_for(leg(met, index), handling);
        }
        Reoffered(index, result) => drop(rig.reoffered(leg(met, index), result)),
        Closing(index) => drop(rig.leg(leg(met, index), LegEvent::Closing)),
        BeforeHangUp(index) => drop(rig.before_hang_up(leg(met, index))),
        Ended(index, by, reason) => drop(rig.ended(leg(met, index), by, reason)),
        Provisional(index, status) if status < 200 => drop(rig.provisional(leg(met, index), status)),
        Provisional(..) => {}
        Up(index, replaces) => {
            let peer = Peer { replaces, ..Peer::default() };
            rig.up_with(leg(met, index), "203.0.113.77", true, peer);
        }
        Answered(index, answer) => drop(rig.sub(sub(met, index), SubscriptionEvent::Answered(answer))),
        Notified(index, state, status) => drop(rig.notified(sub(met, index), state, status)),
        Delivered(index) => {
            let sub = sub(met, index);
            rig.sub(sub, SubscriptionEvent::Reported);
            rig.sub(sub, SubscriptionEvent::Delivered);
        }
        SubEnded(index, end) => drop(rig.sub(sub(met, index), SubscriptionEvent::Ended(end))),
        Misused(index) => drop(rig.sub(sub(met, index), SubscriptionEvent::Misused(Misuse::State))),
        Joined(index, joined) => {
            if let Some((a, b)) = pick(&met.joins, index) {
                rig.joined(a, b, joined);
            }
        }
        Expire => drop(rig.expire_next()),
        Wait(seconds) => rig.wait(u64::from(seconds)),
    }
}

/// Takes down which ids came out.
fn learn(rig: &Rig, met: &mut Met, from: usize) {
    for output in &rig.outputs[from..] {
        match output {
            TransferOutput::Place { leg, .. } => met.legs.push(*leg),
            TransferOutput::Bridge { a, b } => met.joins.push((*a, *b)),
            TransferOutput::Dialog(DialogCommand::Leg(
                _,
                LegCommand::Refer { subscription, .. } | LegCommand::FollowRefer { subscription, .. },
            )) => met.subs.push(*subscription),
            TransferOutput::Event(event) if matches!(event.kind, TransferEventKind::Requested { .. }) => {
                met.transfers.push(event.transfer);
            }
            _ => {}
        }
    }
}

/// Answers every re-INVITE that was asked for and not answered yet.
fn answer_reoffers(rig: &mut Rig, leg: LegId, answered: &mut usize) {
    while rig
        .outputs
        .iter()
        .filter(|output| matches!(output, TransferOutput::Hold { .. } | TransferOutput::Resume { .. }))
        .count()
        > *answered
    {
        *answered += 1;
        rig.reoffered(leg, Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Invariants 1, 4 and 6: whatever happens, and then only time passes, each transfer ends once, within the time that
    /// the policy names, and nothing is left of it.
    #[test]
    fn every_transfer_ends_exactly_once_and_leaves_nothing(policy in policy(), inputs in prop::collection::vec(input(), 1..80)) {
        // The target may be asked until the last is done.
        let asks = |input: &Input| matches!(input, Input::Consult(_, _, _, _, Completion::OnCommand));
        let talk = if inputs.iter().any(asks) { policy.attended.talk_limit } else { Duration::ZERO };
        let longest = policy.longest() + talk;
        let mut rig = Rig::new(policy);
        let mut met = Met::default();
        for input in inputs {
            let from = rig.outputs.len();
            run(&mut rig, &mut met, input);
            learn(&rig, &mut met, from);
            prop_assert!(rig.transfers.len() <= rig.transfers.policy().transfers);
        }
        let (last_input, from) = (rig.now, rig.outputs.len());
        while rig.expire_next().is_some() {}
        learn(&rig, &mut met, from);
        prop_assert!(rig.now.since(last_input) <= longest);
        prop_assert_eq!(rig.transfers.transfers().count(), 0);
        for sub in met.subs {
            rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::NoNotify));
        }
        rig.assert_nothing_left();
        check_one_end_each(&rig);
        check_one_last_report_each(&rig);
        for leg in met.legs.into_iter().chain([STRANGER.into()]) {
            rig.bye(leg);
        }
        prop_assert_eq!(rig.transfers.watched(), 0);
    }

    /// Invariant 5: a transfer that fails does not end the call while that call answers its re-INVITEs.
    #[test]
    fn a_failed_transfer_never_hangs_up_a_call_that_lives(
        hold in prop::sample::select(vec![Hold::First, Hold::Already, Hold::No]),
        inputs in prop::collection::vec(input(), 1..30),
    ) {
        let mut rig = Rig::new(TransferPolicy::default());
        let mut met = Met { legs: vec![rig.call()], ..Met::default() };
        let leg = met.legs[0];
        met.transfers.push(rig.blind(leg, hold).0);
        let mut answered = 0;
        for input in inputs {
            // Only what the REFER and its subscription can do.
            match input {
                // Without a report the acceptance counts as a success.
                Input::SubEnded(_, SubscriptionEnd::Suppressed) => continue,
                Input::Answered(..) | Input::Misused(_) | Input::SubEnded(..) | Input::Cancel(_) => {}
                Input::Notified(_, _, status) if status.is_none_or(|status| !(200..300).contains(&status)) => {}
                _ => continue,
            }
            let from = rig.outputs.len();
            run(&mut rig, &mut met, input);
            answer_reoffers(&mut rig, leg, &mut answered);
            learn(&rig, &mut met, from);
        }
        while !rig.transfers.is_empty() && rig.expire_next().is_some() {
            answer_reoffers(&mut rig, leg, &mut answered);
        }
        let hung_up = rig.outputs.iter().any(|output| {
            matches!(output, TransferOutput::Dialog(DialogCommand::Leg(_, LegCommand::HangUp { .. })))
        });
        prop_assert!(!hung_up);
        prop_assert!(rig.ended.iter().all(|(_, outcome)| outcome.call_kept));
    }

    /// The same inputs give the same outputs.
    #[test]
    fn the_layer_is_deterministic(inputs in prop::collection::vec(input(), 1..60)) {
        let outputs = |inputs: Vec<Input>| {
            let mut rig = Rig::new(TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() });
            let mut met = Met::default();
            for input in inputs {
                let from = rig.outputs.len();
                run(&mut rig, &mut met, input);
                learn(&rig, &mut met, from);
            }
            format!("{:?}", rig.outputs)
        };
        prop_assert_eq!(outputs(inputs.clone()), outputs(inputs));
    }
}
