//! A user agent on real sockets that decides about calls by a fixed rule, for the loopback and interoperability tests.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use session_core::{
    Builder, Capture, Delivery, EventKind, Incoming, IncomingQueue, Keyring, Overflow, ReferPolicy,
    SessionError, SessionEvent, SessionId, SessionManager, Source, StartError, StatusCode, Subscriber,
    TransferPolicy, tls::TlsConfig,
};
use tokio::time::timeout;

/// Bounds a test that hangs; what is awaited takes a hundredth of it, unless a test says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often reports come: they are what the tests of audio wait for.
const RTCP_INTERVAL: Duration = Duration::from_millis(500);

/// Events that may wait for a test.
const EVENTS: usize = 4096;

/// What a party does about calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Answers at once.
    Answer,
    /// 180 and no more.
    Ring,
    /// Refuses.
    Reject(StatusCode),
    /// Drops the decision without a word.
    Drop,
}

/// A running user agent.
pub struct Party {
    /// Its operations.
    pub manager: SessionManager,
    /// Its SIP address.
    pub address: SocketAddr,
    events: Subscriber<SessionEvent>,
    /// Every event that was waited for or passed over, in order.
    seen: Vec<SessionEvent>,
}

/// How a party is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its name.
    pub name: &'static str,
    /// `IP:PORT`; port 0 is any free one.
    pub listen: String,
    /// The tone that it sends, in Hz.
    pub tone: u16,
    /// What it does about calls.
    pub calls: Calls,
    /// Its transfer policy.
    pub policy: TransferPolicy,
    /// Calls at once.
    pub max_calls: usize,
    /// What it does about a REFER that it is asked to decide on.
    pub accepts_transfers: bool,
    /// Whether it holds a call before it moves it.
    pub holds_first: bool,
    /// Where its datagrams are recorded.
    pub capture: Option<Capture>,
    /// With what it answers challenges.
    pub keys: Option<Keyring>,
    /// What it listens by without a certificate: `udp` or `tcp`.
    pub transport: &'static str,
    /// It listens by TLS, with this certificate.
    pub tls: Option<TlsConfig>,
}

impl Setup {
    /// A party on loopback that follows REFERs to loopback.
    ///
    /// # Panics
    ///
    /// Never: what it reads is a constant.
    pub fn new(name: &'static str, tone: u16, calls: Calls) -> Self {
        let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
        // invariant: the loopback block, written correctly.
        policy.targets.networks.push("127.0.0.0/8".parse().expect("invariant: a network"));
        Self {
            name,
            listen: "127.0.0.1:0".to_owned(),
            tone,
            calls,
            policy,
            max_calls: 8,
            accepts_transfers: true,
            holds_first: true,
            capture: None,
            keys: None,
            transport: "udp",
            tls: None,
        }
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// If the manager that was just started takes no subscriber or has no address.
    pub async fn start(self) -> Result<Party, StartError> {
        let builder = match &self.tls {
            None => Builder::default().listen(&format!("{}:{}", self.transport, self.listen))?,
            Some(tls) => Builder::default().tls(tls.clone()).listen(&format!("tls:{}", self.listen))?,
        };
        let builder = match &self.keys {
            Some(keys) => builder.keys(keys.clone()),
            None => builder,
        };
        let builder = match &self.capture {
            Some(capture) => builder.capture(capture.clone()),
            None => builder,
        };
        let builder = builder
            .hold_before_transfer(self.holds_first)
            .source(Source::Tone { hz: self.tone })
            .ears()
            .transfer_policy(self.policy.clone())
            .max_calls(self.max_calls)
            .rtcp_interval(RTCP_INTERVAL)
            .user_agent(self.name);
        let (manager, incoming) = builder.start().await?;
        let events = manager.subscribe_with(EVENTS, Overflow::DropOldest, |_| true);
        // invariant: the manager was just started, and its bus has no subscribers yet.
        let events = events.expect("invariant: a first subscriber");
        // invariant: a manager that has started listens somewhere.
        let address =
            manager.local_addresses().first().map(|(_, address)| *address).expect("invariant: an address");
        tokio::spawn(decide(manager.clone(), incoming, self.calls, self.accepts_transfers));
        Ok(Party { manager, address, events, seen: Vec::new() })
    }
}

impl Party {
    /// How others call it.
    pub fn uri(&self) -> String {
        format!("sip:party@{}", self.address)
    }

    /// Its IP address.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Waits for the next event that fits; earlier ones are not looked at again.
    ///
    /// # Panics
    ///
    /// If none comes within `limit`; it names what was awaited and what came instead.
    pub async fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        fits: impl Fn(&SessionEvent) -> bool,
    ) -> SessionEvent {
        let before = self.seen.len();
        let wait = async {
            while let Some(delivery) = self.events.recv().await {
                if let Delivery::Event(event) = delivery {
                    self.seen.push((*event).clone());
                    if fits(&event) {
                        return Some((*event).clone());
                    }
                }
            }
            None
        };
        let Ok(event) = timeout(limit, wait).await else {
            let came: Vec<&str> = self.seen[before..].iter().map(SessionEvent::name).collect();
            panic!("{what} did not come within {limit:?}; instead: {came:?}")
        };
        event.unwrap_or_else(|| panic!("{what}: the events ended"))
    }

    /// All events up to the one that was waited for last.
    pub fn seen(&self) -> &[SessionEvent] {
        &self.seen
    }

    /// Waits for the next event of this name.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn wait_named(&mut self, name: &str) -> SessionEvent {
        self.wait_for(name, PATIENCE, |event| event.name() == name).await
    }

    /// The call that the next `Established` event is about.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn established(&mut self) -> SessionId {
        let event = self.wait_named("established").await;
        // invariant: the event is about a call.
        event.session.expect("invariant: a call")
    }

    /// The call that a transfer asked of us has led to.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn transferred_to(&mut self) -> SessionId {
        let event = self.wait_named("transfer_connected").await;
        match event.kind {
            EventKind::TransferConnected { to } => to,
            other => panic!("not a connected transfer: {other:?}"),
        }
    }

    /// Waits until a call hears a tone, looking once with each quality report.
    ///
    /// # Panics
    ///
    /// If it does not within the patience.
    pub async fn hears(&mut self, session: SessionId, hz: u16) {
        let mut heard = Vec::new();
        let wait = async {
            loop {
                let report =
                    |event: &SessionEvent| event.name() == "media_quality" && event.session == Some(session);
                self.wait_for("a quality report", PATIENCE, report).await;
                let info = self.manager.get_session_media_info(&session).await;
                let tone = info.ok().and_then(|info| info.heard).and_then(|heard| heard.tone);
                heard.push(tone);
                if tone.is_some_and(|tone| tone.abs_diff(hz) <= 10) {
                    return;
                }
            }
        };
        assert!(timeout(PATIENCE, wait).await.is_ok(), "{session} does not hear {hz} Hz but {heard:?}");
    }
}

async fn decide(manager: SessionManager, mut incoming: IncomingQueue, calls: Calls, accepts_transfers: bool) {
    while let Some(incoming) = incoming.next().await {
        let done = match incoming {
            Incoming::Call(call) => match calls {
                Calls::Answer => call.answer(&manager).await.map(drop),
                Calls::Reject(status) => call.reject(status).await,
                Calls::Ring => {
                    let rung = call.ring().await;
                    // Dropping the decision would refuse the call.
                    tokio::spawn(async move { call.ended().await });
                    rung
                }
                Calls::Drop => {
                    drop(call);
                    Ok(())
                }
            },
            Incoming::Transfer(transfer) => {
                let decided =
                    if accepts_transfers { transfer.accept().await } else { transfer.reject().await };
                decided.map_err(|_| SessionError::Unknown)
            }
        };
        // A caller that gave up in between is no fault of the party's; tests see it by events.
        drop(done);
    }
}
