//! How a session manager is set up and started.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    thread,
    time::Duration,
};

use event_bus::Bus;
use media_core::{Pump, PumpConfig, Source};
use dialog_core::ReferAcceptance;
use sip_message::{NameAddrBuf, UriBuf};
use sip_transport::io::{ListenError, UdpFlow};
use tokio::sync::{mpsc, oneshot};
use transfer::TransferPolicy;

use super::{incoming::IncomingQueue, manager::SessionManager};
use crate::{
    driver::{self, COMMANDS, DECISIONS, MediaEnds, Parts},
    engine::{EngineConfig, MediaMode},
    error::StartError,
};

/// Descriptors that a process needs besides its sockets: standard streams, event loops, libraries.
const OTHER_DESCRIPTORS: u64 = 64;

/// Sets a [`SessionManager`] up.
#[derive(Debug)]
pub struct Builder {
    listen: Vec<SocketAddr>,
    identity: Option<String>,
    config: EngineConfig,
    ports: Option<RangeInclusive<u16>>,
    rtcp_interval: Option<Duration>,
}

impl Default for Builder {
    fn default() -> Self {
        // invariant: a constant that is a SIP URI.
        let nobody: UriBuf = "sip:patchcord@invalid".parse().expect("invariant: a valid URI");
        let config = EngineConfig { max_calls: 256, ..EngineConfig::new(NameAddrBuf::from(nobody)) };
        Self { listen: Vec::new(), identity: None, config, ports: None, rtcp_interval: None }
    }
}

impl Builder {
    /// Adds a listen address: `udp:IP:PORT`, `udp:[IP]:PORT`, or the same without `udp:`. Port 0 takes a free one, a
    /// wildcard address listens on every address of this machine. Without any, `127.0.0.1` with a free port.
    pub fn listen(mut self, address: &str) -> Result<Self, StartError> {
        let (transport, rest) = match address.split_once(':') {
            Some((name, rest)) if name.chars().all(|letter| letter.is_ascii_alphabetic()) && !name.is_empty() => (name, rest),
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

    /// Binds the sockets and starts the threads.
    pub async fn start(mut self) -> Result<(SessionManager, IncomingQueue), StartError> {
        if self.listen.is_empty() {
            self.listen.push(([127, 0, 0, 1], 0).into());
        }
        self.check_descriptors()?;
        // Draws once, so that a broken random source is found here and not in a call.
        getrandom::u64().map_err(|error| StartError::System(std::io::Error::other(error.to_string())))?;
        let bus = Bus::new();
        let publisher = bus.publisher();
        let (requests, request_queue) = mpsc::channel(COMMANDS);
        let (decisions, decision_queue) = mpsc::channel(DECISIONS);
        let (started, start) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::System)?;
        let body = async move {
            let (sockets, media) = match self.open() {
                Ok(opened) => opened,
                Err(error) => {
                    report(started, Err(error));
                    return;
                }
            };
            let locals: Vec<SocketAddr> = sockets.iter().map(UdpFlow::local).collect();
            let (pump, media) = media.unzip();
            report(started, Ok((locals, media.as_ref().map(|(handle, _): &MediaEnds| handle.clone()))));
            driver::run(Parts { config: self.config, sockets, media, requests: request_queue, decisions, bus: publisher }).await;
            // The streams end after the calls.
            drop(pump);
        };
        thread::Builder::new()
            .name("patchcord-sip".to_owned())
            .spawn(move || runtime.block_on(body))
            .map_err(StartError::System)?;
        let gone = |_| StartError::System(std::io::Error::other("the driver's thread ended"));
        let (locals, pump) = start.await.map_err(gone)??;
        Ok((SessionManager::new(requests.clone(), bus, pump, locals), IncomingQueue::new(decision_queue, &requests)))
    }

    /// Binds the SIP sockets and starts the pump; inside the driver's runtime.
    fn open(&mut self) -> Result<(Vec<UdpFlow>, Option<(Pump, MediaEnds)>), StartError> {
        let mut sockets = Vec::new();
        for address in &self.listen {
            sockets.extend(UdpFlow::listen(*address).map_err(|error| listen_error(*address, error))?);
        }
        let locals: Vec<SocketAddr> = sockets.iter().map(UdpFlow::local).collect();
        self.settle_identity(&locals)?;
        let media = self.start_pump(&locals)?;
        Ok((sockets, media))
    }

    fn settle_identity(&mut self, locals: &[SocketAddr]) -> Result<(), StartError> {
        let text = match (&self.identity, locals.first()) {
            (Some(identity), _) => identity.clone(),
            (None, Some(local)) => format!("sip:patchcord@{local}"),
            (None, None) => return Err(StartError::Identity(String::new())),
        };
        let uri: UriBuf = text.parse().map_err(|_| StartError::Identity(text.clone()))?;
        if !matches!(uri.as_uri().scheme(), sip_message::Scheme::Sip | sip_message::Scheme::Sips) {
            return Err(StartError::Identity(text));
        }
        self.config.contact_user = uri.as_uri().user().map(Arc::from);
        self.config.identity = NameAddrBuf::from(uri);
        // What means ourselves is never called on somebody else's word (SEC-04).
        self.config.policy.targets.own.extend(locals);
        Ok(())
    }

    fn start_pump(&mut self, locals: &[SocketAddr]) -> Result<Option<(Pump, MediaEnds)>, StartError> {
        if self.config.media == MediaMode::Off {
            return Ok(None);
        }
        // RTP is bound to one address, which is then the one in our SDP.
        let public = locals.iter().map(SocketAddr::ip).find(|ip| !ip.is_loopback());
        let address = self.config.media_address.or(public).or_else(|| locals.first().map(SocketAddr::ip));
        let address = address.ok_or_else(|| StartError::Media("there is no address for it".to_owned()))?;
        self.config.media_address = Some(address);
        let mut config = PumpConfig { address, ..PumpConfig::default() };
        if let Some(ports) = &self.ports {
            config.ports = ports.clone();
        }
        // A call that is transferred has two streams for a moment, and some ports are kept ready.
        config.max_streams = self.config.max_calls.saturating_mul(2).saturating_add(64);
        config.streams.max_streams = config.max_streams;
        config.streams.max_devices = config.max_streams;
        if let Some(interval) = self.rtcp_interval {
            config.streams.rtcp_interval = interval;
        }
        let failed = |reason: String| StartError::Media(reason);
        let (mut pump, handle) = Pump::start(config).map_err(|error| failed(error.to_string()))?;
        let answers = pump.answers().ok_or_else(|| failed("its answers are taken".to_owned()))?;
        Ok(Some((pump, (handle, answers))))
    }

    fn check_descriptors(&self) -> Result<(), StartError> {
        let Some(limit) = descriptor_limit() else { return Ok(()) };
        let media = if self.config.media == MediaMode::On { self.config.max_calls as u64 * 2 } else { 0 };
        let wanted = media + self.listen.len() as u64 + OTHER_DESCRIPTORS;
        if wanted > limit { Err(StartError::Descriptors { limit, wanted }) } else { Ok(()) }
    }
}

/// Tells the starter; it may have stopped waiting, and then the handles it would have got are gone, which ends the driver.
fn report<T>(started: oneshot::Sender<T>, what: T) {
    if started.send(what).is_err() {
        tracing::debug!("nobody waits for the start any more");
    }
}

fn listen_error(address: SocketAddr, error: ListenError) -> StartError {
    match error {
        ListenError::Bind { address, source } if source.kind() == std::io::ErrorKind::AddrInUse => StartError::AddressInUse(address),
        ListenError::Bind { address, source } => StartError::Bind { address, source },
        other => StartError::Bind { address, source: std::io::Error::other(other) },
    }
}

/// The soft limit of open files, where the system tells it.
fn descriptor_limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
