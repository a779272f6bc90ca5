//! Our Contact in a dialog.

use std::sync::Arc;

use sip_message::{Draft, Scheme, UriBuf};
use sip_transport::Inbound;

/// What our Contact holds besides the address that the hop gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OurContact {
    /// The user part.
    pub(crate) user: Option<Arc<str>>,
    /// The account's GRUU, which stands in place of it all (RFC 5627 §4.4, TR-065).
    pub(crate) gruu: Option<UriBuf>,
    /// Whether requests are to come by the flow that the dialog began on (`ob`, RFC 5626 §4.3).
    pub(crate) outbound: bool,
}

impl OurContact {
    /// An address on the hop with that user part.
    pub(crate) fn of_user(user: Option<Arc<str>>) -> Self {
        Self { user, ..Self::default() }
    }

    /// Has a request of ours carry it.
    pub(crate) fn on_request(&self, draft: Draft) -> Draft {
        match &self.gruu {
            Some(gruu) => draft.contact_uri(gruu.as_str()),
            None if self.outbound => draft.contact_user(self.user.as_deref()).contact_params(";ob", ""),
            None => draft.contact_user(self.user.as_deref()),
        }
    }

    /// The value for a response: our address on the hop that it takes; a `sips` URI where the request's own URI, or what
    /// leads back to its sender, is one (RFC 3261 §12.1.1).
    pub(crate) fn on_response(&self, inbound: &Inbound) -> String {
        if let Some(gruu) = &self.gruu {
            return format!("<{gruu}>");
        }
        on_hop(inbound, self.user.as_deref())
    }
}

/// An address of ours for a response, on the hop that it takes; `sips` where that of the request or its sender is.
pub(crate) fn on_hop(inbound: &Inbound, user: Option<&str>) -> String {
    let message = &inbound.message;
    let own = message.request_target().map(|uri| uri.scheme());
    let route = message.record_routes().ok().and_then(|routes| Some(routes.first()?.uri.scheme()));
    let back = route.or_else(|| Some(message.contact().ok()??.uri.scheme()));
    let secure = own == Ok(Scheme::Sips) || back == Some(Scheme::Sips);
    inbound.reply.contact(user, secure)
}
