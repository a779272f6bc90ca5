//! Two calls of ours, `d1` to the party that is to be moved and `d2` to the target, and transfers between them.

use dialog_core::{
    DialogIdentity, Established, LegEvent, LegId, NotifiedState, Peer, ReofferError, SubscriptionId,
};
use sip_message::{Method, NameAddrBuf};

use super::rig::{Rig, uri};
use crate::{
    AttendedOptions, AttendedPolicy, Completion, Hold, ReferOptions, TransferCommand, TransferId,
    TransferPolicy, TransferTimerName,
};

/// Refer-To as the catalogue's §8 has it: the target's Contact, and the consultation call from the target's side.
pub(super) const CONTACT: &str =
    "sip:carol@198.51.100.9:5062;transport=tcp?Replaces=9f2c%40192.0.2.7%3Bto-tag%3Dk3%3Bfrom-tag%3Dp8";

/// The same by the address of record, for a device that has to refuse what it cannot replace.
pub(super) const RECORD: &str =
    "sip:carol@example.com?Replaces=9f2c%40192.0.2.7%3Bto-tag%3Dk3%3Bfrom-tag%3Dp8&Require=replaces";

/// Refer-To for the target: the party of the first call, and that call from its side.
pub(super) const PROTECTED: &str =
    "sip:bob@203.0.113.9:5070?Replaces=77ab%40192.0.2.7%3Bto-tag%3Db1%3Bfrom-tag%3Da1";

/// The other party of a call, and that call.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) contact: &'static str,
    pub(super) record: &'static str,
    pub(super) call_id: &'static str,
    pub(super) theirs: &'static str,
    pub(super) ours: &'static str,
    pub(super) replaces: bool,
    pub(super) takes_refer: bool,
    /// Whether we placed the call.
    pub(super) placed: bool,
}

/// Who is to be moved; it called us.
pub(super) const BOB: Party = Party {
    contact: "sip:bob@203.0.113.9:5070",
    record: "sip:bob@example.com",
    call_id: "77ab@192.0.2.7",
    theirs: "b1",
    ours: "a1",
    replaces: true,
    takes_refer: true,
    placed: false,
};

/// The target; we called it.
pub(super) const CAROL: Party = Party {
    contact: "sip:carol@198.51.100.9:5062;transport=tcp",
    record: "sip:carol@example.com",
    call_id: "9f2c@192.0.2.7",
    theirs: "k3",
    ours: "p8",
    replaces: true,
    takes_refer: true,
    placed: true,
};

impl Party {
    fn answered(&self) -> LegEvent {
        let allow = if self.takes_refer { None } else { Some([Method::Invite].into_iter().collect()) };
        LegEvent::Up(Box::new(Established {
            dialog: DialogIdentity {
                call_id: self.call_id.into(),
                local_tag: self.ours.into(),
                remote_tag: self.theirs.into(),
            },
            remote_target: uri(self.contact),
            remote: NameAddrBuf::new(uri(self.record)),
            peer: Peer { allow, replaces: self.replaces, ..Peer::default() },
            placed: self.placed,
            source: ([203, 0, 113, 9], 5060).into(),
        }))
    }
}

/// The two calls, and the newest transfer.
#[derive(Debug)]
pub(super) struct TwoCalls {
    pub(super) rig: Rig,
    pub(super) d1: LegId,
    pub(super) d2: LegId,
    pub(super) transfer: TransferId,
}

/// The usual policy but for attended transfers.
pub(super) fn policy(attended: AttendedPolicy) -> TransferPolicy {
    TransferPolicy { attended, ..TransferPolicy::default() }
}

impl TwoCalls {
    /// The first call is up; there is only the id of the second one.
    pub(super) fn one(policy: TransferPolicy, bob: &Party) -> Self {
        let mut rig = Rig::new(policy);
        let (d1, d2) = (rig.mint(), rig.mint());
        rig.name(d1, "d1");
        rig.name(d2, "d2");
        rig.leg(d1, bob.answered());
        let transfer = rig.mint();
        Self { rig, d1, d2, transfer }
    }

    /// Both calls are up.
    pub(super) fn both(policy: TransferPolicy, bob: &Party, carol: &Party) -> Self {
        let mut calls = Self::one(policy, bob);
        calls.rig.leg(calls.d2, carol.answered());
        calls
    }

    /// Both calls are up, and a transfer between them has got as far as its REFER.
    pub(super) fn referred(attended: AttendedPolicy, options: AttendedOptions) -> Self {
        let mut calls = Self::both(policy(attended), &BOB, &CAROL);
        calls.attended(Hold::First, options);
        calls.done(calls.d1);
        if attended.hold_consultation {
            calls.done(calls.d2);
        }
        calls
    }

    /// As [`Self::referred`], and the REFER was accepted.
    pub(super) fn accepted(attended: AttendedPolicy) -> (Self, SubscriptionId) {
        let mut calls = Self::referred(attended, AttendedOptions::default());
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        (calls, sub)
    }

    /// The target is being asked, and rings.
    pub(super) fn ringing(attended: AttendedPolicy) -> Self {
        let mut calls = Self::one(policy(attended), &BOB);
        calls.consult(Hold::First, AttendedOptions::default(), Completion::OnCommand);
        calls.done(calls.d1);
        calls.rig.provisional(calls.d2, 180);
        calls
    }

    /// The target has answered; the user is with it.
    pub(super) fn talking(attended: AttendedPolicy) -> Self {
        let mut calls = Self::ringing(attended);
        calls.answer(&CAROL);
        calls
    }

    pub(super) fn attended(&mut self, hold: Hold, options: AttendedOptions) -> String {
        self.attended_held(hold, false, options)
    }

    pub(super) fn attended_held(
        &mut self,
        hold: Hold,
        consultation_held: bool,
        options: AttendedOptions,
    ) -> String {
        self.transfer = self.rig.mint();
        self.rig.command(TransferCommand::Attended {
            refer: ReferOptions::default(),
            transfer: self.transfer,
            leg: self.d1,
            consultation: self.d2,
            hold,
            consultation_held,
            referred_by: None,
            options,
        })
    }

    pub(super) fn consult(&mut self, hold: Hold, options: AttendedOptions, completion: Completion) -> String {
        self.transfer = self.rig.mint();
        self.rig.command(TransferCommand::Consult {
            refer: ReferOptions::default(),
            transfer: self.transfer,
            leg: self.d1,
            consultation: self.d2,
            target: uri("sip:carol@example.com"),
            hold,
            referred_by: None,
            options,
            completion,
        })
    }

    pub(super) fn complete(&mut self) -> String {
        self.rig.command(TransferCommand::Complete { transfer: self.transfer, fallback: None })
    }

    pub(super) fn swap(&mut self) -> String {
        self.rig.command(TransferCommand::Swap { transfer: self.transfer })
    }

    pub(super) fn detach(&mut self) -> String {
        self.rig.command(TransferCommand::Detach { transfer: self.transfer })
    }

    pub(super) fn cancel(&mut self) -> String {
        self.rig.cancel(self.transfer)
    }

    pub(super) fn expire(&mut self, name: TransferTimerName) -> String {
        self.rig.expire(self.transfer, name)
    }

    /// The target answers the consultation call.
    pub(super) fn answer(&mut self, carol: &Party) -> String {
        self.rig.leg(self.d2, carol.answered())
    }

    /// A re-INVITE is followed.
    pub(super) fn done(&mut self, leg: LegId) -> String {
        self.rig.reoffered(leg, Ok(()))
    }

    pub(super) fn failed(&mut self, leg: LegId, error: ReofferError) -> String {
        self.rig.reoffered(leg, Err(error))
    }

    /// The last report of the newest subscription.
    pub(super) fn reported(&mut self, status: u16) -> String {
        self.rig.notified(self.rig.subscription(), NotifiedState::Terminated, Some(status))
    }

    /// The state of the transfer by its name in the catalogue.
    pub(super) fn state(&self) -> &'static str {
        let mut transfers = self.rig.transfers.transfers();
        transfers.find(|info| info.id == self.transfer).map_or("Ended", |info| info.state)
    }
}
