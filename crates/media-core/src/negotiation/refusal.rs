//! The answer of somebody who wants nothing of what is offered (RFC 3264 §6).

use std::net::IpAddr;

use super::{LocalMedia, Negotiation, describe::Slot};
use crate::{
    direction::Direction,
    sdp::{SdpError, SessionDescription},
};

/// The port and the session id of a description in which there is no stream.
const NONE: (u16, u64) = (0, 0);

/// Makes the answer to an offer in which every stream is refused with port 0, from one of our addresses. For who has to answer,
/// and keeps no session: a call whose 2xx holds an offer and that is not wanted any more.
///
/// Errors: those of [`SessionDescription::parse`].
pub fn refusal(offer: &[u8], address: IpAddr) -> Result<Vec<u8>, SdpError> {
    let offer = SessionDescription::parse(offer)?;
    let (port, session_id) = NONE;
    let mut nobody = Negotiation::new(LocalMedia::new(address, port, session_id));
    let lines = offer.media().map(|media| Slot::rejecting(&media)).collect();
    Ok(nobody.describe_answer(lines, None, None, Direction::Inactive))
}
