//! Starts a driver: sockets, pump and thread.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::Arc,
    thread,
    time::Duration,
};

use dialog_core::Account;
use event_bus::Bus;
use media_core::{
    Pump, PumpConfig, PumpHandle,
    io::{DatagramLoss, Hooks},
    latch::LatchPolicy,
};
use sip_message::{NameAddrBuf, Scheme, UriBuf};
use sip_transport::{
    Transport,
    io::{ListenError, Resolver, SocketConfig, Sockets},
};
use tokio::sync::{mpsc, oneshot};

use super::{COMMANDS, Capture, DECISIONS, Delivered, Impairment, MediaEnds, Parts, Request, Tally, run};
use crate::{
    engine::{EngineConfig, MediaMode},
    error::StartError,
    event::SessionEvent,
    report::Reporter,
};

/// RTP ports that are bound beyond those of live calls: kept ready, or resting after use.
const SPARE_STREAMS: usize = 64;

/// What is to be started.
pub(crate) struct Plan {
    pub(crate) listen: Vec<(Transport, SocketAddr)>,
    pub(crate) sockets: SocketConfig,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) identity: Option<String>,
    pub(crate) config: EngineConfig,
    pub(crate) ports: Option<RangeInclusive<u16>>,
    pub(crate) rtcp_interval: Option<Duration>,
    pub(crate) capture: Option<Capture>,
    pub(crate) impairment: Option<Impairment>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) reports: usize,
}

/// The ends of a driver that runs.
pub(crate) struct Started {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) decisions: mpsc::Receiver<Delivered>,
    pub(crate) bus: Bus<SessionEvent>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) pump: Option<PumpHandle>,
    pub(crate) locals: Vec<Local>,
}

/// An address we listen on.
pub(crate) type Local = (Transport, SocketAddr);

/// A pump that runs, and its ends for the driver.
type OpenMedia = (Pump, MediaEnds);

/// Starts a driver in a thread of its own.
pub(crate) async fn start(mut plan: Plan) -> Result<Started, StartError> {
    // Draws once, so that a broken random source is found here and not in a call.
    getrandom::u64().map_err(|error| StartError::System(std::io::Error::other(error.to_string())))?;
    let bus = Bus::new();
    let publisher = bus.publisher();
    let tally = Arc::new(Tally::default());
    let counting = Arc::clone(&tally);
    let (requests, request_queue) = mpsc::channel(COMMANDS);
    let (decision_sender, decisions) = mpsc::channel(DECISIONS);
    let (started, start) = oneshot::channel();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::System)?;
    let body = async move {
        let (sockets, locals, media) = match plan.open() {
            Ok(opened) => opened,
            Err(error) => {
                report(started, Err(error));
                return;
            }
        };
        let (pump, media) = media.unzip();
        report(started, Ok((locals, media.as_ref().map(|(handle, _): &MediaEnds| handle.clone()))));
        let parts = Parts {
            config: plan.config,
            sockets,
            resolver: plan.resolver,
            media,
            capture: plan.capture,
            impairment: plan.impairment,
            accounts: plan.accounts,
            requests: request_queue,
            decisions: decision_sender,
            bus: publisher,
            tally: counting,
            reporter: Reporter::new(plan.reports),
        };
        let waiting = run(parts).await;
        // The streams end after the calls, and nobody is told before their last RTCP is out.
        if let Some(Err(error)) = pump.map(Pump::shutdown) {
            tracing::warn!(%error, "the media pump did not end as it should");
        }
        for done in waiting {
            report(done, ());
        }
    };
    thread::Builder::new()
        .name("patchcord-sip".to_owned())
        .spawn(move || runtime.block_on(body))
        .map_err(StartError::System)?;
    let gone = |_| StartError::System(std::io::Error::other("the driver's thread ended"));
    let (locals, pump) = start.await.map_err(gone)??;
    Ok(Started { requests, decisions, bus, tally, pump, locals })
}

impl Plan {
    /// Binds the SIP sockets and starts the pump; inside the driver's runtime.
    fn open(&mut self) -> Result<(Sockets, Vec<Local>, Option<OpenMedia>), StartError> {
        let mut sockets = Sockets::new(self.sockets.clone());
        let mut locals = Vec::new();
        for (transport, address) in &self.listen {
            let listening =
                sockets.listen(*transport, *address).map_err(|error| listen_error(*address, error))?;
            locals.extend(listening.into_iter().map(|local| (*transport, local)));
        }
        // What we do not listen by can be called by all the same.
        let ips: BTreeSet<IpAddr> = locals.iter().map(|(_, local)| local.ip()).collect();
        for transport in [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss] {
            let listens =
                |ip: &&IpAddr| locals.iter().any(|(by, local)| (*by, local.ip()) == (transport, **ip));
            for ip in ips.iter().filter(|ip| !listens(ip)) {
                sockets.offer(transport, *ip);
            }
        }
        let addresses: Vec<SocketAddr> = locals.iter().map(|(_, local)| *local).collect();
        self.settle_identity(&locals)?;
        // What means ourselves is never called on somebody else's word (SEC-04).
        self.config.policy.targets.own.extend(&addresses);
        let media = self.start_pump(&addresses)?;
        Ok((sockets, locals, media))
    }

    fn settle_identity(&mut self, locals: &[Local]) -> Result<(), StartError> {
        let account = self.accounts.first().map(|account| account.aor.uri.to_string());
        let text = match (self.identity.clone().or(account), locals.first()) {
            (Some(identity), _) => identity,
            (None, Some((_, local))) => format!("sip:patchcord@{local}"),
            (None, None) => return Err(StartError::Identity(String::new())),
        };
        let uri: UriBuf = text.parse().map_err(|_| StartError::Identity(text.clone()))?;
        if !matches!(uri.as_uri().scheme(), Scheme::Sip | Scheme::Sips) {
            return Err(StartError::Identity(text));
        }
        self.config.contact_user = uri.as_uri().user().map(Arc::from);
        self.config.identity = NameAddrBuf::from(uri);
        Ok(())
    }

    fn start_pump(&mut self, locals: &[SocketAddr]) -> Result<Option<OpenMedia>, StartError> {
        if self.config.media == MediaMode::Off {
            return Ok(None);
        }
        // RTP is bound to one address, which is then the one in our SDP.
        let public = locals.iter().map(SocketAddr::ip).find(|ip| !ip.is_loopback());
        let address = public.or_else(|| locals.first().map(SocketAddr::ip));
        let address = address.ok_or_else(|| StartError::Media("there is no address for it".to_owned()))?;
        self.config.media_address.get_or_insert(address);
        let mut config = PumpConfig { address, ..PumpConfig::default() };
        if let Some(ports) = &self.ports {
            config.ports = ports.clone();
        }
        // A call that is transferred has two streams for a moment, and some ports are kept ready.
        config.max_streams = self.config.max_calls.saturating_mul(2).saturating_add(SPARE_STREAMS);
        config.streams.max_streams = config.max_streams;
        config.streams.max_devices = config.max_streams;
        let audio = &self.config.audio;
        config.streams.unconfirmed_packets = audio.unconfirmed_packets;
        config.streams.hold_audio = audio.hold_audio.clone();
        config.streams.ears = audio.ears;
        config.streams.find_tones = audio.find_tones;
        config.streams.xr = audio.voice_metrics;
        config.streams.soundless_after = audio.soundless_after;
        if audio.learn_addresses {
            config.streams.latch = LatchPolicy::Learn;
        }
        if let Some(interval) = self.rtcp_interval {
            config.streams.rtcp_interval = interval;
        }
        let failed = |reason: String| StartError::Media(reason);
        let hooks = Hooks {
            observer: self.capture.as_ref().map(Capture::observer),
            loss: self
                .impairment
                .clone()
                .map(|impairment| -> DatagramLoss { Box::new(move |_| impairment.takes()) }),
        };
        let (mut pump, handle) =
            Pump::start_with(config, hooks).map_err(|error| failed(error.to_string()))?;
        // Bound once here, so that a wrong range or address is found now and not in a call.
        handle.reserve().map_err(|error| failed(error.to_string()))?;
        let answers = pump.answers().ok_or_else(|| failed("its answers are taken".to_owned()))?;
        Ok(Some((pump, (handle, answers))))
    }
}

/// Tells whoever waits. A starter that has stopped waiting has dropped the handles, which ends the driver.
fn report<T>(started: oneshot::Sender<T>, what: T) {
    if started.send(what).is_err() {
        tracing::debug!("nobody waits any more");
    }
}

fn listen_error(address: SocketAddr, error: ListenError) -> StartError {
    match error {
        ListenError::Bind { address, source } if source.kind() == std::io::ErrorKind::AddrInUse => {
            StartError::AddressInUse(address)
        }
        ListenError::Bind { address, source } => StartError::Bind { address, source },
        ListenError::NoIdentity(transport) => StartError::Certificate(transport),
        other => StartError::Bind { address, source: std::io::Error::other(other) },
    }
}
