//! The facade on real sockets: transfers to somebody who is asked first.

use std::{sync::Arc, time::Duration};

use session_core::{
    EventKind, Failure, Incoming, IncomingQueue, LearnedFrom, MediaMode, OutcomeKind, ReferPolicy,
    ReplacesAuthorizer, Role, Session, SessionError, SessionEvent, SessionId, SessionManager, SessionState,
    Source, StatusCode, Subscriber, TransferError, TransferId, TransferPolicy, TransferRefusal, TransferType,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
/// So that the first report comes when some hundred milliseconds were heard.
const REPORTS: Duration = Duration::from_millis(200);

/// What a party does with calls that come in.
#[derive(Clone, Copy)]
enum Calls {
    Answered,
    Ringing,
    Refused,
}

struct Party {
    manager: SessionManager,
    events: Subscriber<SessionEvent>,
}

impl Party {
    async fn new(name: &str, hz: u16, calls: Calls, media: MediaMode, replaces: ReplacesAuthorizer) -> Self {
        let mut policy = TransferPolicy { refer: ReferPolicy::Allow, replaces, ..TransferPolicy::default() };
        policy.targets.networks.push("127.0.0.0/8".parse().expect("a network"));
        let (manager, incoming) = SessionManager::builder()
            .identity(&format!("sip:{name}@127.0.0.1"))
            .source(Source::Tone { hz })
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

    fn uri(&self) -> String {
        format!("sip:x@{}", self.manager.local_addresses()[0].1)
    }

    /// Waits for an event.
    async fn wait<R>(&mut self, what: &str, pick: impl Fn(&SessionEvent) -> Option<R>) -> R {
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
    async fn outcome(&mut self, transfer: TransferId) -> session_core::Outcome {
        self.wait("outcome", |event| match event.kind {
            EventKind::TransferEnded(outcome) if event.transfer == Some(transfer) => Some(outcome),
            _ => None,
        })
        .await
    }

    /// The tone that is heard in a call, once a report says that enough was heard.
    async fn hears(&mut self, call: SessionId) -> Option<u16> {
        self.wait("report", |event| {
            let reported = matches!(event.kind, EventKind::MediaQuality(_));
            (event.session == Some(call) && reported).then_some(())
        })
        .await;
        let info = self.manager.get_session_media_info(&call).await.expect("the call is known");
        info.heard.and_then(|heard| heard.tone)
    }

    /// Whether a call is on hold by us.
    async fn holds(&self, call: SessionId) -> bool {
        self.manager.get_session_media_info(&call).await.expect("the call is known").local_hold
    }
}

async fn take_calls(manager: SessionManager, mut incoming: IncomingQueue, calls: Calls) {
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
struct Three {
    alice: Party,
    bob: Party,
    carol: Party,
    call: Session,
}

impl Three {
    async fn new(carols: Calls, media: MediaMode, replaces: ReplacesAuthorizer) -> Self {
        let alice = Party::new("alice", 440, Calls::Answered, media, ReplacesAuthorizer::Deny).await;
        let bob = Party::new("bob", 660, Calls::Answered, media, ReplacesAuthorizer::Deny).await;
        let carol = Party::new("carol", 880, carols, media, replaces).await;
        let call = placed(&alice, &bob).await;
        Self { alice, bob, carol, call }
    }

    async fn signalling(carols: Calls) -> Self {
        Self::new(carols, MediaMode::Off, ReplacesAuthorizer::ReferredBy).await
    }

    async fn consultation(&self) -> SessionId {
        let created = self.alice.manager.create_consultation_call(&self.call.id(), &self.carol.uri()).await;
        created.expect("a consultation call")
    }

    /// Nothing is left at anybody, once all calls are ended.
    async fn end(self) {
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

async fn placed(from: &Party, to: &Party) -> Session {
    let call = from.manager.call(&to.uri()).await.expect("a call");
    timeout(PATIENCE, call.established()).await.expect("an answer in time").expect("an answer");
    call
}

/// The call that was up last.
async fn new_call(party: &mut Party, known: SessionId) -> SessionId {
    party
        .wait("new call", |event| {
            let up = matches!(event.kind, EventKind::Established { .. });
            event.session.filter(|session| up && *session != known)
        })
        .await
}

async fn first_call(party: &mut Party) -> SessionId {
    party
        .wait("first call", |event| {
            event.session.filter(|_| matches!(event.kind, EventKind::Established { .. }))
        })
        .await
}

fn answered(event: &SessionEvent) -> Option<()> {
    matches!(event.kind, EventKind::ConsultAnswered).then_some(())
}

#[tokio::test]
async fn a_party_is_moved_to_the_target_that_was_asked_and_they_hear_each_other() {
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let consultation = three.consultation().await;
    let carols = first_call(&mut three.carol).await;
    three.alice.wait("answer", answered).await;
    assert_eq!(three.carol.hears(carols).await, Some(440), "Carol hears Alice");
    assert!(three.alice.holds(three.call.id()).await && !three.alice.holds(consultation).await);

    let call = three.call.id();
    let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
    timeout(PATIENCE, moved).await.expect("an outcome in time").expect("Bob is moved");
    for over in [call, consultation] {
        let found = three.alice.manager.session(&over).await;
        assert!(matches!(found, Err(SessionError::Unknown)), "Alice is out: {found:?}");
    }
    let (bobs, carols) = (new_call(&mut three.bob, bobs).await, new_call(&mut three.carol, carols).await);
    assert_eq!((three.bob.hears(bobs).await, three.carol.hears(carols).await), (Some(880), Some(660)));
    // A call that came of a transfer is a call like any other.
    let session = three.carol.manager.session(&carols).await.expect("Carol's call with Bob");
    assert!(timeout(PATIENCE, session.hold()).await.expect("in time").expect("a hold").local);
    three.end().await;
}

#[tokio::test]
async fn a_refused_replacement_leaves_both_calls_as_they_were() {
    for held in [None, Some(false), Some(true)] {
        let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::Deny).await;
        let other = placed(&three.alice, &three.carol).await;
        // The application may hold one of the two, as a phone does.
        match held {
            None => {}
            Some(true) => drop(three.call.hold().await.expect("a hold")),
            Some(false) => drop(other.hold().await.expect("a hold")),
        }
        let (call, other) = (three.call.id(), other.id());
        let moved = three.alice.manager.complete_attended_transfer(&call, &call, &other);
        let Err(TransferError::Ended(outcome)) = timeout(PATIENCE, moved).await.expect("an outcome in time")
        else {
            panic!("{held:?}: it cannot succeed");
        };
        assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::FORBIDDEN)));
        assert_eq!((outcome.learned_from, outcome.call_kept), (LearnedFrom::Notify, true));
        let holds = (three.alice.holds(call).await, three.alice.holds(other).await);
        assert_eq!(holds, (held == Some(true), held == Some(false)), "{held:?}");
        let refused = three.carol.wait("refusal", |event| match event.kind {
            EventKind::ReplaceRefused { status, .. } => Some(status),
            _ => None,
        });
        assert_eq!(refused.await, StatusCode::FORBIDDEN);
        three.end().await;
    }
}

#[tokio::test]
async fn a_refused_replacement_of_a_consultation_gives_the_party_back_and_keeps_the_target_on_hold() {
    let mut three = Three::new(Calls::Answered, MediaMode::Off, ReplacesAuthorizer::Deny).await;
    let consultation = three.consultation().await;
    three.alice.wait("answer", answered).await;
    let call = three.call.id();
    let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
    let ended = timeout(PATIENCE, moved).await.expect("an outcome in time");
    assert!(matches!(ended, Err(TransferError::Ended(outcome)) if outcome.call_kept), "{ended:?}");
    assert!(!three.alice.holds(call).await && three.alice.holds(consultation).await);
    three.end().await;
}

#[tokio::test]
async fn two_calls_of_ours_become_one_of_the_others() {
    // The target may have placed its call, too: Replaces names it from the target's side all the same.
    for placed_by_target in [false, true] {
        let mut three = Three::signalling(Calls::Answered).await;
        let mine = first_call(&mut three.alice).await;
        let other = if placed_by_target {
            let _carols = placed(&three.carol, &three.alice).await;
            let id = new_call(&mut three.alice, mine).await;
            three.alice.manager.session(&id).await.expect("a call that came in")
        } else {
            placed(&three.alice, &three.carol).await
        };
        let mut transfer = three.call.attended(&other).await.expect("a transfer");
        let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
        assert_eq!(outcome.kind, OutcomeKind::Succeeded, "{placed_by_target}: {outcome:?}");
        timeout(PATIENCE, other.ended()).await.expect("in time").expect("Carol ends the replaced call");
        assert_eq!(three.bob.manager.sessions().await.expect("a list").len(), 1);
        three.end().await;
    }
}

#[tokio::test]
async fn swapping_turns_to_the_one_and_holds_the_other() {
    let mut three = Three::signalling(Calls::Answered).await;
    let consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
    timeout(PATIENCE, consultation.answered()).await.expect("in time").expect("an answer");
    let (first, target) = (three.call.id(), consultation.call().id());
    for active in [first, target, first] {
        consultation.swap().await.expect("a swap");
        let swapped = |event: &SessionEvent| match event.kind {
            EventKind::ConsultSwapped { active } => Some(active),
            _ => None,
        };
        assert_eq!(three.alice.wait("swap", swapped).await, active);
        assert_eq!(three.alice.holds(first).await, active == target);
        assert_eq!(three.alice.holds(target).await, active == first);
    }
    let mut steps = 0;
    let mut transfer = consultation.complete().await.map_err(|(_, error)| error).expect("completed");
    while timeout(PATIENCE, transfer.progress()).await.expect("in time").is_some() {
        steps += 1;
    }
    assert!(steps > 5, "consulting, answered, swapped, sent, accepted: {steps}");
    let outcome = transfer.outcome().await.expect("an outcome");
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Succeeded, Some(StatusCode::OK)));
    three.end().await;
}

#[tokio::test]
async fn a_consultation_can_be_given_up_while_it_rings_and_when_it_is_up() {
    for calls in [Calls::Ringing, Calls::Answered] {
        let mut three = Three::signalling(calls).await;
        let consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
        let target = consultation.call().clone();
        three
            .alice
            .wait("the target's phone", |event| {
                matches!(event.kind, EventKind::ConsultRinging { .. } | EventKind::ConsultAnswered)
                    .then_some(())
            })
            .await;
        let outcome = timeout(PATIENCE, consultation.abort()).await.expect("in time").expect("an outcome");
        assert_eq!((outcome.kind, outcome.call_kept), (OutcomeKind::Cancelled, true));
        timeout(PATIENCE, target.ended()).await.expect("in time").expect("the target is let go");
        assert!(!three.alice.holds(three.call.id()).await, "the first party is back");
        three.end().await;
    }
}

#[tokio::test]
async fn a_target_that_refuses_the_consultation_gives_the_party_back() {
    let mut three = Three::signalling(Calls::Refused).await;
    let call = three.call.id();
    let consultation = three.consultation().await;
    let ended = three.alice.wait("outcome", |event| match event.kind {
        EventKind::TransferEnded(outcome) => Some(outcome),
        _ => None,
    });
    let outcome = ended.await;
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::BUSY_HERE)));
    assert_eq!((outcome.failure, outcome.learned_from), (Some(Failure::Consultation), LearnedFrom::Local));
    assert!(!three.alice.holds(call).await);
    let late = three.alice.manager.complete_attended_transfer(&call, &call, &consultation).await;
    assert!(matches!(late, Err(TransferError::Session(SessionError::Unknown))), "{late:?}");
    three.end().await;
}

#[tokio::test]
async fn a_party_that_leaves_while_the_target_is_asked_leaves_us_with_the_target() {
    let mut three = Three::signalling(Calls::Answered).await;
    let bobs = first_call(&mut three.bob).await;
    let mut consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
    timeout(PATIENCE, consultation.answered()).await.expect("in time").expect("an answer");
    three.bob.manager.session(&bobs).await.expect("Bob's call").hang_up().await.expect("an end");
    let lost = |event: &SessionEvent| matches!(event.kind, EventKind::PrimaryLost).then_some(());
    three.alice.wait("loss", lost).await;
    let outcome = timeout(PATIENCE, consultation.outcome()).await.expect("in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.call_kept), (OutcomeKind::PeerHungUp, false));
    assert!(!three.alice.holds(consultation.call().id()).await, "the target is still there");
    three.end().await;
}

#[tokio::test]
async fn each_kind_of_transfer_begins_by_its_name() {
    for kind in [TransferType::Blind, TransferType::Attended, TransferType::Consultative] {
        let mut three = Three::signalling(Calls::Answered).await;
        let call = three.call.id();
        let begun = three.alice.manager.initiate_transfer(&call, &three.carol.uri(), kind).await;
        let transfer = begun.expect("a transfer");
        if kind == TransferType::Consultative {
            three.alice.wait("answer", answered).await;
            let infos = three.alice.manager.get_sessions_with_transfers().await.expect("a list");
            let info = infos.iter().find(|info| info.transfer == transfer).expect("it is live");
            assert_eq!((info.session, info.role, info.state), (call, Role::Transferor, "ConsultTalk"));
            let consultation = info.consultation.expect("the target is asked");
            let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
            let completed = timeout(PATIENCE, moved).await.expect("an outcome in time");
            assert_eq!(completed.expect("Bob is moved"), transfer, "it is the same transfer");
        }
        assert_eq!(three.alice.outcome(transfer).await.kind, OutcomeKind::Succeeded, "{kind:?}");
        three.end().await;
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let three = Three::signalling(Calls::Ringing).await;
    let manager = three.alice.manager.clone();
    let call = three.call.id();
    let gone = SessionId::from(9_999);
    let ringing = manager.call(&three.carol.uri()).await.expect("a call");
    let other = placed(&three.alice, &three.bob).await;
    let not_up = |result: &Result<_, TransferError>| {
        let wrong =
            SessionError::WrongState { state: SessionState::Calling, wanted: SessionState::Established };
        *result == Err(TransferError::Session(wrong))
    };
    for kind in [TransferType::Blind, TransferType::Attended, TransferType::Consultative] {
        assert!(
            not_up(&manager.initiate_transfer(&ringing.id(), &three.carol.uri(), kind).await),
            "{kind:?}"
        );
        let unknown = manager.initiate_transfer(&gone, &three.carol.uri(), kind).await;
        assert_eq!(unknown, Err(TransferError::Session(SessionError::Unknown)), "{kind:?}");
        let nowhere = manager.initiate_transfer(&call, "nowhere", kind).await;
        assert!(matches!(nowhere, Err(TransferError::Session(SessionError::Target(_)))), "{kind:?}");
    }
    assert!(not_up(&manager.complete_attended_transfer(&call, &call, &ringing.id()).await));
    assert!(not_up(&manager.complete_attended_transfer(&ringing.id(), &ringing.id(), &call).await));
    let same = manager.complete_attended_transfer(&call, &call, &call).await;
    assert_eq!(same, Err(TransferError::Refused(TransferRefusal::SameCall)));
    let back_to_back = manager.complete_attended_transfer(&call, &other.id(), &ringing.id()).await;
    assert!(
        matches!(back_to_back, Err(TransferError::Session(SessionError::Unsupported(_)))),
        "{back_to_back:?}"
    );
    ringing.hang_up().await.expect("an end");
    assert!(!three.alice.holds(call).await && !three.alice.holds(other.id()).await);
    assert!(manager.get_sessions_with_transfers().await.expect("a list").is_empty());

    // One transfer at a time; and while the target only rings there is nobody to turn to.
    let consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
    let second = three.call.consult(&three.carol.uri()).await.expect_err("one at a time");
    assert_eq!(second, TransferError::Refused(TransferRefusal::Busy));
    let swap = consultation.swap().await.expect_err("nobody to turn to");
    assert_eq!(swap, TransferError::Refused(TransferRefusal::State));
    timeout(PATIENCE, consultation.abort()).await.expect("in time").expect("an outcome");
    three.end().await;
}
