//! rsipstack: a head of texts; typed values are made from them.

use std::hint::black_box;

use rsipstack::sip::prelude::{HasHeaders, HeadersExt, ToTypedHeader};
use rsipstack::sip::{Header, SipMessage};

use crate::messages::Seen;

pub(crate) fn head(datagram: &[u8]) -> Option<SipMessage> {
    SipMessage::try_from(datagram).ok()
}

pub(crate) fn full(datagram: &[u8]) -> Option<Seen> {
    let message = head(datagram)?;
    let mut seen = Seen::default();
    let from = black_box(message.from_header().ok()?.typed().ok()?);
    let to = black_box(message.to_header().ok()?.typed().ok()?);
    seen.octets += [from.tag(), to.tag()].into_iter().flatten().map(|tag| tag.value().len()).sum::<usize>();
    seen.octets += black_box(message.call_id_header().ok()?.value()).len();
    seen.cseq = black_box(message.cseq_header().ok()?.typed().ok()?).seq;
    for header in message.headers().iter() {
        if let Header::Via(via) = header {
            seen.octets += black_box(via.typed().ok()?).branch().map_or(0, |branch| branch.value().len());
            seen.vias += 1;
        }
    }
    seen.contacts = black_box(message.typed_contact_headers().ok()?).len();
    Some(seen)
}
