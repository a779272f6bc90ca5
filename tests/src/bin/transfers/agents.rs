//! Three user agents on loopback in one process, without RTP.

use std::{collections::BTreeMap, time::Duration};

use session_core::{
    Builder, Delivery, EventKind, Incoming, IncomingQueue, MediaMode, OutcomeKind, Overflow, ReferPolicy,
    Session, SessionEvent, SessionManager, Subscriber, TransferPolicy,
};
use tokio::time::{interval, timeout};

use crate::{Failure, Kind, PATIENCE};

/// Calls that a party may have at once: more than any load here.
const MOST_CALLS: usize = 20_000;

/// Events that may wait: more than a load here leaves behind while a party is not run.
const EVENTS: usize = 1 << 16;

/// The three.
pub(crate) struct Agents {
    pub(crate) alice: SessionManager,
    pub(crate) bob: SessionManager,
    pub(crate) carol: SessionManager,
}

/// What a party does about calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    Answer,
    Ring,
}

impl Agents {
    /// Starts them. Bob ends each call that a transfer has brought him as soon as the transfer is over.
    pub(crate) async fn start(carols: Calls) -> Result<Self, Failure> {
        let (alice, _) = party("alice").await?;
        let (bob, incoming) = party("bob").await?;
        tokio::spawn(decide(bob.clone(), incoming, Calls::Answer));
        let events = bob.subscribe_with(EVENTS, Overflow::DropOldest, |event| {
            matches!(event.kind, EventKind::TransferConnected { .. } | EventKind::TransferEnded(_))
        })?;
        tokio::spawn(end_transferred(bob.clone(), events));
        let (carol, incoming) = party("carol").await?;
        tokio::spawn(decide(carol.clone(), incoming, carols));
        Ok(Self { alice, bob, carol })
    }

    /// A call of Alice's that is up.
    pub(crate) async fn call(&self, whom: &SessionManager) -> Result<Session, Failure> {
        let session = self.alice.call(&uri(whom)).await?;
        timeout(PATIENCE, session.established()).await.map_err(|_| Failure::Stuck("an answer"))??;
        Ok(session)
    }

    /// A call that is up and moved; everything that Alice had for it has ended.
    pub(crate) async fn transfer(&self, kind: Kind) -> Result<(), Failure> {
        let session = self.call(&self.bob).await?;
        let (mut transfer, second) = match kind {
            Kind::Blind => (session.blind(&uri(&self.carol)).await?, None),
            Kind::Attended => {
                let second = self.call(&self.carol).await?;
                (session.attended(&second).await?, Some(second))
            }
        };
        let outcome =
            timeout(PATIENCE, transfer.outcome()).await.map_err(|_| Failure::Stuck("an outcome"))??;
        if outcome.kind != OutcomeKind::Succeeded {
            return Err(Failure::Outcome(format!("{outcome:?}")));
        }
        for call in [Some(&session), second.as_ref()].into_iter().flatten() {
            timeout(PATIENCE, call.ended()).await.map_err(|_| Failure::Stuck("the end of a call"))??;
        }
        Ok(())
    }

    /// Waits until nobody has a call or a transfer, as long as the patience allows.
    pub(crate) async fn idle(&self) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            let mut left = Vec::new();
            for manager in [&self.alice, &self.bob, &self.carol] {
                left.extend(manager.sessions().await?.into_iter().map(|info| format!("{info:?}")));
                let transfers = manager.get_sessions_with_transfers().await?;
                left.extend(transfers.into_iter().map(|info| format!("{info:?}")));
            }
            if left.is_empty() {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                return Err(Failure::Left(left.join("; ")));
            }
        }
    }

    pub(crate) async fn shut_down(self) -> Result<(), Failure> {
        for manager in [self.alice, self.bob, self.carol] {
            timeout(PATIENCE, manager.shutdown()).await.map_err(|_| Failure::Stuck("the shutdown"))?;
        }
        Ok(())
    }
}

pub(crate) fn uri(manager: &SessionManager) -> String {
    manager.local_addresses().first().map(|(_, address)| format!("sip:party@{address}")).unwrap_or_default()
}

async fn party(name: &str) -> Result<(SessionManager, IncomingQueue), Failure> {
    let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    // invariant: the loopback block, written correctly.
    policy.targets.networks.push("127.0.0.0/8".parse().expect("invariant: a network"));
    // One party asks for all of them.
    policy.referred.rate = None;
    let builder = Builder::default().listen("udp:127.0.0.1:0")?;
    let builder =
        builder.media(MediaMode::Off).transfer_policy(policy).max_calls(MOST_CALLS).user_agent(name);
    Ok(builder.start().await?)
}

async fn decide(manager: SessionManager, mut incoming: IncomingQueue, calls: Calls) {
    while let Some(incoming) = incoming.next().await {
        match incoming {
            Incoming::Call(call) if calls == Calls::Answer => {
                if let Err(error) = call.answer(&manager).await {
                    eprintln!("a call that cannot be answered: {error}");
                }
            }
            Incoming::Call(call) => {
                if let Err(error) = call.ring().await {
                    eprintln!("a call that cannot ring: {error}");
                }
                // Dropping the decision would refuse the call.
                tokio::spawn(async move { call.ended().await });
            }
            Incoming::Transfer(transfer) => drop(transfer.reject().await),
        }
    }
}

async fn end_transferred(bob: SessionManager, mut events: Subscriber<SessionEvent>) {
    let mut connected = BTreeMap::new();
    while let Some(delivery) = events.recv().await {
        let Delivery::Event(event) = delivery else { continue };
        match (&event.kind, event.transfer) {
            (EventKind::TransferConnected { to }, Some(transfer)) => {
                connected.insert(transfer, *to);
            }
            (EventKind::TransferEnded(_), Some(transfer)) => {
                let Some(to) = connected.remove(&transfer) else { continue };
                if let Ok(session) = bob.session(&to).await
                    && let Err(error) = session.hang_up().await
                {
                    eprintln!("{to} cannot be hung up: {error}");
                }
            }
            _ => {}
        }
    }
}
