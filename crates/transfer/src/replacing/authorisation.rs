//! Check 10 of table 2.4: whether a call may take the place of another one (decision D9; RFC 3891 §3, §8).

use std::net::IpAddr;

use dialog_core::{IncomingCall, Replacing};
use sip_message::{Scheme, UriBuf};

use crate::{ReplacesAuthorizer, TransferPolicy};

/// Whether it may; and if so, whether the sender is verified to be the replaced party or of its side.
pub(super) fn authorise(call: &IncomingCall, replaced: &Replacing, policy: &TransferPolicy) -> Option<bool> {
    let verified = is_trusted(call, replaced, policy);
    let permitted = match policy.replaces {
        ReplacesAuthorizer::Deny => false,
        ReplacesAuthorizer::Trusted => verified,
        ReplacesAuthorizer::ReferredBy => verified || is_referred(call, replaced),
        ReplacesAuthorizer::Allow => true,
    };
    permitted.then_some(verified)
}

/// The same user, the same verified name, or the same trunk. The same address alone says nothing: many users share one (D9).
fn is_trusted(call: &IncomingCall, replaced: &Replacing, policy: &TransferPolicy) -> bool {
    let same_user = call.verified_user.is_some() && call.verified_user == replaced.verified_user;
    let same_name = match (&call.verified_name, &replaced.verified_name) {
        (Some(new), Some(old)) => new.eq_ignore_ascii_case(old),
        (Some(_), None) | (None, Some(_) | None) => false,
    };
    let (new, old) = (call.source.ip(), replaced.source.map(|source| source.ip()));
    let shared = |old: IpAddr| policy.trunks.iter().any(|trunk| trunk.contains(new) && trunk.contains(old));
    same_user || same_name || old.is_some_and(shared)
}

/// Whether Referred-By names the replaced party (RFC 3891 §3, RFC 3892 §2.1), and the call comes by a way that is no weaker
/// than that of the replaced one (SEC-10).
fn is_referred(call: &IncomingCall, replaced: &Replacing) -> bool {
    let is_sips = |uri: &UriBuf| uri.as_uri().scheme() == Scheme::Sips;
    let weaker = replaced.verified_name.is_some() && call.verified_name.is_none()
        || replaced.verified_user.is_some() && call.verified_user.is_none()
        || is_sips(&replaced.remote_target) && !is_sips(&call.request_uri);
    let names = |referrer: &UriBuf| {
        is_same_party(referrer, &replaced.remote.uri) || is_same_party(referrer, &replaced.remote_target)
    };
    !weaker && call.referred_by.as_ref().is_some_and(|referrer| names(&referrer.uri))
}

/// Whether two URIs name the same party: scheme, user and host. Port and parameters say by which way it is reached, and
/// peers leave them out of an address of record.
fn is_same_party(one: &UriBuf, other: &UriBuf) -> bool {
    bare(one).equivalent(&bare(other))
}

fn bare(uri: &UriBuf) -> UriBuf {
    let parts = uri.as_uri();
    match parts.scheme() {
        Scheme::Sip | Scheme::Sips => {
            let user = parts.user().map(|user| format!("{user}@")).unwrap_or_default();
            let text = format!("{}:{user}{}", parts.scheme_str(), parts.host());
            // What was taken from a URI is one again; if not, the whole of it is compared.
            text.parse().unwrap_or_else(|_| uri.clone())
        }
        Scheme::Tel | Scheme::Other => uri.clone(),
    }
}
