//! Requests that are answered here, without a transaction.

use sip_message::{HeaderId, Message};
use transaction_core::Config;

use crate::bench::{Bench, OTHER, PEER, request};

#[test]
fn a_request_that_breaks_the_rules_gets_400_and_the_same_400_again() {
    for (from, to) in [
        ("CSeq: 1 REFER", "CSeq: 1 INVITE"),
        ("CSeq: 1 REFER\r\n", ""),
        ("CSeq: 1", "CSeq: 99999999999"),
        ("Call-ID: z9hG4bKin@192.0.2.20\r\n", ""),
        ("From: <sip:bob@192.0.2.20>;tag=peer\r\n", ""),
        ("To: <sip:alice@192.0.2.10>\r\n", ""),
        ("Max-Forwards: 70", "Max-Forwards: many"),
        ("Max-Forwards: 70", "Expires: 1\r\nExpires: 2"),
        ("REFER sip:alice@192.0.2.10", "REFER sip:"),
        ("REFER sip:alice@192.0.2.10", "REFER  sip:alice@192.0.2.10"),
        ("Content-Length: 0", "Content-Length: 7"),
        ("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nCSeq: 1 REFER"),
    ] {
        let mut bench = Bench::new();
        let bad = request("REFER", "z9hG4bKin").replacen(from, to, 1);
        bench.arrive(PEER, bad.clone());
        assert_eq!(bench.statuses(), [(0, 400)], "{from:?} -> {to:?}");
        bench.arrive(PEER, bad);
        assert_eq!(bench.sent[0].outbound, bench.sent[1].outbound, "the same bytes, the same To tag");
        assert_eq!(bench.events.len(), 0);
        assert_eq!(bench.transactions.counters().bad_requests, 2);
        bench.assert_idle();
    }
}

#[test]
fn the_phrase_of_a_400_names_the_rule_and_the_header() {
    for (from, to, phrase) in [
        ("Content-Length: 0", "Content-Length: 7", "body shorter than Content-Length in Content-Length"),
        ("CSeq: 1", "CSeq: one", "malformed number in CSeq"),
        ("From: <sip:bob@192.0.2.20>;tag=peer\r\n", "", "missing header in From"),
    ] {
        let mut bench = Bench::new();
        bench.arrive(PEER, request("REFER", "z9hG4bKin").replacen(from, to, 1));
        let sent = Message::parse(bench.sent[0].outbound.wire.clone()).expect("a response");
        assert_eq!(sent.reason(), Some(format!("Bad Request: {phrase}").as_str()));
    }
}

#[test]
fn another_version_gets_505() {
    let mut bench = Bench::new();
    bench.arrive(PEER, request("OPTIONS", "z9hG4bKin").replacen(" SIP/2.0\r\n", " SIP/3.0\r\n", 1));
    assert_eq!(bench.statuses(), [(0, 505)]);
    assert_eq!(bench.events.len(), 0);
}

#[test]
fn max_forwards_0_is_served_by_the_last_hop() {
    let mut bench = Bench::new();
    bench.arrive(PEER, request("OPTIONS", "z9hG4bKin").replace("Max-Forwards: 70", "Max-Forwards: 0"));
    assert_eq!(bench.requests().len(), 1);
}

#[test]
fn a_malformed_ack_is_dropped_and_never_answered() {
    let mut bench = Bench::new();
    bench.arrive(PEER, request("ACK", "z9hG4bKin").replace("1 ACK", "1 INVITE"));
    assert_eq!((bench.sent.len(), bench.events.len()), (0, 0));
    assert_eq!(bench.transactions.counters().unanswerable, 1);
}

#[test]
fn a_malformed_cancel_gets_400() {
    let mut bench = Bench::new();
    bench.arrive(PEER, request("CANCEL", "z9hG4bKin").replace("1 CANCEL", "1 INVITE"));
    assert_eq!(bench.statuses(), [(0, 400)]);
}

#[test]
fn one_branch_for_two_methods_gets_400() {
    let mut bench = Bench::new();
    bench.arrive(PEER, request("REFER", "z9hG4bKin"));
    bench.arrive(PEER, request("NOTIFY", "z9hG4bKin"));
    assert_eq!(bench.statuses(), [(0, 400)]);
    assert_eq!(bench.requests().len(), 1);
}

#[test]
fn the_same_request_on_another_path_gets_482_while_the_first_is_known() {
    let mut bench = Bench::new();
    let first = request("INVITE", "z9hG4bKin");
    let second = first
        .replace("branch=z9hG4bKin", "branch=z9hG4bKfork")
        .replace("UDP 192.0.2.20:5060", "UDP 192.0.2.30:5060");
    bench.arrive(PEER, first);
    bench.arrive(OTHER, second.clone());
    assert_eq!(bench.statuses(), [(0, 482)]);
    assert_eq!(bench.last().outbound.hop.remote.to_string(), OTHER);
    assert_eq!(bench.requests().len(), 1);
    let in_dialog = second.replace("To: <sip:alice@192.0.2.10>", "To: <sip:alice@192.0.2.10>;tag=ours");
    bench.arrive(OTHER, in_dialog);
    assert_eq!(bench.requests().len(), 2, "a request in a dialog was not forked");
    bench.respond(bench.requests()[0], 200);
    bench.exhaust();
    bench.arrive(OTHER, second.replace("z9hG4bKfork", "z9hG4bKlate"));
    assert_eq!(bench.requests().len(), 3);
    assert_eq!(bench.transactions.counters().merged_requests, 1);
}

#[test]
fn a_call_with_a_call_id_and_a_tag_of_its_own_is_no_merged_request() {
    // covers: TR-203
    let mut bench = Bench::new();
    bench.arrive(PEER, request("INVITE", "z9hG4bKfirst"));
    bench.arrive(PEER, request("INVITE", "z9hG4bKtriggered"));
    assert_eq!((bench.requests().len(), bench.statuses()), (2, vec![]));
    assert_eq!(bench.transactions.counters().merged_requests, 0);
}

#[test]
fn a_proxy_takes_the_same_request_on_another_path() {
    let mut bench = Bench::with(Config { merging: false, ..Config::default() });
    let first = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, first.clone());
    bench.arrive(OTHER, first.replace("branch=z9hG4bKin", "branch=z9hG4bKspiral"));
    assert_eq!((bench.requests().len(), bench.statuses()), (2, vec![]));
    assert_eq!(bench.transactions.counters().merged_requests, 0);
}

#[test]
fn responses_made_here_name_the_server_if_asked_to() {
    let mut bench = Bench::with(Config { server_name: Some("patchcord".into()), ..Config::default() });
    bench.arrive(PEER, request("CANCEL", "z9hG4bKin"));
    assert_eq!(bench.last().message.first(HeaderId::Server), Some("patchcord"));
}

#[test]
fn the_same_refer_on_another_branch_gets_482() {
    // covers: TR-249
    let mut bench = Bench::new();
    let first = request("REFER", "z9hG4bKin");
    let second = first
        .replace("branch=z9hG4bKin", "branch=z9hG4bKfork")
        .replace("UDP 192.0.2.20:5060", "UDP 192.0.2.30:5060");
    bench.arrive(PEER, first);
    bench.arrive(OTHER, second);
    assert_eq!(bench.statuses(), [(0, 482)]);
    assert_eq!(bench.requests().len(), 1);
}
