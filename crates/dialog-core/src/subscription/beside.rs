//! Requests about a call in dialogs of their own, on the way of that call: a REFER with Target-Dialog (RFC 7647 §4), and the
//! SUBSCRIBE to what became of one (RFC 7614 §4.4).

use sip_message::{NameAddrBuf, UriBuf, sipfrag};
use sip_transport::{Cx, Out};

use crate::{
    boundary::{
        DialogOutput,
        leg::{LegId, Misuse},
        package::{ReferTo, Subscribe},
        refer::Refer,
        subscription::SubscriptionId,
    },
    contact::OurContact,
    dialog::Dialog,
    dialogs::Dialogs,
    leg::Leg,
    path::Path,
    respond::REFER_PACKAGE,
    state::DialogState,
};

use super::{
    lifetime::DEFAULT_DURATION,
    subject::{Referral, Subject},
};

/// What a dialog beside a call takes over from it: its requests reach the peer wherever those of the call do.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    contact: OurContact,
    routes: Box<[UriBuf]>,
}

impl Way {
    /// Has a new dialog go this way.
    pub(crate) fn take(self, state: &mut DialogState) {
        state.path = Path::new(&state.path.target, self.routes);
        state.contact = self.contact;
    }
}

impl Dialogs {
    /// Sends a REFER that is about a call in a dialog of its own.
    pub(crate) fn refer_beside(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        id: SubscriptionId,
        refer: Refer,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.beside(cx, leg, id, out, |call| {
            let about = ReferTo {
                target: call.path.target.clone(),
                to: call.remote.clone(),
                from: call.local.clone(),
                contact_user: None,
                registration: None,
                refer_to: refer.refer_to,
                referred_by: refer.referred_by,
                about: Some(leg),
                subscription: refer.subscription,
                headers: Vec::new(),
            };
            let mut referral = Referral::outside(about);
            referral.headers = refer.headers;
            Subject::Refer(Box::new(referral))
        });
    }

    /// Subscribes to what becomes of a REFER that was sent in a call or beside it.
    pub(crate) fn follow_refer(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        id: SubscriptionId,
        at: &UriBuf,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.beside(cx, leg, id, out, |call| {
            Subject::Package(Box::new(Subscribe {
                target: at.without_headers_and_method(),
                to: NameAddrBuf::new(at.without_headers_and_method()),
                from: call.local.clone(),
                contact_user: None,
                // What is followed may be on another server than the peer of the call, so its route set is of no use.
                registration: call.account,
                package: REFER_PACKAGE.into(),
                id: None,
                accept: vec![sipfrag::CONTENT_TYPE.into()],
                expires: DEFAULT_DURATION,
                headers: Vec::new(),
                body: None,
            }))
        });
    }

    fn beside(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        id: SubscriptionId,
        out: &mut Out<'_, DialogOutput>,
        subject: impl FnOnce(&DialogState) -> Subject,
    ) {
        let call = self.dialogs.get(&leg).filter(|dialog| matches!(dialog.leg, Some(Leg::Up(_))));
        let Some(call) = call else {
            let (mut step, _) = self.step(cx, out);
            return Dialog::subscription_misused(&mut step, id, Misuse::Unknown);
        };
        let subject = subject(&call.state);
        let routes = match subject {
            Subject::Refer(_) => call.state.path.routes.clone(),
            Subject::Package(_) => Box::default(),
        };
        let way = Way { contact: call.state.contact.clone(), routes };
        self.begin_on(cx, id, subject, Some(way), out);
    }
}
