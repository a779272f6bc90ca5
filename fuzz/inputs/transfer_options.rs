//! Policies and options of transfers, drawn from some bytes.

use std::time::Duration;

use transfer::{
    AttendedOptions, AttendedPolicy, CallerIdentity, DiversionHeader, Fallback, Hold, HoldPolicy, Rate,
    ReferOptions, ReferPlacement, ReferPolicy, ReferSubscription, ReferTarget, ReferredBy, ReferredByCopy,
    ReferredPolicy, ReportDetail, ReportHeader, SemiAttendedPolicy, TelTarget, TransferHandling,
    TransferPolicy, UserToUser, WithoutReplaces,
};

use super::op::Refer;

pub(crate) fn refer_policy(number: u8) -> ReferPolicy {
    match number % 3 {
        0 => ReferPolicy::Deny,
        1 => ReferPolicy::Allow,
        _ => ReferPolicy::Ask,
    }
}

pub(crate) fn hold_of(number: u8) -> Hold {
    [Hold::First, Hold::Already, Hold::Done, Hold::No][usize::from(number % 4)]
}

pub(crate) fn options_of(bits: u8) -> AttendedOptions {
    AttendedOptions {
        refer_to: [None, Some(ReferTarget::Contact), Some(ReferTarget::AddressOfRecord)]
            [usize::from(bits >> 2) % 3],
        protect_target: bits & 1 != 0,
        force: bits & 2 != 0,
        fallback: [None, Some(Fallback::None), Some(Fallback::Bridge)][usize::from(bits >> 5) % 3],
    }
}

fn named(headers: Vec<(&str, &str)>) -> Vec<(Box<str>, Box<str>)> {
    headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

pub(crate) fn refer_of(refer: Refer<'_>) -> ReferOptions {
    let by = || "\"Us\" <sip:us@example.com>".parse().expect("an address");
    ReferOptions {
        placement: [ReferPlacement::Auto, ReferPlacement::InDialog, ReferPlacement::OutOfDialog]
            [usize::from(refer.placement) % 3],
        subscription: [
            ReferSubscription::Implicit,
            ReferSubscription::Suppress,
            ReferSubscription::None,
            ReferSubscription::Explicit,
        ][usize::from(refer.subscription) % 4],
        referred_by: match refer.referred_by % 4 {
            0 => ReferredBy::Ours,
            1 => ReferredBy::Named,
            2 => ReferredBy::As(by()),
            _ => ReferredBy::Omitted,
        },
        headers: named(refer.headers),
        uri_headers: named(refer.uri_headers),
        user_to_user: refer.user_to_user.and_then(|value| UserToUser::parse(value).ok()),
        diversion: refer.diversion,
        tel: if refer.tel_at_peer { TelTarget::AtPeer } else { TelTarget::AsIs },
        fallback: [None, Some(Fallback::None), Some(Fallback::Bridge)][usize::from(refer.placement >> 4) % 3],
    }
}

fn referred_of(bits: u8, who: u8) -> ReferredPolicy {
    ReferredPolicy {
        report: match bits % 3 {
            0 => ReportDetail::Minimal,
            1 => ReportDetail::StatusLine,
            _ => ReportDetail::WithHeaders(vec![ReportHeader::Reason, ReportHeader::Warning]),
        },
        report_at_once: bits & 32 != 0,
        recall_on_failure: bits & 64 != 0,
        diversion: [DiversionHeader::None, DiversionHeader::Diversion, DiversionHeader::HistoryInfo]
            [usize::from(bits >> 6) % 3],
        extensions: vec!["X-A".into()],
        referred_by: if who & 1 == 0 { ReferredByCopy::AsAsked } else { ReferredByCopy::AddIfMissing },
        identity: match who >> 1 & 3 {
            0 | 1 => CallerIdentity::Own,
            2 => CallerIdentity::Fixed("<sip:desk@example.com>".parse().expect("an address")),
            _ => CallerIdentity::OnBehalfOfReferrer,
        },
        rate: (who & 8 != 0).then(|| Rate { count: u32::from(who >> 4), per: Duration::from_secs(30) }),
        ..ReferredPolicy::default()
    }
}

pub(crate) fn policy_of(refer: u8, bits: u8, who: u8, limit: usize) -> TransferPolicy {
    let semi =
        [SemiAttendedPolicy::WaitForAnswer, SemiAttendedPolicy::CancelThenBlind, SemiAttendedPolicy::Refuse];
    TransferPolicy {
        refer: refer_policy(refer),
        handling: if refer & 128 == 0 { TransferHandling::Automatic } else { TransferHandling::Manual },
        fallback: if refer & 64 == 0 { Fallback::None } else { Fallback::Bridge },
        hold_failure: if bits & 1 == 0 { HoldPolicy::GoOn } else { HoldPolicy::Fail },
        attended: AttendedPolicy {
            retry: bits & 2 == 0,
            hold_consultation: bits & 4 == 0,
            reverse_roles: bits & 8 != 0,
            without_replaces: if bits & 16 == 0 { WithoutReplaces::Refuse } else { WithoutReplaces::Blind },
            semi_attended: semi[usize::from(bits >> 5) % 3],
            ..AttendedPolicy::default()
        },
        referred: referred_of(bits, who),
        transfers: limit,
        ..TransferPolicy::default()
    }
}
