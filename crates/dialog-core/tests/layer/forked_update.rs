//! UPDATEs of ours in early dialogs whose fork is lost, or whose INVITE goes again (RFC 3311 §5.3).

use std::time::Duration;

use dialog_core::{EndReason, Invite, LegCommand, LegEvent, LegId, ReofferError};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::bench::{ANSWER, Bench, Sent, invite};

const SDP: &str = "application/sdp";
const LIMIT: Duration = Duration::from_mins(1);

/// A fork that answers the offer reliably.
fn fork(bench: &mut Bench, sent: &Sent, tag: &str) {
    bench.reply(sent, 183, tag, |response| {
        response
            .header(HeaderId::Require, "100rel")
            .header(HeaderId::RSeq, 1)
            .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE")
            .contact(&format!("<sip:{tag}@192.0.2.20>"))
            .body(SDP, ANSWER)
    });
    if let Some(prack) = bench.sent.iter().rev().find(|it| it.message.method() == Some(Method::Prack)) {
        bench.ok(&prack.clone());
    }
}

fn wish(bench: &mut Bench, leg: LegId) {
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
}

fn settled(bench: &Bench, leg: LegId) -> Vec<Result<(), ReofferError>> {
    let events = bench.leg_events(leg).into_iter();
    let results = events.filter_map(|event| match event {
        LegEvent::Reoffered(result) => Some(result),
        _ => None,
    });
    results.collect()
}

fn byes(bench: &Bench) -> Vec<String> {
    let all = bench.sent.iter().filter(|sent| sent.message.method() == Some(Method::Bye));
    all.map(|sent| sent.message.to_tag().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_fork_that_does_not_know_its_early_dialog_ends_alone_and_the_wish_goes_to_the_next() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    fork(&mut bench, &sent, "a");
    wish(&mut bench, leg);
    let update = bench.last_of(Method::Update);
    bench.reply(&update, 481, "a", |response| response);
    assert!(bench.cancelled.is_empty(), "the INVITE goes on");
    assert!(byes(&bench).is_empty(), "a BYE would find nothing");
    assert!(matches!(bench.leg_events(leg).as_slice(), [.., LegEvent::RolledBack, LegEvent::Reopened]));
    assert!(settled(&bench, leg).is_empty());
    fork(&mut bench, &sent, "b");
    let update = bench.last_of(Method::Update);
    assert_eq!(update.message.to_tag(), Some("b"));
    bench.reply(&update, 200, "b", |response| response.body(SDP, ANSWER));
    assert_eq!(settled(&bench, leg), [Ok(())]);
    bench.reply(&sent, 200, "b", |response| response.contact("<sip:b@192.0.2.20>"));
    assert!(bench.has_up(leg));
}

#[test]
fn a_fork_that_answers_no_update_is_ended_alone() {
    for failure in [None, Some(TxFailure::Timeout)] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_sent();
        fork(&mut bench, &sent, "a");
        fork(&mut bench, &sent, "b");
        wish(&mut bench, leg);
        let update = bench.last_of(Method::Update);
        assert_eq!(update.message.to_tag(), Some("a"));
        match failure {
            Some(failure) => bench.fail(&update, failure),
            None => bench.reply(&update, 408, "a", |response| response),
        }
        assert!(bench.cancelled.is_empty());
        assert_eq!(byes(&bench), ["a"]);
        bench.reply(&sent, 200, "b", |response| response.contact("<sip:b@192.0.2.20>"));
        assert!(bench.has_up(leg));
        // The wish goes by re-INVITE now.
        let again = bench.last_of(Method::Invite);
        assert_ne!(again.tx, sent.tx);
        bench.pick_up(&again, "b");
        assert_eq!(settled(&bench, leg), [Ok(())]);
    }
}

#[test]
fn a_wish_of_a_lost_fork_ends_with_the_call() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    fork(&mut bench, &sent, "a");
    wish(&mut bench, leg);
    let update = bench.last_of(Method::Update);
    bench.fail(&update, TxFailure::Timeout);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    bench.reply(&sent, 487, "a", |response| response);
    assert!(matches!(bench.ended(leg).expect("ended").reason, EndReason::Refused(_)));
    assert_eq!(settled(&bench, leg), [Err(ReofferError::Ended)]);
    bench.assert_clean();
}

#[test]
fn the_way_of_an_update_counts_only_in_the_early_dialog_it_was_looked_for() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    fork(&mut bench, &sent, "a");
    bench.route_at_once = false;
    wish(&mut bench, leg);
    let late = bench.routes.last().expect("a way is looked for").clone();
    bench.reply(&sent, 199, "a", |response| response);
    bench.route_at_once = true;
    fork(&mut bench, &sent, "b");
    let update = bench.last_of(Method::Update);
    assert_eq!(update.message.to_tag(), Some("b"));
    bench.answer_route(&late);
    assert_eq!(bench.count_of(Method::Update), 1);

    // The next fork waits for its own way while the one of the first comes.
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    fork(&mut bench, &sent, "a");
    bench.route_at_once = false;
    wish(&mut bench, leg);
    let late = bench.routes.last().expect("a way is looked for").clone();
    bench.reply(&sent, 199, "a", |response| response);
    fork(&mut bench, &sent, "b");
    bench.answer_route(&late);
    assert_eq!(bench.count_of(Method::Update), 0);
}

#[test]
fn the_way_of_a_prack_does_not_count_once_the_invite_has_gone_again() {
    let mut bench = Bench::new();
    let leg = bench.place_with(Invite { redirects: 5, ..invite() });
    let first = bench.last_sent();
    bench.route_at_once = false;
    fork(&mut bench, &first, "a");
    let late = bench.routes.last().expect("a way is looked for").clone();
    bench.route_at_once = true;
    bench.reply(&first, 302, "a", |response| response.contact("<sip:bob@192.0.2.30>"));
    let second = bench.last_of(Method::Invite);
    assert_ne!(second.tx, first.tx);
    bench.route_at_once = false;
    fork(&mut bench, &second, "b");
    bench.answer_route(&late);
    assert_eq!(bench.count_of(Method::Prack), 0, "it was for a fork of the first INVITE");
    let own = bench.routes.last().expect("a way is looked for").clone();
    bench.answer_route(&own);
    assert_eq!(bench.last_of(Method::Prack).message.to_tag(), Some("b"));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_lost_fork_that_is_heard_of_again_gets_higher_numbers() {
    for rings in [true, false] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_sent();
        fork(&mut bench, &sent, "a");
        wish(&mut bench, leg);
        let update = bench.last_of(Method::Update);
        bench.fail(&update, TxFailure::Timeout);
        if rings {
            fork(&mut bench, &sent, "a");
        }
        bench.pick_up(&sent, "a");
        bench.leg(leg, LegCommand::HangUp { reason: None });
        let numbers: Vec<u32> = bench
            .sent
            .iter()
            .filter(|it| it.message.to_tag() == Some("a"))
            .map(|it| it.message.cseq().expect("a CSeq").number)
            .collect();
        assert!(numbers.len() >= 4 && numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    }
}
