//! The six messages that parsing is measured with, and what is read of each.

use std::hint::black_box;

use bytes::Bytes;
use sip_message::{HeaderId, Message, NameAddr, ParseError, header};

/// A message by name, as it is on the wire.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) text: &'static [u8],
}

/// An OPTIONS without body; an INVITE and its 200, both with SDP; a REFER with Replaces in Refer-To; a NOTIFY with
/// sipfrag; an INVITE that has come over ten hops.
pub(crate) const SAMPLES: [Sample; 6] = [
    Sample { name: "options", text: include_bytes!("options.sip") },
    Sample { name: "invite", text: include_bytes!("invite.sip") },
    Sample { name: "ok", text: include_bytes!("ok.sip") },
    Sample { name: "refer", text: include_bytes!("refer.sip") },
    Sample { name: "notify", text: include_bytes!("notify.sip") },
    Sample { name: "ten-vias", text: include_bytes!("ten-vias.sip") },
];

/// What a full reading has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) vias: usize,
    pub(crate) contacts: usize,
    pub(crate) cseq: u32,
    /// The octets of Call-ID, tags and branches.
    pub(crate) octets: usize,
}

/// Reads what a user agent reads of every message: From, To, Call-ID, `CSeq`, every Via and every Contact as typed
/// values, with tags and branches.
pub(crate) fn full(datagram: Bytes) -> Result<Seen, ParseError> {
    let message = Message::parse(datagram)?;
    let mut seen = Seen::default();
    for address in [message.from()?, message.to()?] {
        seen.octets += black_box(address).tag().map_or(0, str::len);
    }
    seen.octets += black_box(message.call_id()?).len();
    seen.cseq = black_box(message.cseq()?).number;
    for via in message.values::<header::Via>() {
        seen.octets += black_box(via?).branch().map_or(0, str::len);
        seen.vias += 1;
    }
    for contact in message.items(HeaderId::Contact) {
        black_box(NameAddr::parse(contact)?);
        seen.contacts += 1;
    }
    Ok(seen)
}
