//! Alice, Bob and Carol, each with a manager on real sockets.

use std::{sync::Arc, time::Duration};

use session_core::{
    EventKind, Incoming, IncomingQueue, MediaMode, ReferPolicy, ReplacesAuthorizer, Role, Session,
    SessionEvent, SessionId, SessionManager, Source, StatusCode, Subscriber, TransferId, TransferPolicy,
};
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// So that the first report comes when some hundred milliseconds were heard.
pub(crate) const REPORTS: Duration = Duration::from_millis(200);

/// What a party does with calls that come in.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    Answered,
    Ringing,
    Refused,
}

pub(crate) struct Party {
    pub(crate) manager: SessionManager,
    pub(crate) events: Subscriber<SessionEvent>,
}

impl Party {
    pub(crate) async fn new(
        name: &str,
        hz: u16,
        calls: Calls,
        media: MediaMode,
        replaces: ReplacesAuthorizer,
    ) -> Self {
        let mut policy = TransferPolicy { refer: ReferPolicy::Allow, replaces, ..TransferPolicy::default() };
        policy.targets.networks.push("127.0.0.0/8".parse().expect("a network"));
        let (manager, incoming) = SessionManager::builder()
            .identity(&format!("sip:{name}@127.0.0.1"))
            .source(Source::Tone { hz })
            .ears()
            .media(media)
            .rtcp_interval(REPORTS)
            .transfer_policy(policy)
            .start()
            .await
            .expect("a free port");
        let events = manager.subscribe().expect("events");
        tokio::spawn(take_calls(manager.clone(), incoming, calls));
        Self { manager, events }
    }

    pub(crate) fn uri(&self) -> String {
        format!("sip:x@{}", self.manager.local_addresses()[0].1)
    }

    /// Waits for an event.
    pub(crate) async fn wait<R>(&mut self, what: &str, pick: impl Fn(&SessionEvent) -> Option<R>) -> R {
        let found = async {
            while let Some(delivery) = self.events.recv().await {
                let event: Arc<SessionEvent> = delivery.into_event().expect("nothing is lost");
                if let Some(found) = pick(&event) {
                    return found;
                }
            }
            panic!("the events ended before {what}");
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {what} in time"))
    }

    /// Waits for the outcome of a transfer.
    pub(crate) async fn outcome(&mut self, transfer: TransferId) -> session_core::Outcome {
        self.wait("outcome", |event| match event.kind {
            EventKind::TransferEnded(outcome) if event.transfer == Some(transfer) => Some(outcome),
            _ => None,
        })
        .await
    }

    /// The tone that is heard in a call, once a report says that enough was heard.
    pub(crate) async fn hears(&mut self, call: SessionId) -> Option<u16> {
        self.wait("report", |event| {
            let reported = matches!(event.kind, EventKind::MediaQuality(_));
            (event.session == Some(call) && reported).then_some(())
        })
        .await;
        let info = self.manager.get_session_media_info(&call).await.expect("the call is known");
        info.heard.and_then(|heard| heard.tone)
    }

    /// Waits until this tone is heard in a call.
    pub(crate) async fn hears_at_last(&mut self, call: SessionId, hz: u16) {
        let heard = async { while self.hears(call).await != Some(hz) {} };
        timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("{hz} Hz was not heard"));
    }

    /// Whether a call is on hold by us.
    pub(crate) async fn holds(&self, call: SessionId) -> bool {
        self.manager.get_session_media_info(&call).await.expect("the call is known").local_hold
    }
}

pub(crate) async fn take_calls(manager: SessionManager, mut incoming: IncomingQueue, calls: Calls) {
    let mut kept = Vec::new();
    while let Some(Incoming::Call(call)) = incoming.next().await {
        match calls {
            Calls::Answered => drop(call.answer(&manager).await.expect("an incoming call can be answered")),
            Calls::Ringing => {
                call.ring().await.expect("an incoming call can ring");
                kept.push(call);
            }
            Calls::Refused => call.reject(StatusCode::BUSY_HERE).await.expect("a call can be refused"),
        }
    }
}

/// Alice, who is in a call with Bob, and Carol.
pub(crate) struct Three {
    pub(crate) alice: Party,
    pub(crate) bob: Party,
    pub(crate) carol: Party,
    pub(crate) call: Session,
}

impl Three {
    pub(crate) async fn new(carols: Calls, media: MediaMode, replaces: ReplacesAuthorizer) -> Self {
        let alice = Party::new("alice", 440, Calls::Answered, media, ReplacesAuthorizer::Deny).await;
        let bob = Party::new("bob", 660, Calls::Answered, media, ReplacesAuthorizer::Deny).await;
        let carol = Party::new("carol", 880, carols, media, replaces).await;
        let call = placed(&alice, &bob).await;
        Self { alice, bob, carol, call }
    }

    pub(crate) async fn signalling(carols: Calls) -> Self {
        Self::new(carols, MediaMode::Off, ReplacesAuthorizer::ReferredBy).await
    }

    pub(crate) async fn consultation(&self) -> SessionId {
        let created = self.alice.manager.create_consultation_call(&self.call.id(), &self.carol.uri()).await;
        created.expect("a consultation call")
    }

    /// Nothing is left at anybody, once all calls are ended.
    pub(crate) async fn end(self) {
        for party in [&self.alice, &self.bob, &self.carol] {
            let left = party.manager.get_sessions_with_transfers().await.expect("a list");
            assert!(left.iter().all(|info| info.role != Role::Transferor), "{left:?}");
            for session in party.manager.sessions().await.expect("a list") {
                // The other side may have ended it meanwhile.
                if let Ok(session) = party.manager.session(&session.session).await {
                    timeout(PATIENCE, session.hang_up()).await.expect("an end in time").unwrap_or_default();
                }
            }
        }
        for party in [self.alice, self.bob, self.carol] {
            timeout(PATIENCE, party.manager.shutdown()).await.expect("a shutdown in time");
        }
    }
}

pub(crate) async fn placed(from: &Party, to: &Party) -> Session {
    let call = from.manager.call(&to.uri()).await.expect("a call");
    timeout(PATIENCE, call.established()).await.expect("an answer in time").expect("an answer");
    call
}

/// The call that was up last.
pub(crate) async fn new_call(party: &mut Party, known: SessionId) -> SessionId {
    party
        .wait("new call", |event| {
            let up = matches!(event.kind, EventKind::Established { .. });
            event.session.filter(|session| up && *session != known)
        })
        .await
}

pub(crate) async fn first_call(party: &mut Party) -> SessionId {
    party
        .wait("first call", |event| {
            event.session.filter(|_| matches!(event.kind, EventKind::Established { .. }))
        })
        .await
}

pub(crate) fn answered(event: &SessionEvent) -> Option<()> {
    matches!(event.kind, EventKind::ConsultAnswered).then_some(())
}
