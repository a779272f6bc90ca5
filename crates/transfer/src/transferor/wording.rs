//! What may be written into a REFER of ours, and how it is placed (EC-40, EC-43, EC-49, EC-54; TR-061 to TR-063).

use dialog_core::ReferSubscription;
use sip_message::{HeaderId, HeaderName, NameAddrBuf, Scheme, UriBuf};

use crate::{
    ReferOptions, ReferPlacement, ReferredBy, TelTarget, TransferRefusal,
    boundary::options::REFER_HEADERS_MAX, headers::URI_HEADER_MAX, legs::Leg, target,
};

/// Headers that may be added to a REFER and to its Refer-To; besides them any whose name has no meaning here.
const ALLOWED: [HeaderId; 9] = [
    HeaderId::UserToUser,
    HeaderId::Subject,
    HeaderId::Reason,
    HeaderId::Diversion,
    HeaderId::HistoryInfo,
    HeaderId::Priority,
    HeaderId::CallInfo,
    HeaderId::AlertInfo,
    HeaderId::Organization,
];

/// Headers that say who we are, which belong to the REFER and not to somebody else's INVITE.
const ABOUT_US: [HeaderId; 3] =
    [HeaderId::PAssertedIdentity, HeaderId::PPreferredIdentity, HeaderId::Privacy];

/// The name in a URI that stands for a body (RFC 3261 §19.1.1).
const BODY: &str = "body";

impl Leg {
    /// Whether its party's Contact is a GRUU.
    fn is_gruu(&self) -> bool {
        self.contact.as_ref().is_some_and(|contact| contact.as_uri().param("gr").is_some())
    }

    /// Whether a REFER about this call goes in a dialog of its own (rule D2).
    pub(super) fn refers_outside(&self, options: &ReferOptions) -> bool {
        match options.placement {
            ReferPlacement::InDialog => false,
            ReferPlacement::OutOfDialog => true,
            ReferPlacement::Auto => {
                let subscribes = match options.subscription {
                    // A wish for none may be ignored (TR-063).
                    ReferSubscription::Implicit | ReferSubscription::Suppress => true,
                    ReferSubscription::None | ReferSubscription::Explicit => false,
                };
                subscribes && self.is_gruu() && self.peer.target_dialog
            }
        }
    }
}

impl ReferOptions {
    /// Why the headers cannot be added, whatever the call: their names, values or number.
    pub fn check_headers(&self) -> Result<(), TransferRefusal> {
        check_each(&self.headers, |id| ALLOWED.contains(&id) || ABOUT_US.contains(&id))?;
        check_each(&self.uri_headers, |id| ALLOWED.contains(&id))
    }

    /// Why a REFER cannot be sent so. `leg` is the call that it is about, if that is known now.
    pub(crate) fn check(&self, leg: Option<&Leg>) -> Result<(), TransferRefusal> {
        self.check_headers()?;
        // A REFER in a dialog and one to a GRUU reach one peer only (RFC 4488 §4, TR-074).
        let reaches_one = self.placement != ReferPlacement::OutOfDialog || leg.is_some_and(Leg::is_gruu);
        if self.subscription != ReferSubscription::Implicit && !reaches_one {
            return Err(TransferRefusal::MayFork);
        }
        Ok(())
    }

    /// The target as Refer-To names it, or why it cannot be. `leg` is the call to the party that is referred.
    pub(crate) fn written(&self, target: &UriBuf, leg: &Leg) -> Result<UriBuf, TransferRefusal> {
        let target = match (self.tel, target.as_uri().scheme()) {
            (TelTarget::AtPeer, Scheme::Tel) => {
                let domain = leg.record.as_ref().ok_or(TransferRefusal::NotEstablished)?;
                target::number_at(&target.as_uri(), &domain.as_uri().host())
                    .ok_or(TransferRefusal::TargetForm)?
            }
            (TelTarget::AsIs | TelTarget::AtPeer, _) => target.clone(),
        };
        if self.target_headers().next().is_some() && !target.as_uri().is_sip() {
            return Err(TransferRefusal::TelHeaders);
        }
        target.with_headers(self.target_headers()).map_err(|_| TransferRefusal::TargetForm)
    }

    /// The headers for the Refer-To URI.
    pub(super) fn target_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let data = self.user_to_user.iter().map(|data| (HeaderId::UserToUser.name(), data.as_str()));
        data.chain(self.uri_headers.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// The headers for the REFER itself, of somebody with this identity.
    pub(super) fn request_headers(&self, ours: Option<&NameAddrBuf>) -> Vec<(Box<str>, Box<str>)> {
        let diversion = ours
            .filter(|_| self.diversion)
            .map(|ours| (HeaderId::Diversion.name().into(), format!("<{}>;reason=unknown", ours.uri).into()));
        self.headers.iter().cloned().chain(diversion).collect()
    }

    /// Whether the REFER asks for privacy of who sends it (RFC 3323 §4.2, RFC 3325 §9.3).
    fn is_private(&self) -> bool {
        let is_privacy = |name: &str| name.eq_ignore_ascii_case(HeaderId::Privacy.name());
        let values = self.headers.iter().filter(|(name, _)| is_privacy(name)).map(|(_, value)| value);
        let mut wanted = values.flat_map(|value| value.split([';', ',']));
        wanted.any(|value| {
            ["id", "user", "header"].iter().any(|known| value.trim().eq_ignore_ascii_case(known))
        })
    }

    /// Referred-By for a REFER of somebody with this identity.
    pub(super) fn referred_by(&self, ours: Option<&NameAddrBuf>) -> Option<NameAddrBuf> {
        match &self.referred_by {
            // Who wants to stay unknown is not named by the stack (TR-140, RFC 3323 §4.2).
            ReferredBy::Ours | ReferredBy::Named if self.is_private() => None,
            // Some peers refuse a display name (EC-40).
            ReferredBy::Ours => ours.map(|ours| NameAddrBuf::new(ours.uri.clone())),
            ReferredBy::Named => ours.cloned(),
            ReferredBy::As(other) => Some(other.clone()),
            ReferredBy::Omitted => None,
        }
    }
}

/// An allow-list, because nobody may smuggle in what the stack writes or what steers the request; and nothing that could end
/// a line.
fn check_each(
    headers: &[(Box<str>, Box<str>)],
    allowed: impl Fn(HeaderId) -> bool,
) -> Result<(), TransferRefusal> {
    if headers.len() > REFER_HEADERS_MAX {
        return Err(TransferRefusal::TooManyHeaders);
    }
    for (name, value) in headers {
        let is_allowed = match HeaderName::of(name) {
            HeaderName::Known(id) => allowed(id),
            HeaderName::Unknown(name) => is_token(name) && !name.eq_ignore_ascii_case(BODY),
        };
        if !is_allowed {
            return Err(TransferRefusal::HeaderName);
        }
        if value.len() > URI_HEADER_MAX || value.chars().any(char::is_control) || value.trim().is_empty() {
            return Err(TransferRefusal::HeaderValue);
        }
    }
    Ok(())
}

/// RFC 3261 §25.1, `token`.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}
