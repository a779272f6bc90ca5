//! How a call is placed and reported that somebody else asks for: [`ReferredPolicy`].

use std::{net::IpAddr, time::Duration};

use dialog_core::EndCause;
use sip_message::{HeaderId, NameAddrBuf, StatusCode};

use crate::{network::Network, target::TargetPolicy};

/// How much the referrer is told of the call that it asked for (RFC 3515 §2.4.5, §5.3; TR-015).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReportDetail {
    /// 100, and in the end 200, 603 if it was declined, or 503: what RFC 3515 §2.4.5 calls minimal.
    Minimal,
    /// The status line of each response, the reason taken from the table. The default.
    #[default]
    StatusLine,
    /// Besides, these headers of the final response, where it has them (TR-094).
    WithHeaders(Vec<ReportHeader>),
}

/// A header that may be reported. Others say where the target is and by which way it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportHeader {
    /// Reason (RFC 3326).
    Reason,
    /// Retry-After (RFC 3261 §20.33).
    RetryAfter,
    /// Warning (RFC 3261 §20.43); names the host that warns.
    Warning,
}

impl ReportHeader {
    const fn id(self) -> HeaderId {
        match self {
            Self::Reason => HeaderId::Reason,
            Self::RetryAfter => HeaderId::RetryAfter,
            Self::Warning => HeaderId::Warning,
        }
    }
}

impl ReportDetail {
    /// The status of a report; `None` if it is not told.
    pub(crate) fn status(&self, status: StatusCode, last: bool) -> Option<StatusCode> {
        match (self, status) {
            (Self::StatusLine | Self::WithHeaders(_), status) => Some(status),
            (Self::Minimal, _) if !last => None,
            (Self::Minimal, StatusCode::OK | StatusCode::DECLINE) => Some(status),
            (Self::Minimal, _) => Some(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// The headers that are reported of the end of a call.
    pub(crate) fn headers(&self, cause: &EndCause) -> Vec<(HeaderId, Box<str>)> {
        let Self::WithHeaders(allowed) = self else { return Vec::new() };
        let reason = cause.header.iter().map(|value| (HeaderId::Reason, value.clone()));
        let told = reason.chain(cause.details.iter().cloned());
        told.filter(|(id, _)| allowed.iter().any(|header| header.id() == *id)).collect()
    }
}

/// What a call that somebody else asks for says of who asked, where the REFER has no Referred-By (RFC 3892).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferredByCopy {
    /// Nothing. The default.
    #[default]
    AsAsked,
    /// The address of record that the other party has in the call in which it asks (TR-142), unless it asks for privacy.
    AddIfMissing,
}

/// Whose name a call bears that somebody else asks for (SEC-06, UW-05). Never what the REFER says: identities that were
/// asserted or signed elsewhere are not copied (TR-262).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CallerIdentity {
    /// Ours, as for every call of the account. The default, and the only one that we can vouch for.
    #[default]
    Own,
    /// This one, for all of them.
    Fixed(NameAddrBuf),
    /// The address of record that the other party has in the call in which it asks, unless it asks for privacy. For trunks
    /// that screen what they are sent: that address was never verified here.
    OnBehalfOfReferrer,
}

/// Whether a call that somebody else asks for says by header from whom it was diverted (TR-264), for carriers that want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiversionHeader {
    /// It does not. The default.
    #[default]
    None,
    /// By Diversion (RFC 5806), with the reason `unknown`: there is no word for a transfer.
    Diversion,
    /// By History-Info (RFC 7044 §5): the referrer, then the targets that were tried for it.
    HistoryInfo,
}

/// At most so many transfers in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time, from the first of them on.
    pub per: Duration,
}

/// What the peers of a network may have called (SEC-02).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Whose REFER.
    pub who: Network,
    /// Which targets.
    pub targets: TargetPolicy,
}

/// How a call is placed and reported that somebody else asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferredPolicy {
    /// How much the referrer is told.
    pub report: ReportDetail,
    /// Whether success is reported as soon as the REFER is followed, for peers that keep the line busy until then (EC-30).
    /// What becomes of the call is not reported any more. No.
    pub report_at_once: bool,
    /// What is said of who asked, where the REFER says nothing.
    pub referred_by: ReferredByCopy,
    /// Whose name the call bears.
    pub identity: CallerIdentity,
    /// Whether it says from whom it was diverted.
    pub diversion: DiversionHeader,
    /// Extension headers that are taken from the Refer-To URI (`X-Account`; EC-54). A header that the stack knows is never
    /// taken by this list. None.
    pub extensions: Vec<Box<str>>,
    /// `RecallOnFailure` (TR-181): whether the referrer is called back if the call fails after it has hung up. No.
    pub recall_on_failure: bool,
    /// Rights of their own for some referrers; the first network that holds the sender's address counts. Everybody else has
    /// [`TransferPolicy::targets`](crate::TransferPolicy::targets).
    pub rights: Vec<Rights>,
    /// How many transfers one identity may ask for: a user who has proved to be that, or else an address (SEC-02). 60 in a
    /// minute; `None` does not count.
    pub rate: Option<Rate>,
}

impl Default for ReferredPolicy {
    fn default() -> Self {
        Self {
            report: ReportDetail::default(),
            report_at_once: false,
            referred_by: ReferredByCopy::default(),
            identity: CallerIdentity::default(),
            diversion: DiversionHeader::default(),
            extensions: Vec::new(),
            recall_on_failure: false,
            rights: Vec::new(),
            rate: Some(Rate { count: 60, per: Duration::from_mins(1) }),
        }
    }
}

impl ReferredPolicy {
    /// The targets of one referrer, where it has rights of its own.
    pub(crate) fn targets_of(&self, referrer: IpAddr) -> Option<&TargetPolicy> {
        self.rights.iter().find(|rights| rights.who.contains(referrer)).map(|rights| &rights.targets)
    }
}
