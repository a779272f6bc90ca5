//! ezk-sip-types: the parts of a message; the head is put together from them as its transport does it.

use std::hint::black_box;

use bytes::Bytes;
use ezk_sip_types::header::typed::{CSeq, CallID, Contact, ContentLength, FromTo, Via};
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse;
use ezk_sip_types::{Headers, Name};

use crate::messages::Seen;

/// A message: start line, headers, body.
type Message = (MessageLine, Headers, Bytes);

pub(crate) fn head(datagram: &Bytes) -> Option<Message> {
    let mut lines = PullParser::new(datagram, 0);
    let (_, start) = MessageLine::parse(datagram)(text(lines.next()?.ok()?)?).ok()?;
    let mut headers = Headers::new();
    for line in lines.by_ref() {
        let (_, line) = Line::parse(datagram, text(line.ok()?)?).ok()?;
        headers.insert(line.name, line.value);
    }
    let body = lines.head_end();
    let end = headers.get_named::<ContentLength>().map_or(datagram.len(), |length| body + length.0);
    (end <= datagram.len()).then(|| (start, headers, datagram.slice(body..end)))
}

fn text(line: &[u8]) -> Option<&str> {
    str::from_utf8(line).ok()
}

pub(crate) fn full(datagram: &Bytes) -> Option<Seen> {
    let (_, headers, _) = head(datagram)?;
    let mut seen = Seen::default();
    for name in [Name::FROM, Name::TO] {
        seen.octets += black_box(headers.get::<FromTo>(name).ok()?).tag.map_or(0, |tag| tag.len());
    }
    seen.octets += black_box(headers.get_named::<CallID>().ok()?).0.len();
    seen.cseq = black_box(headers.get_named::<CSeq>().ok()?).cseq;
    let vias: Vec<Via> = headers.get_named().ok()?;
    seen.octets +=
        vias.iter().filter_map(|via| via.params.get_val("branch")).map(|branch| branch.len()).sum::<usize>();
    seen.vias = black_box(vias).len();
    if let Some(contacts) = headers.try_get_named::<Vec<Contact>>() {
        seen.contacts = black_box(contacts.ok()?).len();
    }
    Some(seen)
}
