//! One user agent of this process: a session manager, and its events on the console.

use std::sync::Arc;
use std::time::Duration;

use session_core::{
    Builder, Delivery, DnsConfig, DnsResolver, EventKind, IncomingQueue, MediaMode, Overflow, SessionEvent,
    SessionManager, Source, Subscriber, TransferId, Transport, load_wav,
    tls::{ClientCertificates, Pem, Roots, TlsConfig, TlsError, TlsIdentity},
};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::args::{AudioArgs, Listen, NetworkArgs, Switch};
use crate::console::Console;
use crate::exit::Failure;
use crate::json::Line;

/// Events that may wait for a slow reader of stdout: a thousand calls that begin and end at once.
const EVENT_QUEUE: usize = 16_384;
/// Events that are printed together at most.
const PRINTED: usize = 256;
/// How long the printer rests after it has printed: what comes meanwhile leaves together, and a busy engine wakes nobody for
/// each of its events. Nobody who reads along notices.
const REST: Duration = Duration::from_millis(5);
/// How long the last events of a transfer, or of all, may take to be printed.
const LAST_EVENTS: Duration = Duration::from_secs(2);
/// The tone that is sent where the command line says nothing.
const DEFAULT_TONE: u16 = 440;

/// A running user agent.
pub(crate) struct Agent {
    /// Its operations.
    pub(crate) manager: SessionManager,
    /// What it has to decide.
    pub(crate) incoming: IncomingQueue,
    /// Ends when everything is printed.
    printer: oneshot::Receiver<()>,
    /// The transfer whose end was printed last.
    told: watch::Receiver<Option<TransferId>>,
}

impl Agent {
    /// Starts it, tells its events, and tells where it listens.
    pub(crate) async fn start(builder: Builder, console: &Arc<Console>) -> Result<Self, Failure> {
        let (manager, incoming) = builder.start().await?;
        // The manager's clock starts at zero about now.
        let offset = console.now();
        let events = subscribe(&manager, |event| !matches!(event.kind, EventKind::Message(_)))?;
        let (printing, printer) = oneshot::channel();
        let (telling, told) = watch::channel(None);
        let printed = Arc::clone(console);
        std::thread::Builder::new()
            .name("patchcord-print".into())
            .spawn(move || {
                print(events, &printed, offset, &telling);
                drop(printing);
            })
            .map_err(|error| {
                Failure::environment(format!("the operating system refuses threads: {error}"))
            })?;
        let addresses: Vec<String> = manager.local_addresses().iter().map(|(t, a)| address(*t, *a)).collect();
        console.own(
            &Line::own("listening", console.now()).with("addresses", addresses.clone()),
            &format!("listening on {}", addresses.join(", ")),
        );
        Ok(Self { manager, incoming, printer, told })
    }

    /// Waits until the end of a transfer is printed, so that what is said of it then stands below. A reader of stdout who
    /// stands still, or from whom events were kept, is not waited for.
    pub(crate) async fn told(&self, transfer: TransferId) {
        let mut told = self.told.clone();
        let printed = told.wait_for(|last| *last == Some(transfer));
        if timeout(LAST_EVENTS, printed).await.is_err() {
            tracing::warn!(%transfer, "its last event was not printed in time");
        }
    }

    /// Ends every call with BYE and waits until all is told. A second Ctrl-C ends the process meanwhile.
    pub(crate) async fn close(self) {
        self.manager.shutdown().await;
        drop(self.incoming);
        drop(self.manager);
        if timeout(LAST_EVENTS, self.printer).await.is_err() {
            tracing::warn!("some events were not printed in time");
        }
    }
}

/// Subscribes to the events that pass the filter.
pub(crate) fn subscribe(
    manager: &SessionManager,
    wants: impl Fn(&SessionEvent) -> bool + Send + Sync + 'static,
) -> Result<Subscriber<SessionEvent>, Failure> {
    manager
        .subscribe_with(EVENT_QUEUE, Overflow::DropOldest, wants)
        .map_err(|error| Failure::environment(format!("events cannot be had: {error}")))
}

/// Prints events until there are no more. It has a thread of its own, so that a reader of stdout who stands still holds up
/// nothing else; what has come meanwhile leaves together.
fn print(
    mut events: Subscriber<SessionEvent>,
    console: &Console,
    offset: Duration,
    told: &watch::Sender<Option<TransferId>>,
) {
    let mut taken = Vec::new();
    while events.recv_batch_blocking(&mut taken, PRINTED) > 0 {
        let ended = taken.iter().rev().find_map(ended);
        let lines: Vec<String> = taken
            .drain(..)
            .filter_map(|delivery| match delivery {
                Delivery::Event(event) => console.line_of(offset + event.at, &event),
                Delivery::Lost(count) => {
                    let line = Line::own("events_lost", console.now()).with("count", count.get());
                    let words = format!("({count} events were not printed: the reader is too slow)");
                    Some(console.line_of_own(&line, &words))
                }
            })
            .collect();
        console.lines(lines.iter().map(String::as_str));
        if ended.is_some() {
            told.send_replace(ended);
        }
        std::thread::sleep(REST);
    }
}

/// The transfer whose end this is.
fn ended(delivery: &Delivery<SessionEvent>) -> Option<TransferId> {
    match delivery {
        Delivery::Event(event) if matches!(event.kind, EventKind::TransferEnded(_)) => event.transfer,
        Delivery::Event(_) | Delivery::Lost(_) => None,
    }
}

/// A manager that listens and sends as the command line says.
pub(crate) fn configure(
    listen: &[Listen],
    network: &NetworkArgs,
    audio: &AudioArgs,
    media: Switch,
) -> Result<Builder, Failure> {
    let mut builder = SessionManager::builder()
        .source(source(audio)?)
        .media(match media {
            Switch::On => MediaMode::On,
            Switch::Off => MediaMode::Off,
        })
        .resolver(resolver(network)?);
    if let Some(tls) = tls(network)? {
        builder = builder.tls(tls);
    }
    for Listen(transport, at) in listen {
        builder = builder.listen(&address(*transport, *at))?;
    }
    Ok(builder)
}

/// The DNS itself, so that NAPTR and SRV records are followed (RFC 3263).
fn resolver(network: &NetworkArgs) -> Result<DnsResolver, Failure> {
    let config = DnsConfig { servers: network.dns.clone(), ..DnsConfig::default() };
    DnsResolver::new(&config).map_err(|error| Failure::environment(format!("cannot resolve names: {error}")))
}

/// `None` leaves TLS at its defaults: no certificate of ours, and the authorities that the system trusts.
fn tls(network: &NetworkArgs) -> Result<Option<TlsConfig>, Failure> {
    let NetworkArgs { tls_cert, tls_key, tls_ca, tls_mutual, tls_insecure, dns: _ } = network;
    let roots = match (tls_insecure, &tls_ca[..]) {
        (true, _) => Roots::AcceptAny,
        (false, []) => Roots::System,
        (false, files) => Roots::Pinned(files.iter().map(Pem::file).collect()),
    };
    let identity = match (tls_cert, tls_key) {
        (Some(chain), Some(key)) => {
            Some(TlsIdentity::new(Pem::file(chain), Pem::file(key)).map_err(|error| tls_failure(&error))?)
        }
        _ if matches!(roots, Roots::System) => return Ok(None),
        _ => None,
    };
    let mut tls = TlsConfig::builder(roots);
    if let Some(identity) = identity {
        tls = tls.identity(identity);
    }
    if *tls_mutual {
        tls = tls.client_certificates(ClientCertificates::Required);
    }
    tls.build().map(Some).map_err(|error| tls_failure(&error))
}

fn tls_failure(error: &TlsError) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::environment(text)
}

fn source(audio: &AudioArgs) -> Result<Source, Failure> {
    if let Some(file) = &audio.play {
        return load_wav(file)
            .map(Source::Wav)
            .map_err(|error| Failure::environment(format!("cannot play {}: {error}", file.display())));
    }
    if audio.echo {
        return Ok(Source::Echo);
    }
    Ok(Source::Tone { hz: audio.tone.unwrap_or(DEFAULT_TONE) })
}

/// An address as `--listen` takes it.
pub(crate) fn address(transport: Transport, address: std::net::SocketAddr) -> String {
    format!("{}:{address}", transport.to_string().to_ascii_lowercase())
}
