//! SIP dialogs with usages (RFC 3261 §12-15, RFC 5057) as one reducer.
#![doc = include_str!("../README.md")]

mod boundary;
mod config;
mod contact;
mod counters;
mod demand;
mod dialog;
#[cfg(feature = "dialog-info")]
pub mod dialog_info;
mod dialogs;
mod digest;
mod forks;
mod hatch;
mod leg;
mod offers;
mod outcomes;
mod path;
mod peers;
mod pending;
mod registration;
mod replacing;
mod requests;
mod respond;
mod retry;
mod scope;
mod state;
mod step;
mod subscription;
mod timer;
mod tombstone;

pub use boundary::{
    DialogCommand, DialogEvent, DialogOutput,
    leg::{
        By, DialogIdentity, EndCause, EndReason, Established, IncomingCall, Invite, LegCommand, LegEvent,
        LegId, Misuse, Peer, ReofferError, Replacing, Turn,
    },
    methods::Methods,
    package::{Body, IncomingSubscribe, PackageNotification, ReferTo, Resubscription, Subscribe},
    refer::{Refer, ReferSubscription},
    registration::{
        Account, AccountFault, Registered, RegistrationCommand, RegistrationEvent, RegistrationFailure,
        RegistrationId,
    },
    request::{IncomingRequest, Place, Request, RequestCommand, RequestEvent, RequestFailure, RequestId},
    subscription::{
        IncomingRefer, Notification, NotifiedState, ReferAnswer, SubscriptionCommand, SubscriptionEnd,
        SubscriptionEvent, SubscriptionId,
    },
};
pub use config::{DialogConfig, ReferAcceptance, Reliability, SessionTimers};
pub use counters::Counters;
pub use dialogs::{Dialogs, Load};
pub use digest::{
    keyring::{Credential, Keyring, KeyringFull},
    policy::{Authentication, Users, UsersFull},
    secret::{BadHash, Secret},
};
pub use registration::config::RegistrationConfig;
pub use subscription::{explicit::ExplicitSubscriptions, refusal::may_refuse_refer};
pub use timer::{DialogTimer, LegTimer, RegistrationTimer, SubscriptionTimer};
