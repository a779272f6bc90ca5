//! What is under way below: client and server transactions, questions for routes, forks; each with its owner.

use std::collections::BTreeMap;

use sip_transport::RouteId;
use transaction_core::TxId;

use crate::{
    boundary::{leg::LegId, registration::RegistrationId, request::RequestId, subscription::SubscriptionId},
    counters::Counters,
    dialog::{Birth, Dialog},
    digest::nonce::Uses,
    forks::{Forks, Stray},
    hatch::Hatch,
    peers::Peers,
    retry::{Sent, answers::Answers},
    subscription::{asked::Asked, event_states::EventStates},
};

/// A request that a dialog wants to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The first INVITE.
    Place,
    /// The ACK to the 2xx of the first INVITE.
    Ack,
    /// A re-INVITE.
    Reoffer,
    /// The ACK to the 2xx of a re-INVITE.
    ReofferAck,
    /// BYE.
    Bye,
    /// REFER, or the SUBSCRIBE that makes a subscription.
    Refer(SubscriptionId),
    /// NOTIFY.
    Notify(SubscriptionId),
    /// SUBSCRIBE, to refresh or to unsubscribe.
    Subscribe(SubscriptionId),
    /// A request of another method.
    Request(RequestId),
    /// PRACK.
    Prack {
        /// The early dialog of a call of ours; `None` in a confirmed dialog.
        early: Option<EarlyId>,
        /// The number of the response.
        rseq: u32,
        /// The number of the INVITE.
        cseq: u32,
    },
    /// UPDATE.
    Update {
        /// As above.
        early: Option<EarlyId>,
    },
}

/// An early dialog among those of one call, also where its INVITE has gone out more than once.
pub(crate) type EarlyId = u32;

impl Ask {
    /// The subscription that the request belongs to.
    pub(crate) fn subscription(self) -> Option<SubscriptionId> {
        match self {
            Self::Refer(id) | Self::Notify(id) | Self::Subscribe(id) => Some(id),
            Self::Place
            | Self::Ack
            | Self::Reoffer
            | Self::ReofferAck
            | Self::Bye
            | Self::Prack { .. }
            | Self::Update { .. }
            | Self::Request(_) => None,
        }
    }

    /// The subscription that the request makes.
    pub(crate) fn refer(self) -> Option<SubscriptionId> {
        match self {
            Self::Refer(id) => Some(id),
            Self::Notify(_)
            | Self::Subscribe(_)
            | Self::Place
            | Self::Ack
            | Self::Reoffer
            | Self::ReofferAck
            | Self::Bye
            | Self::Prack { .. }
            | Self::Update { .. }
            | Self::Request(_) => None,
        }
    }
}

/// For what a route was asked.
#[derive(Debug)]
pub(crate) enum Errand {
    /// For a request of a dialog.
    Dialog(LegId, Ask),
    /// For what goes out in a dialog that no leg is in.
    Stray(Box<Stray>),
    /// For a REGISTER.
    Registration(RegistrationId),
    /// For a request outside any dialog.
    Request(RequestId),
}

/// Whose client transaction it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// The first INVITE of a leg; kept for 64*T1 after a 2xx.
    Invite(LegId),
    /// A re-INVITE; kept until some later ones or the leg's end.
    Reinvite(LegId),
    /// The BYE of a leg.
    Bye(LegId),
    /// A BYE whose outcome interests nobody: that of a surplus fork.
    StrayBye,
    /// A REFER, or the SUBSCRIBE that makes a subscription.
    Refer(SubscriptionId),
    /// A NOTIFY.
    Notify(SubscriptionId),
    /// A SUBSCRIBE that extends.
    Subscribe(SubscriptionId),
    /// A SUBSCRIBE that ends.
    Unsubscribe(SubscriptionId),
    /// A REGISTER.
    Register(RegistrationId),
    /// A request of another method.
    Request(RequestId),
    /// A PRACK, in one of the early dialogs or in the dialog itself.
    Prack(LegId, Option<EarlyId>),
    /// An UPDATE of a leg.
    Update(LegId),
}

/// Whose server transaction it is, as long as it waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// The first INVITE of an incoming leg.
    Invite(LegId),
    /// A re-INVITE.
    Reinvite(LegId),
    /// A REFER or SUBSCRIBE that waits for its decision.
    Refer(SubscriptionId),
    /// A request that was passed up.
    Request(RequestId),
}

/// All that is under way, and the index of subscriptions.
///
/// No table has a bound of its own, because each entry belongs to a dialog, a subscription, a registration or a fork and
/// those are bounded; nonces, theirs and ours, are bounded by settings.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) clients: BTreeMap<TxId, Client>,
    /// The requests in flight that may have to go out again.
    pub(crate) sent: BTreeMap<TxId, Box<Sent>>,
    pub(crate) servers: BTreeMap<TxId, Server>,
    pub(crate) routes: BTreeMap<RouteId, Errand>,
    pub(crate) forks: BTreeMap<LegId, Forks>,
    /// In whose dialog a subscription lives.
    pub(crate) subscriptions: BTreeMap<SubscriptionId, LegId>,
    /// The dialogs beyond the first that one SUBSCRIBE or REFER of ours has made, by the id in their tag.
    pub(crate) sisters: BTreeMap<LegId, Vec<LegId>>,
    /// The fetches whose first notifier has answered, for 64*T1; as many as there may be subscriptions.
    pub(crate) fetched: BTreeMap<LegId, Asked>,
    /// What has become of the REFERs that require explicit subscriptions; bounded by a setting.
    pub(crate) event_states: EventStates,
    /// Requests of other methods, ours and theirs.
    pub(crate) hatch: Hatch,
    /// Our answers to challenges.
    pub(crate) answers: Answers,
    /// What peers say that they can do.
    pub(crate) peers: Peers,
    /// How often our nonces were used.
    pub(crate) uses: Uses,
    /// What the 2xx to a request says to who has proved to have sent it; until that is answered.
    pub(crate) proved: BTreeMap<TxId, String>,
    /// How often a bound was met.
    pub(crate) counters: Counters,
}

impl Pending {
    /// A dialog is gone: its tag leads there no more.
    pub(crate) fn unlink(&mut self, dialog: &Dialog) {
        let Birth::Ours { tag, .. } = dialog.birth else { return };
        if let Some(sisters) = self.sisters.get_mut(&tag) {
            sisters.retain(|sister| *sister != dialog.id);
            if sisters.is_empty() {
                self.sisters.remove(&tag);
            }
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.clients.is_empty()
            && self.sent.is_empty()
            && self.servers.is_empty()
            && self.proved.is_empty()
            && self.routes.is_empty()
            && self.forks.is_empty()
            && self.fetched.is_empty()
            && self.subscriptions.is_empty()
            && self.hatch.is_empty()
    }
}
