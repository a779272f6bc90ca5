//! How a session manager is set up and started.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use dialog_core::{Account, Authentication, ExplicitSubscriptions, Keyring, ReferAcceptance};
use media_core::{Codec, CodecPreference, HoldAudio, Source, SrtpPolicy};
use sip_message::{NameAddrBuf, UriBuf};
use sip_transport::{
    Transport,
    io::{
        Dscp, Resolver, SocketConfig, SystemResolver,
        tls::{Roots, TlsConfig},
    },
};
use transfer::{Network, PeerProfile, ReferOptions, ReplacesAuthorizer, TransferHandling, TransferPolicy};

use super::{incoming::IncomingQueue, session_manager::SessionManager};
use crate::{
    driver::{self, Capture, Impairment, Plan, Started},
    engine::{AudioConfig, CallHandling, EngineConfig, MediaMode},
    error::StartError,
    report::Reporter,
};

mod media;

/// Descriptors that a process needs besides its sockets: standard streams, event loops, libraries.
const OTHER_DESCRIPTORS: u64 = 64;

/// What can be listened by.
const LISTEN_TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

/// Sets a [`SessionManager`] up.
#[must_use = "it does nothing until it is started"]
pub struct Builder {
    listen: Vec<(Transport, SocketAddr)>,
    sockets: SocketConfig,
    resolver: Arc<dyn Resolver>,
    identity: Option<String>,
    config: EngineConfig,
    ports: Option<RangeInclusive<u16>>,
    rtcp_interval: Option<Duration>,
    capture: Option<Capture>,
    impairment: Option<Impairment>,
    accounts: Vec<Account>,
    reports: usize,
}

impl Default for Builder {
    fn default() -> Self {
        // invariant: a constant that is a SIP URI.
        let nobody: UriBuf = "sip:patchcord@invalid".parse().expect("invariant: a valid URI");
        let config = EngineConfig { max_calls: 256, ..EngineConfig::new(NameAddrBuf::from(nobody)) };
        Self {
            listen: Vec::new(),
            sockets: SocketConfig::default(),
            resolver: Arc::new(SystemResolver),
            identity: None,
            config,
            ports: None,
            rtcp_interval: None,
            capture: None,
            impairment: None,
            accounts: Vec::new(),
            reports: Reporter::KEPT,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("identity", &self.identity)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Adds a listen address: `udp:IP:PORT`, the same with `tcp`, `tls`, `ws` or `wss`, or without any, which means UDP; an
    /// IPv6 address in brackets. Port 0 takes a free one, a wildcard address listens on every address of this machine.
    /// Without any, `udp:127.0.0.1:0`. TLS and WSS need a certificate ([`Builder::tls`]).
    ///
    /// Calls go out by each transport from these addresses, whether it is listened on or not.
    pub fn listen(mut self, address: &str) -> Result<Self, StartError> {
        let (transport, rest) = match address.split_once(':') {
            Some((name, rest))
                if name.chars().all(|letter| letter.is_ascii_alphabetic()) && !name.is_empty() =>
            {
                (name, rest)
            }
            _ => ("udp", address),
        };
        let refuse = |reason| StartError::Listen { value: address.to_owned(), reason };
        let transport = LISTEN_TRANSPORTS
            .into_iter()
            .find(|known| known.via_name().eq_ignore_ascii_case(transport))
            .ok_or_else(|| refuse("the transport is none of udp, tcp, tls, ws and wss"))?;
        let address = rest.parse().map_err(|_| {
            refuse("write TRANSPORT:IP:PORT, such as udp:192.0.2.10:5060, an IPv6 address in brackets")
        })?;
        self.listen.push((transport, address));
        Ok(self)
    }

    /// Sets how TLS verifies the other side, and our own certificate, which listening by TLS or WSS needs. Without it the
    /// authorities that the system trusts are used to call `sips:` URIs.
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.sockets.tls = Some(tls);
        self
    }

    /// Sets who looks names up; the system's resolver by default, which knows addresses only (no NAPTR, no SRV).
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Sets the mark of what is sent as SIP (RFC 2474); the system's by default.
    pub fn dscp(mut self, dscp: Dscp) -> Self {
        self.sockets.dscp = Some(dscp);
        self
    }

    /// Sets the limits and times of connections, and where requests go.
    pub fn transport(mut self, config: sip_transport::Config) -> Self {
        self.config.transport = config;
        self
    }

    /// Sets our identity, the From of what we send: a `sip:` URI. Without one, that of the first account, or else
    /// `sip:patchcord@` the first listen address.
    pub fn identity(mut self, uri: &str) -> Self {
        self.identity = Some(uri.to_owned());
        self
    }

    /// Adds an account that is registered from the start and taken back at shutdown. Calls that name no account go out as
    /// the first one. What becomes of it is told by the `registration_*` events; its credentials are
    /// [`Builder::keys`].
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Sets with what challenges are answered: of registrars, proxies and whomever we call.
    pub fn keys(mut self, keys: Keyring) -> Self {
        self.config.keys = keys;
        self
    }

    /// Has whoever calls us, or asks us to move a call, prove by digest who it is (RFC 3261 §22.2): without it the answer is 401.
    /// Nobody is asked by default.
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.config.authentication = Some(authentication);
        self
    }

    /// Sets the address in our SDP, where it is not the one of the SIP socket.
    pub fn media_address(mut self, address: IpAddr) -> Self {
        self.config.media_address = Some(address);
        self
    }

    /// Limits RTP to a range of ports; without it any free ports are used.
    pub fn media_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports = Some(ports);
        self
    }

    /// Switches RTP on or off.
    pub fn media(mut self, mode: MediaMode) -> Self {
        self.config.media = mode;
        self
    }

    /// Sets what calls send by default.
    pub fn source(mut self, source: Source) -> Self {
        self.config.source = source;
        self
    }

    /// Sets the transfer policy.
    pub fn transfer_policy(mut self, policy: TransferPolicy) -> Self {
        self.config.policy = policy;
        self
    }

    /// Has transfers done as peers of one kind need it: how a REFER is sent, whether the call is held first, who hangs up. After
    /// [`Builder::transfer_policy`], which sets some of it, too.
    pub fn profile(mut self, profile: PeerProfile) -> Self {
        self.config.apply(profile);
        self
    }

    /// Sets how the REFER of every transfer is sent that does not say it itself. After [`Builder::profile`], which sets it, too.
    pub fn refer_options(mut self, options: ReferOptions) -> Self {
        self.config.refer = options;
        self
    }

    /// Sets who may replace a call of ours by an INVITE with Replaces (RFC 3891); who was referred by the replaced party
    /// by default. After [`Builder::transfer_policy`], which sets it, too.
    pub fn replaces(mut self, authorizer: ReplacesAuthorizer) -> Self {
        self.config.policy.replaces = authorizer;
        self
    }

    /// Adds a trunk: a network whose peers speak for each other, so that a call with one may be replaced by another.
    pub fn trunk(mut self, network: Network) -> Self {
        self.config.policy.trunks.push(network);
        self
    }

    /// Sets who does the steps of transfers: the stack by its policy, or the application by the operations of
    /// [`SessionManager`] that say so; the stack by default.
    /// [`SessionManager::set_transfer_handling`] says otherwise for one call. After [`Builder::transfer_policy`], which sets
    /// it, too.
    pub fn transfer_handling(mut self, handling: TransferHandling) -> Self {
        self.config.policy.handling = handling;
        self
    }

    /// Sets whether calls are held before they are transferred; they are by default.
    pub fn hold_before_transfer(mut self, hold: bool) -> Self {
        self.config.hold_before_transfer = hold;
        self
    }

    /// Sets how many calls may be up at once; 256 by default. A further incoming one is refused with 486.
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.config.max_calls = calls;
        self
    }

    /// Sets who decides about calls that come in; the application by default.
    pub fn call_handling(mut self, handling: CallHandling) -> Self {
        self.config.calls = handling;
        self
    }

    /// Sets how long our calls ring; 60 s by default.
    pub fn ring_limit(mut self, limit: Duration) -> Self {
        self.config.ring_limit = limit;
        self
    }

    /// Sets the base timers of RFC 3261; only for links that are slower or faster than the Internet.
    pub fn timing(mut self, timing: transaction_core::Timing) -> Self {
        self.config.timing = timing;
        self
    }

    /// Sets the least RTCP interval; 5 s by default (RFC 3550 §6.2).
    pub fn rtcp_interval(mut self, interval: Duration) -> Self {
        self.rtcp_interval = Some(interval);
        self
    }

    /// Sets User-Agent and Server.
    pub fn user_agent(mut self, name: &str) -> Self {
        self.config.user_agent = Some(Arc::from(name));
        self
    }

    /// Sets the 2xx that accepts a REFER: 202 by default, 200 where RFC 7647 is followed to the letter.
    pub fn refer_acceptance(mut self, status: ReferAcceptance) -> Self {
        self.config.refer_acceptance = status;
        self
    }

    /// Sets how many explicit subscriptions REFERs of others may lead to (RFC 7614); `None` offers none and answers 420.
    pub fn explicit_subscriptions(mut self, offer: Option<ExplicitSubscriptions>) -> Self {
        self.config.explicit_subscriptions = offer;
        self
    }

    /// Makes every SIP message an event.
    pub fn trace(mut self, trace: bool) -> Self {
        self.config.trace = trace;
        self
    }

    /// The codecs, most wanted first: PCMU and PCMA otherwise.
    pub fn codecs(mut self, codecs: &[Codec]) -> Self {
        self.config.audio.codecs = codecs.into();
        self
    }

    /// Whose order of codecs counts when we answer: theirs by default, as RFC 3264 §6.1 recommends.
    pub fn codec_preference(mut self, preference: CodecPreference) -> Self {
        self.config.audio.preference = preference;
        self
    }

    /// What calls bring into their session descriptions besides.
    pub fn audio(mut self, audio: AudioConfig) -> Self {
        self.config.audio = audio;
        self
    }

    /// Whether calls may or must be secured by SRTP; the keys stand in the descriptions, which need a secured way: TLS.
    pub fn srtp(mut self, policy: SrtpPolicy) -> Self {
        self.config.audio.srtp = policy;
        self
    }

    /// What parties hear while we hold them; nothing otherwise.
    pub fn hold_audio(mut self, audio: HoldAudio) -> Self {
        self.config.audio.hold_audio = audio;
        self
    }

    /// Measures what users hear, for [`SessionMediaInfo::heard`](crate::SessionMediaInfo::heard): for tests and
    /// demonstrations.
    pub fn ears(mut self) -> Self {
        self.config.audio.ears = true;
        self
    }

    /// Records every datagram, SIP, RTP and RTCP, in a pcap file: audio and identities, see [`Capture`].
    pub fn capture(mut self, capture: Capture) -> Self {
        self.capture = Some(capture);
        self
    }

    /// Sets how many reports of ended transfers are kept; [`Reporter::KEPT`] by default, and none are made with 0.
    pub fn transfer_reports(mut self, kept: usize) -> Self {
        self.reports = kept;
        self
    }

    /// Loses datagrams on purpose: for laboratories.
    pub fn impairment(mut self, impairment: Impairment) -> Self {
        self.impairment = Some(impairment);
        self
    }

    /// Binds the sockets and starts the threads.
    pub async fn start(mut self) -> Result<(SessionManager, IncomingQueue), StartError> {
        if self.listen.is_empty() {
            self.listen.push((Transport::Udp, ([127, 0, 0, 1], 0).into()));
        }
        self.check_descriptors()?;
        if self.sockets.tls.is_none() {
            match TlsConfig::builder(Roots::System).build() {
                Ok(tls) => self.sockets.tls = Some(tls),
                // Then there is no TLS: a `sips:` URI cannot be called, which is told when one is.
                Err(error) => tracing::info!(%error, "no TLS without settings of its own"),
            }
        }
        let plan = Plan {
            listen: self.listen,
            sockets: self.sockets,
            resolver: self.resolver,
            identity: self.identity,
            config: self.config,
            ports: self.ports,
            rtcp_interval: self.rtcp_interval,
            capture: self.capture,
            impairment: self.impairment,
            accounts: self.accounts,
            reports: self.reports,
        };
        let Started { requests, decisions, bus, tally, pump, locals } = driver::start(plan).await?;
        Ok((
            SessionManager::new(requests.clone(), bus, tally, pump, locals),
            IncomingQueue::new(decisions, &requests),
        ))
    }

    /// Checks that the calls have enough descriptors, and lets connections have what is left.
    fn check_descriptors(&mut self) -> Result<(), StartError> {
        let Some(limit) = descriptor_limit() else { return Ok(()) };
        // Two sockets a call, and those that are kept ready.
        let ready = crate::engine::PORTS_AHEAD as u64;
        let media =
            if self.config.media == MediaMode::On { (self.config.max_calls as u64 + ready) * 2 } else { 0 };
        let wanted = media + self.listen.len() as u64 + OTHER_DESCRIPTORS;
        if wanted >= limit {
            return Err(StartError::Descriptors { limit, wanted });
        }
        let left = usize::try_from(limit - wanted).unwrap_or(usize::MAX);
        let connections = &mut self.config.transport.connections;
        *connections = left.min(*connections);
        Ok(())
    }
}

/// The soft limit of open files, where the system tells it.
fn descriptor_limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
