//! Whether credentials prove what they say (RFC 7616 §3.4.6).

use std::sync::Arc;

use sip_message::{DigestCredentials, Qop};
use sip_transport::{Guard, Tick};
use subtle::ConstantTimeEq;

use super::{
    hash::{self, Subject, Terms},
    nonce::{Nonce, Uses},
    policy::Authentication,
};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// They are the user's.
    Verified(Arc<str>),
    /// They are somebody's who knows the password, but the nonce is not good any more.
    Stale,
    /// They prove nothing.
    Wrong,
}

/// Checks credentials for our realm. Unknown users cost the same time as wrong passwords and get the same answer.
///
/// `uri` is what the sender has proved, not compared with the Request-URI, which proxies on the way rewrite (RFC 3261 §22.4
/// leaves it to the server); that a proof is not used for another request is seen to by its nonce and count.
pub(crate) fn check(
    policy: &Authentication,
    uses: &mut Uses,
    (guard, now): (&Guard, Tick),
    credentials: &DigestCredentials<'_>,
    (method, body): (&str, &[u8]),
) -> Proof {
    let Some(algorithm) = credentials.algorithm().filter(|used| policy.algorithms.contains(used)) else {
        return Proof::Wrong;
    };
    let qop = match credentials.qop().map(Qop::of) {
        None if policy.qop.is_empty() => None,
        Some(Some(qop)) if policy.qop.contains(&qop) => Some(qop),
        None | Some(_) => return Proof::Wrong,
    };
    let (realm, nonce, uri) = (credentials.realm(), credentials.nonce(), credentials.uri());
    let cnonce = credentials.cnonce().unwrap_or_default();
    // Without a quality of protection there is no count, and the nonce is good for one request.
    let nc = if qop.is_some() { credentials.nc().unwrap_or_default() } else { 1 };
    let user = policy.user(&credentials.username(), credentials.userhash());
    let ha1 = user.and_then(|(user, secret)| secret.ha1(algorithm, user, &realm));
    // A hash of nothing in particular, so that the time taken does not tell who is known.
    let known = ha1.is_some();
    let ha1 = ha1.unwrap_or_else(|| hash::ha1(algorithm, "", &realm, ""));
    let terms = Terms { algorithm, nonce: &nonce, qop, nc, cnonce: &cnonce };
    let expected = hash::response(&ha1, &terms, &Subject { method, uri: &uri, body });
    let given = credentials.response().to_ascii_lowercase();
    let same = bool::from(expected.as_bytes().ct_eq(given.as_bytes()));
    let Some((user, _)) = user.filter(|_| known && same && *realm == *policy.realm()) else {
        return Proof::Wrong;
    };
    let lifetime = policy.nonce_lifetime;
    match Nonce::read(&nonce, guard, policy.realm()).filter(|nonce| !nonce.is_expired(now, lifetime)) {
        Some(nonce) if uses.take(nonce, nc, now, lifetime, policy.nonces) => Proof::Verified(user.clone()),
        Some(_) | None => Proof::Stale,
    }
}
