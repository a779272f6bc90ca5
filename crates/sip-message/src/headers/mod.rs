//! Typed header values, one header per file.

mod auth;
mod charging_vector;
mod checks;
mod contact;
mod cseq;
mod dialog_ids;
mod diversion;
mod event;
mod feature_set;
mod history_info;
mod identities;
mod identity;
mod max_breadth;
mod privacy;
mod reason;
mod refer_sub;
mod refer_to;
mod referred_by;
mod remote_party_id;
mod replaces;
mod resource_priority;
mod retry_after;
mod security;
mod session_expires;
mod session_id;
mod subscription_state;
mod target_dialog;
mod token_params;
mod uri_reference;
mod user_to_user;
mod via;

pub use auth::{
    Algorithm, AuthParams, AuthenticationInfo, Challenge, Credentials, DigestChallenge, DigestCredentials,
    OtherAuth, Qop,
};
pub use charging_vector::ChargingVector;
pub use contact::Contact;
pub use cseq::{CSeq, RAck};
pub use diversion::Diversion;
pub use event::Event;
pub use feature_set::FeatureSet;
pub use history_info::{HistoryInfo, HistoryTarget};
pub use identities::Identities;
pub use identity::Identity;
pub use privacy::Privacy;
pub use reason::Reason;
pub use refer_to::ReferTo;
pub use referred_by::ReferredBy;
pub use remote_party_id::RemotePartyId;
pub use replaces::{Join, Replaces};
pub use resource_priority::ResourcePriority;
pub use retry_after::RetryAfter;
pub use security::SecurityMechanism;
pub use session_expires::{Refresher, SessionExpires};
pub use session_id::SessionId;
pub use subscription_state::{SubReason, SubState, SubscriptionState};
pub use target_dialog::TargetDialog;
pub use token_params::TokenParams;
pub use uri_reference::UriReference;
pub use user_to_user::UserToUser;
pub use via::Via;

pub(crate) use identities::parse_identity;
pub(crate) use max_breadth::parse as parse_max_breadth;
pub(crate) use refer_sub::parse as parse_refer_sub;
