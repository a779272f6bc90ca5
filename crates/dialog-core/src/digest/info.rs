//! What a 2xx of ours says to who has proved to have sent the request (RFC 7616 §3.5).

use sip_message::{DigestCredentials, Qop};
use sip_transport::{Guard, Random, Tick};

use super::{
    hash::{self, Subject, Terms},
    nonce::Nonce,
    policy::Authentication,
};

/// The value of Authentication-Info for credentials that were verified; `None` where there is nothing to say.
///
/// It proves that we know the password too, and brings the next nonce where this one is good for no other request, or has lived
/// for half of its time: so a client that goes on is not refused in between. With `auth-int` there is no such proof, because it
/// would have to cover a body that is not known yet.
pub(crate) fn of(
    policy: &Authentication,
    (guard, now): (&Guard, Tick),
    random: &mut dyn Random,
    credentials: &DigestCredentials<'_>,
) -> Option<String> {
    let qop = credentials.qop().map(Qop::of);
    let nonce = credentials.nonce();
    let aged = Nonce::read(&nonce, guard, policy.realm())
        .is_some_and(|nonce| nonce.is_expired(now, policy.nonce_lifetime / 2));
    let next = (qop.is_none() || aged).then(|| {
        let next = Nonce::new(now, random).text(guard, policy.realm());
        format!("nextnonce=\"{next}\"")
    });
    let mutual = match qop {
        Some(Some(Qop::Auth)) => mutual(policy, credentials),
        Some(Some(Qop::AuthInt) | None) | None => None,
    };
    let parts: Vec<String> = next.into_iter().chain(mutual).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Our proof: that of the request without its method.
fn mutual(policy: &Authentication, credentials: &DigestCredentials<'_>) -> Option<String> {
    let algorithm = credentials.algorithm()?;
    let (user, secret) = policy.user(&credentials.username(), credentials.userhash())?;
    let ha1 = secret.ha1(algorithm, user, policy.realm())?;
    let (nonce, uri, nc) = (credentials.nonce(), credentials.uri(), credentials.nc()?);
    let cnonce = credentials.cnonce()?;
    let terms = Terms { algorithm, nonce: &nonce, qop: Some(Qop::Auth), nc, cnonce: &cnonce };
    let proof = hash::response(&ha1, &terms, &Subject { method: "", uri: &uri, body: b"" });
    // As it was written, so that nothing has to be escaped.
    let written = credentials.params().value("cnonce")?;
    let quote = if written.starts_with('"') { "" } else { "\"" };
    Some(format!("qop=auth, rspauth=\"{proof}\", cnonce={quote}{written}{quote}, nc={nc:08x}"))
}
