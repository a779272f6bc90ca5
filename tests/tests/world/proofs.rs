//! Challenges to every request, and their answers.

use patchcord_tests::{journal::Way, play::Played};
use sip_message::{HeaderId, Message, Method, StatusCode};

use crate::golden::{count, golden, golden_run, line};

/// The requests of a method that a party sent, in order.
fn sent(played: &Played, party: usize, method: &str) -> Vec<Message> {
    let requests = played.journal.messages(party).filter(|(_, way, message)| {
        *way == Way::Out && message.method().is_some_and(|sent| sent.as_str() == method)
    });
    requests.map(|(_, _, message)| message).collect()
}

/// The nonce that a request's credentials are for.
fn nonce(message: &Message) -> Option<&str> {
    let credentials = message.first(HeaderId::Authorization);
    let credentials = credentials.or_else(|| message.first(HeaderId::ProxyAuthorization))?;
    credentials.split_once("nonce=\"")?.1.split('"').next()
}

#[test]
fn every_request_that_is_challenged_goes_again_with_the_new_nonce() {
    // covers: TR-192
    let (trace, played) = golden_run("auth-methods");
    for (method, nonces) in [
        ("INVITE", &[None, Some("one"), Some("one"), Some("two"), Some("three")][..]),
        ("REFER", &[Some("two"), Some("three")]),
        ("SUBSCRIBE", &[Some("three"), Some("four")]),
        ("BYE", &[Some("four"), Some("five")]),
    ] {
        // The resumption goes out beside the SUBSCRIBE.
        let sent = sent(&played, 0, method);
        assert_eq!(sent.iter().map(nonce).collect::<Vec<_>>(), nonces, "{method}\n{trace}");
    }
    let referred = sent(&played, 0, "REFER");
    let same = [HeaderId::ReferTo, HeaderId::ReferredBy, HeaderId::CallId, HeaderId::From, HeaderId::To];
    for id in same {
        assert_eq!(referred[0].first(id), referred[1].first(id), "{trace}");
    }
    let numbers: Vec<u32> =
        referred.iter().filter_map(|refer| refer.cseq().ok()).map(|cseq| cseq.number).collect();
    assert_eq!(numbers[0] + 1, numbers[1], "{trace}");
}

#[test]
fn the_ack_of_an_accepted_invite_repeats_its_credentials() {
    let (trace, played) = golden_run("auth-methods");
    let number = |message: &Message| message.cseq().map(|cseq| cseq.number).unwrap_or_default();
    let acks = sent(&played, 0, "ACK");
    let of = |accepted: u32| acks.iter().find(|ack| number(ack) == accepted).expect("an ACK");
    for invite in sent(&played, 0, "INVITE").iter().filter(|invite| [2, 4, 8].contains(&number(invite))) {
        let ack = of(number(invite));
        assert!(invite.has(HeaderId::Authorization), "{trace}");
        assert_eq!(ack.first(HeaderId::Authorization), invite.first(HeaderId::Authorization), "{trace}");
    }
}

#[test]
fn prack_and_update_that_are_challenged_go_again_as_well() {
    // covers: TR-192
    let (trace, played) = golden_run("auth-early");
    for (method, nonces) in [
        ("INVITE", [None, Some("one")]),
        ("PRACK", [Some("one"), Some("two")]),
        ("UPDATE", [Some("two"), Some("three")]),
    ] {
        let sent = sent(&played, 0, method);
        assert_eq!(sent.iter().map(nonce).collect::<Vec<_>>(), nonces, "{method}\n{trace}");
    }
    let pracks = sent(&played, 0, "PRACK");
    assert_eq!(pracks[0].first(HeaderId::RAck), pracks[1].first(HeaderId::RAck), "{trace}");
    assert_eq!(pracks[1].first(HeaderId::RAck), Some("1 2 INVITE"), "{trace}");
}

#[test]
fn a_transferee_answers_each_realm_with_the_credentials_for_it() {
    // covers: TR-192, TR-193
    let (trace, played) = golden_run("auth-transferee");
    let invites = sent(&played, 1, "INVITE");
    let realm = |value: &str| value.contains("realm=\"carol.example\"");
    let proved = invites.iter().map(|invite| invite.first(HeaderId::ProxyAuthorization).map(realm));
    assert_eq!(proved.collect::<Vec<_>>(), [None, Some(true)], "{trace}");
    assert!(invites.iter().all(|invite| !invite.has(HeaderId::Authorization)), "{trace}");
    let notifies = sent(&played, 1, "NOTIFY");
    assert_eq!(nonce(&notifies[0]), None, "{trace}");
    assert!(notifies[1..].iter().all(|notify| nonce(notify) == Some("one")), "{trace}");
    assert_eq!(notifies[0].body(), notifies[1].body(), "the report is the same\n{trace}");
}

#[test]
fn a_transfer_between_agents_that_ask_for_proof_succeeds() {
    // covers: TR-192, TR-193
    let trace = golden("auth-peers");
    line(&trace, &["alice -> bob", "401", "(INVITE)"]);
    line(&trace, &["bob   -> alice", "401", "(REFER)"]);
    line(&trace, &["carol -> bob", "401", "(INVITE)"]);
    assert_eq!(count(&trace, &["bob      * transfer_requested"]), 1, "{trace}");
}

#[test]
fn wrong_credentials_are_offered_once_and_foreign_realms_get_none() {
    let trace = golden("auth-refused");
    assert_eq!(count(&trace, &["alice -> bob", "INVITE sip"]), 2, "{trace}");
    assert_eq!(count(&trace, &["alice -> carol", "INVITE sip"]), 1, "{trace}");
    assert_eq!(count(&trace, &["alice    * call_ended", "401"]), 2, "{trace}");
}

/// The final status of each INVITE with which Bob wants to take Alice's place, and whether it had credentials.
fn replacing(trace: &str, played: &Played) -> Vec<(String, bool)> {
    let invites = sent(played, 1, "INVITE");
    assert!(invites.iter().all(|invite| invite.has(HeaderId::Replaces)), "{trace}");
    let answers = played.journal.messages(1).filter(|(_, way, message)| {
        let final_one = message.status().is_some_and(StatusCode::is_final);
        *way == Way::In && final_one && message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
    });
    let statuses = answers.filter_map(|(_, _, message)| Some(message.status()?.as_u16().to_string()));
    statuses.zip(invites.iter().map(|invite| invite.has(HeaderId::Authorization))).collect()
}

#[test]
fn who_wants_to_take_a_calls_place_is_asked_who_it_is() {
    // covers: TR-112, SEC-10
    let (trace, played) = golden_run("auth-replaces");
    assert_eq!(replacing(&trace, &played), [("401".to_owned(), false), ("200".to_owned(), true)], "{trace}");
    let challenge = line(&trace, &["carol -> bob", "401", "(INVITE)"]);
    assert!(challenge < line(&trace, &["carol    * replaced"]), "{trace}");
}

#[test]
fn the_same_user_is_trusted_and_another_one_is_not() {
    // covers: TR-112, SEC-10
    for (name, last) in [("auth-replaces-same-user", "200"), ("auth-replaces-other-user", "403")] {
        let (trace, played) = golden_run(name);
        assert_eq!(
            replacing(&trace, &played),
            [("401".to_owned(), false), (last.to_owned(), true)],
            "{trace}"
        );
    }
}

#[test]
fn who_only_calls_is_not_asked_where_only_transfers_are_and_who_proves_nothing_takes_no_calls_place() {
    let (trace, played) = golden_run("auth-replaces-stranger");
    assert_eq!(replacing(&trace, &played), [("401".to_owned(), false)], "{trace}");
    assert_eq!(count(&trace, &["carol -> alice", "401"]), 0, "{trace}");
}
