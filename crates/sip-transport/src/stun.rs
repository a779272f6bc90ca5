//! The little of STUN (RFC 8489) that keep-alives by UDP need: Binding Requests without attributes, and the address in their
//! answers (RFC 5626 §8).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

use crate::step::Random;

/// Bytes in front of the attributes: type, length, cookie and transaction id.
const HEADER: usize = 20;

/// What tells STUN from other protocols (RFC 8489 §5).
const COOKIE: u32 = 0x2112_A442;

const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// The name of a request, which its answer repeats: 96 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TransactionId([u8; 12]);

/// An answer to a Binding Request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Which request.
    pub(crate) id: TransactionId,
    /// The address that the server sees us at, where it can be read; `Err` of an error response.
    pub(crate) mapped: Result<Option<SocketAddr>, Refused>,
}

/// The server did not follow the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl TransactionId {
    pub(crate) fn new(random: &mut dyn Random) -> Self {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&random.next_u64().to_be_bytes());
        id[8..].copy_from_slice(&random.next_u64().to_be_bytes()[..4]);
        Self(id)
    }

    /// A Binding Request of this name.
    pub(crate) fn request(self) -> Bytes {
        let mut wire = BytesMut::with_capacity(HEADER);
        wire.put_u16(REQUEST);
        wire.put_u16(0);
        wire.put_u32(COOKIE);
        wire.put_slice(&self.0);
        wire.freeze()
    }
}

/// Whether a datagram is STUN: a SIP message never begins with a byte of 0 or 1 (RFC 5626 §8), and the cookie says the rest.
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= HEADER && datagram[0] <= 1 && datagram[4..8] == COOKIE.to_be_bytes()
}

/// Reads an answer to a Binding Request; `None` for anything else.
pub(crate) fn answer(datagram: &[u8]) -> Option<Answer> {
    let (header, attributes) = datagram.split_at_checked(HEADER)?;
    let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    if !is_stun(datagram) || usize::from(number(2)) != attributes.len() {
        return None;
    }
    let id = TransactionId(header[8..].try_into().ok()?);
    let mapped = match number(0) {
        SUCCESS => Ok(mapped(attributes, id)),
        ERROR => Err(Refused),
        _ => return None,
    };
    Some(Answer { id, mapped })
}

/// The XOR-MAPPED-ADDRESS among the attributes (RFC 8489 §14.2).
fn mapped(mut attributes: &[u8], id: TransactionId) -> Option<SocketAddr> {
    while let Some((&[kind, second, high, low], rest)) = attributes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([kind, second]) == XOR_MAPPED_ADDRESS {
            return address(value, id);
        }
        // Each begins at a multiple of four (RFC 8489 §14).
        attributes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

fn address(value: &[u8], TransactionId(id): TransactionId) -> Option<SocketAddr> {
    let (&[_, family, high, low], host) = value.split_first_chunk()?;
    let port = u16::from_be_bytes([high, low]) ^ (COOKIE >> 16) as u16;
    let ip = match family {
        1 => IpAddr::from(Ipv4Addr::from_bits(u32::from_be_bytes(host.try_into().ok()?) ^ COOKIE)),
        2 => {
            let mut mask = [0; 16];
            mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
            mask[4..].copy_from_slice(&id);
            let host: [u8; 16] = host.try_into().ok()?;
            IpAddr::from(Ipv6Addr::from_bits(u128::from_be_bytes(host) ^ u128::from_be_bytes(mask)))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    /// The attributes of an answer, after the header of RFC 5769 §2.2 and §2.3.
    fn datagram(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let mut wire = kind.to_be_bytes().to_vec();
        wire.extend((attributes.len() as u16).to_be_bytes());
        wire.extend(COOKIE.to_be_bytes());
        wire.extend(ID);
        wire.extend(attributes);
        wire
    }

    /// SOFTWARE of 11 bytes and one to fill.
    const SOFTWARE: &[u8] = b"\x80\x22\x00\x0btest vector ";

    const V4: &[u8] = b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43";

    const V6: &[u8] =
        b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";

    fn seen(attributes: &[u8]) -> Option<SocketAddr> {
        answer(&datagram(SUCCESS, attributes)).expect("an answer").mapped.expect("a success")
    }

    #[test]
    fn the_addresses_of_rfc_5769_are_read() {
        let after_software = [SOFTWARE, V4].concat();
        assert_eq!(seen(&after_software), Some("192.0.2.1:32853".parse().expect("an address")));
        let after_software = [SOFTWARE, V6].concat();
        let expected = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
        assert_eq!(seen(&after_software), Some(expected.parse().expect("an address")));
    }

    #[test]
    fn a_request_is_a_header_alone_and_no_answer() {
        let wire = TransactionId(ID).request();
        assert_eq!(wire[..], datagram(REQUEST, b""));
        assert!(is_stun(&wire));
        assert_eq!(answer(&wire), None);
    }

    #[test]
    fn an_error_is_told_from_a_success() {
        let error = answer(&datagram(ERROR, b"")).expect("an answer");
        assert_eq!((error.id, error.mapped), (TransactionId(ID), Err(Refused)));
    }

    #[test]
    fn what_is_cut_off_or_says_another_length_is_no_answer_and_panics_nowhere() {
        let whole = datagram(SUCCESS, &[SOFTWARE, V6].concat());
        for length in 0..whole.len() {
            assert_eq!(answer(&whole[..length]), None, "{length}");
        }
        for attributes in [
            &b"\x00\x20\xff\xff\x00\x01"[..],
            b"\x00\x20\x00\x02\x00\x01",
            b"\x00\x20\x00\x05\x00\x03\0\0\0\0\0\0",
        ] {
            assert_eq!(seen(attributes), None);
        }
        assert!(!is_stun(b"OPTIONS sip:a@b SIP/2.0\r\n"));
        assert!(!is_stun(b"\r\n\r\n"));
    }
}
