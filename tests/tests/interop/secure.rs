//! baresip over TLS, in both directions and as transferee, and certificates that we refuse.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    authority::{Authority, Identity},
    baresip::Baresip,
    network,
    phone::Phone,
};
use serde_json::Value;

use super::{
    Outcome, address, last_outcome, names,
    over::{Over, tls},
    seat::FIRST_TONE,
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 52;

/// What happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// baresip calls `answer`, holds and resumes it, and hangs up.
    Calls,
    /// `call` calls baresip, holds and resumes it, and hangs up.
    Called,
    /// `transfer` moves baresip to an `answer`.
    Moved,
    /// `call` calls a baresip whose certificate is for another address.
    WrongName,
    /// `call` calls a baresip whose certificate is of an authority that is not trusted.
    Untrusted,
    /// The same, and `call --tls-insecure` takes any certificate.
    Insecure,
}

cases! {
    run;
    baresip_calls_holds_and_resumes_us_over_tls: Case::Calls,
    baresip_is_called_held_and_resumed_over_tls: Case::Called,
    baresip_is_moved_over_tls: Case::Moved,
    baresip_with_a_certificate_for_another_name_is_not_called: Case::WrongName,
    baresip_with_a_certificate_of_a_stranger_is_not_called: Case::Untrusted,
    baresip_with_any_certificate_is_called_in_a_laboratory: Case::Insecure,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (role, kind, with, media, expected) = match case {
            Case::Calls => (
                "caller",
                "call, hold, resume, BYE over TLS",
                "`answer`",
                "tone there and back, before the hold",
                "each hold is told",
            ),
            Case::Called => (
                "called",
                "call, hold, resume, BYE over TLS",
                "`call --tls-ca`",
                "tone there and back, before the hold",
                "exit 0; its certificate is verified",
            ),
            Case::Moved => (
                "transferee",
                "blind over TLS",
                "`answer --echo` (target)",
                "its own tone, echoed",
                "`transfer`: Succeeded by notify, 200, exit 0",
            ),
            Case::WrongName => (
                "called",
                "its certificate is for another name",
                "`call --tls-ca`",
                "–",
                "exit 1; no request reaches it",
            ),
            Case::Untrusted => (
                "called",
                "its certificate is of another authority",
                "`call --tls-ca`",
                "–",
                "exit 1; no request reaches it",
            ),
            Case::Insecure => (
                "called",
                "its certificate is of another authority",
                "`call --tls-insecure`",
                "its tone there and back",
                "exit 0",
            ),
        };
        Row {
            peer: "baresip",
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

fn run(place: u8, case: Case) -> Outcome {
    let [ours, peer, target] = [1, 2, 3].map(|peer| address(FIRST_BLOCK + place, peer));
    let [our_name, peer_name, target_name] = [ours, peer, target].map(|address| address.to_string());
    let authority = Authority::new(&our_name)?;
    let our_options = tls(&authority.issue("ours", &[&our_name])?, &authority.roots());
    let theirs = authority.issue("theirs", &[&peer_name])?;
    let user = Over::Tls.uri("bob", &peer_name);
    let listen = Over::Tls.listen(ours);
    match case {
        Case::Calls => {
            let mut answer = start(&["answer", "--listen", &listen, "--echo"], &our_options)?;
            let mut bob = baresip(peer, &authority, &theirs)?;
            // It adds the transport of its account to what it dials, so that it stands there twice.
            bob.call(&Over::Tls.uri("alice", &our_name))?;
            hears_itself(&mut bob)?;
            bob.hold()?;
            answer.wait_for_event("a hold", |event| event["remote_hold"] == true)?;
            bob.resume()?;
            answer.wait_for_event("its end", |event| event["remote_hold"] == false)?;
            bob.hang_up()?;
            answer.wait_for("call_ended", PATIENCE)?;
        }
        Case::Called => {
            let mut bob = baresip(peer, &authority, &theirs)?;
            let call = ["call", &user, "--listen", &listen, "--echo", "--duration", "4", "--hold-after", "2"];
            let call = start(&call, &our_options)?;
            bob.answered()?;
            hears_itself(&mut bob)?;
            let (code, events) = call.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", Phone::output(&mut bob));
            assert_eq!(holds(&events), [true, false], "{events:#?}");
            bob.ended()?;
        }
        Case::Moved => {
            let mut bob = baresip(peer, &authority, &theirs)?;
            let identity = authority.issue("target", &[&target_name])?;
            let carol = ["answer", "--listen", &Over::Tls.listen(target), "--echo"];
            let mut carol = start(&carol, &tls(&identity, &authority.roots()))?;
            let target = Over::Tls.uri("carol", &target_name);
            let transfer =
                start(&["transfer", &user, &target, "--talk", "1", "--listen", &listen], &our_options)?;
            bob.answered()?;
            let (code, events) = transfer.finish(2 * PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", Phone::output(&mut bob));
            let outcome = last_outcome(&events);
            assert_eq!(outcome, (Some("Succeeded"), Some("notify"), Some(200)), "{events:#?}");
            carol.wait_for("established", PATIENCE)?;
            hears_itself(&mut bob)?;
            bob.hang_up()?;
            carol.wait_for("call_ended", PATIENCE)?;
        }
        Case::WrongName => {
            let theirs = authority.issue("other", &[&target_name, "bob.test"])?;
            refused(&authority, &theirs, peer, &user, &listen, &our_options)?;
        }
        Case::Untrusted => {
            let stranger = Authority::new(&peer_name)?;
            let theirs = stranger.issue("theirs", &[&peer_name])?;
            refused(&stranger, &theirs, peer, &user, &listen, &our_options)?;
        }
        Case::Insecure => {
            let stranger = Authority::new(&peer_name)?;
            let theirs = stranger.issue("theirs", &[&peer_name])?;
            let mut bob = baresip(peer, &stranger, &theirs)?;
            // A client without a certificate does not listen by TLS.
            let call = ["call", &user, "--listen", &Over::Udp.listen(ours), "--echo", "--duration", "2"];
            let call = start(&call, &["--tls-insecure".to_owned()])?;
            bob.answered()?;
            hears_itself(&mut bob)?;
            let (code, events) = call.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}");
        }
    }
    Ok(())
}

fn baresip(own: Ipv4Addr, authority: &Authority, identity: &Identity) -> Result<Baresip, PeerError> {
    Baresip::start_secure("bob", own, FIRST_TONE, authority, identity)
}

fn start(arguments: &[&str], options: &[String]) -> Result<Application, PeerError> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(options.iter().map(String::as_str)).collect();
    Application::start(&arguments)
}

/// `call` gives up when it sees the certificate.
fn refused(
    authority: &Authority,
    identity: &Identity,
    peer: Ipv4Addr,
    user: &str,
    listen: &str,
    options: &[String],
) -> Outcome {
    let mut bob = baresip(peer, authority, identity)?;
    let (code, events) = start(&["call", user, "--listen", listen], options)?.finish(PATIENCE)?;
    assert_eq!(code, Some(1), "{events:#?}");
    assert!(!names(&events).contains(&"established"), "{events:#?}");
    let trace = Phone::output(&mut bob);
    assert!(!trace.contains("INVITE sip:"), "{trace}");
    Ok(())
}

/// Its RTP comes from the address in its SDP only where the network can be told so.
fn hears_itself(bob: &mut Baresip) -> Outcome {
    if !network::is_private() {
        println!("audio of baresip: not checked, because in the host's network its RTP comes from 127.0.0.1");
        return Ok(());
    }
    bob.hears(Some(FIRST_TONE))
}

/// Our own holds, as they were told.
fn holds(events: &[Value]) -> Vec<bool> {
    events.iter().filter_map(|event| event["local_hold"].as_bool()).collect()
}
