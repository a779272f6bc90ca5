//! What a call says of itself that somebody else asks for: whose it is, and by whom it was diverted. All of it is policy of
//! ours; the REFER's word goes no further than Referred-By (SEC-06, TR-262).

use dialog_core::IncomingRefer;
use sip_message::{HeaderId, HeaderName, NameAddrBuf, Privacy, UriBuf};

use crate::{CallerIdentity, DiversionHeader, ReferredByCopy, legs::Leg, policy::referred::ReferredPolicy};

/// The host of an address that names nobody (RFC 3323 §4.1.1.3).
const NOBODY: &str = "anonymous.invalid";

/// What the new calls of one transfer say.
#[derive(Debug, Default)]
pub(crate) struct Presentation {
    /// From, where it is not our own.
    pub(crate) from: Option<NameAddrBuf>,
    /// Who has diverted the call, for the header that the policy asks for.
    diverted: Option<(DiversionHeader, UriBuf)>,
    /// Referred-By, where we add it.
    pub(crate) referred_by: Option<NameAddrBuf>,
}

impl Presentation {
    pub(crate) fn new(refer: &IncomingRefer, leg: &Leg, policy: &ReferredPolicy) -> Self {
        // The address of record alone: no display name and no tag (EC-43).
        let record = leg.record.as_ref().map(|record| record.as_uri().without_headers_and_method());
        let referrer = record.filter(|record| !is_private(refer) && !is_nobody(record));
        let from = match &policy.identity {
            CallerIdentity::Own => None,
            CallerIdentity::Fixed(from) => Some(from.clone()),
            CallerIdentity::OnBehalfOfReferrer => referrer.clone().map(NameAddrBuf::from),
        };
        let said = refer.referred_by_text.is_some()
            || refer
                .headers
                .iter()
                .any(|(name, _)| HeaderName::of(name) == HeaderName::Known(HeaderId::ReferredBy));
        let referred_by = match policy.referred_by {
            ReferredByCopy::AddIfMissing if !said => referrer.clone().map(NameAddrBuf::from),
            ReferredByCopy::AddIfMissing | ReferredByCopy::AsAsked => None,
        };
        let diverted = match policy.diversion {
            DiversionHeader::None => None,
            header @ (DiversionHeader::Diversion | DiversionHeader::HistoryInfo) => {
                referrer.map(|referrer| (header, referrer))
            }
        };
        Self { from, diverted, referred_by }
    }

    /// The header that tells by whom the call was diverted, to the last of these targets.
    pub(crate) fn diversion<'a>(
        &self,
        targets: impl Iterator<Item = &'a UriBuf>,
    ) -> Option<(HeaderId, Box<str>)> {
        let (header, referrer) = self.diverted.as_ref()?;
        match header {
            DiversionHeader::None => None,
            DiversionHeader::Diversion => {
                Some((HeaderId::Diversion, format!("<{referrer}>;reason=unknown;counter=1").into()))
            }
            DiversionHeader::HistoryInfo => {
                // Each target is somebody else than the referrer (RFC 7044 §5, `mp`).
                let tried =
                    targets.zip(1..).map(|(target, at): (_, u32)| format!("<{target}>;index=1.{at};mp=1"));
                let history: Vec<String> =
                    [format!("<{referrer}>;index=1")].into_iter().chain(tried).collect();
                Some((HeaderId::HistoryInfo, history.join(", ").into()))
            }
        }
    }
}

/// Whether the sender of a REFER wants nothing to be told of itself (RFC 3323 §4.2); unreadable counts as that.
fn is_private(refer: &IncomingRefer) -> bool {
    refer.privacy.as_deref().is_some_and(|privacy| {
        Privacy::parse(privacy)
            .map_or(true, |privacy| privacy.words().any(|word| !word.eq_ignore_ascii_case("none")))
    })
}

fn is_nobody(record: &UriBuf) -> bool {
    record.as_uri().host().to_string().eq_ignore_ascii_case(NOBODY)
}
