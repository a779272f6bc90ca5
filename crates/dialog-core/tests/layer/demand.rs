use std::time::Duration;

use dialog_core::{
    Authentication, Credential, DialogConfig, DialogEvent, IncomingRefer, LegEvent, RequestEvent, Secret,
    SubscriptionEvent, Users,
};
use sip_message::{Algorithm, Challenge, HeaderId, Message, Method, Qop};

use crate::{
    bench::{Bench, OFFER},
    challenges::{REALM, keys},
    hatch::{outside, plain, send},
    subscribing::subscribe,
    theirs::Theirs,
};

pub(crate) fn demand() -> Authentication {
    let mut users = Users::new();
    users.add("bob", Secret::password("builder")).expect("room");
    Authentication::new(REALM, users)
}

pub(crate) fn asking(authentication: Authentication) -> Bench {
    Bench::with(DialogConfig { authentication: Some(authentication), ..DialogConfig::default() })
}

/// The credentials that a client of ours shows for these challenges, to a request of this method.
pub(crate) fn proof(challenged: &Message, method: Method, password: &str) -> String {
    let challenges: Vec<String> = challenged.all(HeaderId::WwwAuthenticate).map(str::to_owned).collect();
    let mut client = Bench::with(keys([Credential::of_realm(REALM, "bob", Secret::password(password))]));
    let sent = match method {
        Method::Invite => {
            client.place();
            client.last_sent()
        }
        Method::Subscribe => subscribe(&mut client).1,
        Method::Message => {
            send(&mut client, plain(outside(), Method::Message));
            client.last_sent()
        }
        _ => {
            let leg = client.placed();
            client.refer(leg);
            client.last_of(Method::Refer)
        }
    };
    client.challenge(&sent, 401, &challenges);
    client.last_sent().message.first(HeaderId::Authorization).expect("credentials").to_owned()
}

pub(crate) fn invite(number: u32) -> Theirs {
    Theirs {
        call_id: format!("call-{number}"),
        ..Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)
    }
}

fn users(bench: &Bench) -> Vec<Option<String>> {
    let user = |event: &DialogEvent| match event {
        DialogEvent::Leg(_, LegEvent::Incoming(call)) => {
            Some(call.verified_user.as_deref().map(String::from))
        }
        _ => None,
    };
    bench.events.iter().filter_map(user).collect()
}

#[test]
fn a_call_is_asked_for_proof_and_taken_with_it_and_the_user_is_told() {
    // covers: TR-050
    let mut bench = asking(demand());
    bench.request(invite(1));
    let challenged = bench.last_answer();
    assert_eq!(bench.last_status(), 401);
    assert!(!challenged.has(HeaderId::ProxyAuthenticate));
    let offered: Vec<(Option<Algorithm>, Vec<Qop>, bool)> = challenged
        .all(HeaderId::WwwAuthenticate)
        .map(|value| Challenge::parse(value).expect("a challenge").digest().expect("a digest"))
        .map(|digest| (digest.algorithm(), digest.qop().collect(), digest.stale()))
        .collect();
    let with = |algorithm| (Some(algorithm), vec![Qop::Auth], false);
    assert_eq!(offered, [with(Algorithm::Sha256), with(Algorithm::Md5)], "the strongest first");
    assert!(bench.events.is_empty() && bench.dialogs.is_empty(), "nothing is kept of it");

    let credentials = proof(&challenged, Method::Invite, "builder");
    bench.request(invite(1).cseq(2).header(HeaderId::Authorization, &credentials));
    assert_eq!(users(&bench), [Some("bob".into())]);
    // The same proof for another call is a replay.
    bench.request(invite(2).header(HeaderId::Authorization, &credentials));
    assert_eq!(bench.last_status(), 401);
    let value = bench.last_answer().first(HeaderId::WwwAuthenticate).expect("a challenge").to_owned();
    assert!(value.contains("stale=true"), "{value}");
    assert_eq!(users(&bench).len(), 1);
}

#[test]
fn a_wrong_password_or_a_broken_proof_is_asked_again_and_not_called_stale() {
    let mut bench = asking(demand());
    bench.request(invite(1));
    let challenged = bench.last_answer();
    let wrong = proof(&challenged, Method::Invite, "wrecker");
    let other_realm = proof(&challenged, Method::Invite, "builder").replace(REALM, "example.net");
    for credentials in [&*wrong, &*other_realm, "Digest username=\"bob", "Basic Ym9iOmJ1aWxkZXI="] {
        bench.request(invite(2).header(HeaderId::Authorization, credentials));
        let last = bench.last_answer();
        let value = last.first(HeaderId::WwwAuthenticate).unwrap_or_default();
        assert!(!value.contains("stale"), "{value}");
        assert!(matches!(bench.last_status(), 400 | 401), "{credentials}");
    }
    assert!(bench.events.is_empty());
}

#[test]
fn a_nonce_ages() {
    let mut bench = asking(demand());
    bench.request(invite(1));
    let credentials = proof(&bench.last_answer(), Method::Invite, "builder");
    bench.advance(Authentication::NONCE_LIFETIME + Duration::from_micros(1));
    bench.request(invite(1).cseq(2).header(HeaderId::Authorization, &credentials));
    let last = bench.last_answer();
    assert!(last.first(HeaderId::WwwAuthenticate).expect("a challenge").contains("stale=true"));
    let credentials = proof(&last, Method::Invite, "builder");
    bench.request(invite(1).cseq(3).header(HeaderId::Authorization, &credentials));
    assert_eq!(users(&bench), [Some("bob".into())]);
}

#[test]
fn only_the_first_credentials_of_a_request_are_looked_at() {
    for (before, taken) in [(3, true), (4, false)] {
        let mut bench = asking(demand());
        bench.request(invite(1));
        let challenged = bench.last_answer();
        let mut request = invite(1).cseq(2);
        for _ in 0..before {
            request = request.header(HeaderId::Authorization, &proof(&challenged, Method::Invite, "wrecker"));
        }
        bench
            .request(request.header(HeaderId::Authorization, &proof(&challenged, Method::Invite, "builder")));
        assert_eq!(users(&bench).len(), usize::from(taken));
    }
}

#[test]
fn a_refer_within_a_dialog_is_asked_and_the_call_goes_on() {
    // covers: TR-050, TR-265
    let mut demand = demand();
    demand.methods = Vec::new();
    let mut bench = asking(demand);
    let leg = bench.answered_call();
    let up = bench.established(leg);
    let refer = |bench: &mut Bench| {
        let refer = bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>");
        refer.header(HeaderId::ReferTo, "<sip:carol@example.com>")
    };
    let first = refer(&mut bench);
    bench.request(first);
    assert_eq!(bench.last_status(), 401);
    let credentials = proof(&bench.last_answer(), Method::Refer, "builder");
    let second = refer(&mut bench).header(HeaderId::Authorization, &credentials);
    bench.request(second);
    let asked: Vec<IncomingRefer> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            DialogEvent::Subscription(_, SubscriptionEvent::Requested(refer)) => Some((**refer).clone()),
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].verified_user.as_deref(), Some("bob"));
    let bye = bench.theirs(Method::Bye, &up);
    let bye = bench.request(bye);
    let answer = bench.answered.iter().find(|answer| answer.tx == bye).expect("answered");
    assert_eq!(answer.status, 200, "a BYE is not asked");
}

#[test]
fn who_is_not_asked_is_not_verified() {
    let mut bench = Bench::new();
    bench.request(invite(1));
    assert_eq!(users(&bench), [None]);
    let mut bench = asking(demand());
    bench.request(Theirs::outside(Method::Options));
    assert_eq!(bench.last_status(), 200);
    bench.request(Theirs::outside(Method::Subscribe).header(HeaderId::Event, "refer"));
    assert_eq!(bench.last_status(), 401);
    let refer = Theirs::outside(Method::Refer).contact("<sip:bob@192.0.2.20>");
    bench.request(refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    assert_eq!(bench.last_status(), 401);
    // What names a dialog that is not there has its answer, whoever sends it.
    let gone = Theirs {
        to_tag: Some("gone".into()),
        ..Theirs::outside(Method::Refer).contact("<sip:b@192.0.2.20>")
    };
    bench.request(gone.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    assert_eq!(bench.last_status(), 481);
}

#[test]
fn a_realm_that_cannot_be_written_lets_nobody_in() {
    let mut bench = asking(Authentication::new("a\r\nb", Users::new()));
    bench.request(invite(1));
    assert_eq!(bench.last_status(), 403);
}

#[test]
fn who_has_proved_to_subscribe_or_to_send_a_message_is_told() {
    // covers: TR-050
    let config = DialogConfig {
        packages: vec!["presence".into()],
        requests: vec![Method::Message],
        authentication: Some(demand()),
        ..DialogConfig::default()
    };
    let mut bench = Bench::with(config);
    let subscribe = Theirs::outside(Method::Subscribe)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::Event, "presence")
        .header(HeaderId::Expires, "600");
    for request in [subscribe, Theirs { call_id: "message".into(), ..Theirs::outside(Method::Message) }] {
        bench.request(request.clone());
        assert_eq!(bench.last_status(), 401);
        let credentials = proof(&bench.last_answer(), request.method, "builder");
        bench.request(request.cseq(2).header(HeaderId::Authorization, &credentials));
    }
    let users: Vec<Option<String>> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            DialogEvent::Subscription(_, SubscriptionEvent::Subscribed(asked)) => Some(&asked.verified_user),
            DialogEvent::Request(_, RequestEvent::Incoming(asked)) => Some(&asked.verified_user),
            _ => None,
        })
        .map(|user| user.as_deref().map(String::from))
        .collect();
    assert_eq!(users, [Some("bob".into()), Some("bob".into())]);
}
