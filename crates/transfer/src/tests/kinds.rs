//! Which kind a transfer is: told with its beginning and when it changes, and seen in the list.

use dialog_core::{IncomingRefer, ReferAnswer, SubscriptionEvent};

use super::{
    rig::{Rig, code, wrong},
    two_calls::{BOB, CAROL, PROTECTED, TwoCalls, policy},
};
use crate::{
    AttendedOptions, AttendedPolicy, Completion, Hold, ReferPolicy, SemiAttendedPolicy, TransferEventKind,
    TransferKind, TransferOutput, TransferPolicy,
};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };

const PROTECTING: AttendedOptions = AttendedOptions { protect_target: true, ..USUAL };

/// The kinds as they were told.
fn told(rig: &Rig) -> Vec<TransferKind> {
    let kinds = rig.outputs.iter().filter_map(|output| match output {
        TransferOutput::Event(event) => match event.kind {
            TransferEventKind::Initiated { kind, .. }
            | TransferEventKind::Requested { kind, .. }
            | TransferEventKind::KindChanged { kind } => Some(kind),
            _ => None,
        },
        _ => None,
    });
    kinds.collect()
}

fn seen(rig: &Rig) -> TransferKind {
    rig.transfers.transfers().last().map(|info| info.kind).expect("it is under way")
}

#[test]
fn the_kind_is_told_with_the_beginning() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::First);
    assert_eq!((told(&rig), seen(&rig)), (vec![TransferKind::Blind], TransferKind::Blind));

    for (options, kind) in [(USUAL, TransferKind::Attended), (PROTECTING, TransferKind::ProtectedTarget)] {
        let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
        calls.attended(Hold::First, options);
        assert_eq!((told(&calls.rig), seen(&calls.rig)), (vec![kind], kind));
        let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
        calls.consult(Hold::First, options, Completion::OnAnswer);
        calls.done(calls.d1);
        calls.rig.provisional(calls.d2, 180);
        calls.answer(&CAROL);
        assert_eq!((told(&calls.rig), seen(&calls.rig)), (vec![kind], kind));
    }
}

#[test]
fn what_is_completed_before_the_answer_is_semi_attended_from_then_on() {
    for semi_attended in [SemiAttendedPolicy::WaitForAnswer, SemiAttendedPolicy::CancelThenBlind] {
        let mut calls = TwoCalls::ringing(AttendedPolicy { semi_attended, ..AttendedPolicy::default() });
        assert_eq!(seen(&calls.rig), TransferKind::Attended);
        assert!(calls.complete().starts_with("ok; [kind SemiAttended]"));
        assert_eq!(seen(&calls.rig), TransferKind::SemiAttended);
        assert_eq!(told(&calls.rig), [TransferKind::Attended, TransferKind::SemiAttended]);
    }
    // What is refused, and what is completed later, changes nothing.
    let refuse = AttendedPolicy { semi_attended: SemiAttendedPolicy::Refuse, ..AttendedPolicy::default() };
    let mut calls = TwoCalls::ringing(refuse);
    assert_eq!(calls.complete(), wrong("ConsultEarly", "ConsultTalk"));
    assert_eq!(told(&calls.rig), [TransferKind::Attended]);
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    assert_eq!(told(&calls.rig), [TransferKind::Attended]);
}

#[test]
fn a_protected_target_that_is_let_go_before_its_answer_is_not_protected_any_more() {
    let semi_attended = SemiAttendedPolicy::CancelThenBlind;
    let attended = AttendedPolicy { semi_attended, ..AttendedPolicy::default() };
    let mut calls = TwoCalls::one(policy(attended), &BOB);
    calls.consult(Hold::First, PROTECTING, Completion::OnCommand);
    calls.done(calls.d1);
    calls.rig.provisional(calls.d2, 180);
    calls.complete();
    assert_eq!(seen(&calls.rig), TransferKind::ProtectedTarget);
    let end = dialog_core::EndReason::Cancelled;
    assert!(calls.rig.ended(calls.d2, dialog_core::By::Local, end).contains("[kind SemiAttended]"));
    assert_eq!(told(&calls.rig), [TransferKind::ProtectedTarget, TransferKind::SemiAttended]);
}

#[test]
fn exchanged_roles_protect_the_target() {
    let mut calls = TwoCalls::referred(
        AttendedPolicy { reverse_roles: true, ..AttendedPolicy::default() },
        AttendedOptions::default(),
    );
    let refused = ReferAnswer::Refused { status: code(405), retry_after: None };
    let said = calls.rig.sub(calls.rig.subscription(), SubscriptionEvent::Answered(refused));
    assert_eq!(said, format!("[kind ProtectedTarget]; [refer sent]; refer d2 {PROTECTED}"));
    assert_eq!(seen(&calls.rig), TransferKind::ProtectedTarget);
}

#[test]
fn a_refer_of_others_that_names_a_call_is_attended() {
    let allow = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    for (replaces, kind) in [(false, TransferKind::Blind), (true, TransferKind::Attended)] {
        let mut rig = Rig::new(allow.clone());
        let leg = rig.call();
        let named = sip_message::Replaces::new("other", "a", "b").expect("three tokens");
        let refer = IncomingRefer {
            replaces: replaces.then(|| named.clone()),
            headers: if replaces { vec![("Replaces".into(), named.to_string().into())] } else { Vec::new() },
            ..Rig::refer(leg, "sip:carol@example.com")
        };
        rig.asked(refer);
        assert_eq!((told(&rig), seen(&rig)), (vec![kind], kind));
    }
}
