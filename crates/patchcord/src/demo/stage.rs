//! The stage of a scenario: what plays do on it, and what is measured on the way.

use std::time::{Duration, Instant};

use session_core::{EventKind, Incoming, IncomingCall, Outcome, Session, SessionEvent, TransferError};
use tokio::time::{sleep, timeout};

use crate::exit::Failure;

use super::parties::{ALICE, BOB, CAROL, PARTIES, Party};
use super::played::{Calls, ENDS, Played, Sample};
use super::plot::{CAROL_RINGS, Network, Phase, Plot, Refer};
use super::record::Record;

/// How often is looked whether the round trip is measured, and how long a party that is about to leave heard nothing.
const LOOK: Duration = Duration::from_millis(20);
/// No single step takes longer on loopback, even on a busy machine.
const STEP: Duration = Duration::from_secs(10);

/// The scenario's stage.
pub(crate) struct Stage<'a> {
    /// Which one.
    pub(crate) plot: &'a Plot,
    /// Alice, Bob, Carol.
    pub(crate) parties: &'a mut [Party; 3],
    /// All events.
    pub(crate) record: &'a Record,
    /// What it brings.
    pub(crate) played: Played,
}

impl Stage<'_> {
    /// Alice calls Bob, and they talk.
    pub(crate) async fn call_bob(&mut self) -> Result<Session, Failure> {
        let bob_uri = self.parties[BOB].uri();
        let session = self.parties[ALICE].manager.call(&bob_uri).await?;
        self.calls().note(ALICE, BOB, session.id());
        let call = self.next_call(BOB).await?;
        self.calls().note(BOB, ALICE, call.session());
        call.answer(&self.parties[BOB].manager).await?;
        within(session.established(), "Bob's answer").await??;
        for (party, with) in [(ALICE, BOB), (BOB, ALICE)] {
            self.flowing(party, with).await?;
        }
        self.talk(Phase::Before).await?;
        Ok(session)
    }

    /// The call that a party is placing, and with whom.
    pub(crate) async fn placing(&mut self, party: usize, with: usize) -> Result<(), Failure> {
        let calls = self.played.calls;
        let new = |event: &SessionEvent| {
            let placed = matches!(event.kind, EventKind::Calling { .. });
            event.session.filter(|session| placed && !calls.knows(party, *session))
        };
        let call = self.record.wait(STEP, party, "the new call", new).await?;
        self.calls().note(party, with, call);
        Ok(())
    }

    /// Carol's phone rings for her usual time.
    pub(crate) async fn ring_at_carols(&mut self, caller: usize) -> Result<IncomingCall, Failure> {
        let call = self.next_call(CAROL).await?;
        self.calls().note(CAROL, caller, call.session());
        call.ring().await?;
        self.pass(CAROL_RINGS / 2).await;
        self.sample(Phase::During).await;
        self.pass(CAROL_RINGS / 2).await;
        Ok(call)
    }

    /// The calls so far.
    pub(crate) const fn calls(&mut self) -> &mut Calls {
        &mut self.played.calls
    }

    /// Keeps the outcome that Alice is given.
    pub(crate) async fn outcome(
        &mut self,
        outcome: impl Future<Output = Result<Outcome, TransferError>>,
    ) -> Result<(), Failure> {
        self.played.outcome = Some(within(outcome, "the outcome of the transfer").await??);
        Ok(())
    }

    /// Bob and Carol hear each other, and the calls that the transfer ends are over.
    pub(crate) async fn moved(&mut self) -> Result<(), Failure> {
        for (party, with) in [(BOB, CAROL), (CAROL, BOB)] {
            if self.played.calls.of(party, with).is_none() {
                let calls = self.played.calls;
                let new = |event: &SessionEvent| {
                    let up = matches!(event.kind, EventKind::Established { .. });
                    event.session.filter(|session| up && !calls.knows(party, *session))
                };
                let call = self.record.wait(STEP, party, "the new call", new).await?;
                self.calls().note(party, with, call);
            }
            self.flowing(party, with).await?;
        }
        self.settled().await
    }

    /// The calls that the transfer ends are over, at both ends.
    pub(crate) async fn settled(&self) -> Result<(), Failure> {
        for (party, with, _) in self.plot.over {
            self.ended(*party, *with).await?;
            if self.played.calls.of(*with, *party).is_some() {
                self.ended(*with, *party).await?;
            }
        }
        Ok(())
    }

    /// They talk until the quality is measured both ways.
    pub(crate) async fn talk(&mut self, phase: Phase) -> Result<(), Failure> {
        sleep(phase.talk()).await;
        let talkers: Vec<(usize, usize)> = self.plot.talkers(phase).collect();
        let measured = async {
            loop {
                let samples = self.measure().await;
                let talking = |sample: &&Sample| talkers.contains(&(sample.party, sample.with));
                if samples.iter().filter(talking).all(is_measured) {
                    return;
                }
                sleep(LOOK).await;
            }
        };
        within(measured, "a measured round trip").await?;
        self.sample(phase).await;
        Ok(())
    }

    /// A party ends its call with another one.
    pub(crate) async fn hang_up(&mut self, party: usize, with: usize) -> Result<(), Failure> {
        if let Some(call) = self.played.calls.of(party, with) {
            self.parties[party].manager.session(&call).await?.hang_up().await?;
        }
        self.ended(party, with).await?;
        self.ended(with, party).await
    }

    /// Whoever still has a call hangs up, the named party each; then nothing may be left.
    pub(crate) async fn end(&mut self, calls: &[(usize, usize)]) -> Result<(), Failure> {
        for (party, with) in calls {
            self.hang_up(*party, *with).await?;
        }
        let asked = [Some(ALICE), (self.plot.refer == Refer::Followed).then_some(BOB)];
        for party in asked.into_iter().flatten() {
            self.record.wait(STEP, party, "the end of the transfer", SessionEvent::outcome).await?;
        }
        self.summed().await?;
        let mut left = 0;
        // Who is unplugged learns nothing any more.
        let reached = if self.plot.network == Network::Cut { CAROL } else { PARTIES.len() };
        for party in &self.parties[..reached] {
            left += party.manager.sessions().await?.len()
                + party.manager.get_sessions_with_transfers().await?.len();
        }
        self.played.left = Some(left);
        Ok(())
    }

    /// Waits for the final figures of every call that was up.
    async fn summed(&self) -> Result<(), Failure> {
        for (party, with) in ENDS {
            let Some(call) = self.played.calls.of(party, with) else { continue };
            let was_up = self.record.count(party, |event| {
                event.session == Some(call) && matches!(event.kind, EventKind::Established { .. })
            });
            if was_up > 0 {
                let summed = |kind: &EventKind| matches!(kind, EventKind::MediaSummary(_));
                self.wait(party, with, "the final figures of the audio", summed).await?;
            }
        }
        Ok(())
    }

    async fn next_call(&mut self, party: usize) -> Result<IncomingCall, Failure> {
        let name = PARTIES[party].name;
        let next = within(self.parties[party].incoming.next(), &format!("a call to {name}")).await?;
        match next {
            Some(Incoming::Call(call)) => Ok(call),
            Some(_) => Err(Failure::failed(format!("{name}: something else than a call came in"))),
            None => Err(Failure::failed(format!("{name} has stopped"))),
        }
    }

    /// Waits until a party hears something in its call with another one.
    pub(crate) async fn flowing(&self, party: usize, with: usize) -> Result<(), Failure> {
        self.wait(party, with, "the first audio", |kind| matches!(kind, EventKind::MediaFlowing)).await
    }

    /// Waits until a party's call with another one is over.
    pub(crate) async fn ended(&self, party: usize, with: usize) -> Result<(), Failure> {
        self.wait(party, with, "the end of the call", |kind| matches!(kind, EventKind::CallEnded { .. }))
            .await
    }

    async fn wait(
        &self,
        party: usize,
        with: usize,
        what: &str,
        wanted: impl Fn(&EventKind) -> bool,
    ) -> Result<(), Failure> {
        let call = self.played.calls.of(party, with);
        let seen = |event: &SessionEvent| (event.session == call && wanted(&event.kind)).then_some(());
        self.record.wait(STEP, party, what, seen).await
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
        let mut samples = Vec::new();
        for (party, with) in ENDS {
            let Some(call) = self.played.calls.of(party, with) else { continue };
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

/// Waits for a step, but not for ever.
pub(crate) async fn within<R>(step: impl Future<Output = R>, what: &str) -> Result<R, Failure> {
    timeout(STEP, step)
        .await
        .map_err(|_| Failure::failed(format!("{what} did not come within {} s", STEP.as_secs())))
}
