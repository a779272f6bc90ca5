//! What is asked of a registration, and what it tells (RFC 3261 §10, RFC 5626).

use std::{sync::Arc, time::Duration};

use sip_message::{NameAddrBuf, ParseError, Scheme, StatusCode, UriBuf};
use sip_transport::{RouteError, identifier};
use thiserror::Error;

use super::leg::Misuse;

identifier! {
    /// A registration: one binding of an account, from its first REGISTER until it is over.
    RegistrationId, "reg-"
}

/// Who registers, where and how. Credentials are not here: they are looked up by realm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The address of record: To and From of REGISTER, and the identity of calls.
    pub aor: NameAddrBuf,
    /// The Request-URIs, first choice first; at most [`Account::REGISTRARS`]. The others are tried when one does not
    /// answer or cannot serve.
    pub registrars: Vec<UriBuf>,
    /// The outbound proxies, first choice first; at most [`Account::PROXIES`]. With any, every REGISTER goes by one of
    /// them (RFC 5626 §4.2.1), and calls and other requests of the account do, ahead of the Service-Route that the
    /// registrar gives. A call whose proxy cannot be reached, is silent or refuses with 503 goes by the next one, unless
    /// there was a provisional response.
    pub proxies: Vec<UriBuf>,
    /// The user part of the Contact; random if `None`, so that what comes for the account can be told from the rest.
    pub contact_user: Option<Arc<str>>,
    /// The instance, a URN such as `urn:uuid:…` that stays the same for this agent (RFC 5626 §4.1); asks for a GRUU too.
    pub instance: Option<Box<str>>,
    /// Asks for outbound under this number (RFC 5626 §4.2.1), the same at each start; needs an instance. Several flows
    /// are several registrations that differ in it.
    pub reg_id: Option<u32>,
    /// How long the binding is asked to last, in whole seconds.
    pub expires: Duration,
}

impl Account {
    /// Most registrar URIs: RFC 5626 §4.2.1 asks for four of what is tried in turn.
    pub const REGISTRARS: usize = 4;
    /// Most outbound proxies, for the same reason.
    pub const PROXIES: usize = 4;
    /// What [`Account::new`] asks for: an hour (RFC 3261 §10.2).
    pub const EXPIRES: Duration = Duration::from_hours(1);

    /// An account of `sip:user@domain` at the registrar of its domain (RFC 3261 §10.2).
    pub fn new(aor: NameAddrBuf) -> Result<Self, ParseError> {
        let uri = aor.uri.as_uri();
        let scheme = if uri.scheme() == Scheme::Sips { "sips" } else { "sip" };
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let registrar = UriBuf::parse(&format!("{scheme}:{}{port}", uri.host()))?;
        Ok(Self {
            aor,
            registrars: vec![registrar],
            proxies: Vec::new(),
            contact_user: None,
            instance: None,
            reg_id: None,
            expires: Self::EXPIRES,
        })
    }

    /// What is wrong with it, if anything.
    pub fn fault(&self) -> Option<AccountFault> {
        if self.registrars.is_empty() || self.registrars.len() > Self::REGISTRARS {
            return Some(AccountFault::Registrars);
        }
        if self.proxies.len() > Self::PROXIES {
            return Some(AccountFault::Proxies);
        }
        let urn = |instance: &str| {
            instance.starts_with("urn:")
                && instance.bytes().all(|byte| byte.is_ascii_graphic() && !br#""\<>"#.contains(&byte))
        };
        if !self.instance.as_deref().is_none_or(urn) {
            return Some(AccountFault::Instance);
        }
        match self.reg_id {
            Some(0) => Some(AccountFault::RegId),
            Some(_) if self.instance.is_none() => Some(AccountFault::RegId),
            Some(_) | None => None,
        }
    }
}

/// What is wrong with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccountFault {
    /// No registrar, or more than [`Account::REGISTRARS`].
    #[error("an account has one to four registrars")]
    Registrars,
    /// More than [`Account::PROXIES`].
    #[error("an account has four outbound proxies at most")]
    Proxies,
    /// No URN.
    #[error("the instance is not a URN")]
    Instance,
    /// Zero, or without an instance (RFC 5626 §4.2.1).
    #[error("a reg-id is above zero and needs an instance")]
    RegId,
}

/// What can be asked of a registration.
#[derive(Debug, Clone)]
pub enum RegistrationCommand {
    /// Registers, and keeps registered until `Unregister` or a final failure. The id is minted by whoever asks.
    Register(Box<Account>),
    /// Registers anew now: after a change of the network, say. Nothing while a REGISTER is under way.
    Refresh,
    /// Takes the binding back (RFC 3261 §10.2.2); ends with [`RegistrationEvent::Unregistered`].
    Unregister,
}

/// What a registration tells.
#[derive(Debug, Clone)]
pub enum RegistrationEvent {
    /// The binding stands: after the first REGISTER and after each refresh.
    Registered(Box<Registered>),
    /// A REGISTER came to nothing. The binding of an earlier one stands until [`RegistrationEvent::Lapsed`].
    Failed {
        /// Why.
        failure: RegistrationFailure,
        /// After what time it is tried again by itself; `None` if it is not: the registration is over and its id not valid
        /// any more.
        retry_after: Option<Duration>,
    },
    /// The binding's time ran out before it could be refreshed. It is still tried.
    Lapsed,
    /// The connection that the binding depends on is gone. It is registered anew, at once where the connection had stood
    /// for a while.
    FlowLost,
    /// It is over as was asked; the id is not valid any more.
    Unregistered {
        /// Whether the registrar has confirmed that the binding is gone, or there was none. Otherwise it may stand until
        /// its time is over.
        confirmed: bool,
    },
    /// A command did not fit; nothing was changed.
    Misused(Misuse),
}

/// A binding that stands, with all that the registrar told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// How long it lasts from now.
    pub expires: Duration,
    /// Every Contact that is bound to the address of record, ours among them.
    pub contacts: Vec<UriBuf>,
    /// Service-Route: by where requests of the account go (RFC 3608).
    pub service_route: Vec<UriBuf>,
    /// The public GRUU: a URI that leads to this agent from anywhere (RFC 5627).
    pub pub_gruu: Option<UriBuf>,
    /// The newest temporary GRUU.
    pub temp_gruu: Option<UriBuf>,
    /// Whether requests come by the flow that we opened (`Require: outbound`, RFC 5626 §4.2.1).
    pub outbound: bool,
}

/// Why a REGISTER came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistrationFailure {
    /// 401 or 407: there are no credentials for the realm, or they are wrong.
    #[error("the registrar does not accept the credentials")]
    Unauthorized,
    /// Refused with another status.
    #[error("the registrar refused with {}", .0.as_u16())]
    Refused(StatusCode),
    /// 423: the registrar wants more than [`RegistrationConfig::longest`](crate::RegistrationConfig), in seconds.
    #[error("the registrar asks for a binding of {0} s at least")]
    TooBrief(u32),
    /// 2xx, but our Contact is not among the bindings.
    #[error("the registrar accepted but does not hold our binding")]
    NotBound,
    /// No answer in time.
    #[error("the registrar does not answer")]
    TimedOut,
    /// It cannot be reached.
    #[error("the registrar cannot be reached")]
    Unreachable,
    /// There is no route to it.
    #[error("no route to the registrar: {0}")]
    NoRoute(RouteError),
    /// A table of ours is full.
    #[error("too many registrations or requests")]
    Overload,
    /// The account cannot be used.
    #[error("the account cannot be used: {0}")]
    Account(AccountFault),
    /// A value of the account cannot stand in a message.
    #[error("a value of the account cannot stand in a message")]
    Unencodable,
}
