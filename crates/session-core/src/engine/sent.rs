//! A message that is being sent, as an observer sees it.

use std::cell::OnceCell;

use sip_message::Message;
use sip_transport::Outbound;

/// A message that is being sent: its bytes, and what they say, which is read at most once however many want to know it.
#[derive(Debug)]
pub struct Sent<'a> {
    /// The bytes and where they go.
    pub outbound: &'a Outbound,
    message: OnceCell<Option<Box<Message>>>,
}

impl<'a> Sent<'a> {
    pub(crate) const fn new(outbound: &'a Outbound) -> Self {
        Self { outbound, message: OnceCell::new() }
    }

    /// The message; `None` if the bytes are none that can be read.
    pub fn message(&self) -> Option<&Message> {
        let read = || Message::parse(self.outbound.wire.clone()).ok().map(Box::new);
        self.message.get_or_init(read).as_deref()
    }

    /// The method of a request, as the bytes begin.
    pub fn method(&self) -> Option<&str> {
        let first = self.outbound.wire.split(|byte| *byte == b' ').next()?;
        std::str::from_utf8(first).ok().filter(|first| *first != "SIP/2.0")
    }

    /// The Call-ID, without the rest being read: what is sent from here has no folded lines.
    pub fn call_id(&self) -> Option<&str> {
        let lines = self.outbound.wire.split(|byte| *byte == b'\n').skip(1);
        for line in lines.map(<[u8]>::trim_ascii).take_while(|line| !line.is_empty()) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at(colon);
            if name.trim_ascii().eq_ignore_ascii_case(b"Call-ID") {
                return std::str::from_utf8(value[1..].trim_ascii()).ok();
            }
        }
        None
    }

    /// Whether the message was read.
    #[cfg(test)]
    pub(crate) fn is_read(&self) -> bool {
        self.message.get().is_some()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use sip_transport::{FlowId, Hop, Transport};

    use super::*;

    pub(crate) fn outbound(text: &str) -> Outbound {
        let address = std::net::SocketAddr::from(([192, 0, 2, 1], 5060));
        Outbound {
            hop: Hop {
                flow: FlowId::from(1),
                transport: Transport::Udp,
                remote: address,
                local: address,
                above: None,
                alias: false,
            },
            wire: bytes::Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    #[test]
    fn the_call_id_and_the_method_are_those_of_the_message() {
        let headers = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
            Call-ID: one:two@h\r\nCSeq: 1 INVITE\r\nContent-Length: 12\r\n\r\nCall-ID: x\r\n";
        for first in ["INVITE sip:b@h SIP/2.0", "SIP/2.0 200 OK"] {
            let outbound = outbound(&format!("{first}\r\n{headers}"));
            let sent = Sent::new(&outbound);
            let quick = (sent.call_id(), sent.method());
            assert!(!sent.is_read());
            let message = sent.message().expect("a message");
            assert_eq!(quick.0, message.call_id().ok());
            assert_eq!(quick.1, message.method().as_ref().map(sip_message::Method::as_str));
        }
    }

    #[test]
    fn bytes_without_a_call_id_have_none() {
        let body = "INVITE sip:b@h SIP/2.0\r\n\r\nCall-ID: body@h\r\n";
        for text in ["", "\r\n\r\n", "INVITE", body, "a b\r\n:\r\n: \r\n"] {
            let outbound = outbound(text);
            assert_eq!(Sent::new(&outbound).call_id(), None, "{text:?}");
        }
        let outbound = outbound("");
        assert!(Sent::new(&outbound).message().is_none());
    }
}
