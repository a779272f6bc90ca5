//! The hashes of RFC 7616 §3.4: what both ends compute.

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use sip_message::{Algorithm, Qop};
use zeroize::Zeroizing;

/// The request that is vouched for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    /// The URI as the credentials write it.
    pub(crate) uri: &'a str,
    pub(crate) body: &'a [u8],
}

/// What the two ends have agreed on for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) nonce: &'a str,
    /// `None` is the form of RFC 2069, which knows neither count nor client nonce.
    pub(crate) qop: Option<Qop>,
    pub(crate) nc: u32,
    pub(crate) cnonce: &'a str,
}

/// The algorithm without its session form.
pub(crate) const fn plain(algorithm: Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => Algorithm::Md5,
        Algorithm::Sha256 | Algorithm::Sha256Sess => Algorithm::Sha256,
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => Algorithm::Sha512_256,
    }
}

/// Higher is stronger; a session form is as strong as the plain one.
pub(crate) const fn strength(algorithm: Algorithm) -> u8 {
    match plain(algorithm) {
        Algorithm::Md5 | Algorithm::Md5Sess => 0,
        Algorithm::Sha256 | Algorithm::Sha256Sess => 1,
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => 2,
    }
}

/// Length of a hash in hexadecimal digits.
pub(crate) const fn digits(algorithm: Algorithm) -> usize {
    match plain(algorithm) {
        Algorithm::Md5 | Algorithm::Md5Sess => 32,
        Algorithm::Sha256 | Algorithm::Sha256Sess | Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => 64,
    }
}

/// `H(user:realm:password)`, which both ends may keep instead of the password.
pub(crate) fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Zeroizing<String> {
    Zeroizing::new(joined(algorithm, &[user.as_bytes(), realm.as_bytes(), password.as_bytes()]))
}

/// The user name as a hash (RFC 7616 §3.4.4).
pub(crate) fn user(algorithm: Algorithm, user: &str, realm: &str) -> String {
    joined(algorithm, &[user.as_bytes(), realm.as_bytes()])
}

/// The proof (RFC 7616 §3.4.1), from the plain `ha1`.
pub(crate) fn response(ha1: &str, terms: &Terms<'_>, subject: &Subject<'_>) -> String {
    let algorithm = terms.algorithm;
    let (nonce, cnonce) = (terms.nonce.as_bytes(), terms.cnonce.as_bytes());
    let session =
        algorithm.is_session().then(|| Zeroizing::new(joined(algorithm, &[ha1.as_bytes(), nonce, cnonce])));
    let secret = session.as_ref().map_or(ha1, |session| session).as_bytes();
    let (method, uri) = (subject.method.as_bytes(), subject.uri.as_bytes());
    let request = match terms.qop {
        Some(Qop::AuthInt) => {
            let body = joined(algorithm, &[subject.body]);
            joined(algorithm, &[method, uri, body.as_bytes()])
        }
        Some(Qop::Auth) | None => joined(algorithm, &[method, uri]),
    };
    match terms.qop {
        Some(qop) => {
            let count = format!("{:08x}", terms.nc);
            let quality = qop.as_str().as_bytes();
            joined(algorithm, &[secret, nonce, count.as_bytes(), cnonce, quality, request.as_bytes()])
        }
        None => joined(algorithm, &[secret, nonce, request.as_bytes()]),
    }
}

/// The hash of the parts with colons between them, in lower-case hexadecimal.
fn joined(algorithm: Algorithm, parts: &[&[u8]]) -> String {
    match plain(algorithm) {
        Algorithm::Md5 | Algorithm::Md5Sess => joined_by::<Md5>(parts),
        Algorithm::Sha256 | Algorithm::Sha256Sess => joined_by::<Sha256>(parts),
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => joined_by::<Sha512_256>(parts),
    }
}

fn joined_by<H: Digest>(parts: &[&[u8]]) -> String {
    let mut hash = H::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    let digits = b"0123456789abcdef";
    let digit = |byte: u8| char::from(digits[usize::from(byte & 15)]);
    hash.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
