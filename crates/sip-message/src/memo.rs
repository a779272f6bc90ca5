//! What the layers ask of every message again and again, remembered once it was read: where the parts of From, To, the
//! topmost Via and the Request-URI are, the `CSeq`, and whether the message is in order.
//!
//! Places are remembered, not values, so that a message stays one piece of memory. What cannot be read is read again.

use core::net::IpAddr;
use std::sync::OnceLock;

use crate::index::Span;
use crate::uri::{Host, UriParts};
use crate::{CSeq, NameAddr, Params, ParseError, Uri, Via};

#[derive(Debug, Clone, Default)]
pub(crate) struct Memo {
    pub(crate) from: OnceLock<AddressPlaces>,
    pub(crate) to: OnceLock<AddressPlaces>,
    pub(crate) via: OnceLock<ViaPlaces>,
    pub(crate) target: OnceLock<UriParts>,
    pub(crate) cseq: OnceLock<CSeq>,
    pub(crate) check: OnceLock<Result<(), ParseError>>,
}

/// A value of which only the places of its parts are kept.
pub(crate) trait Remembered<'a>: Sized {
    type Places: Copy;

    /// Where the parts stand in the value.
    fn places(&self, value: &str) -> Self::Places;

    /// The value that was read there before.
    fn at(value: &'a str, places: Self::Places) -> Self;

    /// Reads a value, or takes it from where it was found the first time.
    fn recall(
        memo: &OnceLock<Self::Places>,
        value: &'a str,
        parse: impl FnOnce(&'a str) -> Result<Self, ParseError>,
    ) -> Result<Self, ParseError> {
        if let Some(places) = memo.get() {
            return Ok(Self::at(value, *places));
        }
        let read = parse(value)?;
        memo.get_or_init(|| read.places(value));
        Ok(read)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressPlaces {
    display: Option<Span>,
    uri: Span,
    parts: UriParts,
    params: Span,
    tag: Option<Span>,
    tags: u8,
}

impl<'a> Remembered<'a> for NameAddr<'a> {
    type Places = AddressPlaces;

    fn places(&self, value: &str) -> AddressPlaces {
        AddressPlaces {
            display: self.display.map(|display| Span::within(value, display)),
            uri: Span::within(value, self.uri.as_str()),
            parts: self.uri.parts(),
            params: Span::within(value, self.params.as_str()),
            tag: self.tag().map(|tag| Span::within(value, tag)),
            tags: self.tags(),
        }
    }

    fn at(value: &'a str, places: AddressPlaces) -> NameAddr<'a> {
        NameAddr::of_parts(
            places.display.map(|display| display.text(value)),
            Uri::of_parts(places.uri.text(value), places.parts),
            Params::of_checked(places.params.text(value)),
            (places.tag.map(|tag| tag.text(value)), places.tags),
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct ViaPlaces {
    transport: Span,
    host: Span,
    /// `None` where the host is a name.
    ip: Option<IpAddr>,
    port: Option<u16>,
    params: Span,
    branch: Option<Span>,
}

impl<'a> Remembered<'a> for Via<'a> {
    type Places = ViaPlaces;

    fn places(&self, value: &str) -> ViaPlaces {
        ViaPlaces {
            transport: Span::within(value, self.transport),
            host: Span::within(value, self.host_text()),
            ip: self.host.ip(),
            port: self.port,
            params: Span::within(value, self.params.as_str()),
            branch: self.branch().map(|branch| Span::within(value, branch)),
        }
    }

    fn at(value: &'a str, places: ViaPlaces) -> Via<'a> {
        let host_text = places.host.text(value);
        let host = match places.ip {
            None => Host::Name(host_text),
            Some(IpAddr::V4(ip)) => Host::V4(ip),
            Some(IpAddr::V6(ip)) => Host::V6(ip),
        };
        Via::of_parts(
            places.transport.text(value),
            (host, host_text),
            places.port,
            Params::of_checked(places.params.text(value)),
            places.branch.map(|branch| branch.text(value)),
        )
    }
}

impl<'a> Remembered<'a> for Uri<'a> {
    type Places = UriParts;

    fn places(&self, _value: &str) -> UriParts {
        self.parts()
    }

    fn at(value: &'a str, places: UriParts) -> Uri<'a> {
        Uri::of_parts(value, places)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{HeaderId, Host, Message};

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
