//! A party without an engine: it sends what a scenario says, however wrong that is, and keeps only what is needed to send
//! it within a dialog.
//!
//! By itself it acknowledges final responses to its INVITEs, with an answer where these bring the offer, answers a repeated request as the first time, and answers
//! what the scenario says nothing about with 200, a CANCEL also with 487 to the INVITE.

mod dialog;
mod template;

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr};

use bytes::Bytes;
use sip_message::{HeaderId, Message, Method, StatusCode, escape::unescape};
use sip_transport::Transport;

use crate::{journal, scenario::Content};

use dialog::Dialog;

/// By what and where a message goes, or came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// UDP, or what the connection speaks.
    pub transport: Transport,
    /// The other side's address.
    pub address: SocketAddr,
}

/// A message with its destination.
pub type Outgoing = (Way, Bytes);

/// A message that came in for the first time.
#[derive(Debug, Clone)]
pub struct Came {
    /// Its number, for [`Scripted::reply`] and [`Scripted::send`].
    pub number: usize,
    /// Its kind: `REFER`, `200/NOTIFY`.
    pub kind: String,
    /// How many of this kind have come.
    pub nth: u32,
}

#[derive(Debug)]
struct Received {
    message: Message,
    source: Way,
    dialog: Option<usize>,
    response: Option<Bytes>,
}

/// The scripted party.
#[derive(Debug)]
pub struct Scripted {
    name: String,
    address: SocketAddr,
    dialogs: Vec<Dialog>,
    received: Vec<Received>,
    kinds: BTreeMap<String, u32>,
    minted: u32,
}

impl Scripted {
    /// A party that knows nothing yet. It has the address with the port of each transport.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            dialogs: Vec::new(),
            received: Vec::new(),
            kinds: BTreeMap::new(),
            minted: 0,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes a message. What is to be sent at once, whatever the scenario says; and what came, if it is no repetition.
    pub fn take(&mut self, source: Way, bytes: &Bytes) -> (Option<Outgoing>, Option<Came>) {
        let Ok(message) = Message::parse(bytes.clone()) else { return (None, None) };
        if let Some(again) = self.received.iter().find(|known| is_repetition(&known.message, &message)) {
            let repeated = again.response.clone().map(|response| (again.source, response));
            let repeated = repeated.or_else(|| self.acknowledge(source, &message));
            return (repeated, None);
        }
        let dialog = self.dialog_of(&message, source);
        let acknowledgement = self.acknowledge(source, &message);
        let kind = journal::kind(bytes);
        let nth = self.kinds.entry(kind.clone()).or_default();
        *nth += 1;
        let nth = *nth;
        self.received.push(Received { message, source, dialog, response: None });
        (acknowledgement, Some(Came { number: self.received.len() - 1, kind, nth }))
    }

    /// What is answered where the scenario says nothing.
    pub fn reply_by_default(&mut self, number: usize) -> Vec<Outgoing> {
        let Some(received) = self.received.get(number) else { return Vec::new() };
        let in_dialog = received.message.to_tag().is_some();
        let method = received.message.method();
        let code = match method {
            Some(Method::Invite) if !in_dialog => None,
            None | Some(Method::Ack | Method::Refer) => None,
            Some(_) if received.dialog.is_none() => Some(StatusCode::CALL_DOES_NOT_EXIST),
            Some(_) => Some(StatusCode::OK),
        };
        let Some(code) = code else { return Vec::new() };
        let sdp = method == Some(Method::Invite);
        let mut replies: Vec<Outgoing> =
            self.reply(number, code, "", &Content { sdp, ..Content::default() }).into_iter().collect();
        if method == Some(Method::Cancel) {
            let invite = self.received.iter().position(|other| {
                other.message.method() == Some(Method::Invite)
                    && other.message.call_id().ok() == self.received[number].message.call_id().ok()
                    && other.message.cseq().map(|cseq| cseq.number).ok()
                        == self.received[number].message.cseq().map(|cseq| cseq.number).ok()
            });
            let terminated = StatusCode::REQUEST_TERMINATED;
            replies.extend(invite.and_then(|invite| self.reply(invite, terminated, "", &Content::default())));
        }
        replies
    }

    /// Answers a request.
    pub fn reply(
        &mut self,
        number: usize,
        code: StatusCode,
        phrase: &str,
        content: &Content,
    ) -> Option<Outgoing> {
        let received = self.received.get(number)?;
        let request = &received.message;
        let phrase = if phrase.is_empty() { code.reason_phrase() } else { phrase };
        let mut text = format!("SIP/2.0 {} {phrase}\r\n", code.as_u16());
        for via in request.all(HeaderId::Via) {
            add(&mut text, "Via", via);
        }
        let local = received.dialog.and_then(|dialog| self.dialogs.get(dialog));
        let to = local.filter(|_| request.to_tag().is_none()).map(|dialog| dialog.local.as_str());
        for (name, value) in [
            ("From", request.first(HeaderId::From)),
            ("To", to.or(request.first(HeaderId::To))),
            ("Call-ID", request.first(HeaderId::CallId)),
            ("CSeq", request.first(HeaderId::CSeq)),
        ] {
            if !content.gives(name) {
                add(&mut text, name, value.unwrap_or_default());
            }
        }
        if matches!(request.method(), Some(Method::Invite | Method::Refer)) {
            text += &self.contact_line(received.source.transport, content);
        }
        let bytes = self.finish(text, content, Some(number));
        let received = &mut self.received[number];
        // A provisional response is not the answer to a repetition, but it is what a peer would repeat.
        received.response = Some(bytes.clone());
        Some((received.source, bytes))
    }

    /// Sends a request in one of its dialogs, counted from 0; that of a message by default.
    pub fn send(
        &mut self,
        method: &str,
        dialog: Option<usize>,
        about: Option<usize>,
        content: &Content,
    ) -> Option<Outgoing> {
        let of_message = about.and_then(|number| self.received.get(number)?.dialog);
        let at = dialog.or(of_message).unwrap_or_default();
        let branch = self.mint("z9hG4bK");
        let dialog = self.dialogs.get_mut(at)?;
        let to = dialog.peer;
        let own = own_address(self.address, to.transport);
        let mut text = dialog.request(method, own, &branch, content.given("From"));
        if matches!(method, "INVITE" | "REFER") {
            text += &self.contact_line(to.transport, content);
        }
        let bytes = self.finish(text, content, about);
        if method == "INVITE" {
            self.dialogs[at].invite = Message::parse(bytes.clone()).ok();
        }
        Some((to, bytes))
    }

    /// Opens a dialog to an address. `uri` may hold what is filled in.
    pub fn open(&mut self, peer: Way, uri: &str, about: Option<usize>) -> usize {
        let uri = self.fill(uri, about);
        let (call_id, tag) = (self.mint("call"), self.mint("tag"));
        let local = format!("<sip:{}@{}>;tag={tag}", self.name, self.address);
        self.dialogs.push(Dialog::new(call_id, local, format!("<{uri}>"), uri, peer));
        self.dialogs.len() - 1
    }

    fn finish(&self, mut text: String, content: &Content, about: Option<usize>) -> Bytes {
        let mut body = content.body.as_ref().map(|lines| lines.join("\r\n")).unwrap_or_default();
        if content.sdp {
            text += "Content-Type: application/sdp\r\n";
            body = self.description(about);
        }
        // A request begins with its From, given or not.
        let written = text.contains("\r\nFrom: ");
        for header in content.headers.iter().filter(|line| !(written && line.starts_with("From:"))) {
            text.push_str(header);
            text.push_str("\r\n");
        }
        let (text, body) = (self.fill(&text, about), self.fill(&body, about));
        Bytes::from(format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

    /// The description answers a hold with `recvonly`; it never holds by itself.
    fn description(&self, about: Option<usize>) -> String {
        let offer = about.and_then(|number| self.received.get(number));
        let offer = offer.map(|offer| String::from_utf8_lossy(offer.message.body()).into_owned());
        let direction = match offer {
            Some(offer) if offer.contains("a=sendonly") => "recvonly",
            Some(offer) if offer.contains("a=inactive") => "inactive",
            Some(_) | None => "sendrecv",
        };
        let ip = self.address.ip();
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 16384 RTP/AVP 0\r\n\
             a=rtpmap:0 PCMU/8000\r\na={direction}\r\n"
        )
    }

    /// Our Contact, where the scenario gives none.
    fn contact_line(&self, transport: Transport, content: &Content) -> String {
        if content.gives("Contact") {
            return String::new();
        }
        format!("Contact: {}\r\n", self.contact(transport))
    }

    /// Our Contact for who speaks this with us.
    fn contact(&self, transport: Transport) -> String {
        let parameter = match transport {
            Transport::Udp => String::new(),
            stream => format!(";transport={}", stream.via_name().to_ascii_lowercase()),
        };
        format!("<sip:{}@{}{parameter}>", self.name, own_address(self.address, transport))
    }

    /// ACK for a final response to an INVITE, each time it comes.
    fn acknowledge(&mut self, source: Way, response: &Message) -> Option<Outgoing> {
        let (status, method) = journal::response(response)?;
        if method != Method::Invite || status.is_provisional() {
            return None;
        }
        let branch = self.mint("z9hG4bK");
        let call_id = response.call_id().ok()?;
        let dialog = self.dialogs.iter().find(|dialog| dialog.call_id == call_id)?;
        let text = dialog.ack(response, own_address(self.address, source.transport), &branch)?;
        let offered = dialog.invite.as_ref().is_some_and(|invite| !invite.body().is_empty());
        let sdp = status.is_success() && !offered && !response.body().is_empty();
        Some((source, self.finish(text, &Content { sdp, ..Content::default() }, None)))
    }

    fn dialog_of(&mut self, message: &Message, source: Way) -> Option<usize> {
        let call_id = message.call_id().ok()?;
        if let Some(at) = self.dialogs.iter().position(|dialog| dialog.call_id == call_id) {
            self.dialogs[at].learn(message);
            return Some(at);
        }
        let begins = match message.method() {
            Some(Method::Invite) => true,
            Some(Method::Refer | Method::Subscribe) => message.to_tag().is_none(),
            _ => false,
        };
        if !begins {
            return None;
        }
        let tag = self.mint("tag");
        let local = format!("{};tag={tag}", message.first(HeaderId::To)?);
        let remote = message.first(HeaderId::From)?.to_owned();
        let mut dialog = Dialog::new(call_id.to_owned(), local, remote, String::new(), source);
        dialog.learn(message);
        self.dialogs.push(dialog);
        Some(self.dialogs.len() - 1)
    }

    fn mint(&mut self, what: &str) -> String {
        self.minted += 1;
        format!("{what}-{}-{}", self.name, self.minted)
    }

    fn fill(&self, text: &str, about: Option<usize>) -> String {
        template::fill(text, |key| self.value(key, about))
    }

    /// What stands for a word in brackets.
    fn value(&self, key: &str, about: Option<usize>) -> Option<String> {
        if let Some((dialog, field)) = key.split_once('.') {
            let dialog = self.dialogs.get(dialog.parse::<usize>().ok()?.checked_sub(1)?)?;
            return match field {
                "call-id" => Some(dialog.call_id.clone()),
                "local-tag" => Some(dialog.local_tag().to_owned()),
                "remote-tag" => Some(dialog.remote_tag().to_owned()),
                "target" => Some(dialog.target.clone()),
                _ => None,
            };
        }
        let refer = || {
            let is_refer = |known: &&Received| known.message.method() == Some(Method::Refer);
            let refer_to = self.received.iter().rev().find(is_refer)?.message.first(HeaderId::ReferTo)?;
            Some(refer_to.trim_start_matches('<').trim_end_matches('>').to_owned())
        };
        match key {
            "cseq" => {
                let about = self.received.get(about?)?;
                Some(about.message.cseq().ok()?.number.to_string())
            }
            "contact" => {
                let about = about.and_then(|about| Some(self.received.get(about)?.source.transport));
                let first = || self.dialogs.first().map(|dialog| dialog.peer.transport);
                Some(self.contact(about.or_else(first).unwrap_or(Transport::Udp)))
            }
            "refer-to" => refer(),
            "refer-to-uri" => refer()?.split('?').next().map(str::to_owned),
            "replaces" => {
                let uri = refer()?;
                let headers = uri.split_once('?')?.1;
                let value = headers.split('&').find_map(|header| header.strip_prefix("Replaces="))?;
                Some(unescape(value).ok()?.into_owned())
            }
            _ => None,
        }
    }
}

/// Where the party at an address is by a transport.
fn own_address(address: SocketAddr, transport: Transport) -> SocketAddr {
    SocketAddr::new(address.ip(), transport.default_port())
}

fn add(text: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{name}: {value}\r\n");
}

/// A request with the same branch and method, or a response with the same branch, method and status.
fn is_repetition(known: &Message, message: &Message) -> bool {
    let key = |message: &Message| {
        let branch = message.top_via().ok()?.branch()?.to_owned();
        Some((branch, message.cseq().ok()?.method, message.is_request(), message.status()))
    };
    // The ACK of a failed INVITE has the branch of the INVITE, and its own method.
    let same_method = known.method() == message.method();
    same_method && key(known).is_some_and(|known| Some(known) == key(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] =
        b"INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        From: <sip:alice@192.0.2.1>;tag=a\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n\
        Contact: <sip:alice@192.0.2.1:5070>\r\nContent-Length: 0\r\n\r\n";

    fn bob() -> (Scripted, Way) {
        let address = |text: &str| text.parse().expect("an address");
        let alice = Way { transport: Transport::Udp, address: address("192.0.2.1:5060") };
        (Scripted::new("bob", address("192.0.2.2:5060")), alice)
    }

    #[test]
    fn a_request_goes_within_the_dialog_of_the_call_that_came() {
        let (mut bob, alice) = bob();
        let (_, came) = bob.take(alice, &Bytes::from_static(INVITE));
        let came = came.expect("a message");
        assert_eq!((came.kind.as_str(), came.nth), ("INVITE", 1));
        let headers = vec!["X-About: [cseq] [1.call-id] [1.remote-tag] [what]".to_owned()];
        let content = Content { headers, ..Content::default() };
        let (to, notify) = bob.send("NOTIFY", None, Some(came.number), &content).expect("a request");
        let notify = Message::parse(notify).expect("a message");
        assert_eq!(to, alice);
        assert_eq!(notify.request_uri(), Some("sip:alice@192.0.2.1:5070"));
        assert_eq!(notify.extension("X-About").next(), Some(&b"7 c a [what]"[..]));
        assert_eq!(notify.to_tag(), Some("a"));
        assert!(notify.from_tag().is_some());
    }

    #[test]
    fn what_goes_over_a_connection_says_so() {
        let (mut bob, alice) = bob();
        let tls = Way { transport: Transport::Tls, ..alice };
        let number = bob.take(tls, &Bytes::from_static(INVITE)).1.expect("a message").number;
        let (to, ok) = bob.reply(number, StatusCode::OK, "", &Content::default()).expect("a response");
        let (_, bye) = bob.send("BYE", None, Some(number), &Content::default()).expect("a request");
        let (ok, bye) = (Message::parse(ok).expect("a message"), Message::parse(bye).expect("a message"));
        assert_eq!(to, tls);
        assert_eq!(ok.first(HeaderId::Contact), Some("<sip:bob@192.0.2.2:5061;transport=tls>"));
        let via = bye.first(HeaderId::Via).expect("a Via");
        assert!(via.starts_with("SIP/2.0/TLS 192.0.2.2:5061;"), "{via}");
    }

    #[test]
    fn a_repetition_is_answered_as_the_first_time_and_not_told_again() {
        let (mut bob, alice) = bob();
        let invite = Bytes::from_static(INVITE);
        let number = bob.take(alice, &invite).1.expect("a message").number;
        let first = bob.reply(number, StatusCode::OK, "", &Content::default());
        let (again, came) = bob.take(alice, &invite);
        assert!(again.is_some() && again == first && came.is_none());
    }
}
