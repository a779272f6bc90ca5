//! The end of a confirmed call: BYE, ours or theirs (RFC 3261 §15).

use sip_message::{HeaderId, Message, Method, StatusCode};
use sip_transport::{Hops, Inbound, RouteError};
use transaction_core::TxId;

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent},
    dialog::Dialog,
    pending::{Ask, Client},
    retry::Slot,
    step::Step,
    timer::LegTimer,
};

use super::{
    Leg,
    up::{Accepted, Exchange},
};

/// A call that we are ending.
#[derive(Debug)]
pub(crate) struct Ending {
    cause: EndCause,
    /// For the Reason header of the BYE.
    reason: Option<Box<str>>,
    /// Our first 2xx, whose ACK the BYE has to wait for (RFC 3261 §15).
    pub(crate) ack_missing: Option<Box<Accepted>>,
    /// The BYE, once it was sent, with its number.
    bye: Option<(TxId, u32)>,
    /// Whether it was sent once more.
    repeated: bool,
}

impl Dialog {
    /// Ends a confirmed call by BYE; the cause is told when the BYE is answered or given up on.
    pub(crate) fn close(&mut self, step: &mut Step<'_, '_, '_>, cause: EndCause, reason: Option<Box<str>>) {
        self.tell(step, LegEvent::Closing);
        self.close_quietly(step, cause, reason);
    }

    /// As `close`, for a call whose `Closing` was told before it was up.
    pub(crate) fn close_quietly(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        cause: EndCause,
        reason: Option<Box<str>>,
    ) {
        let Some(Leg::Up(mut up)) = self.leg.take() else { return };
        let ack_missing = match std::mem::take(&mut up.exchange) {
            Exchange::TheirsAccepted(accepted) if accepted.first => Some(accepted),
            other => {
                up.exchange = other;
                None
            }
        };
        for timer in [LegTimer::Glare, LegTimer::Reoffer, LegTimer::UpdateGlare, LegTimer::Session] {
            self.disarm(step, timer);
        }
        if ack_missing.is_none() {
            self.disarm(step, LegTimer::Answer);
            self.disarm(step, LegTimer::Ack);
        }
        let now = ack_missing.is_none();
        self.give_up_updates(step);
        self.abandon_requests(step);
        self.give_up_exchange(step, *up);
        self.give_up_wishes(step);
        self.leg =
            Some(Leg::Ending(Box::new(Ending { cause, reason, ack_missing, bye: None, repeated: false })));
        self.decline_undecided(step);
        self.abandon_unsent(step);
        if now {
            self.ask(step, Ask::Bye);
            self.flush(step);
        }
    }

    pub(crate) fn bye_routed(&mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let Some(Leg::Ending(ending)) = &mut self.leg else { return };
        let (Ok(hops), Some(draft)) = (result, self.state.next(Method::Bye)) else {
            // The peer cannot be told; our side is over all the same (TR-206).
            let cause = ending.cause.clone();
            return self.end(step, cause);
        };
        let draft = match &ending.reason {
            Some(reason) => draft.header(HeaderId::Reason, reason),
            None => draft,
        };
        ending.bye = Some((step.request(Client::Bye(self.id), hops, draft), self.state.local_cseq));
    }

    /// Our BYE in flight.
    pub(crate) fn bye_slot(&mut self, tx: TxId) -> Option<Slot<'_>> {
        match &mut self.leg {
            Some(Leg::Ending(ending)) => {
                let (bye, number) = ending.bye.as_mut().filter(|(bye, _)| *bye == tx)?;
                Some(Slot::Numbered(bye, number))
            }
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Up(_)) | None => None,
        }
    }

    /// Our BYE was answered, whatever the answer, or failed with `None` (RFC 3261 §15.1.1, TR-206). A 500 to one that a
    /// NOTIFY of ours has overtaken means that the peer has not hung up (§12.2.2): then it is sent once more.
    pub(crate) fn bye_over(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, status: Option<StatusCode>) {
        let last = self.state.local_cseq;
        let Some(Leg::Ending(ending)) = &mut self.leg else { return };
        let Some((_, number)) = ending.bye.filter(|(bye, _)| *bye == tx) else { return };
        let overtaken = status == Some(StatusCode::SERVER_INTERNAL_ERROR) && number < last;
        if overtaken && !ending.repeated {
            ending.repeated = true;
            ending.bye = None;
            self.ask(step, Ask::Bye);
            self.flush(step);
        } else {
            let cause = ending.cause.clone();
            self.end(step, cause);
        }
    }

    /// A BYE of the peer (RFC 3261 §15.1.2, TR-197, TR-246).
    pub(crate) fn bye_received(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) {
        let status = if self.leg.is_some() { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
        step.respond(tx, inbound, status, &self.state.local_tag, |response| response);
        let header = reason(&inbound.message);
        match &self.leg {
            Some(Leg::Up(_)) => self
                .end(step, EndCause { by: By::Remote, reason: EndReason::Bye, header, details: Vec::new() }),
            Some(Leg::Answering(_)) => self.cancelled(step, header),
            // Their BYE crossed ours: nothing is left to wait for.
            Some(Leg::Ending(ending)) => {
                let cause = ending.cause.clone();
                self.end(step, cause);
            }
            Some(Leg::Placing(_)) => {
                self.left_early(EndCause {
                    by: By::Remote,
                    reason: EndReason::Bye,
                    header,
                    details: Vec::new(),
                });
            }
            None => {}
        }
    }
}

/// The Reason header of a message (RFC 3326, TR-259).
fn reason(message: &Message) -> Option<Box<str>> {
    message.first(HeaderId::Reason).map(Into::into)
}
