//! The choice of the hop, and the request as it goes there.

use bytes::Bytes;
use sip_message::{Draft, Via};
use sip_transport::{Cx, Hop, Hops, Purpose, Token};

use crate::boundary::TxFailure;

/// Takes the first hop that the request may use off the list, and encodes the request for it.
///
/// A hop for large requests only is passed over if the request on the hop behind it is not large (RFC 3261 §18.1.1). The two
/// are siblings: the same element by a stream and by UDP. Without a hop behind it, it is used for any request.
pub(super) fn encode(
    cx: &Cx<'_>,
    branch: u64,
    hops: &mut Hops,
    draft: &Draft,
) -> Result<(Hop, Bytes), TxFailure> {
    if hops.is_empty() {
        return Err(TxFailure::Flow);
    }
    let hop = hops.remove(0);
    let branch = cx.guard.token(Purpose::Branch, branch);
    if let (Some(above), Some(sibling)) = (hop.above, hops.first().copied()) {
        let wire = encode_for(&branch, &sibling, draft)?;
        if wire.len() <= usize::from(above) {
            hops.remove(0);
            return Ok((sibling, wire));
        }
    }
    Ok((hop, encode_for(&branch, &hop, draft)?))
}

fn encode_for(branch: &Token, hop: &Hop, draft: &Draft) -> Result<Bytes, TxFailure> {
    let user = draft.contact_user_wanted();
    let mut values = String::with_capacity(USUAL_VALUES + user.flatten().map_or(0, str::len));
    hop.push_via(&mut values, &[Via::MAGIC_COOKIE, branch.as_str()]);
    let via = values.len();
    if let Some(user) = user {
        hop.push_contact(&mut values, user, is_sips(draft.uri()));
    }
    let (via, contact) = values.split_at(via);
    draft.encode(via, user.map(|_| contact)).map_err(|_| TxFailure::Unencodable)
}

/// Room for a Via of ours and a Contact, both with an IPv4 address, beside its user part.
const USUAL_VALUES: usize = 192;

fn is_sips(uri: &str) -> bool {
    uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
}
