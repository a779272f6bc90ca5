//! Authentication-Info in what answers a request that has proved who sent it (RFC 7616 §3.5).

use std::time::Duration;

use dialog_core::{Authentication, LegCommand};
use sip_message::{AuthenticationInfo, HeaderId, Method, Qop};

use crate::{
    bench::{Bench, code},
    demand::{asking, demand, invite, proof},
};

/// A call that has proved who calls, `late` after the challenge, and is ringing.
fn proved(policy: Authentication, late: Duration) -> (Bench, dialog_core::LegId) {
    let mut bench = asking(policy);
    bench.request(invite(1));
    let credentials = proof(&bench.last_answer(), Method::Invite, "builder");
    bench.advance(late);
    let (_, leg) = bench.incoming(invite(2).header(HeaderId::Authorization, &credentials));
    (bench, leg)
}

#[test]
fn a_2xx_proves_that_we_know_the_password_too() {
    let (mut bench, leg) = proved(demand(), Duration::ZERO);
    bench.leg(leg, LegCommand::Ring);
    assert_eq!(bench.last_status(), 180);
    assert!(!bench.last_answer().has(HeaderId::AuthenticationInfo));
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    let answer = bench.last_answer();
    let value = answer.first(HeaderId::AuthenticationInfo).expect("the proof");
    let info = AuthenticationInfo::parse(value).expect("a value");
    assert_eq!((info.qop(), info.nc(), info.rspauth().map(str::len)), (Some("auth"), Some(1), Some(64)));
    assert!(info.nextnonce().is_none(), "the nonce is young");
    assert!(info.cnonce().is_some_and(|cnonce| cnonce.len() == 32));
}

#[test]
fn a_refusal_proves_nothing_and_nothing_is_kept_of_it() {
    let (mut bench, leg) = proved(demand(), Duration::ZERO);
    bench.leg(leg, LegCommand::Reject { status: code(486), retry_after: None });
    assert_eq!(bench.last_status(), 486);
    assert!(!bench.last_answer().has(HeaderId::AuthenticationInfo));
    bench.assert_clean();
}

#[test]
fn an_aged_nonce_is_followed_by_the_next_one_which_is_taken() {
    let mut policy = demand();
    policy.nonce_lifetime = Duration::from_mins(2);
    let (mut bench, leg) = proved(policy, Duration::from_secs(61));
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    let answer = bench.last_answer();
    let info =
        answer.first(HeaderId::AuthenticationInfo).and_then(|value| AuthenticationInfo::parse(value).ok());
    let next = info.and_then(|info| info.nextnonce().map(String::from)).expect("the next nonce");
    // Past the life of the first one.
    bench.advance(Duration::from_secs(90));
    bench.request(invite(3));
    let fresh = bench.last_answer();
    let value = fresh.first(HeaderId::WwwAuthenticate).expect("a challenge");
    let fresh_nonce =
        value.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
    let text = String::from_utf8(fresh.bytes().to_vec()).expect("text").replace(fresh_nonce, &next);
    let as_if = sip_message::Message::parse(text.into_bytes().into()).expect("a message");
    let credentials = proof(&as_if, Method::Invite, "builder");
    let calls = bench.dialogs.load().legs;
    bench.request(invite(4).header(HeaderId::Authorization, &credentials));
    assert_eq!(bench.dialogs.load().legs, calls + 1);
}

#[test]
fn a_nonce_that_counts_once_is_followed_by_the_next_one() {
    let mut policy = demand();
    policy.qop = Vec::new();
    let (mut bench, leg) = proved(policy, Duration::ZERO);
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    let answer = bench.last_answer();
    let value = answer.first(HeaderId::AuthenticationInfo).expect("the next nonce");
    let info = AuthenticationInfo::parse(value).expect("a value");
    assert!(info.nextnonce().is_some() && info.rspauth().is_none());
}

#[test]
fn a_proof_that_would_have_to_cover_our_body_is_not_given() {
    let mut policy = demand();
    policy.qop = vec![Qop::AuthInt];
    let (mut bench, leg) = proved(policy, Duration::ZERO);
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    assert_eq!(bench.last_status(), 200);
    assert!(!bench.last_answer().has(HeaderId::AuthenticationInfo));
}

#[test]
fn a_nonce_of_ours_that_had_to_make_room_is_counted() {
    let mut policy = demand();
    policy.nonces = 1;
    let (mut bench, _) = proved(policy, Duration::ZERO);
    assert_eq!(bench.dialogs.counters().own_nonces_forgotten, 0);
    bench.request(invite(5));
    let credentials = proof(&bench.last_answer(), Method::Invite, "builder");
    bench.incoming(invite(6).header(HeaderId::Authorization, &credentials));
    assert_eq!(bench.dialogs.counters().own_nonces_forgotten, 1);
}
