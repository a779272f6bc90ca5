//! How a request finds its server transaction (RFC 3261 §17.2.3).
//!
//! What a peer chose is hashed with our key, so that nobody can aim at one bucket, and a table entry has a fixed size.

use std::hash::{BuildHasherDefault, Hasher};

use sip_message::{Host, Message, Method, Via};
use sip_transport::Guard;

use crate::boundary::TxId;

/// A table from keyed digests; the digest is its own hash.
pub(crate) type DigestMap = hashbrown::HashMap<u128, TxId, BuildHasherDefault<Digested>>;

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
        return Some(guard.digest(&[b"3261", &class, branch, &host(&via), &port]));
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

/// The key under which the same request is found when it comes on another path (RFC 3261 §8.2.2.2); `None` for a
/// request with a To tag, which cannot have been forked.
pub(crate) fn merge(guard: &Guard, message: &Message) -> Option<u128> {
    let (None, Ok(cseq)) = (message.to_tag(), message.cseq()) else { return None };
    Some(guard.digest(&[
        b"merge",
        message.from_tag().unwrap_or_default().as_bytes(),
        message.call_id().ok()?.as_bytes(),
        &cseq.number.to_be_bytes(),
        cseq.method.as_str().as_bytes(),
    ]))
}

fn host(via: &Via<'_>) -> Vec<u8> {
    match via.host {
        Host::Name(name) => name.to_ascii_lowercase().into_bytes(),
        Host::V4(ip) => ip.octets().to_vec(),
        Host::V6(ip) => ip.octets().to_vec(),
    }
}

/// Takes the low half of a digest that is uniformly distributed already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Digested(u64);

impl Hasher for Digested {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, digest: u128) {
        self.0 = digest as u64;
    }
}
