//! A transferee whose BYE comes together with its last report: right behind the final NOTIFY, or before it. It is a socket,
//! because sipp waits for each answer before it goes on.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
};

use patchcord_tests::peer::{PATIENCE, PeerError, application::Application};

use super::{
    Outcome, address_of_kinds, last_outcome, listen, names,
    table::{self, Row, cases},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 2;

/// The longest message that is looked at.
const DATAGRAM: usize = 65_535;

const TRYING: (&str, &str) = ("active;expires=60", "SIP/2.0 100 Trying");
const MOVED: (&str, &str) = ("terminated;reason=noresource", "SIP/2.0 200 OK");
const BUSY: (&str, &str) = ("terminated;reason=noresource", "SIP/2.0 486 Busy Here");

/// The order of what it sends without waiting for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// The final NOTIFY, then the BYE.
    Behind,
    /// The BYE, then the final NOTIFY.
    Overtaken,
    /// Both before it has answered the REFER, the BYE first.
    BeforeTheAnswer,
    /// The BYE, then the final NOTIFY, which says that the target was busy.
    Busy,
}

cases! {
    a_hang_up_beside_the_last_report_does_not_hide_it;
    a_hang_up_right_behind_the_last_report: Case::Behind,
    a_hang_up_that_overtakes_the_last_report: Case::Overtaken,
    a_hang_up_and_the_last_report_before_the_refer_is_answered: Case::BeforeTheAnswer,
    a_hang_up_that_overtakes_a_failure: Case::Busy,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (kind, expected) = match case {
            Case::Behind => ("BYE right behind the final NOTIFY", "Succeeded by notify, 200, exit 0"),
            Case::Overtaken => ("BYE overtakes the final NOTIFY", "Succeeded by notify, 200, exit 0"),
            Case::BeforeTheAnswer => {
                ("BYE and final NOTIFY overtake the 202", "Succeeded by notify, 200, exit 0")
            }
            Case::Busy => ("BYE overtakes the final NOTIFY, which says 486", "Failed by notify, 486, exit 1"),
        };
        Row {
            peer: "a socket",
            role: "transferee",
            kind,
            with: "`transfer`".to_owned(),
            media: "signalling only",
            expected: format!("{expected}; both are answered 200"),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn a_hang_up_beside_the_last_report_does_not_hide_it(place: u8, case: Case) -> Outcome {
    let [ours, peer, target] = [1, 2, 3].map(|peer| address_of_kinds(FIRST_BLOCK + place, peer));
    let mut bob = Transferee::open(peer, ours)?;
    let (first, target, listen) = (uri("bob", peer), uri("carol", target), listen(ours));
    let transfer = Application::start(&["transfer", &first, &target, "--talk", "0.2", "--listen", &listen])?;
    let refer = bob.called_and_referred()?;
    let last = if case == Case::Busy { BUSY } else { MOVED };
    match case {
        Case::Behind => {
            bob.accept(&refer)?;
            bob.notify(1, TRYING)?;
            bob.answered("1 NOTIFY")?;
            bob.notify(2, last)?;
            bob.bye(3)?;
        }
        Case::Overtaken | Case::Busy => {
            bob.accept(&refer)?;
            bob.notify(1, TRYING)?;
            bob.answered("1 NOTIFY")?;
            bob.bye(2)?;
            bob.notify(3, last)?;
        }
        Case::BeforeTheAnswer => {
            bob.bye(1)?;
            bob.notify(2, last)?;
            bob.accept(&refer)?;
        }
    }
    let (bye, notify) = match case {
        Case::Behind => ("3 BYE", "2 NOTIFY"),
        Case::Overtaken | Case::Busy => ("2 BYE", "3 NOTIFY"),
        Case::BeforeTheAnswer => ("1 BYE", "2 NOTIFY"),
    };
    assert_eq!([bob.answered(notify)?, bob.answered(bye)?], [200, 200], "{:#?}", bob.seen);
    let (code, events) = transfer.finish(PATIENCE)?;
    let (outcome, learned_from, status) = last_outcome(&events);
    if case == Case::Busy {
        assert_eq!(code, Some(1), "{events:#?}");
        assert_eq!(
            (outcome, learned_from, status),
            (Some("Failed"), Some("notify"), Some(486)),
            "{events:#?}"
        );
    } else {
        assert_eq!(code, Some(0), "{events:#?}");
        assert_eq!(
            (outcome, learned_from, status),
            (Some("Succeeded"), Some("notify"), Some(200)),
            "{events:#?}"
        );
    }
    assert_eq!(names(&events).iter().filter(|name| **name == "call_ended").count(), 1, "{events:#?}");
    // Where the report comes first our own BYE may be on its way already.
    let hung_up = bob.seen.iter().any(|message| message.starts_with("BYE "));
    assert!(!hung_up || case == Case::Behind, "{:#?}", bob.seen);
    Ok(())
}

/// A transferee with one call.
struct Transferee {
    socket: UdpSocket,
    own: Ipv4Addr,
    /// Of the dialog as the caller has it.
    caller: Dialog,
    /// What came, in order.
    seen: Vec<String>,
    /// Responses that nobody has asked for yet.
    waiting: VecDeque<String>,
}

/// What a request of ours has to say.
#[derive(Default)]
struct Dialog {
    call_id: String,
    ours: String,
    theirs: String,
    target: String,
}

impl Transferee {
    fn open(own: Ipv4Addr, caller: Ipv4Addr) -> Result<Self, PeerError> {
        let broken = |source| PeerError::Environment { what: format!("a socket on {own}"), source };
        let socket = UdpSocket::bind(SocketAddrV4::new(own, 5060)).map_err(broken)?;
        socket.connect(SocketAddrV4::new(caller, 5060)).map_err(broken)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        Ok(Self { socket, own, caller: Dialog::default(), seen: Vec::new(), waiting: VecDeque::new() })
    }

    /// Answers the INVITE and the re-INVITE that holds, and gives the REFER.
    fn called_and_referred(&mut self) -> Result<String, PeerError> {
        loop {
            let message = self.receive("a REFER")?;
            match message.split(' ').next().unwrap_or_default() {
                "INVITE" if self.caller.call_id.is_empty() => {
                    self.caller = Dialog {
                        call_id: field(&message, "Call-ID"),
                        ours: format!("{};tag=te", field(&message, "To")),
                        theirs: field(&message, "From"),
                        target: field(&message, "Contact")
                            .split(['<', '>'])
                            .nth(1)
                            .unwrap_or_default()
                            .to_owned(),
                    };
                    self.describe(&message, ";tag=te", "sendrecv")?;
                }
                "INVITE" => self.describe(&message, "", "recvonly")?,
                "REFER" => return Ok(message),
                _ => {}
            }
        }
    }

    /// 200 with a description.
    fn describe(&self, invite: &str, tag: &str, direction: &str) -> Result<(), PeerError> {
        let own = self.own;
        let body = format!(
            "v=0\r\no=- 1 {version} IN IP4 {own}\r\ns=-\r\nc=IN IP4 {own}\r\nt=0 0\r\n\
             m=audio 24000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={direction}\r\n",
            version = if tag.is_empty() { 2 } else { 1 }
        );
        self.respond(invite, "200 OK", tag, &body)
    }

    fn accept(&self, refer: &str) -> Result<(), PeerError> {
        self.respond(refer, "202 Accepted", "", "")
    }

    fn respond(&self, request: &str, status: &str, tag: &str, body: &str) -> Result<(), PeerError> {
        let [via, from, to, call, cseq] =
            ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| field(request, name));
        let own = self.own;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        self.send(&format!(
            "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}{tag}\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\n\
             Contact: <sip:bob@{own}>\r\nAllow: INVITE, ACK, BYE, CANCEL, REFER, NOTIFY\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn notify(&self, cseq: u32, (state, status): (&str, &str)) -> Result<(), PeerError> {
        let more = format!(
            "Event: refer\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag;version=2.0\r\n"
        );
        self.request("NOTIFY", cseq, &more, status)
    }

    fn bye(&self, cseq: u32) -> Result<(), PeerError> {
        self.request("BYE", cseq, "", "")
    }

    fn request(&self, method: &str, cseq: u32, more: &str, body: &str) -> Result<(), PeerError> {
        let (own, Dialog { call_id, ours, theirs, target }) = (self.own, &self.caller);
        self.send(&format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own}:5060;branch=z9hG4bK{call_id}-{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: {ours}\r\nTo: {theirs}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:bob@{own}>\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn send(&self, message: &str) -> Result<(), PeerError> {
        let broken = |source| PeerError::Environment { what: "sending".to_owned(), source };
        though_gone(|| self.socket.send(message.as_bytes())).map(drop).map_err(broken)
    }

    /// The final status of a request with this `CSeq`.
    fn answered(&mut self, cseq: &str) -> Result<u16, PeerError> {
        let fits = |message: &String| message.starts_with("SIP/2.0 ") && field(message, "CSeq") == cseq;
        loop {
            if let Some(place) = self.waiting.iter().position(fits) {
                let response = self.waiting.remove(place).unwrap_or_default();
                let status = response.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
                if status >= 200 {
                    return Ok(status);
                }
            } else {
                let message = self.receive(cseq)?;
                self.waiting.push_back(message);
            }
        }
    }

    fn receive(&mut self, what: &str) -> Result<String, PeerError> {
        let mut buffer = vec![0; DATAGRAM];
        let broken = |source| PeerError::Environment { what: format!("waiting for {what}"), source };
        let length = though_gone(|| self.socket.recv(&mut buffer)).map_err(broken)?;
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if message.starts_with("BYE ") {
            self.respond(&message, "200 OK", "", "")?;
        }
        self.seen.push(message.clone());
        Ok(message)
    }
}

/// Whoever has hung up ends without waiting for the answer to its BYE, and what the kernel then says of that answer comes
/// before what has arrived already. Each word of the kernel is heard once.
fn though_gone<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match step() {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            done => return done,
        }
    }
}

/// The value of a header field, which stands once and in full.
fn field(message: &str, name: &str) -> String {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}
