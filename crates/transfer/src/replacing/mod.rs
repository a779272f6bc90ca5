//! Calls of ours that others replace (RFC 3891, table 2.4): carries out what [`machine`] decides.

mod authorisation;
mod machine;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr};

use dialog_core::{DialogCommand, EndCause, EndReason, IncomingCall, LegCommand, LegEvent, LegId, Replacing};
use sip_message::{NameAddrBuf, StatusCode};
use sip_transport::Out;

use self::machine::{Action, Event, NewEnd, State, Step, Verdict, step};
use crate::{TransferOutput, TransferPolicy, legs::Legs};

/// Why a replaced call ends, for its BYE or CANCEL (RFC 3326, TR-127).
pub(crate) const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// What came of an attempt to replace a call of ours: the record of who asked and why (SEC-13). It holds no dialog ids
/// (SEC-12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The call that was to be replaced.
    pub old: LegId,
    /// The call that was to take its place.
    pub new: LegId,
    /// Who asked, as From says: unverified.
    pub from: NameAddrBuf,
    /// The address that it was asked from.
    pub source: SocketAddr,
    /// Who referred the caller to us, as it says (RFC 3892).
    pub referred_by: Option<NameAddrBuf>,
    /// Whether the caller is verified to be the replaced party or of its side, and not only says so.
    pub verified: bool,
    /// What came of it.
    pub end: ReplacementEnd,
}

/// What came of an attempt to replace a call of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacementEnd {
    /// The new call is up and the old one gone.
    Replaced,
    /// The new call was refused with this status, or given up by its caller (487); the old one is as it was.
    Refused(StatusCode),
    /// The new call was answered, which was never acknowledged: it was ended, and the old one is gone (TR-126).
    Unacknowledged,
}

/// The calls that are being replaced, by their new legs. Bounded by the table of legs; and by the dialog layer, which lets
/// one call at a time replace another.
#[derive(Debug, Default)]
pub(crate) struct Replacements {
    under_way: BTreeMap<LegId, Attempt>,
    /// The new leg for each old one whose end still matters.
    preparing: BTreeMap<LegId, LegId>,
}

#[derive(Debug)]
struct Attempt {
    state: State,
    /// What is told in the end, but for how it ended.
    record: Box<Replacement>,
}

impl Replacements {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Takes an event of any leg.
    pub(crate) fn receive(
        &mut self,
        leg: LegId,
        event: &LegEvent,
        policy: &TransferPolicy,
        legs: &mut Legs,
        out: &mut Out<'_, TransferOutput>,
    ) {
        match event {
            LegEvent::Incoming(call) => {
                if let Some(replaced) = &call.replacing {
                    self.asked(leg, call, replaced, policy, legs, out);
                }
            }
            LegEvent::Up(_) => self.drive(leg, Event::Up, policy, legs, out),
            LegEvent::Acknowledged => self.drive(leg, Event::Acknowledged, policy, legs, out),
            LegEvent::Closing => self.old_ended(leg, policy, legs, out),
            LegEvent::Ended(cause) => {
                self.old_ended(leg, policy, legs, out);
                self.drive(leg, Event::NewEnded(new_end(cause)), policy, legs, out);
            }
            LegEvent::Described { .. }
            | LegEvent::NeedDescription { .. }
            | LegEvent::RolledBack
            | LegEvent::Reopened
            | LegEvent::Provisional { .. }
            | LegEvent::Reoffered(_)
            | LegEvent::Changed
            | LegEvent::Misused(_) => {}
        }
    }

    fn asked(
        &mut self,
        new: LegId,
        call: &IncomingCall,
        replaced: &Replacing,
        policy: &TransferPolicy,
        legs: &mut Legs,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let authorised = authorisation::authorise(call, replaced, policy);
        let verdict = match authorised {
            None if policy.conceal => Verdict::Forbidden(StatusCode::CALL_DOES_NOT_EXIST),
            None => Verdict::Forbidden(StatusCode::FORBIDDEN),
            Some(_) if self.len() >= policy.legs => Verdict::Forbidden(StatusCode::SERVICE_UNAVAILABLE),
            Some(_) => Verdict::Permitted,
        };
        let record = Box::new(Replacement {
            old: replaced.leg,
            new,
            from: call.from.clone(),
            source: call.source,
            referred_by: call.referred_by.clone(),
            verified: authorised.unwrap_or(false),
            end: ReplacementEnd::Replaced,
        });
        self.preparing.insert(replaced.leg, new);
        self.under_way.insert(new, Attempt { state: State::Checking, record });
        self.drive(new, Event::Asked(verdict), policy, legs, out);
    }

    fn old_ended(
        &mut self,
        old: LegId,
        policy: &TransferPolicy,
        legs: &mut Legs,
        out: &mut Out<'_, TransferOutput>,
    ) {
        if let Some(new) = self.preparing.get(&old).copied() {
            self.drive(new, Event::OldEnded, policy, legs, out);
        }
    }

    fn drive(
        &mut self,
        new: LegId,
        event: Event,
        policy: &TransferPolicy,
        legs: &mut Legs,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let Some(attempt) = self.under_way.get_mut(&new) else { return };
        let Some(Step { next, actions }) = step(attempt.state, event) else { return };
        attempt.state = next;
        for action in actions {
            attempt.act(action, policy, legs, out);
        }
        let old = attempt.record.old;
        match next {
            State::Checking | State::Preparing => {}
            State::Answered => {
                self.preparing.remove(&old);
            }
            State::Over => {
                self.under_way.remove(&new);
                if self.preparing.get(&old) == Some(&new) {
                    self.preparing.remove(&old);
                }
            }
        }
    }
}

impl Attempt {
    fn act(
        &mut self,
        action: Action,
        policy: &TransferPolicy,
        legs: &mut Legs,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let (old, new) = (self.record.old, self.record.new);
        match action {
            Action::Answer => out.push(TransferOutput::Answer { leg: new, replaced: old }),
            Action::Reject(status) => {
                ask(new, LegCommand::Reject { status, retry_after: None }, out);
            }
            Action::MoveMedia => {
                // It came of the old call, and so do the transfers that were asked for in it (TR-205).
                let referred = legs.get(old).map_or(0, |leg| leg.referred);
                if let Some(leg) = legs.get_mut(new) {
                    leg.referred = leg.referred.max(referred);
                }
                legs.take_over(old, new, out);
            }
            Action::HangUpOld => {
                let reason = policy.replaced_reason.then(|| ELSEWHERE.into());
                ask(old, LegCommand::HangUp { reason }, out);
            }
            Action::TellReplaced => self.tell(ReplacementEnd::Replaced, out),
            Action::TellRefused(status) => self.tell(ReplacementEnd::Refused(status), out),
            Action::TellUnacknowledged => self.tell(ReplacementEnd::Unacknowledged, out),
        }
    }

    fn tell(&self, end: ReplacementEnd, out: &mut Out<'_, TransferOutput>) {
        out.push(TransferOutput::Replacement(Box::new(Replacement { end, ..(*self.record).clone() })));
    }
}

/// How a new call ended, with the status that went out if it never was up.
fn new_end(cause: &EndCause) -> NewEnd {
    NewEnd::Other(match &cause.reason {
        EndReason::NoAck => return NewEnd::Unacknowledged,
        EndReason::Refused(status) | EndReason::Redirected { status, .. } => *status,
        EndReason::Cancelled | EndReason::Bye => StatusCode::REQUEST_TERMINATED,
        EndReason::NotAcceptable => StatusCode::NOT_ACCEPTABLE_HERE,
        EndReason::NoAnswer
        | EndReason::NoRoute(_)
        | EndReason::Unreachable
        | EndReason::Gone
        | EndReason::NoPrack
        | EndReason::SessionExpired
        | EndReason::Overload => StatusCode::SERVICE_UNAVAILABLE,
    })
}

fn ask(leg: LegId, command: LegCommand, out: &mut Out<'_, TransferOutput>) {
    out.push(TransferOutput::Dialog(DialogCommand::Leg(leg, command)));
}
