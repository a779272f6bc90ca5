use dialog_core::{
    Credential, DialogCommand, DialogConfig, EndReason, Keyring, LegCommand, ReferAnswer, Secret,
    SubscriptionEvent,
};
use sip_message::{HeaderId, Method, StatusCode};

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, invite},
    challenges::{REALM, account, challenge, keyed, keys, number, shown, stale, used},
    theirs::Theirs,
};

#[test]
fn a_challenged_invite_goes_out_again_with_credentials_and_the_rest_unchanged() {
    // covers: TR-192
    for (status, id) in [(401, HeaderId::Authorization), (407, HeaderId::ProxyAuthorization)] {
        let mut bench = Bench::with(keyed());
        let leg = bench.place();
        let first = bench.last_sent();
        bench.challenge(&first, status, &[challenge(REALM, "n1")]);
        let second = bench.last_sent();
        assert_eq!(bench.order, ["route", "NeedDescription", "INVITE", "INVITE"], "no second offer");
        assert_eq!(number(&second), number(&first) + 1);
        assert_ne!(first.tx, second.tx);
        let same = [HeaderId::CallId, HeaderId::From, HeaderId::To, HeaderId::Contact, HeaderId::MaxForwards];
        for header in same {
            assert_eq!(first.message.first(header), second.message.first(header), "{header:?}");
        }
        assert_eq!(first.message.body(), second.message.body());
        assert_eq!(shown(&second.message, id), [used(REALM, "n1", 1)]);
        let value = second.message.first(id).expect("credentials");
        assert!(value.contains("opaque=\"o-n1\"") && value.contains("algorithm=SHA-256"), "{value}");

        bench.pick_up(&second, PEER_TAG);
        assert!(bench.has_up(leg));
        assert_eq!(number(&bench.acks[0]), number(&second));
        bench.hang_up(leg);
        let bye = bench.last_sent();
        bench.ok(&bye);
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
        bench.assert_clean();
    }
}

#[test]
fn without_keys_a_challenge_is_a_refusal() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let first = bench.last_sent();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    assert_eq!(bench.count_of(Method::Invite), 1);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(StatusCode::UNAUTHORIZED));
    bench.assert_clean();
}

#[test]
fn keys_may_come_later_and_go_again() {
    let mut bench = Bench::new();
    bench.command(DialogCommand::Keys(keyed().keys));
    bench.place();
    let first = bench.last_sent();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    assert_eq!(bench.count_of(Method::Invite), 2);
    bench.command(DialogCommand::Keys(Keyring::new()));
    let leg = bench.place();
    let third = bench.last_sent();
    bench.challenge(&third, 401, &[challenge(REALM, "n2")]);
    assert_eq!(bench.count_of(Method::Invite), 3);
    assert!(bench.ended(leg).is_some());
}

#[test]
fn the_same_challenge_again_means_that_the_password_is_wrong() {
    // covers: TR-192
    for again in [challenge(REALM, "n1"), challenge(REALM, "n2"), stale(REALM, "n1")] {
        let mut bench = Bench::with(keyed());
        let leg = bench.place();
        let first = bench.last_sent();
        bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
        let second = bench.last_sent();
        bench.challenge(&second, 401, std::slice::from_ref(&again));
        assert_eq!(bench.count_of(Method::Invite), 2, "{again}");
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(StatusCode::UNAUTHORIZED));
        bench.assert_clean();
    }
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    // covers: TR-192
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let first = bench.last_sent();
    bench.challenge(&first, 407, &[challenge(REALM, "n1")]);
    let second = bench.last_sent();
    bench.challenge(&second, 407, &[stale(REALM, "n2")]);
    let third = bench.last_sent();
    assert_eq!(shown(&third.message, HeaderId::ProxyAuthorization), [used(REALM, "n2", 1)]);
    bench.challenge(&third, 407, &[stale(REALM, "n3")]);
    assert_eq!(bench.count_of(Method::Invite), 3, "three tries");
    let reason = bench.ended(leg).expect("ended").reason;
    assert_eq!(reason, EndReason::Refused(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
    bench.assert_clean();
}

#[test]
fn a_proxy_and_a_server_are_answered_both_with_counts_that_rise() {
    let other = Credential::of_realm("office", "alice", Secret::password("secret"));
    let first_key = Credential::of_realm(REALM, "alice", Secret::password("wonderland"));
    let mut bench = Bench::with(keys([first_key, other]));
    bench.place();
    let first = bench.last_sent();
    bench.challenge(&first, 407, &[challenge(REALM, "p1")]);
    let second = bench.last_sent();
    bench.challenge(&second, 401, &[challenge("office", "s1")]);
    let third = bench.last_sent();
    assert_eq!(shown(&third.message, HeaderId::ProxyAuthorization), [used(REALM, "p1", 2)]);
    assert_eq!(shown(&third.message, HeaderId::Authorization), [used("office", "s1", 1)]);
}

#[test]
fn a_call_that_somebody_referred_us_to_shows_our_own_credentials_for_the_realm_of_its_target() {
    // covers: TR-193
    let key = |realm: &str, user: &str| Credential::of_realm(realm, user, Secret::password("p"));
    let mut bench = Bench::with(keys([key("referrer.example", "bob"), key("target.example", "carol")]));
    let mut call = invite();
    call.headers.push((HeaderId::ReferredBy, "<sip:bob@referrer.example>".into()));
    bench.place_with(call);
    let first = bench.last_sent();
    bench.challenge(&first, 407, &[challenge("target.example", "n1")]);
    let second = bench.last_sent().message;
    let value = second.first(HeaderId::ProxyAuthorization).expect("credentials");
    assert!(value.contains("username=\"carol\"") && value.contains("realm=\"target.example\""), "{value}");
    assert_eq!(second.count(HeaderId::ProxyAuthorization), 1);
    assert_eq!(second.first(HeaderId::ReferredBy), first.message.first(HeaderId::ReferredBy));
}

#[test]
fn of_several_algorithms_the_strongest_is_answered_for_each_realm() {
    let other = Credential::of_realm("office", "alice", Secret::password("secret"));
    let first_key = Credential::of_realm(REALM, "alice", Secret::password("wonderland"));
    let mut bench = Bench::with(keys([first_key, other]));
    bench.place();
    let first = bench.last_sent();
    let md5 = "Digest realm=\"example.com\", nonce=\"weak\", algorithm=MD5, qop=\"auth\"".to_owned();
    let future = "Digest realm=\"example.com\", nonce=\"new\", algorithm=SHA3-512, qop=\"auth\"".to_owned();
    let broken = "Digest realm=\"example.com".to_owned();
    let foreign = challenge("elsewhere", "x");
    let values = [
        md5,
        future,
        broken,
        "Bearer realm=\"x\"".into(),
        challenge(REALM, "n1"),
        challenge("office", "n2"),
        foreign,
    ];
    bench.challenge(&first, 407, &values);
    let second = bench.last_sent();
    assert_eq!(
        shown(&second.message, HeaderId::ProxyAuthorization),
        [used(REALM, "n1", 1), used("office", "n2", 1)]
    );
}

#[test]
fn a_hash_answers_its_algorithm_and_a_hashed_name_is_sent_where_it_is_asked_for() {
    let hash = "939e7578ed9e3c518a452acee763bce9";
    let secret = Secret::hashed([(sip_message::Algorithm::Md5, hash)]).expect("a hash");
    let mut bench = Bench::with(keys([Credential::of_realm(REALM, "alice", secret)]));
    bench.place();
    let first = bench.last_sent();
    let weak = format!("Digest realm=\"{REALM}\", nonce=\"weak\", qop=\"auth\", userhash=true");
    bench.challenge(&first, 401, &[challenge(REALM, "n1"), weak]);
    let value = bench.last_sent().message.first(HeaderId::Authorization).expect("credentials").to_owned();
    assert!(value.contains("nonce=\"weak\"") && value.contains("userhash=true"), "{value}");
    assert!(!value.contains("alice\"") && !value.contains("algorithm"), "{value}");
}

#[test]
fn a_foreign_realm_in_a_dialog_gets_no_credentials() {
    // covers: SEC-15
    for config in [keyed(), account()] {
        let mut bench = Bench::with(config);
        let leg = bench.answered_call();
        let id = bench.refer(leg);
        let refer = bench.last_of(Method::Refer);
        bench.challenge(&refer, 407, &[challenge("registrar.example.net", "n1")]);
        assert_eq!(bench.count_of(Method::Refer), 1);
        let events = bench.subscription_events(id);
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let refused = ReferAnswer::Refused { status, retry_after: None };
        assert!(matches!(events[0], SubscriptionEvent::Answered(answer) if answer == refused), "{events:?}");
        let bye = bench.hang_up(leg);
        bench.challenge(&bye, 401, &[challenge("registrar.example.net", "n2")]);
        assert_eq!(bench.count_of(Method::Bye), 1);
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
        let leaked = |id| bench.sent.iter().any(|sent| sent.message.has(id));
        assert!(!leaked(HeaderId::Authorization) && !leaked(HeaderId::ProxyAuthorization));
        bench.assert_clean();
    }
}

#[test]
fn in_a_dialog_a_guarded_key_answers_only_the_host_that_has_taken_it_before() {
    // covers: SEC-15
    let secret = || Secret::password("wonderland");
    let guarded = Credential::of_realm(REALM, "alice", secret()).guarded();
    let alice = crate::bench::uri("sip:alice@example.com");
    let first_guarded = Credential::of_account(alice, "alice", secret()).guarded().in_realm(REALM);
    for config in [account(), keys([guarded]), keys([first_guarded])] {
        let mut bench = Bench::with(config);
        let peer = bench.answered_call();
        let bye = bench.hang_up(peer);
        bench.challenge(&bye, 401, &[challenge(REALM, "theft")]);
        assert_eq!(bench.count_of(Method::Bye), 1, "the realm is our registrar's, but who asks is not known");

        bench.place();
        let invite = bench.last_sent();
        bench.challenge(&invite, 401, &[challenge(REALM, "n1")]);
        let invite = bench.last_sent();
        bench.pick_up(&invite, PEER_TAG);
        let other = bench.answered_call();
        let bye = bench.hang_up(other);
        bench.answer_from([203, 0, 113, 9], &bye, 407, Some(&challenge(REALM, "theft")));
        assert_eq!(bench.count_of(Method::Bye), 1, "another host than the one that has taken it");

        let third = bench.answered_call();
        let bye = bench.hang_up(third);
        bench.challenge(&bye, 407, &[challenge(REALM, "n2")]);
        let again = bench.last_sent();
        assert_eq!(shown(&again.message, HeaderId::ProxyAuthorization), [used(REALM, "n2", 1)]);
    }
}

/// The host that every answer of the bench comes from, as a Contact names it.
const HOST: &str = "192.0.2.20";

/// Has the host of the bench take the account's key outside of a dialog, as a registrar does.
fn vouch(bench: &mut Bench) {
    bench.place();
    let invite = bench.last_sent();
    bench.challenge(&invite, 401, &[challenge(REALM, "n1")]);
    let invite = bench.last_sent();
    bench.pick_up(&invite, PEER_TAG);
}

/// A call of theirs that is up, with these routes and this Contact.
fn called(bench: &mut Bench, routes: &[&str], contact: &str) -> dialog_core::LegId {
    let theirs = Theirs::outside(Method::Invite).contact(contact).sdp(OFFER);
    let theirs = routes.iter().fold(theirs, |theirs, route| theirs.header(HeaderId::RecordRoute, route));
    let leg = bench.incoming(theirs).1;
    bench.leg(leg, LegCommand::Accept { contact_user: Some("alice".into()) });
    let answer = bench.last_answer();
    bench.ack(&answer, None);
    assert!(bench.has_up(leg));
    bench.clear();
    leg
}

#[test]
fn a_401_in_a_dialog_that_only_the_peer_behind_our_proxy_can_have_made_gets_no_proof() {
    // covers: SEC-15
    let proxy = format!("<sip:{HOST};lr>");
    let here = format!("<sip:bob@{HOST}>");
    for (routes, contact, proves) in [
        // The proxy records its route: whoever answers 401 is behind it.
        (&[proxy.as_str()][..], "<sip:thief@203.0.113.9>", false),
        (&[proxy.as_str()], here.as_str(), false),
        // It records none, and our BYE goes to it because the connection leads there.
        (&[], "<sip:thief@203.0.113.9>", false),
        (&[], "<sip:thief@evil.example>", false),
        // It is the other end itself: a registrar that is a back-to-back user agent.
        (&[], here.as_str(), true),
    ] {
        let mut bench = Bench::with(account());
        vouch(&mut bench);
        let leg = called(&mut bench, routes, contact);
        let bye = bench.hang_up(leg);
        bench.challenge(&bye, 401, &[challenge(REALM, "theft")]);
        assert_eq!(bench.count_of(Method::Bye), 1 + usize::from(proves), "{routes:?} {contact}");
        assert_eq!(bench.last_sent().message.has(HeaderId::Authorization), proves, "{routes:?} {contact}");
    }
}

#[test]
fn a_server_behind_a_proxy_that_has_asked_for_the_call_may_ask_again_in_it() {
    let mut bench = Bench::with(account());
    let leg = bench.place();
    let invite = bench.last_sent();
    bench.challenge(&invite, 401, &[challenge(REALM, "n1")]);
    let invite = bench.last_sent();
    bench.reply(&invite, 200, PEER_TAG, |response| {
        let routed = response.header(HeaderId::RecordRoute, format!("<sip:{HOST};lr>"));
        routed.contact("<sip:bob@203.0.113.9>").body("application/sdp", ANSWER)
    });
    let bye = bench.hang_up(leg);
    bench.challenge(&bye, 401, &[stale(REALM, "n2")]);
    assert_eq!(shown(&bench.last_sent().message, HeaderId::Authorization), [used(REALM, "n2", 1)]);
}

#[test]
fn so_many_hosts_are_remembered_to_have_taken_a_key() {
    const HOSTS: u16 = 256;
    let mut bench = Bench::with(account());
    let host = |number: u16| [10, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]];
    for number in 0..=HOSTS {
        let leg = bench.place();
        let first = bench.last_sent();
        bench.answer_from(host(number), &first, 401, Some(&challenge(REALM, "n1")));
        let second = bench.last_sent();
        assert_ne!(first.tx, second.tx);
        bench.answer_from(host(number), &second, 200, None);
        assert!(bench.ended(leg).is_none(), "taken");
        assert_eq!(bench.dialogs.counters().hosts_forgotten, u64::from(number == HOSTS));
    }
    for (number, tries) in [(0, 1), (1, 2), (HOSTS, 2)] {
        let leg = bench.answered_call();
        let bye = bench.hang_up(leg);
        bench.answer_from(host(number), &bye, 407, Some(&challenge(REALM, "n2")));
        assert_eq!(bench.count_of(Method::Bye), tries, "host {number}");
    }
}

/// A call of ours that was challenged by the host it was sent to, and is up.
fn challenged_call(bench: &mut Bench) -> dialog_core::LegId {
    let leg = bench.place();
    let invite = bench.last_sent();
    bench.challenge(&invite, 407, &[challenge(REALM, "n1")]);
    let invite = bench.last_sent();
    bench.pick_up(&invite, PEER_TAG);
    bench.clear();
    leg
}

#[test]
fn later_requests_of_the_dialog_need_no_challenge_and_count_on() {
    let mut bench = Bench::with(keyed());
    let leg = challenged_call(&mut bench);
    bench.refer(leg);
    let refer = bench.last_sent();
    assert_eq!(shown(&refer.message, HeaderId::ProxyAuthorization), [used(REALM, "n1", 2)]);
    // A nonce that has aged meanwhile is replaced, even by a server that does not call it stale.
    bench.challenge(&refer, 407, &[challenge(REALM, "n2")]);
    let refer = bench.last_sent();
    assert_eq!(shown(&refer.message, HeaderId::ProxyAuthorization), [used(REALM, "n2", 1)]);
    bench.reply(&refer, 202, PEER_TAG, |response| {
        response.header(HeaderId::ProxyAuthenticationInfo, "nextnonce=\"n3\"")
    });
    let bye = bench.hang_up(leg);
    assert_eq!(shown(&bye.message, HeaderId::ProxyAuthorization), [used(REALM, "n3", 1)], "the next nonce");
    bench.ok(&bye);
    // Another call is another matter.
    bench.place();
    assert!(!bench.last_sent().message.has(HeaderId::ProxyAuthorization));
}

#[test]
fn a_nonce_is_shown_to_nobody_but_the_host_that_gave_it() {
    // covers: SEC-15
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let first = bench.last_sent();
    bench.answer_from([203, 0, 113, 9], &first, 401, Some(&challenge(REALM, "n1")));
    let second = bench.last_sent();
    assert!(second.message.has(HeaderId::Authorization));
    bench.pick_up(&second, PEER_TAG);
    let bye = bench.hang_up(leg);
    assert!(!bye.message.has(HeaderId::Authorization), "it goes to the peer directly");
}

#[test]
fn nonces_are_kept_of_so_many_calls() {
    let mut bench = Bench::with(DialogConfig { nonces: 2, ..keyed() });
    let legs: Vec<_> = (0..3)
        .map(|number: u64| {
            let leg = challenged_call(&mut bench);
            assert_eq!(bench.dialogs.counters().nonces_forgotten, number.saturating_sub(1));
            leg
        })
        .collect();
    for (leg, kept) in [(legs[0], false), (legs[1], true), (legs[2], true)] {
        let bye = bench.hang_up(leg);
        assert_eq!(bye.message.has(HeaderId::ProxyAuthorization), kept);
        bench.ok(&bye);
    }
    bench.assert_clean();
    let mut none = Bench::with(DialogConfig { nonces: 0, ..keyed() });
    let leg = none.place();
    let invite = none.last_sent();
    none.challenge(&invite, 401, &[challenge(REALM, "n1")]);
    assert!(none.ended(leg).is_some(), "without room for a nonce there is no answer");
}

#[test]
fn a_challenge_is_answered_up_to_a_length_and_a_call_up_to_a_number_of_realms() {
    const LONGEST: usize = 2_048;
    let nonce = |longer: usize| "n".repeat(LONGEST - challenge(REALM, "").len() + longer);
    for (longer, tries) in [(0, 2), (1, 1)] {
        let mut bench = Bench::with(keyed());
        bench.place();
        let first = bench.last_sent();
        let plain =
            challenge(REALM, &nonce(longer)).replace(&format!(", opaque=\"o-{}\"", nonce(longer)), "");
        let value = format!("{plain}{}", ", opaque=\"o-\"");
        assert_eq!(value.len(), LONGEST + longer);
        bench.challenge(&first, 401, &[value]);
        assert_eq!(bench.count_of(Method::Invite), tries);
        assert_eq!(bench.dialogs.counters().challenges_ignored, longer as u64);
    }
    let realm = |number: usize| format!("realm-{number}");
    let key = |number| Credential::of_realm(realm(number), "alice", Secret::password("p"));
    let mut bench = Bench::with(keys((0..5).map(key)));
    bench.place();
    let first = bench.last_sent();
    let values: Vec<String> = (0..5).map(|number| challenge(&realm(number), "n")).collect();
    bench.challenge(&first, 407, &values);
    let answered = shown(&bench.last_sent().message, HeaderId::ProxyAuthorization);
    assert_eq!((answered.len(), bench.dialogs.counters().realms_refused), (4, 1));
}

#[test]
fn so_many_challenges_of_one_response_are_looked_at() {
    let unknown = |_| "Digest realm=\"example.com\", nonce=\"x\", algorithm=SHA3-512".to_owned();
    for (before, tries, ignored) in [(15, 2, 0), (16, 1, 1)] {
        let mut bench = Bench::with(keyed());
        bench.place();
        let first = bench.last_sent();
        let mut values: Vec<String> = (0..before).map(unknown).collect();
        values.push(challenge(REALM, "n1"));
        bench.challenge(&first, 401, &values);
        assert_eq!(bench.count_of(Method::Invite), tries);
        assert_eq!(bench.dialogs.counters().challenges_ignored, ignored);
    }
}

#[test]
fn a_body_that_is_to_be_protected_changes_the_proof() {
    let proof = |offer: &'static str, qop: &str| {
        let mut bench = Bench::with(keyed());
        bench.description = Some(offer);
        bench.place();
        let first = bench.last_sent();
        bench.challenge(&first, 401, &[challenge(REALM, "n1").replace("\"auth\"", qop)]);
        bench.last_sent().message.first(HeaderId::Authorization).expect("credentials").to_owned()
    };
    assert!(proof("a", "\"auth-int\"").contains("qop=auth-int"));
    assert_ne!(proof("a", "\"auth-int\""), proof("b", "\"auth-int\""));
    assert_eq!(proof("a", "\"auth,auth-int\""), proof("b", "\"auth,auth-int\""));
}
