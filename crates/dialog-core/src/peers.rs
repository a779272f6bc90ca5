//! What peers say that they can do, read once where they say the same.

use sip_message::{HeaderId, Message};

use crate::boundary::leg::Peer;

/// The last Allow and Supported with what they say: a user agent has them in every message that makes a dialog, and the
/// next one is often of the same make. A line is as long as the message's limits let it be.
#[derive(Debug, Default)]
pub(crate) struct Peers(Option<Known>);

#[derive(Debug)]
struct Known {
    allow: Box<str>,
    supported: Box<str>,
    peer: Peer,
}

impl Peers {
    /// Reads what a message says its sender can do.
    pub(crate) fn read(&mut self, message: &Message) -> Peer {
        let lines = only(message, HeaderId::Allow).zip(only(message, HeaderId::Supported));
        let Some((allow, supported)) = lines else { return Peer::of(message) };
        if let Some(known) = &self.0
            && (allow, supported) == (&*known.allow, &*known.supported)
        {
            return known.peer;
        }
        let peer = Peer::of(message);
        self.0 = Some(Known { allow: allow.into(), supported: supported.into(), peer });
        peer
    }
}

/// The line of a header that has no other one.
fn only(message: &Message, id: HeaderId) -> Option<&str> {
    let mut lines = message.all(id);
    lines.next().filter(|_| lines.next().is_none())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::Method;

    use super::*;

    #[test]
    fn a_peer_that_says_something_else_is_read_anew() {
        let mut peers = Peers::default();
        let mut read = |headers: &str| {
            let text = format!(
                "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
                 To: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
            );
            let message = Message::parse(Bytes::from(text)).expect("a message");
            let peer = peers.read(&message);
            assert_eq!(peer, Peer::of(&message), "{headers}");
            (peer.allow.is_some(), peer.allows(&Method::Refer), peer.replaces)
        };
        assert_eq!(read(""), (false, true, false));
        assert_eq!(read("Allow: \r\nSupported: \r\n"), (true, false, false));
        for _ in 0..2 {
            assert_eq!(read("Allow: INVITE, REFER\r\nSupported: replaces\r\n"), (true, true, true));
        }
        assert_eq!(read("Allow: INVITE, REFER\r\nSupported: tdialog\r\n"), (true, true, false));
        assert_eq!(read("Allow: INVITE, BYE\r\nSupported: tdialog\r\n"), (true, false, false));
        assert_eq!(read("Allow: BYE\r\nAllow: REFER\r\nSupported: tdialog\r\n"), (true, true, false));
        assert_eq!(read("Allow: INVITE, BYE\r\n"), (true, false, false));
    }
}
