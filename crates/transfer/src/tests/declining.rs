//! A target that was asked first and does not take the party over.

use super::rig::wrong;
use super::two_calls::{BOB, CAROL, TwoCalls, policy};
use crate::{AttendedOptions, AttendedPolicy, Completion, Decline, Hold, TransferCommand, TransferPolicy};

const DECLINES: [(Decline, &str); 3] = [
    (Decline::Declined, "Recovered Local - Declined"),
    (Decline::TimedOut, "TimedOut Guard - Undecided"),
    (Decline::Impossible, "Recovered Local - NoReplaces"),
];

impl TwoCalls {
    fn decline(&mut self, reason: Decline) -> String {
        let transfer = self.transfer;
        self.rig.command(TransferCommand::Decline { transfer, reason })
    }
}

#[test]
fn the_party_is_back_and_the_outcome_says_that_the_target_declined() {
    for (reason, outcome) in DECLINES {
        let mut calls = TwoCalls::talking(AttendedPolicy::default());
        assert_eq!(
            calls.decline(reason),
            "ok; disarm Talk; hangup d2; media d2 to d1; [recovering]; resume d1 10s; arm Resume 12s"
        );
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), format!("{outcome} kept=true"));
        calls.rig.assert_nothing_left();
    }
}

#[test]
fn a_target_that_rings_can_decline_as_well() {
    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    calls.decline(Decline::Declined);
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Local - Declined kept=true");
}

#[test]
fn a_party_that_is_lost_meanwhile_is_not_back() {
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.decline(Decline::Declined);
    calls.rig.bye(calls.d1);
    assert_eq!(calls.rig.outcome(), "Failed Local - Declined kept=false");
}

#[test]
fn nobody_declines_who_is_not_asked() {
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    calls.consult(Hold::First, AttendedOptions::default(), Completion::OnCommand);
    let asking = "Consulting, ConsultEarly or ConsultTalk";
    assert_eq!(calls.decline(Decline::Declined), wrong("HoldPrimary", asking), "the party is being held");
    let mut calls = TwoCalls::both(policy(AttendedPolicy::default()), &BOB, &CAROL);
    calls.attended(Hold::First, AttendedOptions::default());
    assert_eq!(calls.decline(Decline::Declined), wrong("HoldPrimary", asking), "nobody is asked");
}
