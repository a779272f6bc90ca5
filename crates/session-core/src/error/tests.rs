use std::collections::BTreeSet;

use dialog_core::{By, EndReason};
use sip_message::StatusCode;
use sip_transport::{CloseCause, RouteError};
use transfer::{Failure, LearnedFrom, OutcomeKind};

use super::*;

const BUSY: StatusCode = StatusCode::BUSY_HERE;

/// Each message is another one, and ends in the advice of its error.
fn is_a_table(errors: &[(String, RecoveryAction)]) {
    let mut seen = BTreeSet::new();
    for (message, advice) in errors {
        let fact = message.strip_suffix(&format!("; {advice}"));
        assert!(fact.is_some_and(|fact| !fact.is_empty()), "{message} does not end in: {advice}");
        assert!(seen.insert(message), "{message} stands twice");
    }
}

fn ended(reason: EndReason) -> SessionError {
    SessionError::Ended(EndCause { by: By::Remote, reason, header: None, details: Vec::new() })
}

fn outcome(kind: OutcomeKind, failure: Option<Failure>, code: Option<u16>) -> Outcome {
    let code = code.and_then(|code| StatusCode::try_from(code).ok());
    let call_kept = !matches!(kind, OutcomeKind::Failed | OutcomeKind::PeerHungUp);
    let learned_from = LearnedFrom::Notify;
    Outcome { kind, learned_from, code, failure, call_kept, on_hold: false, retry_after: None }
}

#[test]
fn every_end_of_a_call_and_every_refusal_of_a_command_says_what_to_do() {
    let refused = |code| ended(EndReason::Refused(StatusCode::try_from(code).expect("a status")));
    let errors = [
        SessionError::Unknown,
        SessionError::WrongState { state: SessionState::Calling, wanted: SessionState::Established },
        SessionError::Target("mailto:x".into()),
        SessionError::UnknownAccount,
        SessionError::TooManyCalls { limit: 1 },
        SessionError::Busy,
        SessionError::Closed,
        SessionError::Draining,
        SessionError::Unsupported("this"),
        SessionError::Reoffer(ReofferFailure::Refused(488)),
        SessionError::Reoffer(ReofferFailure::TimedOut),
        SessionError::Reoffer(ReofferFailure::Unreachable),
        SessionError::Reoffer(ReofferFailure::Description),
        SessionError::Reoffer(ReofferFailure::Ended),
        SessionError::Media(MediaError::NoPorts),
        SessionError::Media(MediaError::NotConfigured),
        SessionError::Media(MediaError::NotCoordinated),
        SessionError::Media(MediaError::NoAudio),
        SessionError::Media(MediaError::Digit('x')),
        SessionError::Media(MediaError::File(std::io::ErrorKind::NotFound)),
        SessionError::Media(MediaError::Pump),
        refused(486),
        refused(404),
        ended(EndReason::Redirected { status: StatusCode::MOVED_TEMPORARILY, contacts: Vec::new() }),
        ended(EndReason::Bye),
        ended(EndReason::Cancelled),
        ended(EndReason::NoAnswer),
        ended(EndReason::NoRoute(RouteError::Unresolved)),
        ended(EndReason::Unreachable),
        ended(EndReason::Gone),
        ended(EndReason::NoAck),
        ended(EndReason::NoPrack),
        ended(EndReason::SessionExpired),
        ended(EndReason::NotAcceptable),
        ended(EndReason::Overload),
    ];
    is_a_table(&errors.map(|error| (error.to_string(), error.recovery())));
}

#[test]
fn every_failure_of_the_network_is_an_error_of_its_own() {
    let reasons = [
        RouteError::Unresolved,
        RouteError::Scheme,
        RouteError::Transport,
        RouteError::Family,
        RouteError::Maddr,
        RouteError::Overload,
        RouteError::Unreachable(CloseCause::Refused),
        RouteError::Unreachable(CloseCause::TimedOut),
        RouteError::Unreachable(CloseCause::NoRoute),
        RouteError::Unreachable(CloseCause::Lost),
        RouteError::Unreachable(CloseCause::Handshake),
        RouteError::Unreachable(CloseCause::Untrusted),
        RouteError::Unreachable(CloseCause::WrongName),
        RouteError::Unreachable(CloseCause::WebSocket),
        RouteError::Unreachable(CloseCause::Malformed),
    ]
    .map(EndReason::NoRoute)
    .into_iter()
    .chain([EndReason::Unreachable]);
    let errors = reasons.map(|reason| {
        let error = ended(reason);
        let network = error.network().expect("the network's");
        assert_eq!(network.recovery(), error.recovery());
        (network.to_string(), network.recovery())
    });
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors.len(), 16);
    is_a_table(&errors);
    assert_eq!(ended(EndReason::Refused(BUSY)).network(), None);
}

/// Outcomes that are failures, with what is to be done about each.
const OUTCOMES: [(OutcomeKind, Failure, Option<u16>, RecoveryAction); 27] = {
    use OutcomeKind::{Cancelled, Failed, PeerHungUp, Recovered, TimedOut};
    use RecoveryAction as Do;
    [
        (Recovered, Failure::Hold, Some(488), Do::TryAlternative),
        (Recovered, Failure::Refused, Some(503), Do::RetryLater),
        (Recovered, Failure::Refused, Some(403), Do::TryAlternative),
        (Recovered, Failure::Refused, Some(603), Do::FallBackToBridge),
        (Recovered, Failure::NotSupported, Some(405), Do::FallBackToBridge),
        (Recovered, Failure::ReferTimeout, None, Do::RetryLater),
        (Recovered, Failure::Unreachable, None, Do::RetryLater),
        (TimedOut, Failure::NoNotify, None, Do::AskUser),
        (Recovered, Failure::Target, Some(486), Do::RetryLater),
        (Recovered, Failure::Target, Some(603), Do::TryOtherTarget),
        (Recovered, Failure::Target, Some(408), Do::TryOtherTarget),
        (Recovered, Failure::Target, Some(404), Do::TryOtherTarget),
        (Recovered, Failure::Target, Some(500), Do::TryOtherTarget),
        (Recovered, Failure::Consultation, Some(486), Do::TryOtherTarget),
        (Recovered, Failure::ConsultationEnded, None, Do::AskUser),
        (TimedOut, Failure::TalkLimit, None, Do::AskUser),
        (Recovered, Failure::Declined, None, Do::TryOtherTarget),
        (TimedOut, Failure::Undecided, None, Do::TryOtherTarget),
        (Recovered, Failure::NoReplaces, None, Do::FallBackToBridge),
        (Recovered, Failure::NoResult, None, Do::AskUser),
        (TimedOut, Failure::Guard, None, Do::AskUser),
        (Recovered, Failure::Policy, Some(403), Do::FixConfiguration),
        (Recovered, Failure::Rejected, Some(603), Do::AskUser),
        (Cancelled, Failure::Cancelled, None, Do::AskUser),
        (PeerHungUp, Failure::CallEnded, None, Do::GiveUp),
        (Failed, Failure::CallEnded, None, Do::GiveUp),
        (Failed, Failure::Target, Some(480), Do::GiveUp),
    ]
};

#[test]
fn a_call_that_is_over_is_given_up_and_one_that_is_on_hold_is_to_be_resumed() {
    for (kind, failure, code, _) in OUTCOMES {
        let over = Outcome { call_kept: false, ..outcome(kind, Some(failure), code) };
        assert_eq!(TransferError::Ended(over).recovery(), RecoveryAction::GiveUp, "{over:?}");
        let held = Outcome { on_hold: true, ..over };
        assert_eq!(TransferError::Ended(held).recovery(), RecoveryAction::ResumeCall, "{held:?}");
    }
}

#[test]
fn every_outcome_that_is_a_failure_is_an_error_with_advice_of_its_own() {
    let mut errors = Vec::new();
    for (kind, failure, code, advice) in OUTCOMES {
        let error = TransferError::Ended(outcome(kind, Some(failure), code));
        assert_eq!(error.recovery(), advice, "{error}");
        errors.push((error.to_string(), advice));
    }
    errors.push((TransferError::NoReport.to_string(), TransferError::NoReport.recovery()));
    for refusal in [
        TransferRefusal::UnknownLeg,
        TransferRefusal::UnknownTransfer,
        TransferRefusal::NotEstablished,
        TransferRefusal::OtherCall,
        TransferRefusal::Scheme,
        TransferRefusal::TargetForm,
        TransferRefusal::PeerCannot,
        TransferRefusal::SameCall,
        TransferRefusal::WrongState { state: "Completing", wanted: "a call that can be taken back" },
        TransferRefusal::NotBridged,
        TransferRefusal::Full,
        TransferRefusal::Unsupported,
        TransferRefusal::Status,
        TransferRefusal::MayFork,
        TransferRefusal::HeaderName,
        TransferRefusal::HeaderValue,
        TransferRefusal::TooManyHeaders,
        TransferRefusal::TelHeaders,
    ] {
        let error = TransferError::from(refusal);
        errors.push((error.to_string(), error.recovery()));
    }
    is_a_table(&errors);
}

#[test]
fn who_says_when_to_come_back_is_believed() {
    let wait = std::time::Duration::from_secs(30);
    let refused = outcome(OutcomeKind::Recovered, Some(Failure::Refused), Some(503));
    assert_eq!(TransferError::Ended(refused).recovery(), RecoveryAction::RetryLater);
    let refused = Outcome { retry_after: Some(wait), ..refused };
    assert_eq!(TransferError::Ended(refused).recovery(), RecoveryAction::RetryAfter(wait));
    assert!(TransferError::Ended(refused).to_string().ends_with("; try again in 30 s"));
    let over = Outcome { call_kept: false, ..refused };
    assert_eq!(TransferError::Ended(over).recovery(), RecoveryAction::GiveUp);
    let SessionError::Ended(mut cause) = ended(EndReason::Refused(BUSY)) else {
        unreachable!("it has ended")
    };
    for (value, advice) in [
        ("30", RecoveryAction::RetryAfter(wait)),
        ("30 (in a meeting);duration=60", RecoveryAction::RetryAfter(wait)),
        ("soon", RecoveryAction::RetryLater),
    ] {
        cause.details = vec![(sip_message::HeaderId::RetryAfter, value.into())];
        assert_eq!(SessionError::Ended(cause.clone()).recovery(), advice, "{value}");
    }
}

#[test]
fn what_was_given_wrongly_is_to_be_corrected_and_not_tried_in_another_way() {
    for refusal in [
        TransferRefusal::Scheme,
        TransferRefusal::TargetForm,
        TransferRefusal::Status,
        TransferRefusal::MayFork,
        TransferRefusal::HeaderName,
        TransferRefusal::HeaderValue,
        TransferRefusal::TooManyHeaders,
        TransferRefusal::TelHeaders,
    ] {
        assert_eq!(TransferError::from(refusal).recovery(), RecoveryAction::FixInput, "{refusal}");
    }
}

#[test]
fn the_failure_of_a_transfer_says_what_to_do_once_the_party_is_back() {
    let failures = OUTCOMES.iter().filter_map(|(kind, failure, code, _)| {
        let failure = TransferFailure::of(&outcome(*kind, Some(*failure), *code))?;
        Some((failure.to_string(), failure.recovery()))
    });
    let failures: Vec<_> = failures.collect();
    assert_eq!(failures.len(), OUTCOMES.len());
    is_a_table(&failures);
    for success in [OutcomeKind::Succeeded, OutcomeKind::AcceptedWithoutProgress, OutcomeKind::Bridged] {
        assert_eq!(TransferFailure::of(&outcome(success, None, Some(200))), None);
    }
}

#[test]
fn what_keeps_a_manager_or_an_account_from_working_says_what_to_do() {
    let address = SocketAddr::from(([192, 0, 2, 1], 5060));
    let io = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    is_a_table(
        &[
            StartError::AddressInUse(address),
            StartError::Bind { address, source: io() },
            StartError::Listen { value: "x".into(), reason: "no address" },
            StartError::Certificate(sip_transport::Transport::Tls),
            StartError::Identity("x".into()),
            StartError::Descriptors { limit: 1, wanted: 2 },
            StartError::Media("no port".into()),
            StartError::System(io()),
        ]
        .map(|error| (error.to_string(), error.recovery())),
    );
    is_a_table(
        &[
            RegistrationError::Unknown,
            RegistrationError::Failed { failure: RegistrationFailure::Unauthorized, retry_after: None },
            RegistrationError::Ended,
            RegistrationError::Busy,
            RegistrationError::Closed,
        ]
        .map(|error| (error.to_string(), error.recovery())),
    );
}
