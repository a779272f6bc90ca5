//! The refusals of table 2.3: which REFER is followed at all. Every status here leaves the dialog alone (TR-265, D10).

use std::net::IpAddr;

use dialog_core::{DialogIdentity, IncomingRefer, LegId};
use sip_message::{HeaderId, Method, Replaces, Scheme, StatusCode, UriBuf};

use super::{joining::Joining, presentation::Presentation};
use crate::{
    ReferPolicy, TransferHandling, TransferPolicy,
    headers::{self, InviteHeaders},
    legs::{Legs, Stage},
    transfers::address,
};

/// How much is going on; counted by the layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Transfers of both roles.
    pub(crate) transfers: usize,
    /// Transfers asked of us that await a decision.
    pub(crate) pending: usize,
    /// Transfers asked of us by the same address.
    pub(crate) of_peer: usize,
    /// Whether who asks has asked for as many of late as it may.
    pub(crate) rated: bool,
    /// Whether a transfer of ours moves the call that the REFER came in.
    pub(crate) moving: bool,
}

/// A REFER that is followed.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The call that the REFER is about: the one it came in, or that its Target-Dialog names.
    pub(crate) leg: LegId,
    /// Whether the application decides.
    pub(crate) ask: bool,
    /// Whether the application answers the REFER and reports.
    pub(crate) manual: bool,
    pub(crate) target: UriBuf,
    /// What is bridged instead of the target being called.
    pub(crate) joining: Option<Joining>,
    pub(crate) headers: InviteHeaders,
    pub(crate) presentation: Presentation,
    /// Where the referrer is called back, if it is to be.
    pub(crate) recall: Option<UriBuf>,
}

/// Follows a REFER or says with which status it is refused.
///
/// Who may not ask learns nothing about what would be permitted, so the order is: who, whether at all, form, what is
/// going on, target.
pub(crate) fn admit(
    refer: &IncomingRefer,
    legs: &Legs,
    load: Load,
    policy: &TransferPolicy,
) -> Result<Admitted, StatusCode> {
    // A REFER in an early dialog comes from a stranger (TR-249), as does one in a call that is not known, or about none.
    let known = refer.leg.and_then(|id| Some((id, legs.get(id)?)));
    let Some((id, leg)) = known.filter(|(_, leg)| leg.stage != Stage::Early) else {
        return Err(StatusCode::FORBIDDEN);
    };
    // SEC-01. Call-ID and tags of a call are no secret, so that both count: who the call is with, and where this request
    // came from.
    let is_referrer = |source: IpAddr| {
        policy.referrers.is_empty() || policy.referrers.iter().any(|network| network.contains(source))
    };
    if !leg.source.is_some_and(is_referrer) || !is_referrer(address(refer.source)) {
        return Err(StatusCode::FORBIDDEN);
    }
    let manual = leg.handling.unwrap_or(policy.handling) == TransferHandling::Manual;
    // SEC-08: reports to an address that the sender only claims to have would go to somebody else.
    if !refer.in_dialog
        && !is_proved(refer)
        && refer.reports_to.map(|host| host.to_canonical()) != Some(address(refer.source))
    {
        return Err(StatusCode::FORBIDDEN);
    }
    let ask = match leg.refer.unwrap_or(policy.refer) {
        ReferPolicy::Deny => return Err(StatusCode::DECLINE),
        ReferPolicy::Allow => manual,
        ReferPolicy::Ask => true,
    };
    // Our user is hanging up.
    if leg.stage == Stage::Closing {
        return Err(StatusCode::DECLINE);
    }
    check_method(refer.method.as_deref())?;
    match refer.target.as_uri().scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => {}
        Scheme::Other => return Err(StatusCode::BAD_REQUEST),
    }
    let mut headers = headers::for_invite(refer, &policy.referred.extensions)?;
    if load.moving {
        // Each side asks the other to move: whoever asks again later may be heard.
        return Err(StatusCode::REQUEST_PENDING);
    }
    // TR-250, TR-205.
    if leg.moved_by.is_some() || leg.referred >= policy.per_call {
        return Err(StatusCode::DECLINE);
    }
    // SEC-07.
    if load.transfers >= policy.transfers
        || load.of_peer >= policy.per_peer
        || load.rated
        || ask && load.pending >= policy.pending
        || legs.is_full(policy.legs)
    {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let joining = match &refer.replaces {
        Some(replaces) => Joining::of(replaces, id, legs, policy)?,
        None => None,
    };
    // With the rights of who asks, not ours (SEC-02). Where two calls are joined nobody is called.
    let targets = policy.targets_of(address(refer.source));
    let target = match joining {
        Some(_) => refer.target.clone(),
        None => targets.check(&refer.target.as_uri()).map_err(crate::TargetRefusal::status)?,
    };
    let presentation = Presentation::new(refer, leg, &policy.referred);
    if let Some(referred_by) = &presentation.referred_by {
        headers.known.push((HeaderId::ReferredBy, referred_by.to_string().into()));
    }
    // Its Contact is its own word, so that it is looked at like any other target.
    let recall = leg.contact.as_ref().filter(|_| policy.referred.recall_on_failure);
    let recall = recall.and_then(|contact| targets.check(&contact.as_uri()).ok());
    Ok(Admitted { leg: id, ask, manual, target, joining, headers, presentation, recall })
}

/// Whether the sender of a REFER has proved who it is, to us or to the transport.
const fn is_proved(refer: &IncomingRefer) -> bool {
    refer.verified_user.is_some() || refer.verified_name.is_some()
}

/// Only INVITE is sent on somebody else's word; taken in any case of letters (TR-136).
fn check_method(method: Option<&str>) -> Result<(), StatusCode> {
    match method {
        None => Ok(()),
        Some(method) if method.eq_ignore_ascii_case(Method::Invite.as_str()) => Ok(()),
        Some(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// Whether a Replaces names a dialog, from either side.
pub(super) fn names(replaces: &Replaces, dialog: &DialogIdentity) -> bool {
    let tags = (replaces.to_tag(), replaces.from_tag());
    replaces.call_id() == &*dialog.call_id
        && (tags == (&*dialog.local_tag, &*dialog.remote_tag)
            || tags == (&*dialog.remote_tag, &*dialog.local_tag))
}

/// Whether the transport has verified that a REFER comes from the host that its Referred-By names. Tokens (RFC 3892 §3) are
/// not read, so that nothing else verifies it.
pub(super) fn is_verified(refer: &IncomingRefer) -> bool {
    match (&refer.verified_name, &refer.referred_by) {
        (Some(name), Some(who)) => who.uri.as_uri().host().to_string().eq_ignore_ascii_case(name),
        (None, Some(_) | None) | (Some(_), None) => false,
    }
}
