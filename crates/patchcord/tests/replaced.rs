//! `patchcord answer` as the target of an attended transfer: peers by hand on loopback, real sockets.

#[expect(dead_code, reason = "nothing here runs to its end")]
mod process;

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use process::Running;

/// How long anything may take on loopback.
const PATIENCE: Duration = Duration::from_secs(10);

/// A party that writes its SIP by hand.
struct Peer {
    name: &'static str,
    socket: UdpSocket,
    target: SocketAddr,
    to_tag: String,
}

impl Peer {
    fn new(name: &'static str, target: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self { name, socket, target, to_tag: String::new() }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    fn send(&self, method: &str, cseq: u32, more: &str, body: &str) {
        let (name, address) = (self.name, self.address());
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "{method} sip:bob@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{name}{method}{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{name}@example.com>;tag={name}\r\nTo: <sip:bob@example.com>{to}\r\n\
             Call-ID: {name}@127.0.0.1\r\nCSeq: {cseq} {method}\r\nContact: <sip:{name}@{address}>\r\n\
             {more}{kind}Content-Length: {length}\r\n\r\n{body}",
            target = self.target,
            to = self.to_tag,
            length = body.len(),
        );
        self.socket.send_to(text.as_bytes(), self.target).expect("sent");
    }

    /// The next message whose first line holds this; others are passed over.
    fn receive(&self, wanted: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let length = self.socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.lines().next().is_some_and(|line| line.contains(wanted)) {
                return text;
            }
        }
    }

    /// Calls, and gives the final response.
    fn invite(&mut self, more: &str, wanted: &str) -> String {
        let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 40000 RTP/AVP 0\r\n";
        self.send("INVITE", 1, more, sdp);
        let answer = self.receive(wanted);
        let tag = header(&answer, "To").split(";tag=").nth(1).expect("a tag").to_owned();
        self.to_tag = format!(";tag={tag}");
        self.send("ACK", 1, "", "");
        answer
    }

    /// The dialog as Replaces names it.
    fn replaces(&self) -> String {
        let to = self.to_tag.replace(";tag=", ";to-tag=");
        format!("Replaces: {name}@127.0.0.1{to};from-tag={name}\r\n", name = self.name)
    }

    /// Answers a request with 200.
    fn ok(&self, request: &str) {
        let kept = ["Via", "From", "To", "Call-ID", "CSeq"];
        let kept = kept.map(|name| format!("{name}: {}\r\n", header(request, name))).concat();
        let text = format!("SIP/2.0 200 OK\r\n{kept}Content-Length: 0\r\n\r\n");
        self.socket.send_to(text.as_bytes(), self.target).expect("sent");
    }
}

fn header(message: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let line = message.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("no {name}: {message}")).to_owned()
}

fn bob(words: &[&str]) -> (Running, SocketAddr) {
    let mut all = vec!["answer", "--listen", "udp:127.0.0.1:0", "--media", "off", "--json"];
    all.extend_from_slice(words);
    let mut running = Running::start(&all);
    let listening = running.wait("listening");
    let address =
        listening["addresses"][0].as_str().and_then(|it| it.strip_prefix("udp:")).expect("an address");
    let address = address.parse().expect("an address");
    (running, address)
}

#[test]
fn who_was_sent_by_the_other_party_takes_its_place() {
    let (mut bob, at) = bob(&["--max-calls", "1"]);
    let mut alice = Peer::new("alice", at);
    assert!(header(&alice.invite("", "200"), "Supported").contains("replaces"));
    let old = bob.wait("established")["session"].clone();

    let mut mallory = Peer::new("mallory", at);
    mallory.invite(&alice.replaces(), "403");
    let refused = bob.wait("replace_refused");
    assert_eq!((&refused["session"], &refused["code"]), (&old, &403.into()));
    assert_eq!(refused["peer"], "sip:mallory@example.com");

    let mut carol = Peer::new("carol", at);
    let more = format!("{}Referred-By: <sip:alice@example.com>\r\nRequire: replaces\r\n", alice.replaces());
    carol.invite(&more, "200");
    let bye = alice.receive("BYE");
    assert!(header(&bye, "Reason").contains("Call completed elsewhere"));
    alice.ok(&bye);
    let replaced = bob.wait("replaced");
    assert_eq!((&replaced["replaced"], &replaced["verified"]), (&old, &false.into()));
    assert_eq!(replaced["referred_by"], "sip:alice@example.com");
    carol.send("BYE", 2, "", "");
    carol.receive("200");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_trunk_replaces_its_own_calls_where_nobody_else_may() {
    let (mut bob, at) = bob(&["--replaces", "trusted", "--trunk", "127.0.0.0/8"]);
    let mut alice = Peer::new("alice", at);
    alice.invite("", "200");
    let mut carol = Peer::new("carol", at);
    carol.invite(&alice.replaces(), "200");
    let bye = alice.receive("BYE");
    alice.ok(&bye);
    assert_eq!(bob.wait("replaced")["verified"], true);
    carol.send("BYE", 2, "", "");
    carol.receive("200");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn where_it_is_denied_nobody_may() {
    let (bob, at) = bob(&["--replaces", "deny"]);
    let mut alice = Peer::new("alice", at);
    alice.invite("", "200");
    let mut carol = Peer::new("carol", at);
    let more = format!("{}Referred-By: <sip:alice@example.com>\r\n", alice.replaces());
    carol.invite(&more, "403");
    alice.send("BYE", 2, "", "");
    alice.receive("200");
    assert_eq!(bob.stop(), Some(0));
}
