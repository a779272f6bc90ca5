//! The values that cross the dialog boundary, upwards and from above; transaction values are of the layer below.

pub(crate) mod leg;
pub(crate) mod methods;
pub(crate) mod package;
pub(crate) mod refer;
pub(crate) mod registration;
pub(crate) mod request;
pub(crate) mod subscription;

use transaction_core::TxCommand;

use self::{
    leg::{Invite, LegCommand, LegEvent, LegId},
    registration::{RegistrationCommand, RegistrationEvent, RegistrationId},
    request::{RequestCommand, RequestEvent, RequestId},
    subscription::{SubscriptionCommand, SubscriptionEvent, SubscriptionId},
};
use crate::{digest::keyring::Keyring, timer::DialogTimer};
use sip_transport::TimerOp;

/// What the layers above ask for.
#[derive(Debug, Clone)]
pub enum DialogCommand {
    /// Places a call.
    Place {
        /// The leg, minted by whoever asks.
        leg: LegId,
        /// The call.
        invite: Box<Invite>,
    },
    /// Asks something of a leg.
    Leg(LegId, LegCommand),
    /// Asks something of a subscription.
    Subscription(SubscriptionId, SubscriptionCommand),
    /// Asks something of a registration.
    Registration(RegistrationId, RegistrationCommand),
    /// Asks for a request, or answers one.
    Request(RequestId, RequestCommand),
    /// Answers challenges with these from now on, and with no others.
    Keys(Keyring),
    /// Ends every subscription of theirs that was accepted, because we are about to stop: its last NOTIFY repeats the state
    /// and says `deactivated`, or `giveup` where nobody has approved yet (RFC 6665 §4.1.3, TR-257). What is reported
    /// afterwards is answered by [`SubscriptionEvent::Misused`](crate::SubscriptionEvent::Misused).
    Deactivate,
}

/// What the layers above are told.
#[derive(Debug, Clone)]
pub enum DialogEvent {
    /// About a leg.
    Leg(LegId, LegEvent),
    /// About a subscription.
    Subscription(SubscriptionId, SubscriptionEvent),
    /// About a registration.
    Registration(RegistrationId, RegistrationEvent),
    /// About a request.
    Request(RequestId, RequestEvent),
}

/// What a step of the dialog layer produces.
#[derive(Debug, Clone)]
pub enum DialogOutput {
    /// Ask the transaction layer.
    Transaction(TxCommand),
    /// Tell the layers above.
    Event(DialogEvent),
    /// Time.
    Timer(TimerOp<DialogTimer>),
}
