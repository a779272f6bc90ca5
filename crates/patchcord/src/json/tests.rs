use std::time::Duration;

use session_core::{
    By, EndCause, EndReason, EventKind, Failure, HoldBy, LearnedFrom, MediaFailure, MonitorSummary, Outcome,
    OutcomeKind, RegistrationFailure, RegistrationId, SessionEvent, SessionId, SessionMediaState, StatusCode,
    SubReason, SubscriptionEnd, TransferId, TransferKind,
};

use super::*;

fn event(session: Option<u64>, transfer: Option<u64>, kind: EventKind) -> SessionEvent {
    SessionEvent {
        seq: 1,
        at: Duration::from_millis(5),
        session: session.map(SessionId::from),
        transfer: transfer.map(TransferId::from),
        kind,
    }
}

fn json(event: &SessionEvent) -> String {
    Line::of(event, Duration::from_micros(1_234_567)).to_json()
}

/// The field names, their order and their spelling are a public interface: this list changes with `docs/cli.md` only.
#[test]
fn field_names_are_the_documented_ones() {
    let outcome = Outcome {
        kind: OutcomeKind::Recovered,
        learned_from: LearnedFrom::Notify,
        code: Some(StatusCode::BUSY_HERE),
        failure: Some(Failure::Target),
        call_kept: true,
        on_hold: false,
        retry_after: None,
    };
    let cause = EndCause {
        by: By::Remote,
        reason: EndReason::Refused(StatusCode::BUSY_HERE),
        header: None,
        details: Vec::new(),
    };
    for (event, line) in [
        (
            event(Some(1), None, EventKind::IncomingCall { from: "sip:a@h".into(), to: "sip:b@h".into() }),
            r#"{"event":"incoming_call","at_ms":1234,"session":"call-1","peer":"sip:a@h","to":"sip:b@h"}"#,
        ),
        (
            event(
                None,
                None,
                EventKind::RegistrationFailed {
                    registration: RegistrationId::from(3),
                    account: "sip:a@h".into(),
                    failure: RegistrationFailure::Refused(StatusCode::SERVICE_UNAVAILABLE),
                    retry_after: Some(Duration::from_secs(30)),
                },
            ),
            r#"{"event":"registration_failed","at_ms":1234,"peer":"sip:a@h","code":503,"reason":"the registrar refused with 503","registration":"reg-3","retry_ms":30000}"#,
        ),
        (
            event(
                None,
                None,
                EventKind::RegistrationEnded {
                    registration: RegistrationId::from(3),
                    account: "sip:a@h".into(),
                    confirmed: true,
                },
            ),
            r#"{"event":"registration_ended","at_ms":1234,"peer":"sip:a@h","confirmed":true,"registration":"reg-3"}"#,
        ),
        (
            event(Some(1), None, EventKind::Calling { to: "sip:b@h".into() }),
            r#"{"event":"calling","at_ms":1234,"session":"call-1","peer":"sip:b@h"}"#,
        ),
        (
            event(Some(1), None, EventKind::Ringing { status: StatusCode::RINGING }),
            r#"{"event":"ringing","at_ms":1234,"session":"call-1","code":180}"#,
        ),
        (
            event(Some(1), None, EventKind::Established { peer: "sip:b@h".into(), placed: true }),
            r#"{"event":"established","at_ms":1234,"session":"call-1","peer":"sip:b@h","placed":true}"#,
        ),
        (
            event(Some(1), None, EventKind::HoldChanged { local: true, remote: false }),
            r#"{"event":"hold_changed","at_ms":1234,"session":"call-1","local_hold":true,"remote_hold":false}"#,
        ),
        (
            event(Some(1), None, EventKind::CallEnded { cause }),
            r#"{"event":"call_ended","at_ms":1234,"session":"call-1","code":486,"reason":"refused: 486 Busy Here"}"#,
        ),
        (
            event(
                Some(1),
                Some(2),
                EventKind::TransferRequested {
                    target: "sip:c@h".into(),
                    referred_by: None,
                    referred_by_name: None,
                    verified: false,
                    decide: true,
                    kind: TransferKind::Attended,
                },
            ),
            r#"{"event":"transfer_requested","at_ms":1234,"session":"call-1","transfer":"transfer-2","peer":"sip:c@h","stage":"Initiated","decide":true,"kind":"attended","referred_by":null,"verified":false}"#,
        ),
        (
            event(
                Some(1),
                Some(2),
                EventKind::TransferInitiated {
                    target: "sip:c@h".into(),
                    kind: TransferKind::ProtectedTarget,
                },
            ),
            r#"{"event":"transfer_initiated","at_ms":1234,"session":"call-1","transfer":"transfer-2","peer":"sip:c@h","stage":"Initiated","kind":"protect-target"}"#,
        ),
        (
            event(Some(1), Some(2), EventKind::TransferKindChanged { kind: TransferKind::SemiAttended }),
            r#"{"event":"transfer_kind_changed","at_ms":1234,"session":"call-1","transfer":"transfer-2","kind":"semi-attended"}"#,
        ),
        (
            event(Some(1), Some(2), EventKind::ConsultFailed { status: Some(StatusCode::BUSY_HERE) }),
            r#"{"event":"consult_failed","at_ms":1234,"session":"call-1","transfer":"transfer-2","code":486}"#,
        ),
        (
            event(Some(1), Some(2), EventKind::NotifyTimeout),
            r#"{"event":"notify_timeout","at_ms":1234,"session":"call-1","transfer":"transfer-2"}"#,
        ),
        (
            event(
                Some(1),
                Some(2),
                EventKind::SubscriptionEnded {
                    end: SubscriptionEnd::Terminated,
                    reason: Some(SubReason::Noresource),
                },
            ),
            r#"{"event":"subscription_ended","at_ms":1234,"session":"call-1","transfer":"transfer-2","reason":"ended by its last NOTIFY: noresource","end":"terminated"}"#,
        ),
        (
            event(Some(1), Some(2), EventKind::TransferAccepted { status: StatusCode::ACCEPTED }),
            r#"{"event":"transfer_accepted","at_ms":1234,"session":"call-1","transfer":"transfer-2","code":202,"stage":"Accepted"}"#,
        ),
        (
            event(Some(1), Some(2), EventKind::TransferProgress { status: StatusCode::RINGING }),
            r#"{"event":"transfer_progress","at_ms":1234,"session":"call-1","transfer":"transfer-2","code":180,"stage":"Progress"}"#,
        ),
        (
            event(Some(1), Some(2), EventKind::TransferEnded(outcome)),
            r#"{"event":"transfer_recovered","at_ms":1234,"session":"call-1","transfer":"transfer-2","code":486,"reason":"the referred call failed","outcome":"Recovered","learned_from":"notify","stage":"Failed"}"#,
        ),
        (
            event(
                Some(1),
                None,
                EventKind::MediaSwitched { to: SessionId::from(3), gap: Some(Duration::from_millis(40)) },
            ),
            r#"{"event":"media_switched","at_ms":1234,"session":"call-1","peer":"call-3","gap_ms":40.0}"#,
        ),
        (
            event(
                Some(3),
                None,
                EventKind::Replaced {
                    old: SessionId::from(1),
                    from: "sip:c@h".into(),
                    referred_by: Some("sip:a@h".into()),
                    verified: false,
                },
            ),
            r#"{"event":"replaced","at_ms":1234,"session":"call-3","peer":"sip:c@h","referred_by":"sip:a@h","replaced":"call-1","verified":false}"#,
        ),
        (
            event(
                Some(1),
                None,
                EventKind::ReplaceRefused {
                    status: StatusCode::FORBIDDEN,
                    from: "sip:m@h".into(),
                    referred_by: None,
                },
            ),
            r#"{"event":"replace_refused","at_ms":1234,"session":"call-1","peer":"sip:m@h","code":403,"referred_by":null}"#,
        ),
        (
            event(Some(3), None, EventKind::ReplaceUnacknowledged { old: SessionId::from(1) }),
            r#"{"event":"replace_unacknowledged","at_ms":1234,"session":"call-3","replaced":"call-1"}"#,
        ),
        (
            event(Some(1), None, EventKind::MediaFlowing),
            r#"{"event":"media_flowing","at_ms":1234,"session":"call-1"}"#,
        ),
        (
            event(
                Some(1),
                None,
                EventKind::MediaStateChanged { state: SessionMediaState::Paused(HoldBy::Both) },
            ),
            r#"{"event":"media_state","at_ms":1234,"session":"call-1","held_by":"both","state":"paused"}"#,
        ),
        (
            event(
                Some(1),
                None,
                EventKind::MediaStateChanged { state: SessionMediaState::Failed(MediaFailure::Rejected) },
            ),
            r#"{"event":"media_state","at_ms":1234,"session":"call-1","reason":"they rejected the audio stream","state":"failed"}"#,
        ),
        (
            event(Some(1), None, EventKind::MediaMonitored(MonitorSummary::default())),
            r#"{"event":"media_monitored","at_ms":1234,"session":"call-1","jitter_ms":null,"loss_percent":null,"mos":null,"received":0,"round_trip_ms":null,"worst_mos":null}"#,
        ),
    ] {
        assert_eq!(json(&event), line);
    }
}

#[test]
fn the_applications_own_events_have_the_same_form() {
    let line = Line::own("listening", Duration::from_millis(3)).with("addresses", vec!["udp:127.0.0.1:5060"]);
    assert_eq!(line.to_json(), r#"{"event":"listening","at_ms":3,"addresses":["udp:127.0.0.1:5060"]}"#);
    let line = Line::own("finished", Duration::from_millis(3)).with_reason(Some("busy")).with("exit_code", 1);
    assert_eq!(line.to_json(), r#"{"event":"finished","at_ms":3,"reason":"busy","exit_code":1}"#);
}

#[test]
fn a_party_of_the_demo_stands_behind_the_time() {
    let line = Line::own("x", Duration::ZERO).with_party("alice");
    assert_eq!(line.to_json(), r#"{"event":"x","at_ms":0,"party":"alice"}"#);
}
