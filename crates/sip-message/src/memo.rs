//! What the layers ask of every message again and again, read once: where the parts of the Request-URI, the topmost Via, the
//! first Contact, and of From, To and Call-ID are; the `CSeq`; and whether the message is in order.
//!
//! Places are remembered, not values, so that a message stays one piece of memory. They count from the start of its text.

use core::net::IpAddr;
use std::sync::OnceLock;

use crate::headers::{CallId, Rport};
use crate::index::Span;
use crate::lex::List;
use crate::uri::{Host, UriParts};
use crate::{CSeq, HeaderId, Message, NameAddr, Params, ParseError, ParseErrorKind, Uri, Via};

#[derive(Debug, Clone, Default)]
pub(crate) struct Memo {
    pub(crate) target: OnceLock<Result<UriParts, ParseError>>,
    pub(crate) via: OnceLock<TopVia>,
    pub(crate) identity: OnceLock<Identity>,
    pub(crate) contact: OnceLock<Result<Option<AddressPlaces>, ParseError>>,
    pub(crate) check: OnceLock<Result<(), ParseError>>,
}

/// What tells to which dialog and transaction a message belongs; all of it is asked for, so it is read together.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) from: Result<AddressPlaces, ParseError>,
    pub(crate) to: Result<AddressPlaces, ParseError>,
    pub(crate) call_id: Result<Span, ParseError>,
    pub(crate) cseq: Result<CSeq, ParseError>,
}

impl Identity {
    pub(crate) fn read(message: &Message) -> Identity {
        let text = message.text();
        let address = |id| {
            message.required(id, |value| NameAddr::parse(value).map(|read| AddressPlaces::of(&read, text)))
        };
        Identity {
            from: address(HeaderId::From),
            to: address(HeaderId::To),
            call_id: message.required(HeaderId::CallId, |value| {
                CallId::parse(value).map(|read| Span::within(text, read.as_str()))
            }),
            cseq: message.required(HeaderId::CSeq, CSeq::parse),
        }
    }
}

/// The topmost Via, and whether there is another one below it.
#[derive(Debug, Clone)]
pub(crate) struct TopVia {
    pub(crate) via: Result<ViaPlaces, ParseError>,
    pub(crate) lower: bool,
}

impl TopVia {
    pub(crate) fn read(message: &Message) -> TopVia {
        let text = message.text();
        let mut lists = message.all(HeaderId::Via).map(List::new);
        let Some((top, rest)) = lists.find_map(|mut list| list.next().map(|top| (top, list.rest()))) else {
            let missing = ParseError::new(ParseErrorKind::Missing, 0).of_header(HeaderId::Via);
            return TopVia { via: Err(missing), lower: false };
        };
        let lower = !rest.is_empty() || lists.any(|mut list| list.next().is_some());
        let via = Via::parse(top)
            .map(|via| ViaPlaces::of(&via, text))
            .map_err(|error| error.inside(HeaderId::Via, Span::within(text, top).start()));
        TopVia { via, lower }
    }
}

/// Where the parts of an address are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressPlaces {
    display: Option<Span>,
    uri: Span,
    parts: UriParts,
    params: Span,
    tag: Option<Span>,
    tags: u8,
}

impl AddressPlaces {
    pub(crate) fn of(address: &NameAddr<'_>, text: &str) -> AddressPlaces {
        AddressPlaces {
            display: address.display.map(|display| Span::within(text, display)),
            uri: Span::within(text, address.uri.as_str()),
            parts: address.uri.parts(),
            params: Span::within(text, address.params.as_str()),
            tag: address.tag().map(|tag| Span::within(text, tag)),
            tags: address.tags(),
        }
    }

    /// The address that was read there.
    pub(crate) fn read<'a>(&self, text: &'a str) -> NameAddr<'a> {
        NameAddr::of_parts(
            self.display.map(|display| display.text(text)),
            Uri::of_parts(self.uri.text(text), self.parts),
            Params::of_checked(self.params.text(text)),
            (self.tag(text), self.tags),
        )
    }

    /// Its tag alone.
    pub(crate) fn tag<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.tag.map(|tag| tag.text(text))
    }
}

/// Where the parts of a Via are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViaPlaces {
    transport: Span,
    host: Span,
    /// `None` where the host is a name.
    ip: Option<IpAddr>,
    port: Option<u16>,
    params: Span,
    branch: Option<Span>,
    rport: Rport<Span>,
    count: u8,
}

impl ViaPlaces {
    fn of(via: &Via<'_>, text: &str) -> ViaPlaces {
        let (rport, count) = via.stated();
        ViaPlaces {
            transport: Span::within(text, via.transport),
            host: Span::within(text, via.host_text()),
            ip: via.host.ip(),
            port: via.port,
            params: Span::within(text, via.params.as_str()),
            branch: via.branch().map(|branch| Span::within(text, branch)),
            rport: rport.map(|flag| Span::within(text, flag)),
            count: count as u8,
        }
    }

    /// The Via that was read there.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Via<'a> {
        let host_text = self.host.text(text);
        let host = match self.ip {
            None => Host::Name(host_text),
            Some(IpAddr::V4(ip)) => Host::V4(ip),
            Some(IpAddr::V6(ip)) => Host::V6(ip),
        };
        Via::of_parts(
            self.transport.text(text),
            (host, host_text),
            self.port,
            Params::of_checked(self.params.text(text)),
            self.branch.map(|branch| branch.text(text)),
            (self.rport.map(|flag| flag.text(text)), self.count.into()),
        )
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{HeaderId, Host, Message, NameAddr, Via};

    fn message(via: &str, from: &str, to: &str) -> Message {
        let text = format!(
            "INVITE sips:b%20b:pw@[2001:db8::9]:5071;lr?Subject=x SIP/2.0\r\nVia: {via}\r\nf:  {from}\r\nTo: {to}\r\n\
             Call-ID: a\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).expect("a message")
    }

    #[test]
    fn what_was_read_once_is_the_same_when_it_is_asked_again_and_of_a_clone() {
        let addresses = [
            "\"A \\\" <B>\" <sip:a@192.0.2.1:5060;transport=tcp>;tag=1;x=\"y;z\"",
            "Bob <tel:+1-201-555;phone-context=x>",
            "sip:carol@example.com;tag=9",
            "<sip:h?a=b>;flag",
        ];
        let vias = [
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
            "SIP / 2.0 / TLS  [2001:db8::1] : 5061 ;branch=z9hG4bKb;received=192.0.2.9",
            "SIP/2.0/TCP Host.example.com, SIP/2.0/UDP second;branch=x",
        ];
        for (address, other) in addresses.iter().zip(addresses.iter().rev()) {
            for via in vias {
                let (asked, fresh) = (message(via, address, other), message(via, address, other));
                for message in [&asked, &asked, &asked.clone()] {
                    assert_eq!(message.from(), fresh.clone().from());
                    assert_eq!(message.to(), fresh.clone().to());
                    assert_eq!(message.top_via(), fresh.clone().top_via());
                    assert_eq!(message.request_target(), fresh.clone().request_target());
                    assert_eq!(
                        (message.cseq(), message.check()),
                        (fresh.clone().cseq(), fresh.clone().check())
                    );
                }
                // And the same as without a message around it.
                assert_eq!(asked.from(), NameAddr::parse(address));
                assert_eq!(asked.to(), NameAddr::parse(other));
                let first = via.split(',').next().unwrap_or_default();
                assert_eq!(asked.top_via(), Via::parse(first));
                assert!(asked.from().is_ok() && asked.top_via().is_ok() && asked.request_target().is_ok());
            }
        }
        let named = message(vias[2], addresses[0], addresses[1]);
        assert!(
            named.top_via().is_ok()
                && named.top_via().is_ok_and(|via| via.host == Host::Name("Host.example.com"))
        );
    }

    #[test]
    fn what_cannot_be_read_stays_a_fault() {
        let broken = message("SIP/2.0/UDP h;branch=", "<sip:a@", "sip:b");
        for _ in 0..2 {
            assert_eq!(broken.from().map_err(|fault| fault.header()), Err(Some(HeaderId::From)));
            assert!(broken.check().is_err());
        }
    }
}
