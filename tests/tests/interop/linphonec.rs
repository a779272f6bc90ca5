//! linphonec over TCP and TLS. Unlike baresip it looks at our certificate.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError, application::Application, authority::Authority, linphone::Linphone, phone::Phone,
    sockets::Connections,
};

use super::{
    Outcome, address_by_transport, names,
    over::{Over, tls},
    seat::FIRST_TONE,
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 34;

/// What happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// It calls `answer`, holds and resumes it, and hangs up.
    Calls(Over),
    /// `call` calls it by TCP, holds and resumes it, and hangs up.
    Called,
    /// It calls an `answer` by TLS whose certificate is for another name.
    WrongName,
}

cases! {
    linphonec_and_we_use_one_connection;
    linphonec_calls_holds_and_resumes_us_over_tcp: Case::Calls(Over::Tcp),
    linphonec_calls_holds_and_resumes_us_over_tls: Case::Calls(Over::Tls),
    linphonec_is_called_held_and_resumed_over_tcp: Case::Called,
    linphonec_does_not_call_us_with_a_certificate_for_another_name: Case::WrongName,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let both_ways = "tone there and back; silence on hold";
        let (role, kind, with, media, expected) = match case {
            Case::Calls(Over::Tls) => (
                "caller",
                "call, hold, resume, BYE over TLS",
                "`answer`",
                both_ways,
                "it verifies our certificate; each hold is told; one connection",
            ),
            Case::Calls(_) => (
                "caller",
                "call, hold, resume, BYE over TCP",
                "`answer`",
                both_ways,
                "each hold is told; one connection",
            ),
            Case::Called => {
                ("called", "call, hold, resume, BYE over TCP", "`call`", both_ways, "exit 0; one connection")
            }
            Case::WrongName => (
                "caller",
                "our certificate is for another name",
                "`answer`",
                "–",
                "it refuses the connection, and we go on",
            ),
        };
        Row {
            peer: "linphonec",
            role,
            kind,
            with: with.to_owned(),
            media,
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn linphonec_and_we_use_one_connection(place: u8, case: Case) -> Outcome {
    // covers: TR-202
    let [ours, peer] = [1, 2].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let authority = Authority::new(&ours.to_string())?;
    // Counted where they end: linphonec calls from 127.0.0.1.
    let [to_us, to_it] = [Connections::of(ours)?, Connections::of(peer)?];
    let mut bob = Linphone::start_by_tcp("bob", peer, FIRST_TONE, &authority)?;
    match case {
        Case::Calls(over) => {
            let mut answer = answer(&authority, over, ours, &host(ours))?;
            bob.call(&over.uri("alice", &host(ours)))?;
            bob.hears(Some(FIRST_TONE))?;
            bob.hold()?;
            answer.wait_for_event("a hold", |event| event["remote_hold"] == true)?;
            bob.hears(None)?;
            bob.resume()?;
            answer.wait_for_event("its end", |event| event["remote_hold"] == false)?;
            bob.hears(Some(FIRST_TONE))?;
            bob.hang_up()?;
            answer.wait_for("call_ended", PATIENCE)?;
            assert_eq!(to_us.since()?.len(), 1, "{}", answer.output());
        }
        Case::Called => {
            let uri = Over::Tcp.uri("bob", &host(peer));
            let listen = Over::Tcp.listen(ours);
            let call = ["call", &uri, "--listen", &listen, "--echo", "--duration", "6", "--hold-after", "2"];
            let mut call = Application::start(&call)?;
            bob.answered()?;
            bob.hears(Some(FIRST_TONE))?;
            call.wait_for_event("a hold", |event| event["local_hold"] == true)?;
            bob.hears(None)?;
            call.wait_for_event("its end", |event| event["local_hold"] == false)?;
            bob.hears(Some(FIRST_TONE))?;
            let (code, events) = call.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
            bob.ended()?;
            let connections = to_it.since()?;
            assert_eq!(connections.len(), 1, "{connections:?}\n{}", Phone::output(&mut bob));
        }
        Case::WrongName => {
            let mut answer = answer(&authority, Over::Tls, ours, &host(peer))?;
            bob.call_in_vain(&Over::Tls.uri("alice", &host(ours)))?;
            assert!(!names(&answer.events()).contains(&"incoming_call"), "{}", answer.output());
            // The same listener still answers others.
            drop(bob);
            let (uri, listen) = (Over::Tls.uri("alice", &host(ours)), Over::Udp.listen(peer));
            let call = ["call", &uri, "--listen", &listen, "--tls-insecure", "--duration", "0.2"];
            let (code, events) = Application::start(&call)?.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
        }
    }
    Ok(())
}

fn host(address: Ipv4Addr) -> String {
    address.to_string()
}

/// An `answer` that echoes, with a certificate for this host.
fn answer(
    authority: &Authority,
    over: Over,
    own: Ipv4Addr,
    certified: &str,
) -> Result<Application, PeerError> {
    let listen = over.listen(own);
    let mut arguments: Vec<String> = ["answer", "--listen", &listen, "--echo"].map(str::to_owned).into();
    if over == Over::Tls {
        let name = format!("dns:{certified}");
        arguments.extend(tls(&authority.issue("ours", &[&name])?, &authority.roots()));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Application::start(&arguments)
}
