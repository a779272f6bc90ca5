//! rvoip-sip-core: the head is typed at once; a header that cannot be typed stays as bytes.

use std::hint::black_box;

use rvoip_sip_core::{Message, TypedHeader, parse_message};

use crate::messages::Seen;

pub(crate) fn head(datagram: &[u8]) -> Option<Message> {
    parse_message(datagram).ok()
}

pub(crate) fn full(datagram: &[u8]) -> Option<Seen> {
    let message = head(datagram)?;
    let mut seen = Seen::default();
    for header in message.all_headers() {
        match header {
            TypedHeader::From(from) => seen.octets += black_box(from).tag().map_or(0, str::len),
            TypedHeader::To(to) => seen.octets += black_box(to).tag().map_or(0, str::len),
            TypedHeader::CallId(call_id) => seen.octets += black_box(&call_id.0).len(),
            TypedHeader::CSeq(cseq) => seen.cseq = black_box(cseq).sequence(),
            TypedHeader::Via(vias) => {
                for via in &vias.0 {
                    seen.octets += black_box(via).branch().map_or(0, str::len);
                    seen.vias += 1;
                }
            }
            TypedHeader::Contact(contact) => seen.contacts += black_box(contact).addresses().count(),
            _ => {}
        }
    }
    Some(seen)
}
