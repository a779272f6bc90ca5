//! A call of ours is replaced, as the neighbours see it.

use dialog_core::{By, EndReason, IncomingCall, LegEvent, LegId, NotifiedState, Peer, Replacing};
use sip_message::NameAddrBuf;

use super::rig::{Rig, code, uri};
use crate::{Hold, Replacement, ReplacementEnd, ReplacesAuthorizer, TransferOutput, TransferPolicy};

/// A call that is to replace another, referred by its other party.
fn call(old: LegId) -> IncomingCall {
    IncomingCall {
        request_uri: uri("sip:us@192.0.2.1"),
        from: NameAddrBuf::new(uri("sip:carol@example.com")),
        to: NameAddrBuf::new(uri("sip:us@example.com")),
        source: ([192, 0, 2, 30], 5060).into(),
        local: ([192, 0, 2, 1], 5060).into(),
        has_offer: true,
        replaces: None,
        replacing: Some(Replacing {
            leg: old,
            early: false,
            remote: NameAddrBuf::new(uri("sip:peer@example.com")),
            remote_target: uri("sip:peer@203.0.113.9"),
            source: Some(([203, 0, 113, 9], 5060).into()),
            verified_name: None,
            verified_user: None,
        }),
        verified_name: None,
        verified_user: None,
        referred_by: Some(NameAddrBuf::new(uri("sip:peer@example.com"))),
        registration: None,
        peer: Peer::default(),
    }
}

impl Rig {
    /// Lets a call come in that is to replace another.
    fn replacing(&mut self, call: IncomingCall) -> (LegId, String) {
        let new = self.mint();
        (new, self.leg(new, LegEvent::Incoming(Box::new(call))))
    }

    /// A call that took the place of another one, up to its 2xx.
    fn replaced(&mut self) -> (LegId, LegId) {
        let old = self.call();
        let (new, asked) = self.replacing(call(old));
        assert_eq!(asked, format!("answer {new} for {old}"));
        let up = self.up(new, "192.0.2.30", false);
        assert_eq!(up, format!("media {old} to {new}; hangup {old}"));
        (old, new)
    }

    fn replacements(&self) -> Vec<Replacement> {
        let told = self.outputs.iter().filter_map(|output| match output {
            TransferOutput::Replacement(told) => Some((**told).clone()),
            _ => None,
        });
        told.collect()
    }
}

fn with(replaces: ReplacesAuthorizer) -> Rig {
    Rig::new(TransferPolicy { replaces, ..TransferPolicy::default() })
}

#[test]
fn the_new_call_is_answered_the_media_moved_and_then_the_old_one_ended() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (old, new) = rig.replaced();
    assert_eq!(rig.leg(old, LegEvent::Closing), "");
    assert_eq!(rig.ended(old, By::Local, EndReason::Bye), "");
    assert!(rig.replacements().is_empty(), "told with the ACK");
    assert!(!rig.transfers.is_empty(), "it is under way until then");
    assert_eq!(rig.leg(new, LegEvent::Acknowledged), format!("[replaced {old} by {new}]"));
    assert_eq!(rig.leg(new, LegEvent::Acknowledged), "");
    assert_eq!(rig.bye(new), "", "a call like any other");
    rig.assert_nothing_left();
}

#[test]
fn the_event_says_who_asked_and_on_whose_word() {
    // covers: SEC-13
    let mut rig = Rig::new(TransferPolicy::default());
    let (old, new) = rig.replaced();
    rig.leg(new, LegEvent::Acknowledged);
    let told = rig.replacements();
    let expected = Replacement {
        old,
        new,
        from: NameAddrBuf::new(uri("sip:carol@example.com")),
        source: ([192, 0, 2, 30], 5060).into(),
        referred_by: Some(NameAddrBuf::new(uri("sip:peer@example.com"))),
        verified: false,
        end: ReplacementEnd::Replaced,
    };
    assert_eq!(told, [expected]);
    let text = format!("{told:?}");
    for id in ["call-leg", "ours", "theirs"] {
        assert!(!text.contains(id), "an id of the dialog in {text}");
    }
    let stranger = IncomingCall { referred_by: None, ..call(new) };
    rig.replacing(stranger);
    let refused = rig.replacements().pop().expect("told");
    assert_eq!((refused.old, refused.referred_by), (new, None));
    assert_eq!(refused.end, ReplacementEnd::Refused(code(403)));
}

#[test]
fn who_may_not_is_refused_with_403_and_the_call_is_not_touched() {
    // covers: TR-112, SEC-10
    for (authorizer, referred) in [
        (ReplacesAuthorizer::ReferredBy, false),
        (ReplacesAuthorizer::Trusted, true),
        (ReplacesAuthorizer::Deny, true),
    ] {
        let mut rig = with(authorizer);
        let old = rig.call();
        let mut stranger = call(old);
        stranger.referred_by = stranger.referred_by.filter(|_| referred);
        let (new, refused) = rig.replacing(stranger);
        assert_eq!(refused, format!("reject {new} 403; [refused {new} for {old} 403]"), "{authorizer:?}");
        assert_eq!(rig.ended(new, By::Local, EndReason::Refused(code(403))), "");
        rig.assert_nothing_left();
    }
}

#[test]
fn a_refusal_can_be_made_to_look_as_if_there_were_no_call() {
    // covers: SEC-11
    let policy = TransferPolicy { conceal: true, ..TransferPolicy::default() };
    let mut rig = Rig::new(policy);
    let old = rig.call();
    let (new, refused) = rig.replacing(IncomingCall { referred_by: None, ..call(old) });
    assert_eq!(refused, format!("reject {new} 481; [refused {new} for {old} 481]"));
}

#[test]
fn an_offer_that_cannot_be_answered_leaves_the_old_call_alone() {
    for (reason, status) in [
        (EndReason::NotAcceptable, 488),
        (EndReason::Refused(code(503)), 503),
        (EndReason::Cancelled, 487),
        (EndReason::Unreachable, 503),
    ] {
        let mut rig = Rig::new(TransferPolicy::default());
        let old = rig.call();
        let (new, _) = rig.replacing(call(old));
        let told = rig.ended(new, By::Remote, reason);
        assert_eq!(told, format!("[refused {new} for {old} {status}]"));
        assert_eq!(rig.bye(old), "", "it lived on");
        rig.assert_nothing_left();
        // And the next one may try.
        let old = rig.call();
        assert!(rig.replacing(call(old)).1.starts_with("answer"));
    }
}

#[test]
fn an_old_call_that_ends_meanwhile_is_not_replaced() {
    // covers: TR-107
    for ending in [true, false] {
        let mut rig = Rig::new(TransferPolicy::default());
        let old = rig.call();
        let (new, _) = rig.replacing(call(old));
        let declined = if ending { rig.leg(old, LegEvent::Closing) } else { rig.bye(old) };
        assert_eq!(declined, format!("reject {new} 603; [refused {new} for {old} 603]"));
        assert_eq!(rig.ended(new, By::Local, EndReason::Refused(code(603))), "");
        rig.assert_nothing_left();
    }
}

#[test]
fn of_two_calls_that_want_one_place_the_second_does_not_get_it_once_the_old_call_is_over() {
    // covers: TR-107
    let mut rig = Rig::new(TransferPolicy::default());
    let old = rig.call();
    let (first, _) = rig.replacing(call(old));
    let (second, _) = rig.replacing(call(old));
    rig.ended(first, By::Remote, EndReason::Cancelled);
    assert_eq!(rig.bye(old), format!("reject {second} 603; [refused {second} for {old} 603]"));
    rig.ended(second, By::Local, EndReason::Refused(code(603)));
    rig.assert_nothing_left();
}

#[test]
fn without_an_ack_the_event_says_so_and_the_old_call_is_gone() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (old, new) = rig.replaced();
    rig.ended(old, By::Local, EndReason::Bye);
    assert_eq!(rig.leg(new, LegEvent::Closing), "");
    assert_eq!(rig.ended(new, By::Network, EndReason::NoAck), format!("[unacknowledged {new} for {old}]"));
    rig.assert_nothing_left();
}

#[test]
fn a_bye_of_either_side_that_crosses_is_the_usual_end() {
    // covers: EC-67
    let mut rig = Rig::new(TransferPolicy::default());
    let (old, new) = rig.replaced();
    assert_eq!(rig.bye(old), "");
    assert_eq!(rig.bye(new), format!("[replaced {old} by {new}]"), "it was up, however shortly");
    rig.assert_nothing_left();
}

#[test]
fn the_reason_of_the_bye_can_be_left_out() {
    // covers: TR-127
    for wanted in [true, false] {
        let mut rig = Rig::new(TransferPolicy { replaced_reason: wanted, ..TransferPolicy::default() });
        rig.replaced();
        let reason = rig.outputs.iter().find_map(|output| match output {
            TransferOutput::Dialog(dialog_core::DialogCommand::Leg(
                _,
                dialog_core::LegCommand::HangUp { reason },
            )) => Some(reason.clone()),
            _ => None,
        });
        let text = "SIP;cause=200;text=\"Call completed elsewhere\"";
        assert_eq!(reason.expect("hung up").as_deref(), wanted.then_some(text));
    }
}

#[test]
fn a_call_that_is_being_moved_may_be_replaced_and_its_transfer_has_its_outcome() {
    let mut rig = Rig::new(TransferPolicy::default());
    let old = rig.call();
    rig.blind(old, Hold::No);
    let subscription = rig.subscription();
    rig.accepted(subscription, 202);
    let (new, _) = rig.replacing(call(old));
    rig.up(new, "192.0.2.30", false);
    rig.leg(old, LegEvent::Closing);
    rig.ended(old, By::Local, EndReason::Bye);
    rig.leg(new, LegEvent::Acknowledged);
    rig.notified(subscription, NotifiedState::Terminated, Some(200));
    while rig.expire_next().is_some() {}
    assert_eq!(rig.ended.len(), 1, "{:?}", rig.ended);
    rig.assert_nothing_left();
}

#[test]
fn the_limit_of_transfers_goes_over_to_the_new_call() {
    let policy =
        TransferPolicy { refer: crate::ReferPolicy::Allow, per_call: 1, ..TransferPolicy::default() };
    let mut rig = Rig::new(policy);
    let old = rig.call();
    let (subscription, _) = rig.asked(Rig::refer(old, "sip:dave@198.51.100.9"));
    let placed = rig.placed();
    rig.ended(placed, By::Remote, EndReason::Refused(code(486)));
    rig.sub(subscription, dialog_core::SubscriptionEvent::Delivered);
    let (new, _) = rig.replacing(call(old));
    rig.up(new, "192.0.2.30", false);
    let (_, again) = rig.asked(Rig::refer(new, "sip:dave@198.51.100.9"));
    assert_eq!(again, "refuse 603");
}

#[test]
fn a_call_whose_caller_was_referred_to_us_counts_as_one_transfer() {
    // covers: TR-205
    let policy =
        TransferPolicy { refer: crate::ReferPolicy::Allow, per_call: 1, ..TransferPolicy::default() };
    let referrer = "<sip:dave@example.com>".parse().expect("invariant: a literal of the test");
    for (referred_by, answer) in [(None, "accept"), (Some(referrer), "refuse 603")] {
        let mut rig = Rig::new(policy.clone());
        let old = rig.call();
        let (leg, _) = rig.replacing(IncomingCall { replacing: None, referred_by, ..call(old) });
        rig.up(leg, "192.0.2.30", false);
        let (_, said) = rig.asked(Rig::refer(leg, "sip:dave@198.51.100.9"));
        assert!(said.starts_with(answer), "{said}");
    }
}

#[test]
fn the_table_of_replacements_has_a_limit() {
    let mut rig = Rig::new(TransferPolicy { legs: 2, ..TransferPolicy::default() });
    let olds: Vec<LegId> = (0..3).map(|_| rig.call()).collect();
    let (first, _) = rig.replacing(call(olds[0]));
    assert!(rig.replacing(call(olds[1])).1.starts_with("answer"), "at the limit");
    let (beyond, refused) = rig.replacing(call(olds[2]));
    assert_eq!(refused, format!("reject {beyond} 503; [refused {beyond} for {} 503]", olds[2]));
    assert_eq!(rig.transfers.replacements(), 2);
    rig.ended(first, By::Remote, EndReason::Cancelled);
    assert!(rig.replacing(call(olds[2])).1.starts_with("answer"));
}

#[test]
fn an_ordinary_call_is_none_of_its_business() {
    let mut rig = Rig::new(TransferPolicy::default());
    let old = rig.call();
    let (_, said) = rig.replacing(IncomingCall { replacing: None, ..call(old) });
    assert_eq!(said, "");
    rig.assert_nothing_left();
}
