//! Requests that repeat an INVITE's headers: CANCEL, and ACK for a final response that is no 2xx.

use bytes::Bytes;

use super::draft::{MAX_FORWARDS, check_request_uri};
use super::writer::Writer;
use crate::print::Digits;
use crate::{BuildError, HeaderId, Message, Method};

/// Builds the CANCEL of an INVITE that was sent, from its bytes (RFC 3261 §9.1).
///
/// Request-URI, From, To, Call-ID, Route and the number of `CSeq` are the INVITE's, the only Via is its
/// topmost. `reason` is the value of a Reason header (RFC 3326), such as `SIP;cause=200`.
pub fn cancel_for(invite: &Message, reason: Option<&str>) -> Result<Bytes, BuildError> {
    repeat(invite, Method::Cancel, invite.first(HeaderId::To), reason)
}

/// Builds the ACK for a final response from 300 to 699 (RFC 3261 §17.1.1.3).
///
/// As for CANCEL, but To is the response's, with its tag.
pub fn ack_for(invite: &Message, response: &Message) -> Result<Bytes, BuildError> {
    if !response.status().is_some_and(|code| code.is_final() && !code.is_success()) {
        return Err(BuildError::Source("an ACK of the transaction answers a response from 300 to 699"));
    }
    repeat(invite, Method::Ack, response.first(HeaderId::To), None)
}

fn repeat(
    invite: &Message,
    method: Method,
    to: Option<&str>,
    reason: Option<&str>,
) -> Result<Bytes, BuildError> {
    if invite.method() != Some(Method::Invite) {
        return Err(BuildError::Source("only an INVITE is cancelled and acknowledged"));
    }
    let uri = invite.request_uri().ok_or(BuildError::RequestUri)?;
    check_request_uri(uri)?;
    let via = invite.vias().next().ok_or(BuildError::Missing(HeaderId::Via))?;
    let from = invite.first(HeaderId::From).ok_or(BuildError::Missing(HeaderId::From))?;
    let to = to.ok_or(BuildError::Missing(HeaderId::To))?;
    let call_id = invite.call_id()?;
    let number = Digits::of(invite.cseq()?.number.into());
    let mut out = Writer::default();
    out.start([method.as_str().as_bytes(), b" ", uri.as_bytes(), b" SIP/2.0"])?;
    out.copy(HeaderId::Via, &[via.as_bytes()])?;
    out.copy(HeaderId::MaxForwards, &[MAX_FORWARDS.as_bytes()])?;
    for route in invite.all(HeaderId::Route) {
        out.copy(HeaderId::Route, &[route.as_bytes()])?;
    }
    out.copy(HeaderId::From, &[from.as_bytes()])?;
    out.copy(HeaderId::To, &[to.as_bytes()])?;
    out.copy(HeaderId::CallId, &[call_id.as_bytes()])?;
    out.copy(HeaderId::CSeq, &[number.as_bytes(), b" ", method.as_str().as_bytes()])?;
    reason.map_or(Ok(()), |reason| out.header(HeaderId::Reason, reason))?;
    out.finish(None)?;
    out.bytes()
}
