//! How a session manager is set up and started.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use dialog_core::ReferAcceptance;
use media_core::Source;
use sip_message::{NameAddrBuf, UriBuf};
use transfer::{Network, ReplacesAuthorizer, TransferPolicy};

use super::{incoming::IncomingQueue, session_manager::SessionManager};
use crate::{
    driver::{self, Capture, Plan, Started},
    engine::{EngineConfig, MediaMode},
    error::StartError,
};

/// Descriptors that a process needs besides its sockets: standard streams, event loops, libraries.
const OTHER_DESCRIPTORS: u64 = 64;

/// Sets a [`SessionManager`] up.
#[derive(Debug)]
#[must_use = "it does nothing until it is started"]
pub struct Builder {
    listen: Vec<SocketAddr>,
    identity: Option<String>,
    config: EngineConfig,
    ports: Option<RangeInclusive<u16>>,
    rtcp_interval: Option<Duration>,
    capture: Option<Capture>,
}

impl Default for Builder {
    fn default() -> Self {
        // invariant: a constant that is a SIP URI.
        let nobody: UriBuf = "sip:patchcord@invalid".parse().expect("invariant: a valid URI");
        let config = EngineConfig { max_calls: 256, ..EngineConfig::new(NameAddrBuf::from(nobody)) };
        Self { listen: Vec::new(), identity: None, config, ports: None, rtcp_interval: None, capture: None }
    }
}

impl Builder {
    /// Adds a listen address: `udp:IP:PORT`, `udp:[IP]:PORT`, or the same without `udp:`. Port 0 takes a free one, a
    /// wildcard address listens on every address of this machine. Without any, `127.0.0.1` with a free port.
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
        if !transport.eq_ignore_ascii_case("udp") {
            return Err(refuse("only udp is offered; write udp:IP:PORT"));
        }
        let address = rest.parse().map_err(|_| refuse("write udp:IP:PORT, an IPv6 address in brackets"))?;
        self.listen.push(address);
        Ok(self)
    }

    /// Sets our identity, the From of what we send: a `sip:` URI. Without one, `sip:patchcord@` the first listen address.
    pub fn identity(mut self, uri: &str) -> Self {
        self.identity = Some(uri.to_owned());
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

    /// Makes every SIP message an event.
    pub fn trace(mut self, trace: bool) -> Self {
        self.config.trace = trace;
        self
    }

    /// Records every datagram, SIP, RTP and RTCP, in a pcap file: audio and identities, see [`Capture`].
    pub fn capture(mut self, capture: Capture) -> Self {
        self.capture = Some(capture);
        self
    }

    /// Binds the sockets and starts the threads.
    pub async fn start(mut self) -> Result<(SessionManager, IncomingQueue), StartError> {
        if self.listen.is_empty() {
            self.listen.push(([127, 0, 0, 1], 0).into());
        }
        self.check_descriptors()?;
        let Self { listen, identity, config, ports, rtcp_interval, capture } = self;
        let Started { requests, decisions, bus, pump, locals } =
            driver::start(Plan { listen, identity, config, ports, rtcp_interval, capture }).await?;
        Ok((
            SessionManager::new(requests.clone(), bus, pump, locals),
            IncomingQueue::new(decisions, &requests),
        ))
    }

    fn check_descriptors(&self) -> Result<(), StartError> {
        let Some(limit) = descriptor_limit() else { return Ok(()) };
        // Two sockets a call, and those that are kept ready.
        let ready = crate::engine::PORTS_AHEAD as u64;
        let media =
            if self.config.media == MediaMode::On { (self.config.max_calls as u64 + ready) * 2 } else { 0 };
        let wanted = media + self.listen.len() as u64 + OTHER_DESCRIPTORS;
        if wanted > limit { Err(StartError::Descriptors { limit, wanted }) } else { Ok(()) }
    }
}

/// The soft limit of open files, where the system tells it.
fn descriptor_limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
