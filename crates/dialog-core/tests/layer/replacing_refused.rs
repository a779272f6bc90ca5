//! A refused Replaces leaves the matched dialog as it was (invariant 7 of the catalogue's §2.7).

use std::time::Duration;

use dialog_core::{DialogEvent, LegCommand, LegEvent};
use proptest::prelude::*;
use sip_message::{HeaderId, Method};
use transaction_core::TxEvent;

use crate::{
    bench::{Bench, code},
    replacing::call,
    theirs::Theirs,
};

/// Brings a call into one of its states.
fn old_call(bench: &mut Bench, state: u8) -> (String, String, String) {
    let ids = |bench: &Bench, leg| {
        let dialog = bench.established(leg).dialog;
        (dialog.call_id.to_string(), dialog.local_tag.to_string(), dialog.remote_tag.to_string())
    };
    match state {
        0 => {
            let leg = bench.placed();
            ids(bench, leg)
        }
        1 => {
            let leg = bench.placed();
            bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
            ids(bench, leg)
        }
        2 => {
            let leg = bench.answered_call();
            bench.leg(leg, LegCommand::HangUp { reason: None });
            ids(bench, leg)
        }
        3 => {
            let (_, leg) = bench.incoming(Theirs { call_id: "ringing".into(), ..call() });
            bench.leg(leg, LegCommand::Ring);
            let tag = bench.last_answer().to_tag().expect("a tag").to_owned();
            ("ringing".into(), tag, "carol".into())
        }
        _ => {
            bench.place();
            let invite = bench.last_of(Method::Invite);
            bench.reply(&invite, 180, "fork", |response| response);
            let message = &invite.message;
            let (call_id, tag) = (message.call_id().expect("an id"), message.from_tag().expect("a tag"));
            (call_id.into(), tag.into(), "fork".into())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 7 of the catalogue: whatever is refused, by this layer or above, leaves every dialog as it was.
    #[test]
    fn a_refused_replacement_leaves_the_call_as_it_was(
        state in 0u8..5,
        spoiled in 0u8..8,
        early_only in any::<bool>(),
        status in prop_oneof![Just(403u16), Just(481), Just(488), Just(503), Just(603)],
        cancelled in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        let (mut call_id, mut to_tag, mut from_tag) = old_call(&mut bench, state);
        match spoiled {
            0 => call_id.push('x'),
            1 => std::mem::swap(&mut to_tag, &mut from_tag),
            2 => from_tag = "0".into(),
            3 => to_tag = "0".into(),
            _ => {}
        }
        let flag = if early_only { ";early-only" } else { "" };
        let value = format!("{call_id};to-tag={to_tag};from-tag={from_tag}{flag}");
        let picture = |bench: &Bench| {
            let text = format!("{:?} {:?}", bench.dialogs, bench.timers);
            // Who was refused last is not part of the state: see `Dialog::replaced_by`.
            let (before, after) = text.split_once("replaced_by: Some").unwrap_or((&text, ""));
            let after = after.split_once("))").map_or(after, |(_, after)| after);
            if after.is_empty() { text.clone() } else { format!("{before}replaced_by: None{after}") }
        };
        let before = picture(&bench);
        let (events, sent) = (bench.events.len(), bench.order.len());
        let tx = bench.request(call().header(HeaderId::Replaces, &value));
        if bench.events.len() > events {
            let new = bench.events[events..].iter().find_map(|event| match event {
                DialogEvent::Leg(leg, LegEvent::Incoming(_)) => Some(*leg),
                _ => None,
            });
            let new = new.expect("a call came in");
            if cancelled {
                bench.receive(TxEvent::Cancelled { tx, reason: None });
            } else {
                bench.leg(new, LegCommand::Reject { status: code(status), retry_after: None });
            }
        } else {
            prop_assert_eq!(bench.order.len(), sent + 1, "one answer and nothing else");
        }
        prop_assert!(bench.last_status() >= 400);
        prop_assert_eq!(picture(&bench), before);
    }
}
