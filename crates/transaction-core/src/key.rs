//! How a request finds its server transaction (RFC 3261 §17.2.3).
//!
//! What a peer chose is hashed with our key, so that nobody can aim at one bucket, and a table entry has a fixed size.

use sip_message::{HeaderId, Host, Message, Method};
use sip_transport::Guard;

/// The two kinds of transactions that a branch can name: that of an INVITE, which its ACK and CANCEL share, and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Invite,
    Other,
}

impl Class {
    pub(crate) fn of(method: &Method) -> Self {
        if matches!(method, Method::Invite | Method::Ack | Method::Cancel) {
            Self::Invite
        } else {
            Self::Other
        }
    }
}

/// The key of a request.
///
/// With the magic cookie: branch, sent-by and class. Without it, the sender follows RFC 2543: Request-URI, From tag,
/// Call-ID, number of `CSeq` and the whole top Via. The To tag, which differs between an INVITE and its ACK, is compared
/// where it matters. `None` if the top Via cannot be read.
pub(crate) fn transaction(guard: &Guard, message: &Message, class: Class) -> Option<u128> {
    let via = message.top_via().ok()?;
    let class = [class as u8];
    if via.has_magic_cookie() {
        let port = via.port.map_or([0; 3], |port| {
            let [high, low] = port.to_be_bytes();
            [1, high, low]
        });
        let branch = via.branch().unwrap_or_default().as_bytes();
        let digest = |host: &[u8]| guard.digest(&[b"3261", &class, branch, host, &port]);
        return Some(match via.host {
            Host::Name(name) => digest(lower_case(name, &mut [0; LONGEST_NAME])),
            Host::V4(ip) => digest(&ip.octets()),
            Host::V6(ip) => digest(&ip.octets()),
        });
    }
    let number = message.cseq().map_or(0, |cseq| cseq.number).to_be_bytes();
    Some(guard.digest(&[
        b"2543",
        &class,
        message.request_uri().unwrap_or_default().as_bytes(),
        message.from_tag().unwrap_or_default().as_bytes(),
        message.call_id().unwrap_or_default().as_bytes(),
        &number,
        message.vias().next().unwrap_or_default().as_bytes(),
    ]))
}

/// The key under which the same request is found when it comes on another path (RFC 3261 §8.2.2.2). Only for a request
/// without a To tag: one in a dialog cannot have been forked.
pub(crate) fn merge(guard: &Guard, message: &Message) -> Option<u128> {
    let cseq = message.cseq().ok()?;
    Some(guard.digest(&[
        b"merge",
        message.from_tag().unwrap_or_default().as_bytes(),
        message.first(HeaderId::CallId)?.as_bytes(),
        &cseq.number.to_be_bytes(),
        cseq.method.as_str().as_bytes(),
    ]))
}

/// Longest host name that is compared without regard to case: DNS has none over 255 bytes (RFC 1035 §2.3.4). A longer one
/// is nobody's name, and is compared as it is written.
const LONGEST_NAME: usize = 255;

fn lower_case<'a>(name: &'a str, lower: &'a mut [u8; LONGEST_NAME]) -> &'a [u8] {
    let Some(lower) = lower.get_mut(..name.len()) else { return name.as_bytes() };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    lower
}

#[cfg(test)]
mod tests {
    use sip_transport::Random;

    use super::*;

    struct Counting(u64);

    impl Random for Counting {
        fn next_u64(&mut self) -> u64 {
            self.0 += 1;
            self.0
        }
    }

    fn key(sent_by: &str) -> Option<u128> {
        let text = format!("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {sent_by};branch=z9hG4bKa\r\n\r\n");
        let message = Message::parse(text.into()).expect("test message");
        transaction(&Guard::new(&mut Counting(0)), &message, Class::Other)
    }

    #[test]
    fn the_case_of_a_host_name_does_not_matter_up_to_the_longest_of_dns() {
        let longest = "a".repeat(LONGEST_NAME);
        assert!(key(&longest).is_some());
        assert_eq!(key(&longest), key(&longest.to_uppercase()));
        let longer = "a".repeat(LONGEST_NAME + 1);
        assert_ne!(key(&longer), key(&longer.to_uppercase()));
        assert_ne!(key(&longer), key(&longest));
    }

    #[test]
    fn another_port_is_another_sender_and_so_is_none() {
        let keys = ["h", "h:5060", "h:5061", "192.0.2.1", "[2001:db8::1]"].map(key);
        for (at, key) in keys.iter().enumerate() {
            assert!(key.is_some() && !keys[..at].contains(key));
        }
    }
}
