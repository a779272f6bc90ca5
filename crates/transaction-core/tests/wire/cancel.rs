//! CANCEL in both directions, and what it races with.

use sip_message::{HeaderId, Method};
use transaction_core::{TxCommand, TxEvent, TxFailure};

use crate::bench::{Bench, OTHER, PEER, Sent, draft, hop, reliable, request, response};
use sip_transport::FlowEvent;

fn cancel(bench: &mut Bench, tx: transaction_core::TxId, reason: Option<&str>) {
    bench.command(TxCommand::Cancel { tx, reason: reason.map(Into::into) });
}

fn cancels(bench: &Bench) -> Vec<Sent> {
    bench.sent.iter().filter(|sent| sent.is(Method::Cancel)).cloned().collect()
}

#[test]
fn the_cancel_waits_for_a_provisional_response() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite).header(HeaderId::Route, "<sip:192.0.2.20;lr>"), [hop(PEER)]);
    let invite = bench.last();
    cancel(&mut bench, tx, Some("SIP;cause=200"));
    bench.advance_ms(600);
    assert_eq!(cancels(&bench).len(), 0, "the INVITE may not have arrived");
    assert_eq!(bench.times(Method::Invite), [0, 500], "and is repeated meanwhile");
    bench.answer(&invite, 100);
    let [cancel] = &cancels(&bench)[..] else { panic!("one CANCEL") };
    assert_eq!(cancel.at, 600);
    assert_eq!(cancel.outbound.hop, invite.outbound.hop);
    assert_eq!(cancel.message.request_uri(), invite.message.request_uri());
    assert_eq!(cancel.message.vias().collect::<Vec<_>>(), invite.message.vias().collect::<Vec<_>>());
    assert_eq!(cancel.message.first(HeaderId::To), invite.message.first(HeaderId::To));
    assert_eq!(cancel.message.first(HeaderId::CSeq), Some("1 CANCEL"));
    assert_eq!(cancel.message.first(HeaderId::Route), Some("<sip:192.0.2.20;lr>"));
    assert_eq!(cancel.message.first(HeaderId::Reason), Some("SIP;cause=200"));
}

#[test]
fn an_invite_that_waits_for_its_connection_is_taken_back_and_needs_no_cancel() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [reliable(PEER), reliable(OTHER)]);
    let invite = bench.last();
    cancel(&mut bench, tx, None);
    cancel(&mut bench, tx, None);
    assert_eq!(bench.withdrawn, std::slice::from_ref(&invite.outbound), "once");
    let branch = invite.message.top_via().expect("Via").branch().expect("branch").into();
    let (flow, remote) = (invite.outbound.hop.flow, invite.outbound.hop.remote);
    bench.receive(FlowEvent::Unreachable { flow, remote, branch: Some(branch) });
    assert_eq!(bench.failures(), [(0, tx, TxFailure::Flow)], "no other hop is tried");
    bench.exhaust();
    assert_eq!(bench.sent.len(), 1);
    bench.assert_idle();
}

#[test]
fn a_datagram_and_what_was_answered_are_not_taken_back() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    cancel(&mut bench, tx, None);
    let tx = bench.request(draft(Method::Invite), [reliable(PEER)]);
    let invite = bench.last();
    bench.arrive_reliably(PEER, response(&invite.message, 180, "peer"));
    cancel(&mut bench, tx, None);
    assert_eq!(bench.withdrawn, []);
    assert_eq!(cancels(&bench).len(), 1);
}

#[test]
fn a_cancelled_call_ends_with_487() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    cancel(&mut bench, tx, None);
    cancel(&mut bench, tx, None);
    let [sent] = &cancels(&bench)[..] else { panic!("one CANCEL") };
    bench.answer(sent, 200);
    bench.answer(&invite, 487);
    assert!(bench.last().is(Method::Ack));
    assert_eq!(bench.responses(tx), [(0, 180), (0, 487)], "the response to the CANCEL is not reported");
    bench.exhaust();
    assert_eq!(cancels(&bench).len(), 1, "an answered CANCEL is not repeated");
    assert_eq!(bench.failures(), []);
    bench.assert_idle();
}

#[test]
fn the_cancel_is_repeated_until_it_is_answered() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    bench.answer(&bench.last(), 180);
    cancel(&mut bench, tx, None);
    bench.advance_ms(2_000);
    let sent = cancels(&bench);
    assert_eq!(sent.iter().map(|sent| sent.at).collect::<Vec<_>>(), [0, 500, 1_500]);
    assert!(sent.iter().all(|copy| copy.outbound == sent[0].outbound));
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_a_2xx() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    cancel(&mut bench, tx, None);
    bench.answer(&invite, 200);
    let sent = cancels(&bench);
    bench.answer(&sent[0], 481);
    assert_eq!(bench.responses(tx), [(0, 180), (0, 200)]);
    bench.exhaust();
    assert_eq!(bench.failures(), []);
    bench.assert_idle();
}

#[test]
fn a_481_to_the_cancel_affects_nothing_else() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    cancel(&mut bench, tx, None);
    bench.answer(&cancels(&bench)[0], 481);
    assert_eq!((bench.responses(tx), bench.failures()), (vec![(0, 180)], vec![]));
    bench.advance_ms(1_000);
    bench.answer(&invite, 200);
    assert_eq!(bench.responses(tx), [(0, 180), (1_000, 200)]);
}

#[test]
fn an_invite_that_is_never_answered_fails_64_t1_after_its_cancel() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    bench.answer(&bench.last(), 180);
    bench.advance_ms(10_000);
    cancel(&mut bench, tx, None);
    bench.answer(&cancels(&bench)[0], 200);
    bench.exhaust();
    assert_eq!(bench.failures(), [(42_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn a_cancel_after_the_final_response_is_not_sent() {
    let mut bench = Bench::new();
    let accepted = bench.request(draft(Method::Invite), [hop(PEER)]);
    bench.answer(&bench.last(), 200);
    let refused = bench.request(draft(Method::Invite), [hop(PEER)]);
    bench.answer(&bench.last(), 603);
    cancel(&mut bench, accepted, None);
    cancel(&mut bench, refused, None);
    bench.exhaust();
    cancel(&mut bench, accepted, None);
    assert_eq!(cancels(&bench).len(), 0);
    assert_eq!(bench.transactions.counters().stale_commands, 1);
}

#[test]
fn a_final_response_before_any_provisional_makes_the_cancel_needless() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    cancel(&mut bench, tx, None);
    bench.answer(&invite, 486);
    bench.exhaust();
    assert_eq!(cancels(&bench).len(), 0);
    assert_eq!(bench.responses(tx), [(0, 486)]);
    bench.assert_idle();
}

#[test]
fn an_unusable_reason_is_left_out_rather_than_letting_it_ring() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    bench.answer(&bench.last(), 180);
    cancel(&mut bench, tx, Some("SIP;cause=200\r\nEvil: yes"));
    let [sent] = &cancels(&bench)[..] else { panic!("one CANCEL") };
    assert!(!sent.message.has(HeaderId::Reason));
    assert_eq!(bench.transactions.counters().reasons_dropped, 1);
}

fn cancel_of(invite: &str) -> String {
    invite.replace("INVITE", "CANCEL")
}

#[test]
fn a_cancel_is_answered_and_told_once_and_the_invite_ends_with_487() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, invite.clone());
    let tx = bench.requested();
    bench.respond(tx, 180);
    let text = cancel_of(&invite).replacen("Content-Length", "Reason: SIP;cause=200\r\nContent-Length", 1);
    bench.arrive(PEER, text.clone());
    assert_eq!(bench.last().message.first(HeaderId::CSeq), Some("1 CANCEL"));
    assert_eq!(bench.last().status(), Some(200));
    assert_eq!(bench.last().message.to_tag(), Some("ours"), "the tag of the INVITE's own response");
    bench.arrive(PEER, text);
    let told: Vec<_> = bench
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            TxEvent::Cancelled { tx, reason } => Some((*tx, reason.as_deref().map(str::to_owned))),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(tx, Some("SIP;cause=200".to_owned()))]);
    bench.respond(tx, 487);
    assert_eq!(bench.statuses().iter().map(|(_, status)| *status).collect::<Vec<_>>(), [180, 200, 200, 487]);
}

#[test]
fn a_cancel_after_the_final_response_is_answered_and_changes_nothing() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, invite.clone());
    bench.respond(bench.requested(), 200);
    bench.arrive(PEER, cancel_of(&invite));
    assert_eq!(bench.last().status(), Some(200));
    assert_eq!(bench.last().message.first(HeaderId::CSeq), Some("1 CANCEL"));
    assert_eq!(bench.last().message.to_tag(), Some("ours"), "the tag of the INVITE's own response");
    assert!(!bench.events.iter().any(|(_, event)| matches!(event, TxEvent::Cancelled { .. })));
}

#[test]
fn a_cancel_of_nothing_or_from_elsewhere_gets_481() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, cancel_of(&invite));
    assert_eq!(bench.last().status(), Some(481));
    assert!(bench.last().message.to_tag().is_some());
    bench.arrive(PEER, invite.clone());
    let foreign = cancel_of(&invite).replace("UDP 192.0.2.20:5060", "UDP 192.0.2.30:5060");
    bench.arrive(OTHER, foreign);
    assert_eq!(bench.last().status(), Some(481), "another sent-by is another transaction");
    assert_eq!(bench.transactions.counters().stray_cancels, 2);
    assert!(!bench.events.iter().any(|(_, event)| matches!(event, TxEvent::Cancelled { .. })));
}

#[test]
fn a_cancel_of_another_method_is_answered_and_changes_nothing() {
    let mut bench = Bench::new();
    let refer = request("REFER", "z9hG4bKin");
    bench.arrive(PEER, refer.clone());
    let tx = bench.requested();
    bench.arrive(PEER, refer.replace("REFER", "CANCEL"));
    assert_eq!(bench.last().status(), Some(200));
    bench.respond(tx, 202);
    assert_eq!(bench.last().status(), Some(202));
    assert!(!bench.events.iter().any(|(_, event)| matches!(event, TxEvent::Cancelled { .. })));
}

#[test]
fn a_2xx_and_a_cancel_that_cross_leave_one_answer_each() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, invite.clone());
    let tx = bench.requested();
    bench.arrive(PEER, cancel_of(&invite));
    bench.respond(tx, 200);
    bench.respond(tx, 487);
    assert_eq!(bench.statuses().iter().map(|(_, status)| *status).collect::<Vec<_>>(), [200, 200]);
    assert_eq!(bench.transactions.counters().stale_commands, 1);
}

#[test]
fn a_cancel_before_any_response_is_taken_too() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, invite.clone());
    let tx = bench.requested();
    bench.arrive(PEER, cancel_of(&invite));
    assert_eq!(bench.statuses(), [(0, 200)]);
    assert!(matches!(bench.events.last(), Some((_, TxEvent::Cancelled { tx: of, .. })) if *of == tx));
    bench.respond(tx, 487);
    bench.arrive(PEER, invite.replace("INVITE", "ACK"));
    bench.exhaust();
    assert_eq!(bench.statuses(), [(0, 200), (0, 487)]);
    bench.assert_idle();
}

#[test]
fn a_cancel_that_crosses_our_487_is_answered_and_told_to_nobody() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, invite.clone());
    bench.respond(bench.requested(), 487);
    bench.arrive(PEER, cancel_of(&invite));
    assert_eq!((bench.last().status(), bench.last().message.to_tag()), (Some(200), Some("ours")));
    bench.arrive(PEER, invite.replace("INVITE", "ACK"));
    bench.arrive(PEER, cancel_of(&invite));
    assert_eq!((bench.last().status(), bench.last().message.to_tag()), (Some(200), Some("ours")));
    assert!(!bench.events.iter().any(|(_, event)| matches!(event, TxEvent::Cancelled { .. })));
    assert_eq!(bench.transactions.counters().stray_cancels, 0);
}

#[test]
fn a_refusal_that_crosses_our_cancel_ends_the_call_and_the_cancels_answer_nothing() {
    for (refusal, answer) in [(486, 481), (487, 200)] {
        let mut bench = Bench::new();
        let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
        let invite = bench.last();
        bench.answer(&invite, 180);
        cancel(&mut bench, tx, None);
        let sent = cancels(&bench);
        bench.answer(&invite, refusal);
        assert!(bench.last().is(Method::Ack));
        bench.answer(&sent[0], answer);
        bench.exhaust();
        assert_eq!(bench.responses(tx), [(0, 180), (0, refusal)]);
        assert_eq!((bench.failures(), cancels(&bench).len()), (vec![], 1));
        bench.assert_idle();
    }
}
