//! The three parties of the demo.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use session_core::{
    Fallback, Impairment, IncomingQueue, Network, ReferPolicy, ReplacesAuthorizer, SessionId, SessionManager,
    SessionMediaInfo, Source, Timing, TransferPolicy,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::agent;
use crate::exit::Failure;
use crate::recording::Recording;

use super::plot::{Network as Between, RING_LIMIT, SHORT_T1};
use super::record::Record;

/// RTCP reports come this often, so that a call of a second has a round trip and a score. The usual is 5 s.
const RTCP_INTERVAL: Duration = Duration::from_millis(200);
/// How long the last events of a party may take after its shutdown.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Who a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    /// For people.
    pub(crate) name: &'static str,
    /// For JSON, and the user part of the address.
    pub(crate) key: &'static str,
    /// What the party does in a transfer (RFC 5589 §3).
    pub(crate) part: &'static str,
    /// The tone it sends.
    pub(crate) tone: u16,
}

/// Alice, Bob and Carol, in the order of the ladder.
pub(crate) const PARTIES: [Role; 3] = [
    Role { name: "Alice", key: "alice", part: "transferor", tone: 440 },
    Role { name: "Bob", key: "bob", part: "transferee", tone: 660 },
    Role { name: "Carol", key: "carol", part: "transfer target", tone: 880 },
];
/// Alice's place in [`PARTIES`].
pub(crate) const ALICE: usize = 0;
/// Bob's place.
pub(crate) const BOB: usize = 1;
/// Carol's place.
pub(crate) const CAROL: usize = 2;

/// What a party lets others do, and what it does where they do not let it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// Who may take another one's place in its calls.
    pub(crate) replaces: ReplacesAuthorizer,
    /// Whether it follows a REFER.
    pub(crate) refer: ReferPolicy,
    /// What it does with whom it cannot refer.
    pub(crate) fallback: Fallback,
}

/// A running party.
pub(crate) struct Party {
    /// Its operations.
    pub(crate) manager: SessionManager,
    /// What it has to decide.
    pub(crate) incoming: IncomingQueue,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    place: usize,
    impairment: Impairment,
    follower: JoinHandle<()>,
}

impl Party {
    /// Starts a party on a free loopback port, in this network.
    pub(crate) async fn start(
        place: usize,
        manners: Manners,
        network: Between,
        record: &Arc<Record>,
        recording: &Recording,
    ) -> Result<Self, Failure> {
        let role = PARTIES[place];
        // invariant: a loopback address with a prefix of its family.
        let loopback = Network::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8).expect("invariant: 127.0.0.0/8");
        let mut policy = TransferPolicy {
            refer: manners.refer,
            ring_limit: RING_LIMIT,
            replaces: manners.replaces,
            fallback: manners.fallback,
            ..TransferPolicy::default()
        };
        policy.targets.networks.push(loopback);
        let impairment = Impairment::losing(network.loss(), place as u64);
        let builder = SessionManager::builder()
            .listen("udp:127.0.0.1:0")?
            .identity(&format!("sip:{}@127.0.0.1", role.key))
            .source(Source::Tone { hz: role.tone })
            .ears()
            .transfer_policy(policy)
            .rtcp_interval(RTCP_INTERVAL)
            .impairment(impairment.clone())
            .trace(true);
        let builder = match network {
            Between::Clean | Between::Lossy => builder,
            Between::Cut => builder.timing(Timing { t1: SHORT_T1, ..Timing::default() }),
        };
        let (manager, incoming) = recording.of_one_among_us(builder).start().await?;
        let address = manager
            .local_addresses()
            .first()
            .map(|(_, address)| *address)
            .ok_or_else(|| Failure::environment("no loopback address to listen on"))?;
        let events = agent::subscribe(&manager, |_| true)?;
        let follower = tokio::spawn(Arc::clone(record).follow(place, events));
        Ok(Self { manager, incoming, address, place, impairment, follower })
    }

    /// Its SIP address.
    pub(crate) fn uri(&self) -> String {
        format!("sip:{}@{}", PARTIES[self.place].key, self.address)
    }

    /// What is known of one of its calls now; `None` once it has ended.
    pub(crate) async fn media(&self, session: SessionId) -> Option<SessionMediaInfo> {
        self.manager.get_session_media_info(&session).await.ok()
    }

    /// Nothing reaches it any more, and nothing gets out.
    pub(crate) fn unplug(&self) {
        self.impairment.lose(1_000);
    }

    /// Ends its calls and waits for its last events.
    pub(crate) async fn close(self) {
        self.manager.shutdown().await;
        drop(self.incoming);
        drop(self.manager);
        if timeout(LAST_EVENTS, self.follower).await.is_err() {
            tracing::warn!(party = self.place, "some events were not recorded in time");
        }
    }
}
