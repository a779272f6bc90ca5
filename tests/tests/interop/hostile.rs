//! What baresip 1.0 makes of the REFER of an attended transfer: it puts the whole Refer-To, headers included, into the
//! Request-URI and the To, and turns every escaped `;` and `=` into a `?`. Our `answer` is the target of that INVITE.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::Baresip,
    network,
    phone::Phone,
    sipjs::{Incoming, SipJs},
};

use super::{
    Outcome, address, enabled, listen, names,
    seat::{FIRST_TONE, SECOND_TONE},
    table::{self, Row, test_name},
    uri,
};

/// The longest answer that is looked at.
const DATAGRAM: usize = 65_535;

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |expected: &str, with: &str, test| Row {
        peer: "baresip",
        role: "transferee",
        kind: "attended, Refer-To broken by baresip",
        with: with.to_owned(),
        media: "–",
        expected: expected.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    vec![
        row(
            "`answer` takes it as a call of its own (RFC 3261 §19.1.1: headers there are ignored); nothing is replaced",
            "SIP.js (transferor), `answer` (target)",
            test_name!(an_invite_that_baresip_broke_replaces_nothing),
        ),
        row(
            "no form replaces a call; a broken escape is 400; OPTIONS 200 after each",
            "its raw INVITEs, from a socket",
            test_name!(broken_invites_from_a_socket_replace_nothing),
        ),
    ]
}

#[test]
fn an_invite_that_baresip_broke_replaces_nothing() -> Outcome {
    if !enabled("baresip breaks a Refer-To") {
        return Ok(());
    }
    let (transferor, transferee, target) = (address(50, 1), address(50, 2), address(50, 3));
    let mut bob = Baresip::start("bob", transferee, FIRST_TONE)?;
    let mut carol = Application::start(&["answer", "--listen", &listen(target), "--replaces", "allow"])?;
    let mut alice = SipJs::start_with("alice", transferor, SECOND_TONE, Incoming::Answer)?;
    alice.call(&uri("bob", transferee))?;
    bob.answered()?;
    alice.hold()?;
    alice.call(&uri("carol", target))?;
    carol.wait_for("established", PATIENCE)?;
    alice.say("attended")?;
    alice.wait_for("the end of the transfer", PATIENCE, |event| event["event"] == "transferred")?;
    let call = carol.wait_for("established", PATIENCE)?;
    if network::is_private() {
        carol.wait_for_event("RTP of baresip", |event| {
            event["event"] == "media_flowing" && event["session"] == call["session"]
        })?;
    }
    // The consultation call was not replaced: it lasts until its caller ends it.
    assert!(!names(&carol.events()).contains(&"call_ended"), "{}", carol.output());
    alice.hang_up()?;
    let ended = carol.wait_for("call_ended", PATIENCE)?;
    assert_ne!(ended["session"], call["session"], "{}", carol.output());
    Ok(())
}

#[test]
fn broken_invites_from_a_socket_replace_nothing() -> Outcome {
    if !enabled("broken INVITEs from a socket") {
        return Ok(());
    }
    let (own, target) = (address(51, 1), address(51, 2));
    let mut answer = Application::start(&["answer", "--listen", &listen(target), "--replaces", "allow"])?;
    let peer = Raw::open(own, target)?;
    // A call that exists, so that there is something to replace.
    let known = peer.ask("INVITE", &uri("carol", target), 0)?;
    answer.wait_for("established", PATIENCE)?;
    let (tag, call_id) = (&known.tag, &known.call_id);
    for (number, (uri, status)) in [
        // As captured: `%3B` and `%3D` turned into `?`.
        (format!("sip:carol@{target}:5060?Replaces={call_id}?to-tag?{tag}?from-tag?f0"), 200),
        // Unbroken, and still nothing that a Request-URI may carry (RFC 3261 §19.1.1).
        (format!("sip:carol@{target}?Replaces={call_id}%3Bto-tag%3D{tag}%3Bfrom-tag%3Df0"), 200),
        // What a format string would trip over.
        (format!("sip:carol@{target}?Replaces=%s%n%3"), 400),
    ]
    .iter()
    .enumerate()
    {
        let given = peer.ask("INVITE", uri, number + 1)?.status;
        assert_eq!(given, *status, "{uri}\n{}", answer.output());
        assert_eq!(peer.ask("OPTIONS", &super::uri("carol", target), number)?.status, 200, "after {uri}");
    }
    assert!(!names(&answer.events()).contains(&"call_ended"), "{}", answer.output());
    Ok(())
}

/// A final response.
struct Answered {
    status: u16,
    call_id: String,
    tag: String,
}

/// A socket that sends requests as they stand.
struct Raw {
    socket: UdpSocket,
    own: Ipv4Addr,
}

impl Raw {
    fn open(own: Ipv4Addr, target: Ipv4Addr) -> Result<Self, PeerError> {
        let broken = |source| PeerError::Environment { what: format!("a socket on {own}"), source };
        let socket = UdpSocket::bind(SocketAddrV4::new(own, 5060)).map_err(broken)?;
        socket.connect(SocketAddrV4::new(target, 5060)).map_err(broken)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        Ok(Self { socket, own })
    }

    /// Sends a request and waits for its final response; an INVITE's is acknowledged.
    fn ask(&self, method: &str, uri: &str, number: usize) -> Result<Answered, PeerError> {
        let own = self.own;
        let request = |method: &str, tag: &str| {
            format!(
                "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own}:5060;branch=z9hG4bK{number}{kind};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:bob@{own}>;tag=f{number}\r\nTo: <{uri}>{tag}\r\n\
                 Call-ID: {kind}-{number}@{own}\r\nCSeq: 1 {method}\r\nContact: <sip:bob@{own}>\r\n\
                 Content-Length: 0\r\n\r\n",
                kind = if method == "OPTIONS" { "options" } else { "invite" },
            )
        };
        let broken = |source| PeerError::Environment { what: format!("{method} {uri}"), source };
        self.socket.send(request(method, "").as_bytes()).map_err(broken)?;
        let wanted = format!("CSeq: 1 {method}");
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let length = self.socket.recv(&mut buffer).map_err(broken)?;
            let response = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let status = response.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
            if status < 200 || !response.contains(&wanted) || !response.contains(&format!("-{number}@")) {
                continue;
            }
            let field = |name: &str| {
                let line = response.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            let tag = field("To:").rsplit_once(";tag=").map(|(_, tag)| tag.to_owned()).unwrap_or_default();
            if method == "INVITE" {
                let ack = request("ACK", &format!(";tag={tag}"));
                self.socket.send(ack.as_bytes()).map_err(broken)?;
            }
            return Ok(Answered { status, call_id: field("Call-ID:"), tag });
        }
    }
}
