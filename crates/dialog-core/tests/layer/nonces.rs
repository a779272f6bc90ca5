//! What is kept of nonces and keys while a call goes on, and when it is forgotten.

use dialog_core::{
    Credential, DialogCommand, DialogConfig, Keyring, Place, Request, RequestCommand, RequestId, Secret,
};
use sip_message::{HeaderId, Method};

use crate::{
    bench::{Bench, PEER_TAG, address_of, uri},
    challenges::{REALM, account, challenge, keyed, number, shown, used},
};

/// A call whose proxy has taken our credentials.
fn through_a_proxy(bench: &mut Bench) -> dialog_core::LegId {
    let leg = bench.place();
    let invite = bench.last_sent();
    bench.challenge(&invite, 407, &[challenge(REALM, "n1")]);
    let invite = bench.last_sent();
    bench.pick_up(&invite, PEER_TAG);
    leg
}

#[test]
fn a_challenge_of_a_foreign_realm_leaves_the_nonce_of_the_proxy() {
    // covers: SEC-15
    let mut bench = Bench::with(keyed());
    let leg = through_a_proxy(&mut bench);
    bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    bench.challenge(&refer, 401, &[challenge("elsewhere.example", "x1")]);
    let bye = bench.hang_up(leg);
    assert_eq!(shown(&bye.message, HeaderId::ProxyAuthorization), [used(REALM, "n1", 3)]);
}

#[test]
fn credentials_that_the_proxy_has_refused_are_not_shown_again() {
    let mut bench = Bench::with(keyed());
    let leg = through_a_proxy(&mut bench);
    bench.refer(leg);
    for nonce in ["n2", "n3"] {
        let refer = bench.last_of(Method::Refer);
        bench.challenge(&refer, 407, &[challenge(REALM, nonce)]);
    }
    let bye = bench.hang_up(leg);
    assert!(!bye.message.has(HeaderId::ProxyAuthorization));
}

#[test]
fn keys_that_stay_keep_their_nonces_and_hosts_and_those_that_go_lose_them() {
    // covers: SEC-15
    for (stays, config) in [(true, account()), (false, keyed())] {
        let mut bench = Bench::with(account());
        let leg = through_a_proxy(&mut bench);
        let mut keys = config.keys;
        keys.add(Credential::of_realm("other", "bob", Secret::password("p"))).expect("room");
        bench.command(DialogCommand::Keys(keys));
        bench.refer(leg);
        let refer = bench.last_of(Method::Refer);
        assert_eq!(refer.message.has(HeaderId::ProxyAuthorization), stays);
        if stays {
            // The host is still known to have taken the key outside of a dialog.
            bench.challenge(&refer, 407, &[challenge(REALM, "n2") + ", stale=true"]);
            let again = bench.last_of(Method::Refer);
            assert_eq!(number(&again), number(&refer) + 1);
        }
        bench.command(DialogCommand::Keys(Keyring::new()));
        let bye = bench.hang_up(leg);
        assert!(!bye.message.has(HeaderId::ProxyAuthorization));
    }
}

#[test]
fn a_changed_password_is_another_key() {
    let key = |password: &str| {
        let mut keys = Keyring::new();
        keys.add(Credential::of_realm(REALM, "alice", Secret::password(password))).expect("room");
        keys
    };
    let mut bench = Bench::with(DialogConfig { keys: key("old"), ..DialogConfig::default() });
    let leg = through_a_proxy(&mut bench);
    bench.command(DialogCommand::Keys(key("new")));
    let bye = bench.hang_up(leg);
    assert!(!bye.message.has(HeaderId::ProxyAuthorization));
}

#[test]
fn the_nonces_of_a_request_outside_of_calls_are_forgotten_with_it() {
    let mut bench = Bench::with(DialogConfig { nonces: 2, ..keyed() });
    let leg = through_a_proxy(&mut bench);
    for round in 0..3 {
        let id: RequestId = bench.ids.mint();
        let place = Place::Outside {
            target: uri("sip:bob@example.com"),
            to: address_of("<sip:bob@example.com>"),
            from: address_of("<sip:alice@example.com>"),
            registration: None,
        };
        let request = Request {
            place,
            method: Method::Message,
            headers: Vec::new(),
            extensions: Vec::new(),
            body: None,
        };
        bench.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
        let sent = bench.last_of(Method::Message);
        bench.challenge(&sent, 401, &[challenge(REALM, &format!("m{round}"))]);
        let again = bench.last_of(Method::Message);
        assert_ne!(again.tx, sent.tx);
        match round {
            0 => bench.ok(&again),
            1 => bench.reply(&again, 403, PEER_TAG, |response| response),
            _ => bench.fail(&again, transaction_core::TxFailure::Timeout),
        }
    }
    let bye = bench.hang_up(leg);
    assert!(bye.message.has(HeaderId::ProxyAuthorization), "nothing has taken the place of the call's");
}

#[test]
fn the_nonces_of_a_call_that_came_to_nothing_are_forgotten_with_it() {
    let mut bench = Bench::with(DialogConfig { nonces: 2, ..keyed() });
    let leg = through_a_proxy(&mut bench);
    for _ in 0..3 {
        bench.place();
        let first = bench.last_of(Method::Invite);
        bench.challenge(&first, 407, &[challenge(REALM, "m1")]);
        let second = bench.last_of(Method::Invite);
        assert_ne!(second.tx, first.tx);
        bench.reply(&second, 486, PEER_TAG, |response| response);
    }
    assert_eq!(bench.dialogs.counters().nonces_forgotten, 0);
    let bye = bench.hang_up(leg);
    assert!(bye.message.has(HeaderId::ProxyAuthorization), "nothing has taken the place of the call's");
}

#[test]
fn a_request_in_a_call_is_not_sent_again_once_the_call_has_ended() {
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    let id: RequestId = bench.ids.mint();
    let request = Request {
        place: Place::Leg(leg),
        method: Method::Info,
        headers: Vec::new(),
        extensions: Vec::new(),
        body: None,
    };
    bench.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
    let info = bench.last_of(Method::Info);
    let bye = bench.hang_up(leg);
    bench.challenge(&info, 401, &[challenge(REALM, "n1")]);
    assert_eq!(bench.count_of(Method::Info), 1);
    bench.ok(&bye);
    bench.assert_clean();
}
