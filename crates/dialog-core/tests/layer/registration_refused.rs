//! What follows a REGISTER that came to nothing.

use std::time::Duration;

use dialog_core::{RegistrationCommand, RegistrationEvent, RegistrationFailure};
use sip_message::{HeaderId, Method};
use sip_transport::RouteError;
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, code, uri},
    registrar::{
        accept, account, command, events, expires, failure, last, outbound_account, refuse, register,
        registered, standing, target,
    },
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A REGISTER that was answered with a status and further headers.
fn answered(status: u16, headers: &[(HeaderId, &str)]) -> (Bench, dialog_core::RegistrationId) {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    bench.reply(&sent, status, "registrar", |response| {
        headers.iter().fold(response, |response, (id, value)| response.header(*id, value))
    });
    (bench, id)
}

#[test]
fn a_refusal_that_stays_ends_the_registration() {
    for status in [400, 402, 403, 404, 405, 416, 420, 501, 505, 603, 604, 606] {
        let (bench, id) = answered(status, &[]);
        assert_eq!(failure(&bench, id), (RegistrationFailure::Refused(code(status)), None));
        assert!(bench.is_clean());
    }
    for status in [401, 407] {
        let (bench, id) = answered(status, &[]);
        assert_eq!(failure(&bench, id), (RegistrationFailure::Unauthorized, None));
        assert!(bench.is_clean());
    }
}

#[test]
fn a_refusal_that_may_pass_is_tried_again_with_growing_waits() {
    for status in [408, 429, 480, 500, 503, 504] {
        let (mut bench, id) = answered(status, &[]);
        let mut longest = seconds(60);
        for number in 2..9 {
            let (failure, after) = failure(&bench, id);
            assert_eq!(failure, RegistrationFailure::Refused(code(status)));
            let after = after.expect("it goes on");
            assert!(after <= longest && after >= longest / 2, "{after:?} of {longest:?}");
            bench.advance(after.saturating_sub(seconds(1)));
            assert_eq!(bench.sent.len(), number - 1);
            bench.advance(seconds(1));
            assert_eq!(bench.sent.len(), number);
            let sent = bench.last_sent();
            refuse(&mut bench, &sent, status);
            longest = (longest * 2).min(seconds(1_800));
        }
    }
}

#[test]
fn retry_after_is_honoured() {
    let (mut bench, id) = answered(503, &[(HeaderId::RetryAfter, "900 (later);duration=60")]);
    assert_eq!(failure(&bench, id).1, Some(seconds(900)));
    bench.advance(seconds(899));
    assert_eq!(bench.sent.len(), 1);
    bench.advance(seconds(1));
    assert_eq!(bench.sent.len(), 2);
}

#[test]
fn no_answer_and_no_route_are_tried_again() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Timeout);
    assert_eq!(failure(&bench, id).0, RegistrationFailure::TimedOut);
    bench.no_route = Some(RouteError::Unresolved);
    bench.advance(seconds(60));
    assert_eq!(failure(&bench, id).0, RegistrationFailure::NoRoute(RouteError::Unresolved));
    bench.no_route = None;
    bench.advance(seconds(120));
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 60);
    assert_eq!(standing(&bench, id).expires, seconds(60));
}

#[test]
fn a_value_that_cannot_be_sent_ends_it() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Unencodable);
    assert_eq!(failure(&bench, id), (RegistrationFailure::Unencodable, None));
    assert!(bench.is_clean());
}

#[test]
fn a_binding_that_is_too_brief_is_asked_for_as_long_as_the_registrar_wants() {
    let (mut bench, id) = answered(423, &[(HeaderId::MinExpires, "7200")]);
    let sent = bench.last_sent();
    assert_eq!((bench.sent.len(), expires(&sent)), (2, Some(7_200)));
    accept(&mut bench, &sent, 7_200);
    assert_eq!(standing(&bench, id).expires, seconds(7_200));
}

#[test]
fn a_registrar_that_wants_more_than_a_day_is_refused() {
    let (bench, _) = answered(423, &[(HeaderId::MinExpires, "86400")]);
    assert_eq!(expires(&bench.last_sent()), Some(86_400));
    let (bench, id) = answered(423, &[(HeaderId::MinExpires, "86401")]);
    assert_eq!(failure(&bench, id), (RegistrationFailure::TooBrief(86_401), None));
}

#[test]
fn a_423_without_a_reason_to_ask_anew_waits() {
    for headers in [&[][..], &[(HeaderId::MinExpires, "60")]] {
        let (bench, id) = answered(423, headers);
        assert_eq!(bench.sent.len(), 1);
        assert!(failure(&bench, id).1.is_some());
    }
}

#[test]
fn a_2xx_without_our_binding_is_a_failure() {
    for contact in ["<sip:carol@192.0.2.9>;expires=60", "<sip:alice@192.0.2.1:5060>;expires=0"] {
        let (bench, id) = answered(200, &[(HeaderId::Contact, contact)]);
        assert_eq!(failure(&bench, id).0, RegistrationFailure::NotBound);
    }
}

#[test]
fn the_next_registrar_is_tried_at_once_and_the_first_one_again_after_the_wait() {
    let mut bench = Bench::new();
    let mut two = account();
    two.registrars = vec![uri("sip:one.example.com"), uri("sip:two.example.com")];
    let id = register(&mut bench, two);
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 503);
    let sent = bench.last_sent();
    assert_eq!(target(&sent), "sip:two.example.com");
    assert!(events(&bench, id).is_empty());
    bench.fail(&sent, TxFailure::Flow);
    let (reason, after) = failure(&bench, id);
    assert_eq!(reason, RegistrationFailure::Unreachable);
    bench.advance(after.expect("it goes on"));
    let sent = bench.last_sent();
    assert_eq!((bench.sent.len(), target(&sent)), (3, "sip:one.example.com".into()));
    refuse(&mut bench, &sent, 503);
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 60);
    // What has worked is used again.
    command(&mut bench, id, RegistrationCommand::Refresh);
    assert_eq!(target(&bench.last_sent()), "sip:two.example.com");
}

#[test]
fn a_redirection_is_followed_best_first_and_not_for_ever() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    for hop in 0..4 {
        let sent = bench.last_sent();
        let (worse, better) =
            (format!("<sip:w{hop}.example.com>;q=0.1"), format!("<sip:b{hop}.example.com>"));
        bench.reply(&sent, 302, "registrar", |response| {
            response.header(HeaderId::Contact, worse).header(HeaderId::Contact, better)
        });
    }
    let targets: Vec<String> = bench.sent.iter().map(target).collect();
    assert_eq!(targets, ["sip:example.com", "sip:b0.example.com", "sip:b1.example.com"]);
    assert_eq!(failure(&bench, id).0, RegistrationFailure::Refused(code(302)));
}

#[test]
fn a_first_hop_without_outbound_is_asked_without() {
    let mut bench = Bench::new();
    let id = register(&mut bench, outbound_account());
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 439);
    let sent = bench.last_sent();
    let contact = sent.message.first(HeaderId::Contact).expect("a Contact");
    assert!(contact.contains("+sip.instance") && !contact.contains("reg-id"), "{contact}");
    assert_eq!(sent.message.first(HeaderId::Supported), Some("path, gruu"));
    refuse(&mut bench, &sent, 439);
    assert_eq!(bench.sent.len(), 2);
    assert!(failure(&bench, id).1.is_some());
}

#[test]
fn a_binding_outlives_a_refresh_that_failed_until_its_time_is_over() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 600);
    command(&mut bench, id, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 503);
    assert!(failure(&bench, id).1.is_some());
    bench.advance(seconds(61));
    assert_eq!(bench.count_of(Method::Register), 3);
    bench.advance(seconds(540));
    assert!(matches!(last(&bench, id), RegistrationEvent::Lapsed));
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 600);
    standing(&bench, id);
}

#[test]
fn unregister_while_it_waits_ends_at_once() {
    let (mut bench, id) = answered(503, &[]);
    command(&mut bench, id, RegistrationCommand::Unregister);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: true }));
    assert_eq!(bench.sent.len(), 1);
    assert!(bench.is_clean());
}

#[test]
fn a_refused_unregister_is_over_without_the_registrars_word() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Unregister);
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 503);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: false }));
    assert!(bench.is_clean());
}
