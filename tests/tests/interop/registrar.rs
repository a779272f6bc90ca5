//! kamailio as the registrar of two of ours, with digest, and as the proxy by which they call each other.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::Baresip,
    kamailio::{Kamailio, Seen},
    linphone::Linphone,
    network,
    phone::Make,
};
use serde_json::Value;

use super::{
    Outcome, address_by_transport, names,
    over::Over,
    seat::{FIRST_TONE, Seat},
    table::{self, Row, cases},
};

/// The first block of addresses of these cases: behind those of the other cases over several transports.
const FIRST_BLOCK: u8 = 160;

/// Everybody's password, and the variable that it is passed in.
const PASSWORD: &str = "correct-horse";
const VARIABLE: &str = "PATCHCORD_TEST_PASSWORD";

/// What is done, with which algorithm of digest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `answer` registers, is called by `call`, which registers too, refreshes, and takes its binding back.
    Call(Over, &'static str),
    /// `call` calls baresip, which is registered too.
    Baresip,
    /// `call` calls linphonec, which is registered too.
    Linphonec,
    /// It is registered, and calls an `answer --echo` that is registered, too.
    CallsUs(Make),
    /// The password is wrong.
    Wrong(&'static str),
}

cases! {
    accounts_are_registered_and_called;
    accounts_at_a_registrar_with_md5: Case::Call(Over::Udp, "MD5"),
    accounts_at_a_registrar_with_sha_256: Case::Call(Over::Udp, "SHA-256"),
    accounts_at_a_registrar_over_tcp: Case::Call(Over::Tcp, "MD5"),
    baresip_at_a_registrar: Case::Baresip,
    linphonec_at_a_registrar: Case::Linphonec,
    baresip_calls_us_by_a_registrar: Case::CallsUs(Make::Baresip),
    linphonec_calls_us_by_a_registrar: Case::CallsUs(Make::Linphone),
    sipjs_calls_us_by_a_registrar: Case::CallsUs(Make::SipJs),
    a_wrong_password_at_a_registrar: Case::Wrong("MD5"),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (kind, with, media, expected) = match case {
            Case::Call(over, algorithm) => (
                "REGISTER, refresh, call, un-register",
                format!("`answer`, `call` ({}, {algorithm})", over.name()),
                "RTP both ways",
                "both registered with one challenge, refreshed without; the call by the proxy; exit 0, confirmed",
            ),
            Case::Baresip | Case::Linphonec => (
                "call to another that is registered",
                format!(
                    "`call`, {} (UDP, MD5)",
                    if matches!(case, Case::Baresip) { "baresip" } else { "linphonec" }
                ),
                "its RTP comes",
                "exit 0; registered, called, taken back",
            ),
            Case::CallsUs(make) => (
                "call by another that is registered",
                format!("{}, `answer --echo` (UDP, MD5)", make.name()),
                "its tone there and back",
                "both registered; INVITE, ACK and BYE by the proxy; call_ended",
            ),
            Case::Wrong(algorithm) => (
                "REGISTER with a wrong password",
                format!("`call`, `answer` (UDP, {algorithm})"),
                "–",
                "two REGISTERs, exit 1, `registration_failed` without `retry_ms`",
            ),
        };
        Row {
            peer: "kamailio",
            role: "registrar",
            kind,
            with,
            media,
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn start(
    verb: &[&str],
    user: &str,
    own: Ipv4Addr,
    registrar: Ipv4Addr,
    over: Over,
    password: &str,
) -> Result<Application, PeerError> {
    let account = format!("sip:{user}@{registrar}");
    // Port 5060 by what it speaks, without a user.
    let proxy = over.uri("x", &registrar.to_string()).replacen("x@", "", 1);
    let listen = over.listen(own);
    let mut arguments = verb.to_vec();
    arguments.extend(["--listen", &listen, "--account", &account, "--proxy", &proxy]);
    arguments.extend(["--password-env", VARIABLE]);
    Application::start_with(&arguments, &[(VARIABLE, password)])
}

fn accounts_are_registered_and_called(place: u8, case: Case) -> Outcome {
    let [alice, bob, registrar] = [1, 2, 3].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    match case {
        Case::Call(over, algorithm) => {
            let mut kamailio = Kamailio::registrar(registrar, algorithm, PASSWORD)?;
            let mut answer = start(&["answer"], "bob", bob, registrar, over, PASSWORD)?;
            let active = answer.wait_for("registration_active", PATIENCE)?;
            assert_eq!(active["peer"], format!("sip:bob@{registrar}"), "{active}");
            assert!(active["expires_s"].as_u64().is_some_and(|expires| expires <= 10), "{active}");

            let called = format!("sip:bob@{registrar}");
            let call = ["call", &called, "--duration", "1.5"];
            let call = start(&call, "alice", alice, registrar, over, PASSWORD)?;
            let (code, events) = call.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", kamailio.output());
            for name in ["registration_active", "established", "media_flowing", "registration_ended"] {
                assert!(names(&events).contains(&name), "{name}: {events:#?}");
            }
            confirmed(&events);

            answer.wait_for("registration_active", PATIENCE)?;
            answer.interrupt()?;
            let (code, events) = answer.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
            confirmed(&events);
            kamailio.wait_seen("REGISTER", 7)?;
            // One challenge each; the refresh and the ends go by its nonce.
            let output = kamailio.output();
            for own in [alice, bob] {
                assert_eq!(output.matches(&format!("CHALLENGED {own}\n")).count(), 1, "{output}");
            }
        }
        Case::Baresip => {
            let mut kamailio = Kamailio::registrar(registrar, "MD5", PASSWORD)?;
            let _baresip = Baresip::start_registered("bob", bob, 600, registrar, PASSWORD)?;
            kamailio.wait_seen("REGISTER", 2)?;
            let events = calls_through(&mut kamailio, alice, registrar)?;
            // In the host's network its audio comes from 127.0.0.1, and is nobody's.
            if network::is_private() {
                flows(&events);
            }
        }
        Case::Linphonec => {
            let mut kamailio = Kamailio::registrar(registrar, "MD5", PASSWORD)?;
            let _linphonec = Linphone::start_registered("bob", bob, 600, registrar, PASSWORD)?;
            kamailio.wait_seen("REGISTER", 2)?;
            flows(&calls_through(&mut kamailio, alice, registrar)?);
        }
        Case::CallsUs(make) => {
            let mut kamailio = Kamailio::registrar(registrar, "MD5", PASSWORD)?;
            let mut answer = start(&["answer", "--echo"], "bob", bob, registrar, Over::Udp, PASSWORD)?;
            answer.wait_for("registration_active", PATIENCE)?;
            let mut caller =
                Seat::start_registered(make, "alice", alice, FIRST_TONE, (&mut kamailio, PASSWORD))?;
            caller.phone.call(&format!("sip:bob@{registrar}"))?;
            let called = answer.wait_for("incoming_call", PATIENCE)?;
            assert!(called["peer"].as_str().is_some_and(|peer| peer.contains("alice@")), "{called}");
            caller.hears_itself()?;
            caller.phone.hang_up()?;
            answer.wait_for("call_ended", PATIENCE)?;
            kamailio.wait_seen("BYE", 1)?;
            let seen = kamailio.seen();
            let hers = |request: &&Seen| *request.source.ip() == alice && request.method != "REGISTER";
            let methods: Vec<&str> = seen.iter().filter(hers).map(|request| &*request.method).collect();
            // The first INVITE is challenged; the ACK to that does not come as far as to its log.
            assert_eq!(methods, ["INVITE", "INVITE", "ACK", "BYE"], "{seen:#?}");
        }
        Case::Wrong(algorithm) => {
            let mut kamailio = Kamailio::registrar(registrar, algorithm, PASSWORD)?;
            let called = format!("sip:bob@{registrar}");
            for (verb, own) in [(&["call", called.as_str()][..], alice), (&["answer"][..], bob)] {
                let application = start(verb, "alice", own, registrar, Over::Udp, "wrong")?;
                let (code, events) = application.finish(PATIENCE)?;
                assert_eq!(code, Some(1), "{events:#?}");
                let failed = events.iter().find(|event| event["event"] == "registration_failed");
                let failed = failed.expect("a failure is told");
                assert!(failed["retry_ms"].is_null(), "{failed}");
                assert!(!names(&events).contains(&"calling"), "{events:#?}");
            }
            kamailio.wait_seen("REGISTER", 4)?;
            assert_eq!(kamailio.seen().len(), 4, "{}", kamailio.output());
        }
    }
    Ok(())
}

/// Alice registers, and calls Bob, who is registered, by the registrar.
fn calls_through(
    kamailio: &mut Kamailio,
    alice: Ipv4Addr,
    registrar: Ipv4Addr,
) -> Result<Vec<Value>, PeerError> {
    let called = format!("sip:bob@{registrar}");
    let call = ["call", &called, "--duration", "1.5"];
    let call = start(&call, "alice", alice, registrar, Over::Udp, PASSWORD)?;
    let (code, events) = call.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}\n{}", kamailio.output());
    for name in ["registration_active", "established"] {
        assert!(names(&events).contains(&name), "{name}: {events:#?}");
    }
    confirmed(&events);
    Ok(events)
}

fn flows(events: &[Value]) {
    assert!(names(events).contains(&"media_flowing"), "{events:#?}");
}

/// The registrar has said that the binding is gone.
fn confirmed(events: &[Value]) {
    let ended = events.iter().rev().find(|event| event["event"] == "registration_ended");
    assert_eq!(ended.expect("the end is told")["confirmed"], true, "{events:#?}");
}
