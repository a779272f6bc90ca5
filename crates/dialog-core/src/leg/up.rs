//! A confirmed call: whose INVITE is in flight, and the ACK to ours (RFC 3261 §13.3.1.4, §14).

use std::time::Duration;

use bytes::Bytes;
use sip_message::Message;
use sip_transport::{Hop, Hops, Inbound, Outbound, Tick};
use transaction_core::{TxCommand, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent, Turn},
    dialog::Dialog,
    forks::Stray,
    offers::{Event, Side},
    pending::Ask,
    step::Step,
    timer::LegTimer,
};

use super::Leg;

/// A confirmed call.
#[derive(Debug, Default)]
pub(crate) struct Up {
    /// The INVITE in flight; there is at most one.
    pub(crate) exchange: Exchange,
    /// Whether the last INVITE of ours was refused after something was executed, so that both sides have to agree again.
    pub(crate) resync: bool,
    /// The number of the last reliable response to our INVITE in flight.
    pub(crate) rseq: Option<u32>,
    /// When the last ACK of ours to a 2xx was sent, which may have been lost.
    pub(crate) acked_at: Option<Tick>,
    /// The last re-INVITEs that were accepted, oldest first, and the ACKs to them: their 2xx may come again for 64*T1,
    /// whatever was sent since (RFC 3261 §13.2.2.4).
    pub(crate) acked: Vec<(TxId, Option<Outbound>)>,
}

/// ACKs that are kept: a hold and its end, four times within 32 s, is more than anybody does by hand.
pub(crate) const MAX_ACKED: usize = 8;

/// Whose INVITE is in flight. What takes room is boxed: most of the time there is none.
#[derive(Debug, Default)]
pub(crate) enum Exchange {
    /// None.
    #[default]
    Idle,
    /// Ours: the route is looked for.
    OursRouting,
    /// Ours: the offer is made.
    OursDescribing { hops: Box<Hops> },
    /// Ours was sent.
    OursCalling { tx: TxId, cseq: u32 },
    /// Ours was accepted, and the route of the ACK is looked for.
    OursAcknowledging {
        tx: TxId,
        cseq: u32,
        /// Whether the 2xx held an answer.
        answered: bool,
    },
    /// Theirs: the description for the 200 is made.
    TheirsDescribing {
        tx: TxId,
        inbound: Box<Inbound>,
        /// The number that the ACK will have.
        cseq: u32,
        /// Whether the offer is ours, because the re-INVITE had none.
        ours: bool,
    },
    /// Theirs was accepted and the ACK is missing.
    TheirsAccepted(Box<Accepted>),
}

/// A 2xx of ours whose ACK is missing.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) cseq: u32,
    outbound: Outbound,
    interval: Duration,
    /// Whether the 2xx holds the offer, so that the ACK must hold the answer.
    pub(crate) ours: bool,
    /// Whether it is the first INVITE.
    pub(crate) first: bool,
}

impl Accepted {
    pub(crate) fn new(cseq: u32, hop: Hop, wire: Bytes, ours: bool, first: bool, t1: Duration) -> Box<Self> {
        Box::new(Self { cseq, outbound: Outbound { hop, wire }, interval: t1, ours, first })
    }
}

impl Dialog {
    pub(crate) fn up(&mut self) -> Option<&mut Up> {
        match &mut self.leg {
            Some(Leg::Up(up)) => Some(up),
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Ending(_)) | None => None,
        }
    }

    /// The 2xx whose ACK is missing, also while we are ending the call.
    fn unacknowledged(&mut self) -> Option<&mut Accepted> {
        match &mut self.leg {
            Some(Leg::Up(up)) => match &mut up.exchange {
                Exchange::TheirsAccepted(accepted) => Some(accepted),
                Exchange::Idle
                | Exchange::OursRouting
                | Exchange::OursDescribing { .. }
                | Exchange::OursCalling { .. }
                | Exchange::OursAcknowledging { .. }
                | Exchange::TheirsDescribing { .. } => None,
            },
            Some(Leg::Ending(ending)) => ending.ack_missing.as_deref_mut(),
            Some(Leg::Placing(_) | Leg::Answering(_)) | None => None,
        }
    }

    /// Arms what drives a 2xx until its ACK comes: repeats from T1 to T2, for 64*T1 in all.
    pub(crate) fn await_ack(&mut self, step: &mut Step<'_, '_, '_>) {
        let (t1, whole) = (step.config.timing.t1, step.timeout());
        self.arm(step, LegTimer::Answer, t1);
        self.arm(step, LegTimer::Ack, whole);
    }

    pub(crate) fn repeat_answer(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(accepted) = self.unacknowledged() else { return };
        accepted.interval = (accepted.interval * 2).min(step.config.timing.t2);
        let next = accepted.interval;
        step.transaction(TxCommand::Resend(accepted.outbound.clone()));
        self.arm(step, LegTimer::Answer, next);
    }

    /// No ACK for 64*T1 (RFC 3261 §13.3.1.4, §14.2).
    pub(crate) fn ack_missing(&mut self, step: &mut Step<'_, '_, '_>) {
        self.disarm(step, LegTimer::Answer);
        match &mut self.leg {
            Some(Leg::Up(up)) if matches!(up.exchange, Exchange::TheirsAccepted(_)) => {
                up.exchange = Exchange::Idle;
                self.close(step, EndCause::new(By::Network, EndReason::NoAck), None);
            }
            Some(Leg::Ending(ending)) if ending.ack_missing.is_some() => {
                ending.ack_missing = None;
                self.ask(step, Ask::Bye);
                self.flush(step);
            }
            Some(Leg::Up(_) | Leg::Ending(_) | Leg::Placing(_) | Leg::Answering(_)) | None => {}
        }
    }

    /// The ACK to a 2xx of ours.
    pub(crate) fn ack(&mut self, step: &mut Step<'_, '_, '_>, message: &Message) {
        let number = message.cseq().map(|cseq| cseq.number).ok();
        if self.unacknowledged().map(|accepted| accepted.cseq) != number {
            return;
        }
        self.disarm(step, LegTimer::Answer);
        self.disarm(step, LegTimer::Ack);
        match &mut self.leg {
            Some(Leg::Up(up)) => {
                if let Exchange::TheirsAccepted(accepted) = std::mem::take(&mut up.exchange) {
                    self.acknowledged(step, &accepted, message);
                }
            }
            Some(Leg::Ending(ending)) => {
                ending.ack_missing = None;
                self.ask(step, Ask::Bye);
                self.flush(step);
            }
            Some(Leg::Placing(_) | Leg::Answering(_)) | None => {}
        }
    }

    fn acknowledged(&mut self, step: &mut Step<'_, '_, '_>, accepted: &Accepted, message: &Message) {
        let answer = accepted.ours.then(|| message.body_bytes()).filter(|body| !body.is_empty());
        if accepted.ours {
            self.offers.take(if answer.is_some() { Event::Answer(Side::Theirs) } else { Event::Void });
        }
        match (accepted.ours, answer) {
            (false, _) => {}
            (true, Some(body)) => {
                self.tell(step, LegEvent::Described { turn: Turn::Answer, body });
                if !accepted.first {
                    self.tell(step, LegEvent::Changed);
                }
            }
            // Our offer was never answered: a new call has no session at all, an old one keeps the session it
            // had.
            (true, None) if accepted.first => {
                return self.close(step, EndCause::new(By::Local, EndReason::NotAcceptable), None);
            }
            (true, None) => self.tell(step, LegEvent::RolledBack),
        }
        if accepted.first {
            self.tell(step, LegEvent::Acknowledged);
        }
        self.proceed(step);
    }

    /// Goes on with what waited for an INVITE to be over.
    pub(crate) fn proceed(&mut self, step: &mut Step<'_, '_, '_>) {
        self.flush(step);
        self.offer_wish(step);
    }

    /// Lets go of what a confirmed call had under way, because it ends.
    pub(crate) fn give_up_exchange(&mut self, step: &mut Step<'_, '_, '_>, up: Up) {
        for (tx, _) in &up.acked {
            step.pending.clients.remove(tx);
        }
        match up.exchange {
            Exchange::OursCalling { tx, .. } => {
                // A peer that rings for ever is not waited for (RFC 3261 §9.1); one that got the BYE answers 487 by itself. That
                // of a wish which had run out of time was cancelled then.
                if self.is_wish_carried() {
                    step.transaction(TxCommand::Cancel { tx, reason: None });
                }
                self.tell(step, LegEvent::RolledBack);
            }
            Exchange::TheirsDescribing { tx, inbound, .. } => self.terminate_reinvite(step, tx, &inbound),
            // The 2xx is acknowledged whatever becomes of the call, and before its BYE (RFC 3261 §13.2.2.4).
            Exchange::OursAcknowledging { tx, cseq, .. } => {
                Stray::ack(tx, self.state.clone(), cseq).ask(step);
            }
            Exchange::Idle
            | Exchange::OursRouting
            | Exchange::OursDescribing { .. }
            | Exchange::TheirsAccepted(_) => {}
        }
    }
}
