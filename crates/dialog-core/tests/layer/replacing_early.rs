//! INVITE with Replaces for a call that is not up yet: our own may be replaced, theirs not.

use dialog_core::{EndReason, LegCommand, LegId};
use sip_message::{HeaderId, Method};

use crate::{
    bench::{Bench, OFFER, Sent, remote, uri},
    replacing::{accept, call, refused, replacing, told},
    theirs::Theirs,
};

/// A call of ours that was sent.
fn calling(bench: &mut Bench) -> (LegId, Sent) {
    let leg = bench.place();
    (leg, bench.last_of(Method::Invite))
}

fn rings(bench: &mut Bench, invite: &Sent, tag: &str) {
    bench.reply(invite, 180, tag, |response| response);
}

/// A call that is to replace a fork of a call of ours.
fn replacing_fork(invite: &Sent, tag: &str) -> Theirs {
    let message = &invite.message;
    replacing(message.call_id().expect("a Call-ID"), message.from_tag().expect("a tag"), tag)
}

#[test]
fn a_ringing_call_of_ours_is_replaced_and_cancelled() {
    // covers: TR-110, EC-69
    let mut bench = Bench::new();
    let (old, invite) = calling(&mut bench);
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "fork")), 481, "nobody has answered yet");
    rings(&mut bench, &invite, "fork");
    let (_, new) = bench.incoming(replacing_fork(&invite, "fork"));
    let found = told(&bench, new).replacing.expect("a match");
    assert_eq!((found.leg, found.early, found.source), (old, true, Some(remote())));
    assert_eq!(
        (found.remote.uri, found.remote_target),
        (uri("sip:bob@example.com"), uri("sip:bob@example.com"))
    );
    bench.order.clear();
    accept(&mut bench, new);
    bench.leg(old, LegCommand::HangUp { reason: None });
    let at = |word: &str| bench.order.iter().position(|it| it == word).expect("sent");
    assert!(at("200") < at("CANCEL"), "{:?}", bench.order);
    assert_eq!(bench.cancelled[0].0, invite.tx, "the branch of the old INVITE");
    bench.ack(&bench.last_answer(), None);
    bench.reply(&invite, 487, "fork", |response| response);
    assert_eq!(bench.ended(old).expect("ended").reason, EndReason::Cancelled);
    assert!(bench.ended(new).is_none());
}

#[test]
fn a_2xx_that_crosses_the_cancel_of_the_replaced_call_is_acknowledged_and_ended() {
    // covers: TR-110
    let mut bench = Bench::new();
    let (old, invite) = calling(&mut bench);
    rings(&mut bench, &invite, "fork");
    let (_, new) = bench.incoming(replacing_fork(&invite, "fork"));
    accept(&mut bench, new);
    bench.leg(old, LegCommand::HangUp { reason: Some("SIP;cause=200".into()) });
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "fork")), 603, "it is being cancelled");
    bench.order.clear();
    bench.pick_up(&invite, "fork");
    let wire: Vec<&String> = bench.order.iter().filter(|it| *it == "ACK" || *it == "BYE").collect();
    assert_eq!(wire, ["ACK", "BYE"]);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert!(bench.ended(old).is_some() && bench.ended(new).is_none());
}

#[test]
fn early_only_replaces_an_early_call() {
    // covers: TR-184
    let mut bench = Bench::new();
    let (old, invite) = calling(&mut bench);
    rings(&mut bench, &invite, "fork");
    let message = &invite.message;
    let (call_id, tag) = (message.call_id().expect("an id"), message.from_tag().expect("a tag"));
    let value = format!("{call_id};to-tag={tag};from-tag=fork;early-only");
    let (_, new) = bench.incoming(call().header(HeaderId::Replaces, &value));
    assert_eq!(told(&bench, new).replacing.expect("a match").leg, old);
}

#[test]
fn a_ringing_call_of_theirs_is_481_and_rings_on() {
    // covers: TR-111, EC-73
    let mut bench = Bench::new();
    let (_, ringing) =
        bench.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER));
    bench.leg(ringing, LegCommand::Ring);
    let tag = bench.last_answer().to_tag().expect("a tag").to_owned();
    let before = format!("{:?} {:?}", bench.dialogs, bench.timers);
    assert_eq!(refused(&mut bench, replacing("their-call", &tag, "peer-tag")), 481);
    assert_eq!(format!("{:?} {:?}", bench.dialogs, bench.timers), before);
    accept(&mut bench, ringing);
    assert_eq!(bench.last_status(), 200, "it could still be answered");
}

#[test]
fn each_fork_can_be_named_up_to_the_limit() {
    let mut bench = Bench::new();
    let (old, invite) = calling(&mut bench);
    for fork in 0..17 {
        rings(&mut bench, &invite, &format!("fork-{fork}"));
    }
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "fork-16")), 481, "one beyond");
    for fork in [0, 15] {
        let request = replacing_fork(&invite, &format!("fork-{fork}"));
        let (_, new) = bench.incoming(Theirs { call_id: format!("new-{fork}"), ..request });
        assert_eq!(told(&bench, new).replacing.expect("a match").leg, old);
        bench.leg(new, LegCommand::Reject { status: crate::bench::code(403), retry_after: None });
    }
}

#[test]
fn a_fork_that_is_over_is_not_replaced() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    rings(&mut bench, &invite, "fork");
    rings(&mut bench, &invite, "other");
    bench.reply(&invite, 100, "hop", |response| response);
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "hop")), 481, "100 makes no dialog");
    bench.reply(&invite, 199, "fork", |response| response);
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "fork")), 481);
    // The other fork answers: it is the dialog now, and the only one.
    rings(&mut bench, &invite, "late");
    bench.route_at_once = false;
    bench.pick_up(&invite, "other");
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "late")), 481);
    let (_, new) = bench.incoming(replacing_fork(&invite, "other"));
    assert!(!told(&bench, new).replacing.expect("a match").early, "confirmed before its ACK has left");
}

#[test]
fn several_forks_that_match_count_as_none() {
    // covers: TR-105
    let mut bench = Bench::new();
    let (old, invite) = calling(&mut bench);
    bench.reply_without_tag(&invite, 180);
    let (_, new) = bench.incoming(replacing_fork(&invite, "0"));
    assert_eq!(told(&bench, new).replacing.expect("one without a tag").leg, old);
    bench.leg(new, LegCommand::Reject { status: crate::bench::code(403), retry_after: None });
    rings(&mut bench, &invite, "0");
    assert_eq!(refused(&mut bench, replacing_fork(&invite, "0")), 481, "and one whose tag is 0");
    assert!(bench.ended(old).is_none());
}
