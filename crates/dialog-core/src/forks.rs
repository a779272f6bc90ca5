//! 2xx responses to an INVITE beyond the first: repeated ones and those of other forks (RFC 3261 §13.2.2.4,
//! TR-199).

use std::sync::Arc;

use bytes::Bytes;
use sip_message::{Message, Method};
use sip_transport::{Hops, Origin, Outbound, RouteError};
use transaction_core::{TxCommand, TxId};

use crate::{
    boundary::leg::LegId,
    path::{Path, RouteSetFault},
    pending::{Client, Errand},
    respond::SDP,
    state::DialogState,
    step::Step,
    timer::LegTimer,
};

/// Most forks of one INVITE whose 2xx are acknowledged. A proxy forks to the devices of one user, which are
/// few; further answers are left to their own time limit, because each costs an ACK, a BYE and a transaction.
pub(crate) const FORKS: u8 = 16;

/// The accepted forks of an INVITE; lives for 64*T1 from the first 2xx, also after its leg.
#[derive(Debug)]
pub(crate) struct Forks {
    /// The INVITE's transaction.
    pub(crate) tx: TxId,
    /// The state from which the INVITE was sent.
    template: Box<DialogState>,
    cseq: u32,
    /// Whether the INVITE had no offer, so that each 2xx brings one that its ACK has to answer.
    offerless: bool,
    accepted: Vec<AcceptedFork>,
}

#[derive(Debug)]
struct AcceptedFork {
    remote_tag: Arc<str>,
    /// The ACK that was sent; `None` while its route is looked for.
    ack: Option<Outbound>,
}

/// What goes out in a dialog that no leg is in: the ACK to a 2xx, a BYE, or both.
#[derive(Debug)]
pub(crate) struct Stray {
    state: DialogState,
    /// The INVITE's transaction and number.
    ack: Option<(TxId, u32)>,
    /// What the ACK answers to an offer.
    answer: Option<Bytes>,
    /// Whether the dialog is ended.
    bye: bool,
}

impl Forks {
    /// Begins with the 2xx that the leg keeps. The template's number is the highest that was used in any early dialog;
    /// `cseq` is that of the INVITE.
    pub(crate) fn new(tx: TxId, template: DialogState, cseq: u32, offerless: bool, kept: Arc<str>) -> Self {
        let accepted = vec![AcceptedFork { remote_tag: kept, ack: None }];
        Self { tx, template: Box::new(template), cseq, offerless, accepted }
    }

    /// Handles a 2xx after the first: a repeated one gets its ACK again, a new fork is acknowledged and
    /// ended. Where a repeated one comes over another flow than its ACK went by, that one is gone (RFC 3261 §18.2.2), and
    /// the ACK finds its way anew.
    pub(crate) fn receive(&mut self, step: &mut Step<'_, '_, '_>, origin: &Origin, message: &Message) {
        let tag = message.to_tag().unwrap_or_default();
        if let Some(fork) = self.accepted.iter().find(|fork| &*fork.remote_tag == tag) {
            match &fork.ack {
                Some(ack) if ack.hop.flow == origin.flow => {
                    step.transaction(TxCommand::Resend(ack.clone()));
                }
                Some(ack) => {
                    let Ok(state) = self.state(step, origin, message) else { return };
                    let sent = Message::parse(ack.wire.clone()).ok();
                    let answer = sent.map(|sent| sent.body_bytes()).filter(|body| !body.is_empty());
                    Stray { answer, ..Stray::ack(self.tx, state, self.cseq) }.ask(step);
                }
                None => {}
            }
            return;
        }
        let state = self.state(step, origin, message);
        let Some(state) = state.ok().filter(|_| self.accepted.len() < FORKS.into()) else {
            step.pending.counters.forks_ignored += 1;
            return;
        };
        self.accepted.push(AcceptedFork { remote_tag: state.remote_tag.clone(), ack: None });
        let offer = Some(message.body_bytes()).filter(|body| self.offerless && !body.is_empty());
        let answer = offer.and_then(|offer| (step.config.refuse_offer)(&offer, origin.local.ip()));
        Stray { state, ack: Some((self.tx, self.cseq)), answer, bye: true }.ask(step);
    }

    /// The dialog that a 2xx makes.
    fn state(
        &self,
        step: &mut Step<'_, '_, '_>,
        origin: &Origin,
        message: &Message,
    ) -> Result<DialogState, RouteSetFault> {
        let routes = step.recorded(message)?;
        let mut state = (*self.template).clone();
        state.remote_tag = message.to_tag().unwrap_or_default().into();
        state.heard(origin);
        let target = match message.contact() {
            Ok(Some(contact)) => contact.uri.to_owned(),
            // Without a usable Contact the INVITE's own target is all there is to reach this fork by.
            Ok(None) | Err(_) => state.path.target.clone(),
        };
        state.path = Path::new(&target, routes.into_iter().rev());
        Ok(state)
    }

    /// Keeps the ACK that was sent to one of the forks.
    pub(crate) fn acked(&mut self, outbound: Outbound) {
        let fork = match self.accepted.as_mut_slice() {
            [only] => Some(only),
            several => {
                let sent = Message::parse(outbound.wire.clone()).ok();
                let tag = sent.as_ref().and_then(Message::to_tag).unwrap_or_default();
                several.iter_mut().find(|fork| &*fork.remote_tag == tag)
            }
        };
        if let Some(fork) = fork {
            fork.ack = Some(outbound);
        }
    }
}

impl Stray {
    /// For a 2xx whose leg is ending by itself, or that comes again over another flow.
    pub(crate) fn ack(tx: TxId, state: DialogState, cseq: u32) -> Self {
        Self { state, ack: Some((tx, cseq)), answer: None, bye: false }
    }

    /// For an early dialog that is given up while the INVITE goes on (RFC 3261 §15).
    pub(crate) fn bye(state: DialogState) -> Self {
        Self { state, ack: None, answer: None, bye: true }
    }

    /// Asks for the route.
    pub(crate) fn ask(self, step: &mut Step<'_, '_, '_>) {
        let (path, flow) = (self.state.path.clone(), self.state.flow);
        step.route(Errand::Stray(Box::new(self)), &path, flow);
    }

    /// Sends what is due. Without a route there is nobody to tell: the fork ends by
    /// its own time limit for the missing ACK.
    pub(crate) fn routed(mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let Ok(hops) = result else { return };
        if let Some((tx, cseq)) = self.ack {
            let draft = step.signed(self.state.draft(Method::Ack, cseq));
            let draft = match &self.answer {
                Some(answer) => draft.body(SDP, answer),
                None => draft,
            };
            step.transaction(TxCommand::Ack { tx, hops: hops.clone(), draft });
        }
        if self.bye
            && let Some(draft) = self.state.next(Method::Bye)
        {
            step.request(Client::StrayBye, hops, draft);
        }
    }
}

/// Forgets the forks of a leg's INVITE.
pub(crate) fn forget(step: &mut Step<'_, '_, '_>, leg: LegId) {
    if let Some(forks) = step.pending.forks.remove(&leg) {
        step.pending.clients.remove(&forks.tx);
        step.disarm_leg(leg, LegTimer::Forks);
    }
}
