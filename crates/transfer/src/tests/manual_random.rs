//! One implementation: steps that are taken as soon as they are due ask for exactly what the automatic path does.

use std::fmt::Debug;

use dialog_core::{
    By, DialogCommand, EndReason, LegCommand, LegEvent, LegId, NotifiedState, ReferAnswer, ReofferError,
    SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use proptest::prelude::*;

use super::rig::{Rig, code};
use crate::{
    Decision, Hold, ManualStep, ReferPolicy, TransferCommand, TransferHandling, TransferId, TransferOutput,
    TransferPolicy,
};

/// What can happen to one transfer.
#[derive(Debug, Clone)]
enum Input {
    Answered(ReferAnswer),
    Notified(NotifiedState, Option<u16>),
    SubEnded(SubscriptionEnd),
    Delivered,
    Reoffered(Result<(), ReofferError>),
    Provisional(u16),
    Up,
    NewEnded(EndReason),
    Closing,
    OldEnded(By),
    Cancel,
    Expire,
}

fn input() -> impl Strategy<Value = Input> {
    use Input::*;
    let answer = prop_oneof![
        4 => Just(ReferAnswer::Accepted(code(202))),
        2 => prop::sample::select(vec![302u16, 401, 404, 405, 481, 491, 603])
            .prop_map(|status| ReferAnswer::Refused { status: code(status), retry_after: None }),
        1 => Just(ReferAnswer::TimedOut),
    ];
    let state =
        prop::sample::select(vec![NotifiedState::Pending, NotifiedState::Active, NotifiedState::Terminated]);
    let status = prop::option::of(prop::sample::select(vec![100u16, 180, 183, 200, 404, 486]));
    let end = prop::sample::select(vec![
        SubscriptionEnd::Terminated,
        SubscriptionEnd::NoNotify,
        SubscriptionEnd::Expired,
        SubscriptionEnd::NotifyFailed,
    ]);
    let reoffer = prop::sample::select(vec![Ok(()), Err(ReofferError::Refused(code(488)))]);
    let reason = prop::sample::select(vec![
        EndReason::Refused(code(486)),
        EndReason::NoAnswer,
        EndReason::Cancelled,
        EndReason::Bye,
    ]);
    prop_oneof![
        4 => answer.prop_map(Answered),
        6 => (state, status).prop_map(|(state, status)| Notified(state, status)),
        1 => end.prop_map(SubEnded),
        3 => Just(Delivered),
        3 => reoffer.prop_map(Reoffered),
        3 => (100u16..190).prop_map(Provisional),
        3 => Just(Up),
        2 => reason.prop_map(NewEnded),
        1 => Just(Closing),
        1 => prop::sample::select(vec![By::Remote, By::Network, By::Local]).prop_map(OldEnded),
        1 => Just(Cancel),
        2 => Just(Expire),
    ]
}

fn policy(handling: TransferHandling) -> TransferPolicy {
    TransferPolicy { refer: ReferPolicy::Allow, handling, ..TransferPolicy::default() }
}

/// One transfer, with the application that takes every step at once where it is manual.
struct Run {
    rig: Rig,
    leg: LegId,
    transfer: TransferId,
    /// Of the transferee; the transferor's is that of the newest REFER.
    asked: Option<SubscriptionId>,
    /// The subscription whose last NOTIFY has come: the layer below tells no other of it.
    terminated: Option<SubscriptionId>,
}

impl Run {
    fn ours(handling: TransferHandling) -> Self {
        let mut rig = Rig::new(policy(handling));
        let leg = rig.call();
        let (transfer, _) = rig.blind(leg, Hold::Done);
        Self { rig, leg, transfer, asked: None, terminated: None }
    }

    fn asked(handling: TransferHandling) -> Self {
        let mut rig = Rig::new(policy(handling));
        let leg = rig.call();
        let (sub, _) = rig.asked(Rig::refer(leg, "sip:carol@example.com"));
        let transfer = rig.transfer();
        if handling == TransferHandling::Manual {
            rig.command(TransferCommand::Decide { transfer, decision: Decision::Accept });
        }
        Self { rig, leg, transfer, asked: Some(sub), terminated: None }
    }

    fn input(&mut self, input: Input) {
        let sub = self.asked.unwrap_or_else(|| self.rig.subscription());
        let rig = &mut self.rig;
        let ours = self.asked.is_none();
        match input {
            Input::Answered(answer) if ours => drop(rig.sub(sub, SubscriptionEvent::Answered(answer))),
            Input::Notified(state, status) if ours && self.terminated != Some(sub) => {
                if state == NotifiedState::Terminated {
                    self.terminated = Some(sub);
                }
                rig.notified(sub, state, status);
            }
            Input::SubEnded(end) => drop(rig.sub(sub, SubscriptionEvent::Ended(end))),
            Input::Delivered if !ours => drop(rig.sub(sub, SubscriptionEvent::Delivered)),
            Input::Reoffered(result) if ours => drop(rig.reoffered(self.leg, result)),
            Input::Provisional(status) if !ours => drop(rig.provisional(rig.placed(), status)),
            Input::Up if !ours => drop(rig.up(rig.placed(), "203.0.113.77", true)),
            Input::NewEnded(reason) if !ours => drop(rig.ended(rig.placed(), By::Remote, reason)),
            Input::Closing => drop(rig.leg(self.leg, LegEvent::Closing)),
            Input::OldEnded(by) => drop(rig.ended(self.leg, by, EndReason::Bye)),
            Input::Cancel => drop(rig.cancel(self.transfer)),
            Input::Expire => drop(rig.expire_next()),
            Input::Answered(_)
            | Input::Notified(..)
            | Input::Delivered
            | Input::Reoffered(_)
            | Input::Provisional(_)
            | Input::Up
            | Input::NewEnded(_) => {}
        }
        self.take_steps();
    }

    /// Takes every step that is due. A refused one changes nothing, so all are tried.
    fn take_steps(&mut self) {
        let steps = [
            ManualStep::ProcessResponse,
            ManualStep::TakeNotify,
            ManualStep::Terminate { leg: self.leg },
            ManualStep::Report { status: code(200), last: true },
            ManualStep::Report { status: code(486), last: true },
        ];
        let mut taken = true;
        while std::mem::take(&mut taken) {
            for step in steps {
                let done = self.rig.command(TransferCommand::Step { transfer: self.transfer, step });
                // What only begins to wait, or is done already, makes no other step due.
                taken |= done.starts_with("ok;");
            }
        }
    }

    /// What is asked of the others, and the outcome; without the provisional reports, which are the application's.
    fn asked_for(&self) -> Vec<String> {
        let outputs = self.rig.outputs.iter().filter_map(|output| match output {
            TransferOutput::Dialog(DialogCommand::Subscription(
                _,
                SubscriptionCommand::Report { last: None, .. },
            )) => None,
            // The application says why as it likes.
            TransferOutput::Dialog(DialogCommand::Subscription(
                _,
                SubscriptionCommand::Report { status, .. },
            )) => Some(format!("last report, success={}", status.is_success())),
            TransferOutput::Dialog(DialogCommand::Leg(_, LegCommand::Refer { refer, .. })) => {
                Some(format!("REFER {:?}", refer.refer_to))
            }
            TransferOutput::Dialog(command) => Some(show(command)),
            TransferOutput::Hold { .. } => Some("hold".to_owned()),
            TransferOutput::Resume { .. } => Some("resume".to_owned()),
            TransferOutput::Place { target, .. } => Some(format!("place {target}")),
            TransferOutput::MoveMedia { .. } => Some("media".to_owned()),
            _ => None,
        });
        let mut all: Vec<String> = outputs.collect();
        all.extend(self.rig.ended.iter().map(|(_, outcome)| show(outcome)));
        all
    }
}

fn show(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Runs both and compares after every input, for as long as the transfers live.
fn compare(mut automatic: Run, mut manual: Run, inputs: Vec<Input>) -> Result<(), TestCaseError> {
    for input in inputs {
        if automatic.rig.transfers.is_empty() {
            break;
        }
        automatic.input(input.clone());
        manual.input(input.clone());
        prop_assert_eq!(automatic.asked_for(), manual.asked_for(), "after {:?}", input);
    }
    prop_assert_eq!(automatic.rig.transfers.is_empty(), manual.rig.transfers.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_manual_transfer_of_ours_asks_for_what_an_automatic_one_does(
        inputs in prop::collection::vec(input(), 1..40),
    ) {
        use TransferHandling::{Automatic, Manual};
        compare(Run::ours(Automatic), Run::ours(Manual), inputs)?;
    }

    #[test]
    fn a_manual_transfer_asked_of_us_asks_for_what_an_automatic_one_does(
        inputs in prop::collection::vec(input(), 1..40),
    ) {
        use TransferHandling::{Automatic, Manual};
        compare(Run::asked(Automatic), Run::asked(Manual), inputs)?;
    }
}
