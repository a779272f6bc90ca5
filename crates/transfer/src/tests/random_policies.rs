//! Policies at random.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    AttendedPolicy, ByeOwner, CallerIdentity, DiversionHeader, Fallback, HoldPolicy, Rate, ReferPolicy,
    ReferredByCopy, ReferredPolicy, ReportDetail, ReportHeader, SemiAttendedPolicy, TransferHandling,
    TransferPolicy, WithoutReplaces,
};

pub(super) fn fallback() -> impl Strategy<Value = Fallback> {
    prop::sample::select(vec![Fallback::None, Fallback::Bridge])
}

pub(super) fn attended() -> impl Strategy<Value = AttendedPolicy> {
    let semi = prop::sample::select(vec![
        SemiAttendedPolicy::WaitForAnswer,
        SemiAttendedPolicy::CancelThenBlind,
        SemiAttendedPolicy::Refuse,
    ]);
    let without = prop::sample::select(vec![WithoutReplaces::Refuse, WithoutReplaces::Blind]);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>());
    (semi, without, switches).prop_map(
        |(semi_attended, without_replaces, (retry, hold_consultation, reverse_roles))| AttendedPolicy {
            retry,
            hold_consultation,
            semi_attended,
            without_replaces,
            reverse_roles,
            ..AttendedPolicy::default()
        },
    )
}

pub(super) fn policy() -> impl Strategy<Value = TransferPolicy> {
    let refer = prop::sample::select(vec![ReferPolicy::Allow, ReferPolicy::Ask]);
    let hold = prop::sample::select(vec![HoldPolicy::GoOn, HoldPolicy::Fail]);
    let bye = prop::sample::select(vec![ByeOwner::Transferor, ByeOwner::Peer]);
    let wait = prop::sample::select(vec![0u64, 5, 90]);
    let handling = prop::sample::select(vec![TransferHandling::Automatic, TransferHandling::Manual]);
    (refer, hold, (handling, fallback()), 1usize..6, attended(), (bye, wait, any::<bool>()), referred())
        .prop_map(
            |(
                refer,
                hold_failure,
                (handling, fallback),
                transfers,
                attended,
                (bye, wait, unsubscribe),
                referred,
            )| {
                let wait = Duration::from_secs(wait);
                TransferPolicy {
                    refer,
                    handling,
                    fallback,
                    referred,
                    hold_failure,
                    attended,
                    transfers,
                    bye,
                    bye_delay: wait,
                    bye_wait: wait,
                    unsubscribe,
                    ..TransferPolicy::default()
                }
            },
        )
}

pub(super) fn referred() -> impl Strategy<Value = ReferredPolicy> {
    let report = prop::sample::select(vec![
        ReportDetail::Minimal,
        ReportDetail::StatusLine,
        ReportDetail::WithHeaders(vec![ReportHeader::Reason]),
    ]);
    let identity = prop::sample::select(vec![CallerIdentity::Own, CallerIdentity::OnBehalfOfReferrer]);
    let diversion = prop::sample::select(vec![
        DiversionHeader::None,
        DiversionHeader::Diversion,
        DiversionHeader::HistoryInfo,
    ]);
    let by = prop::sample::select(vec![ReferredByCopy::AsAsked, ReferredByCopy::AddIfMissing]);
    let rate = prop::option::of((1u32..4).prop_map(|count| Rate { count, per: Duration::from_secs(30) }));
    (report, any::<bool>(), by, identity, diversion, any::<bool>(), rate).prop_map(
        |(report, report_at_once, referred_by, identity, diversion, recall_on_failure, rate)| {
            ReferredPolicy {
                report,
                report_at_once,
                referred_by,
                identity,
                diversion,
                recall_on_failure,
                rate,
                ..ReferredPolicy::default()
            }
        },
    )
}
