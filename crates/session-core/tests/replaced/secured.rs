//! Keys of a call that goes on: they change where the rules of SDES say so, and at no other time.

use media_core::StreamCommand;
use session_core::{SrtpPolicy, engine::Command};
use sip_message::{Message, Method};

use crate::bench::{Bench, Peer};

/// Keys of RFC 4568.
const FIRST: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp1CnVubGVz";
const SECOND: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn offer(peer: &Peer, port: u16, key: &str, direction: &str) -> String {
    let ip = peer.address.ip();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/SAVP 0\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\na={direction}\r\n"
    )
}

fn crypto(answer: &Message) -> String {
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    body.lines().find(|line| line.starts_with("a=crypto:")).expect("a key of ours").to_owned()
}

/// A secured call of Alice that is up, and our key.
fn secured(bench: &mut Bench, alice: &mut Peer) -> String {
    let invite = alice.request(Method::Invite, &[], Some(offer(alice, 40_000, FIRST, "sendrecv")));
    bench.deliver(alice, &invite);
    let session = bench.session.take().expect("delivered");
    bench.ask(Command::Answer { session, source: None });
    let answer = bench.last_response(alice);
    alice.theirs = answer.to_tag().map(str::to_owned);
    bench.ack(alice, None);
    crypto(&answer)
}

#[test]
fn our_key_is_another_when_our_address_is_and_stays_with_it() {
    // covers: TM-101
    let mut bench = Bench::with(|config| config.audio.srtp = SrtpPolicy::Required, 40);
    let mut alice = Peer::new("alice", 2);
    let ours = secured(&mut bench, &mut alice);
    bench.listen(2, [192, 0, 2, 99]);
    bench.flow = 2;
    let mut keys = Vec::new();
    for direction in ["sendonly", "sendrecv"] {
        let again = alice.request(Method::Invite, &[], Some(offer(&alice, 40_000, FIRST, direction)));
        assert_eq!(bench.deliver(&mut alice, &again), 200);
        let answer = bench.last_response(&alice);
        assert!(String::from_utf8_lossy(answer.body()).contains("c=IN IP4 192.0.2.99"));
        keys.push(crypto(&answer));
        bench.ack(&mut alice, None);
    }
    assert_ne!(keys[0], ours);
    assert_eq!(keys[0], keys[1]);
    let applied = bench.asked.iter().rev().find_map(|command| match command {
        StreamCommand::Apply { agreed, .. } => Some(agreed),
        _ => None,
    });
    assert_eq!(applied.expect("applied").local.ip(), std::net::IpAddr::from([192, 0, 2, 99]));
}

#[test]
fn our_key_stays_while_our_address_does_and_every_key_of_the_peer_is_applied() {
    // covers: TM-101, TM-102
    let mut bench = Bench::with(|config| config.audio.srtp = SrtpPolicy::Required, 40);
    let mut alice = Peer::new("alice", 2);
    let ours = secured(&mut bench, &mut alice);

    // A hold, a new key, and another address with the key that it needs: a new agreement each time, and our side is as it was.
    for (port, key, direction) in
        [(40_000, FIRST, "sendonly"), (40_000, SECOND, "sendrecv"), (41_000, FIRST, "sendrecv")]
    {
        bench.order.clear();
        let again = alice.request(Method::Invite, &[], Some(offer(&alice, port, key, direction)));
        assert_eq!(bench.deliver(&mut alice, &again), 200);
        assert_eq!(crypto(&bench.last_response(&alice)), ours);
        assert!(bench.order.iter().any(|it| it == "Apply"), "{:?}", bench.order);
        bench.ack(&mut alice, None);
    }

    // In clear it is refused, and nothing of what is in force is touched.
    bench.order.clear();
    let clear = alice.invite(&[], "sendrecv");
    assert_eq!(bench.deliver(&mut alice, &clear), 488);
    assert!(bench.order.iter().all(|it| it != "Apply" && it != "Close"), "{:?}", bench.order);
}
