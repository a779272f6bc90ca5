//! rsip: a head of texts; typed values are made from them.

use std::hint::black_box;

use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::{HasHeaders, HeadersExt};
use rsip::{Header, SipMessage};

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
        match header {
            Header::Via(via) => {
                seen.octets += black_box(via.typed().ok()?).branch().map_or(0, |branch| branch.value().len());
                seen.vias += 1;
            }
            Header::Contact(contact) => {
                black_box(contact.typed().ok()?);
                seen.contacts += 1;
            }
            _ => {}
        }
    }
    Some(seen)
}
