//! What peers say that they can do, read once where they say the same.

use sip_message::{HeaderId, Message};

use crate::boundary::{leg::Peer, methods::Methods};

/// The last Allow and the last Supported with what they say: a user agent repeats them in every message that makes a dialog,
/// and the next one is often of the same make. A line is as long as the message's limits let it be.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    allow: Option<Known<Methods>>,
    supported: Option<Known<Tags>>,
}

/// A line and what it says.
#[derive(Debug)]
struct Known<T> {
    line: Box<str>,
    says: T,
}

/// The option tags of a peer that matter to what it is asked.
#[derive(Debug, Clone, Copy, Default)]
struct Tags {
    replaces: bool,
    target_dialog: bool,
}

impl Peers {
    /// Reads what a message says its sender can do.
    pub(crate) fn read(&mut self, message: &Message) -> Peer {
        let allow = message
            .has(HeaderId::Allow)
            .then(|| recall(&mut self.allow, message, HeaderId::Allow, |message| message.allow().collect()));
        let Tags { replaces, target_dialog } =
            recall(&mut self.supported, message, HeaderId::Supported, Tags::of);
        Peer { allow, replaces, target_dialog }
    }
}

impl Tags {
    fn of(message: &Message) -> Self {
        let mut tags = Self::default();
        for tag in message.supported() {
            tags.replaces |= tag.eq_ignore_ascii_case("replaces");
            tags.target_dialog |= tag.eq_ignore_ascii_case("tdialog");
        }
        tags
    }
}

/// What a header says: as remembered where its one line is the same as before, else as it is read now.
fn recall<T: Copy>(
    known: &mut Option<Known<T>>,
    message: &Message,
    id: HeaderId,
    read: impl FnOnce(&Message) -> T,
) -> T {
    let mut lines = message.all(id);
    match (lines.next(), lines.next()) {
        (Some(line), None) => match known {
            Some(known) if *known.line == *line => known.says,
            Some(_) | None => known.insert(Known { line: line.into(), says: read(message) }).says,
        },
        (None | Some(_), _) => read(message),
    }
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
            let Peer { allow, replaces, target_dialog } =
                peers.read(&Message::parse(Bytes::from(text)).expect("a message"));
            (allow.map(|methods| methods.contains(&Method::Refer)), replaces, target_dialog)
        };
        assert_eq!(read(""), (None, false, false));
        assert_eq!(read("Allow: \r\nSupported: \r\n"), (Some(false), false, false));
        for _ in 0..2 {
            assert_eq!(read("Allow: INVITE, REFER\r\nSupported: Replaces\r\n"), (Some(true), true, false));
            assert_eq!(read(""), (None, false, false));
        }
        assert_eq!(read("Allow: INVITE, REFER\r\nSupported: tdialog\r\n"), (Some(true), false, true));
        assert_eq!(read("Allow: INVITE, BYE\r\nSupported: tdialog\r\n"), (Some(false), false, true));
        assert_eq!(read("Allow: BYE\r\nAllow: REFER\r\nSupported: tdialog\r\n"), (Some(true), false, true));
        assert_eq!(read("Allow: INVITE, BYE\r\n"), (Some(false), false, false));
        assert_eq!(read("Supported: tdialog\r\nSupported: replaces\r\n"), (None, true, true));
    }
}
