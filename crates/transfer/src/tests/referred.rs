//! How a call that is asked of us is placed and reported, by policy.

use dialog_core::{
    By, EndCause, EndReason, IncomingRefer, LegEvent, LegId, SubscriptionEnd, SubscriptionEvent,
};
use sip_message::HeaderId;

use super::{
    rig::{Rig, code, uri},
    transferee::{allow, ask},
    two_calls::{BOB, Party, TwoCalls},
};
use crate::{
    CallerIdentity, Decision, DiversionHeader, ReferredByCopy, ReferredPolicy, ReportDetail, ReportHeader,
    TransferCommand, TransferPolicy,
};

const CAROL: &str = "sip:carol@example.com";

fn with(referred: ReferredPolicy) -> TransferPolicy {
    TransferPolicy { referred, ..allow() }
}

/// What is placed for a REFER, as text.
fn placed_for(policy: ReferredPolicy, change: impl Fn(&mut IncomingRefer)) -> String {
    let mut rig = Rig::new(with(policy));
    let leg = rig.call();
    let mut refer = Rig::refer(leg, CAROL);
    change(&mut refer);
    let begun = rig.asked(refer).1;
    let place = begun.split("; ").find(|line| line.starts_with("place ")).unwrap_or(&begun);
    place.to_owned()
}

fn failed(rig: &mut Rig, leg: LegId, status: u16) -> String {
    let cause = EndCause {
        by: By::Remote,
        reason: EndReason::Refused(code(status)),
        header: Some("Q.850;cause=17".into()),
        details: vec![
            (HeaderId::RetryAfter, "30".into()),
            (HeaderId::Warning, "399 pbx.internal \"busy\"".into()),
        ],
    };
    rig.leg(leg, LegEvent::Ended(cause))
}

#[test]
fn the_status_line_is_all_that_is_reported_unless_the_policy_says_otherwise() {
    // covers: TR-015, TR-094, SEC-16
    let all = vec![ReportHeader::Reason, ReportHeader::RetryAfter, ReportHeader::Warning];
    for (report, ringing, busy) in [
        (ReportDetail::default(), "[progress 180]; report 180", "report 486 last Noresource"),
        (ReportDetail::Minimal, "[progress 180]", "report 503 last Noresource"),
        (
            ReportDetail::WithHeaders(vec![ReportHeader::RetryAfter]),
            "[progress 180]; report 180",
            "report 486 last Noresource Retry-After: 30",
        ),
        (
            ReportDetail::WithHeaders(all),
            "[progress 180]; report 180",
            "report 486 last Noresource Reason: Q.850;cause=17 Retry-After: 30 Warning: 399 pbx.internal \"busy\"",
        ),
    ] {
        let mut rig = Rig::new(with(ReferredPolicy { report, ..ReferredPolicy::default() }));
        let old = rig.call();
        let (sub, _) = rig.asked(Rig::refer(old, CAROL));
        assert_eq!(rig.provisional(rig.placed(), 180), ringing);
        let new = rig.placed();
        assert_eq!(failed(&mut rig, new, 486), format!("disarm Ring; {busy}; arm Delivery 66s"));
        rig.sub(sub, SubscriptionEvent::Delivered);
        // Whatever is told to the referrer, the application knows.
        assert_eq!(rig.outcome(), "Recovered Local 486 Target kept=true");
    }
}

#[test]
fn the_contacts_of_a_redirection_are_never_reported() {
    // covers: TR-094
    let report = ReportDetail::WithHeaders(vec![ReportHeader::Reason]);
    let mut rig = Rig::new(with(ReferredPolicy { report, ..ReferredPolicy::default() }));
    let old = rig.call();
    rig.asked(Rig::refer(old, CAROL));
    let contacts = vec![uri("sip:secret@10.0.0.1")];
    let told = rig.ended(rig.placed(), By::Remote, EndReason::Redirected { status: code(302), contacts });
    assert_eq!(told, "disarm Ring; report 302 last Noresource; arm Delivery 66s");
}

#[test]
fn minimal_reports_know_success_and_refusal() {
    // covers: TR-015
    let minimal = || ReferredPolicy { report: ReportDetail::Minimal, ..ReferredPolicy::default() };
    let mut rig = Rig::new(with(minimal()));
    let old = rig.call();
    rig.asked(Rig::refer(old, CAROL));
    assert!(rig.up(rig.placed(), "203.0.113.77", true).contains("report 200 last Noresource"));
    let mut rig = Rig::new(TransferPolicy { referred: minimal(), ..ask() });
    let old = rig.call();
    rig.asked(Rig::refer(old, CAROL));
    let transfer = rig.transfer();
    let rejected = rig.command(TransferCommand::Decide { transfer, decision: Decision::Reject });
    assert!(rejected.contains("report 603 last Rejected"), "{rejected}");
}

#[test]
fn a_demand_for_a_referred_by_token_is_reported_as_it_came() {
    // covers: TR-144
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, CAROL));
    let told = rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(429)));
    assert_eq!(told, "disarm Ring; report 429 last Noresource; arm Delivery 66s");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 429 Target kept=true");
}

#[test]
fn success_can_be_reported_at_once_and_what_comes_of_it_is_told_here() {
    // covers: EC-30
    let at_once = || ReferredPolicy { report_at_once: true, ..ReferredPolicy::default() };
    let mut rig = Rig::new(with(at_once()));
    let old = rig.call();
    let (sub, begun) = rig.asked(Rig::refer(old, CAROL));
    assert!(begun.ends_with("arm Ring 94s; report 200 last Noresource"), "{begun}");
    let new = rig.placed();
    assert_eq!(rig.sub(sub, SubscriptionEvent::Delivered), "");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(rig.bye(old), "");
    assert_eq!(rig.provisional(new, 180), "[progress 180]");
    assert_eq!(
        rig.up(new, "203.0.113.77", true),
        format!(
            "disarm Ring; media {old} to {new}; [connected {new}]; [ended Succeeded Local 200 - kept=false]"
        )
    );
    assert_eq!(rig.transfers.ignored(), 0);
    rig.assert_nothing_left();

    // By decision, and it fails.
    let mut rig = Rig::new(TransferPolicy { referred: at_once(), ..ask() });
    let old = rig.call();
    rig.asked(Rig::refer(old, CAROL));
    let transfer = rig.transfer();
    let decided = rig.command(TransferCommand::Decide { transfer, decision: Decision::Accept });
    assert!(decided.ends_with("report 200 last Noresource"), "{decided}");
    let refused = rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(486)));
    assert_eq!(refused, "disarm Ring; [ended Recovered Local 486 Target kept=true]");
    rig.assert_nothing_left();
}

#[test]
fn a_transferor_that_has_hung_up_is_called_back_after_a_failure_where_that_is_wanted() {
    // covers: TR-181
    for recall_on_failure in [false, true] {
        let mut policy = with(ReferredPolicy { recall_on_failure, ..ReferredPolicy::default() });
        policy.per_call = 1;
        let mut rig = Rig::new(policy);
        let old = rig.call();
        let (sub, _) = rig.asked(Rig::refer(old, CAROL));
        let new = rig.placed();
        rig.bye(old);
        rig.ended(new, By::Remote, EndReason::Refused(code(486)));
        let ended = rig.sub(sub, SubscriptionEvent::Delivered);
        let called_back = "[recalling]; recall sip:peer@203.0.113.9 60s; ";
        let recall = if recall_on_failure { called_back } else { "" };
        assert_eq!(ended, format!("disarm Delivery; {recall}[ended Failed Local 486 Target kept=false]"));
        rig.assert_nothing_left();
        if recall_on_failure {
            let back = rig.placed();
            rig.up(back, "203.0.113.9", true);
            // It came of the first call, and nobody is sent round for ever.
            assert_eq!(rig.asked(Rig::refer(back, CAROL)).1, "refuse 603");
            rig.bye(back);
        }
        assert_eq!(rig.transfers.watched(), 0);
    }
}

#[test]
fn nobody_is_called_back_who_is_there_or_was_not_wanted_or_must_not_be_called() {
    let recall = || with(ReferredPolicy { recall_on_failure: true, ..ReferredPolicy::default() });
    let mut rig = Rig::new(recall());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, CAROL));
    rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(486)));
    assert!(!rig.sub(sub, SubscriptionEvent::Delivered).contains("recall"));
    let other = rig.call();
    rig.asked(Rig::refer(other, CAROL));
    let transfer = rig.transfer();
    let new = rig.placed();
    rig.bye(other);
    rig.cancel(transfer);
    assert!(!rig.ended(new, By::Local, EndReason::Cancelled).contains("recall"));

    let mut rig = Rig::new(recall());
    let mut policy = recall();
    policy.targets.own = vec!["203.0.113.9:5060".parse().expect("invariant: a literal of the test")];
    rig.transfers.set_policy(policy);
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, CAROL));
    let new = rig.placed();
    rig.bye(old);
    rig.ended(new, By::Remote, EndReason::Refused(code(486)));
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "disarm Delivery; [ended Failed Local 486 Target kept=false]"
    );
}

#[test]
fn a_missing_referred_by_is_added_from_the_call_where_that_is_wanted() {
    // covers: TR-142, EC-43
    let add = || ReferredPolicy { referred_by: ReferredByCopy::AddIfMissing, ..ReferredPolicy::default() };
    assert_eq!(placed_for(ReferredPolicy::default(), |_| {}), format!("place {CAROL} 60s"));
    // The address alone, without a tag or a display name.
    let added = format!("place {CAROL} 60s Referred-By: <sip:peer@example.com>");
    assert_eq!(placed_for(add(), |_| {}), added);
    let own = |refer: &mut IncomingRefer| refer.referred_by_text = Some("<sip:bob@example.com>;cid=1".into());
    assert_eq!(placed_for(add(), own), format!("place {CAROL} 60s Referred-By: <sip:bob@example.com>;cid=1"));
    let by_uri = |refer: &mut IncomingRefer| {
        refer.headers = vec![("b".into(), "<sip:bob@example.com>".into())];
    };
    assert_eq!(placed_for(add(), by_uri), format!("place {CAROL} 60s Referred-By: <sip:bob@example.com>"));
}

#[test]
fn who_asks_for_privacy_is_not_named_by_us() {
    // covers: SEC-16
    let telling = || ReferredPolicy {
        referred_by: ReferredByCopy::AddIfMissing,
        identity: CallerIdentity::OnBehalfOfReferrer,
        diversion: DiversionHeader::Diversion,
        ..ReferredPolicy::default()
    };
    for (privacy, private) in [
        (None, false),
        (Some("none"), false),
        (Some("id"), true),
        (Some("user;critical"), true),
        (Some("@"), true),
    ] {
        let placed = placed_for(telling(), |refer| refer.privacy = privacy.map(Into::into));
        assert_eq!(placed == format!("place {CAROL} 60s"), private, "{privacy:?}: {placed}");
        assert_eq!(placed.contains("peer@example.com"), !private, "{privacy:?}: {placed}");
    }
    // More privacy may be asked for, but not less than the account has.
    let wish = |value: &'static str| {
        move |refer: &mut IncomingRefer| refer.headers = vec![("Privacy".into(), value.into())]
    };
    assert_eq!(placed_for(ReferredPolicy::default(), wish("id")), format!("place {CAROL} 60s Privacy: id"));
    assert_eq!(placed_for(ReferredPolicy::default(), wish("none")), format!("place {CAROL} 60s"));
}

#[test]
fn the_new_call_is_ours_whatever_the_refer_says_of_itself() {
    // covers: SEC-06, SEC-18, TR-262
    let claims = |refer: &mut IncomingRefer| {
        refer.from = "\"The Boss\" <sip:boss@example.com>".parse().expect("invariant: a literal of the test");
        refer.referred_by_text = Some("<sip:boss@example.com>".into());
        refer.headers = [
            ("From", "<sip:boss@example.com>"),
            ("P-Asserted-Identity", "<sip:boss@example.com>"),
            ("P-Preferred-Identity", "<sip:boss@example.com>"),
            ("Remote-Party-ID", "<sip:boss@example.com>"),
            ("Identity", "eyJhbGciOiJFUzI1NiJ9..sig;info=<https://example.com/cert>"),
            ("Diversion", "<sip:boss@example.com>"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
    };
    // Not even by the list of extensions.
    let listed = ["From", "P-Asserted-Identity", "Identity", "Remote-Party-ID"].map(Into::into).to_vec();
    for extensions in [Vec::new(), listed] {
        let policy = ReferredPolicy { extensions, ..ReferredPolicy::default() };
        let mut placed = placed_for(policy, claims);
        placed = placed.replace(" Remote-Party-ID: <sip:boss@example.com>", "");
        assert_eq!(placed, format!("place {CAROL} 60s Referred-By: <sip:boss@example.com>"));
    }
}

#[test]
fn the_name_that_the_new_call_bears_is_policy() {
    // covers: EC-53
    let as_one = |identity| ReferredPolicy { identity, ..ReferredPolicy::default() };
    let switchboard = "\"Switchboard\" <sip:+4930100@example.com>";
    let fixed = CallerIdentity::Fixed(switchboard.parse().expect("invariant: a literal of the test"));
    assert_eq!(placed_for(as_one(fixed), |_| {}), format!("place {CAROL} 60s as {switchboard}"));
    assert_eq!(
        placed_for(as_one(CallerIdentity::OnBehalfOfReferrer), |_| {}),
        format!("place {CAROL} 60s as <sip:peer@example.com>")
    );
    assert_eq!(placed_for(as_one(CallerIdentity::Own), |_| {}), format!("place {CAROL} 60s"));
}

#[test]
fn on_behalf_of_nobody_is_a_call_of_our_own() {
    let nobody = Party { record: "sip:anonymous@Anonymous.invalid", ..BOB };
    let identity = CallerIdentity::OnBehalfOfReferrer;
    let mut calls = TwoCalls::one(with(ReferredPolicy { identity, ..ReferredPolicy::default() }), &nobody);
    let (_, begun) = calls.rig.asked(Rig::refer(calls.d1, CAROL));
    assert!(begun.contains(&format!("place {CAROL} 60s; arm Ring")), "{begun}");
}

#[test]
fn who_diverted_the_call_is_told_where_a_carrier_wants_it() {
    // covers: TR-264
    let by = |diversion| ReferredPolicy { diversion, ..ReferredPolicy::default() };
    assert_eq!(
        placed_for(by(DiversionHeader::Diversion), |_| {}),
        format!("place {CAROL} 60s Diversion: <sip:peer@example.com>;reason=unknown;counter=1")
    );
    let mut rig = Rig::new(with(by(DiversionHeader::HistoryInfo)));
    let old = rig.call();
    let begun = rig.asked(Rig::refer(old, CAROL)).1;
    let history = format!("History-Info: <sip:peer@example.com>;index=1, <{CAROL}>;index=1.1;mp=1");
    assert!(begun.contains(&format!("place {CAROL} 60s {history};")), "{begun}");
    let contacts = vec![uri("sip:carol@192.0.2.9")];
    let again = rig.ended(rig.placed(), By::Remote, EndReason::Redirected { status: code(302), contacts });
    assert!(again.contains(&format!("{history}, <sip:carol@192.0.2.9>;index=1.2;mp=1;")), "{again}");
}

#[test]
fn what_the_target_is_to_get_is_delivered_within_limits() {
    // covers: TR-263, EC-54
    let policy = || ReferredPolicy { extensions: vec!["X-Account".into()], ..ReferredPolicy::default() };
    let header = |name: &'static str, value: String| {
        move |refer: &mut IncomingRefer| refer.headers = vec![(name.into(), value.as_str().into())]
    };
    let uui = "04".repeat(128) + ";encoding=hex";
    assert_eq!(
        placed_for(policy(), header("User-to-User", uui.clone())),
        format!("place {CAROL} 60s User-to-User: {uui}")
    );
    assert_eq!(
        placed_for(policy(), header("x-account", "4711".into())),
        format!("place {CAROL} 60s X-Account: 4711")
    );
    // One that nobody has approved is dropped.
    assert_eq!(placed_for(policy(), header("X-Other", "1".into())), format!("place {CAROL} 60s"));
    let longest = "0".repeat(crate::URI_HEADER_MAX);
    for name in ["User-to-User", "X-Account"] {
        assert!(placed_for(policy(), header(name, longest.clone())).starts_with("place "));
        assert_eq!(placed_for(policy(), header(name, longest.clone() + "0")), "refuse 400");
        assert_eq!(placed_for(policy(), header(name, "a\r\nVia: b".into())), "refuse 400");
    }
}

#[test]
fn opaque_parameters_of_the_target_and_the_referrer_are_kept() {
    // covers: EC-56
    let target = format!("sip:carol@example.com;x-m=8:orgid:{};x-t=5f4c", "1b".repeat(60));
    let by = "<sip:bob@example.com;x-m=8:orgid:77;x-t=5f4c>;cid=\"1@h\"";
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let refer = IncomingRefer { referred_by_text: Some(by.into()), ..Rig::refer(old, &target) };
    let begun = rig.asked(refer).1;
    assert!(begun.contains(&format!("place {target} 60s Referred-By: {by};")), "{begun}");
}

#[test]
fn a_target_without_a_user_part_is_called_as_it_stands() {
    // covers: EC-38
    assert_eq!(
        placed_for(ReferredPolicy::default(), |refer| refer.target = uri("sip:example.com")),
        "place sip:example.com 60s"
    );
}
