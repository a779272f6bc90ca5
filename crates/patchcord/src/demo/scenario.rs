//! What happens in a scenario, step by step, and what is measured on the way.

use std::time::{Duration, Instant};

use session_core::{
    EventKind, Incoming, Outcome, Session, SessionEvent, SessionId, SessionMediaInfo, StatusCode, Transfer,
};
use tokio::time::{sleep, timeout};

use crate::args::Scenario;
use crate::exit::Failure;

use super::parties::{ALICE, BOB, CAROL, PARTIES, Party};
use super::record::Record;

/// The least time the parties talk before the transfer and after it: some RTCP reports at the demo's interval.
pub(crate) const TALK: Duration = Duration::from_millis(1_200);
/// How long Carol rings before she answers or refuses.
pub(crate) const CAROL_RINGS: Duration = Duration::from_millis(600);
/// How long a referred call rings in the demo before Bob gives up.
pub(crate) const RING_LIMIT: Duration = Duration::from_secs(2);
/// How often is looked whether the round trip is measured, and how long a party that is about to leave heard nothing.
const LOOK: Duration = Duration::from_millis(20);
/// No single step takes longer on loopback, even on a busy machine.
const STEP: Duration = Duration::from_secs(10);

/// The part of the transfer in which a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Alice and Bob talk.
    Before,
    /// Bob is on hold and calls Carol.
    During,
    /// Whoever is to talk talks.
    After,
}

impl Phase {
    /// For people and for JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        }
    }
}

/// What was measured at one party in one call.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When.
    pub(crate) phase: Phase,
    /// Who.
    pub(crate) party: usize,
    /// With whom.
    pub(crate) with: usize,
    /// What.
    pub(crate) info: SessionMediaInfo,
}

/// The calls' ids, each at its party.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls {
    /// Alice's call with Bob.
    pub(crate) alice: Option<SessionId>,
    /// Bob's call with Alice.
    pub(crate) bob: Option<SessionId>,
    /// Bob's call with Carol.
    pub(crate) bob_new: Option<SessionId>,
    /// Carol's call with Bob.
    pub(crate) carol: Option<SessionId>,
}

/// What a scenario brought.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The calls.
    pub(crate) calls: Calls,
    /// The outcome that Alice was given.
    pub(crate) outcome: Option<Outcome>,
    /// The measurements, in order.
    pub(crate) samples: Vec<Sample>,
    /// The longest silence each party heard.
    pub(crate) silence: [Option<Duration>; 3],
    /// Calls and transfers that were alive after the last BYE.
    pub(crate) left: Option<usize>,
    /// Why the scenario could not be played to its end.
    pub(crate) stopped: Option<String>,
}

/// The scenario's stage.
pub(crate) struct Stage<'a> {
    /// Which one.
    pub(crate) scenario: Scenario,
    /// Alice, Bob, Carol.
    pub(crate) parties: &'a mut [Party; 3],
    /// All events.
    pub(crate) record: &'a Record,
    /// What it brings.
    pub(crate) played: Played,
}

impl Stage<'_> {
    /// Plays the scenario.
    pub(crate) async fn play(&mut self) -> Result<(), Failure> {
        let session = self.talk().await?;
        let carol_uri = self.parties[CAROL].uri();
        let mut transfer = session.blind(&carol_uri).await?;
        let carol_session = self.at_carols().await?;
        self.outcome(&mut transfer).await?;
        match &carol_session {
            Some(_) => self.new_pair().await?,
            None => self.recovered().await?,
        }
        self.listen(Phase::After).await?;
        self.end(&session, carol_session.as_ref()).await
    }

    /// Alice calls Bob, and they talk.
    async fn talk(&mut self) -> Result<Session, Failure> {
        let bob_uri = self.parties[BOB].uri();
        let session = self.parties[ALICE].manager.call(&bob_uri).await?;
        self.played.calls.alice = Some(session.id());
        let Incoming::Call(call) = self.next(BOB).await? else {
            return Err(Failure::failed("Bob: something else than a call came in"));
        };
        self.played.calls.bob = Some(call.session());
        call.answer(&self.parties[BOB].manager).await?;
        within(session.established(), "Bob's answer").await??;
        for (party, call) in [(ALICE, self.played.calls.alice), (BOB, self.played.calls.bob)] {
            self.flowing(party, call).await?;
        }
        self.listen(Phase::Before).await?;
        Ok(session)
    }

    /// Carol's phone rings; what she does is the scenario.
    async fn at_carols(&mut self) -> Result<Option<Session>, Failure> {
        let Incoming::Call(call) = self.next(CAROL).await? else {
            return Err(Failure::failed("Carol: something else than a call came in"));
        };
        self.played.calls.carol = Some(call.session());
        self.played.calls.bob_new = self.record.find(BOB, |event| match &event.kind {
            EventKind::Calling { .. } => event.session,
            _ => None,
        });
        call.ring().await?;
        self.pass(CAROL_RINGS / 2).await;
        self.sample(Phase::During).await;
        self.pass(CAROL_RINGS / 2).await;
        match self.scenario {
            Scenario::Blind | Scenario::All => Ok(Some(call.answer(&self.parties[CAROL].manager).await?)),
            Scenario::TargetBusy => {
                call.reject(StatusCode::BUSY_HERE).await?;
                Ok(None)
            }
            Scenario::TargetSilent => {
                within(call.ended(), "the end of Bob's patience").await?;
                Ok(None)
            }
        }
    }

    async fn outcome(&mut self, transfer: &mut Transfer) -> Result<(), Failure> {
        let outcome = within(transfer.outcome(), "the outcome of the transfer").await??;
        self.played.outcome = Some(outcome);
        Ok(())
    }

    /// Bob and Carol hear each other, and Alice is out.
    async fn new_pair(&mut self) -> Result<(), Failure> {
        let calls = self.played.calls;
        self.flowing(BOB, calls.bob_new).await?;
        self.flowing(CAROL, calls.carol).await?;
        self.ended(ALICE, calls.alice).await?;
        self.ended(BOB, calls.bob).await
    }

    /// Alice and Bob are back, and Carol's phone is silent.
    async fn recovered(&mut self) -> Result<(), Failure> {
        self.ended(CAROL, self.played.calls.carol).await
    }

    /// Whoever still talks hangs up; then nothing may be left.
    async fn end(&mut self, alice: &Session, carol: Option<&Session>) -> Result<(), Failure> {
        let calls = self.played.calls;
        if let Some(carol) = carol {
            carol.hang_up().await?;
            self.ended(BOB, calls.bob_new).await?;
            self.ended(CAROL, calls.carol).await?;
        } else {
            alice.hang_up().await?;
            self.ended(BOB, calls.bob).await?;
            self.ended(ALICE, calls.alice).await?;
        }
        for party in [ALICE, BOB] {
            self.record.wait(STEP, party, "the end of the transfer", SessionEvent::outcome).await?;
        }
        let mut streams = vec![(ALICE, calls.alice), (BOB, calls.bob)];
        if carol.is_some() {
            streams.extend([(BOB, calls.bob_new), (CAROL, calls.carol)]);
        }
        for (party, call) in streams {
            let summed = |event: &SessionEvent| {
                (event.session == call && matches!(event.kind, EventKind::MediaSummary(_))).then_some(())
            };
            self.record.wait(STEP, party, "the final figures of the audio", summed).await?;
        }
        let mut left = 0;
        for party in self.parties.iter() {
            left += party.manager.sessions().await?.len()
                + party.manager.get_sessions_with_transfers().await?.len();
        }
        self.played.left = Some(left);
        Ok(())
    }

    async fn next(&mut self, party: usize) -> Result<Incoming, Failure> {
        let next = within(self.parties[party].incoming.next(), &format!("a call to {}", PARTIES[party].name))
            .await?;
        next.ok_or_else(|| Failure::failed(format!("{} has stopped", PARTIES[party].name)))
    }

    async fn flowing(&self, party: usize, call: Option<SessionId>) -> Result<(), Failure> {
        let flowing = |event: &SessionEvent| {
            (event.session == call && matches!(event.kind, EventKind::MediaFlowing)).then_some(())
        };
        self.record.wait(STEP, party, "the first audio", flowing).await
    }

    async fn ended(&self, party: usize, call: Option<SessionId>) -> Result<(), Failure> {
        let ended = |event: &SessionEvent| {
            (event.session == call && matches!(event.kind, EventKind::CallEnded { .. })).then_some(())
        };
        self.record.wait(STEP, party, "the end of the call", ended).await
    }

    /// Lets them talk until the quality is measured both ways.
    async fn listen(&mut self, phase: Phase) -> Result<(), Failure> {
        sleep(TALK).await;
        let measured = async {
            while !self.measure().await.iter().all(is_measured) {
                sleep(LOOK).await;
            }
        };
        within(measured, "a measured round trip").await?;
        self.sample(phase).await;
        Ok(())
    }

    /// Lets time pass, and keeps the longest silences: a party whose call ends with the transfer can be asked what it
    /// heard only as long as it lasts.
    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.measure().await;
            sleep(LOOK).await;
        }
    }

    /// Measures every call that is alive, for the report.
    async fn sample(&mut self, phase: Phase) {
        let measured = self.measure().await;
        self.played.samples.extend(measured.into_iter().map(|sample| Sample { phase, ..sample }));
    }

    /// Measures every call that is alive, and keeps the longest silences.
    async fn measure(&mut self) -> Vec<Sample> {
        let calls = self.played.calls;
        let mut samples = Vec::new();
        for (party, with, call) in [
            (ALICE, BOB, calls.alice),
            (BOB, ALICE, calls.bob),
            (BOB, CAROL, calls.bob_new),
            (CAROL, BOB, calls.carol),
        ] {
            let Some(call) = call else { continue };
            if let Some(info) = self.parties[party].media(call).await {
                let longest = &mut self.played.silence[party];
                *longest = info.longest_silence().max(*longest);
                samples.push(Sample { phase: Phase::During, party, with, info });
            }
        }
        samples
    }
}

fn is_measured(sample: &Sample) -> bool {
    sample.info.stream.as_ref().is_some_and(|stream| {
        stream.rtt.is_some() && stream.local.is_some_and(|quality| quality.mos.is_some())
    })
}

async fn within<R>(step: impl Future<Output = R>, what: &str) -> Result<R, Failure> {
    timeout(STEP, step)
        .await
        .map_err(|_| Failure::failed(format!("{what} did not come within {} s", STEP.as_secs())))
}
