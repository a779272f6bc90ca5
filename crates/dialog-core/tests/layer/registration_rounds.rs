//! How often a registrar is asked at once, and which of the ways come next (RFC 3261 §10.3, RFC 5626 §4.5).

use std::time::Duration;

use dialog_core::{Account, Invite, RegistrationCommand, RegistrationEvent, RegistrationFailure};
use sip_message::{HeaderId, Method};
use sip_transport::{CloseCause, FlowId};
use transaction_core::{TxEvent, TxFailure};

use crate::{
    bench::{Bench, address_of, code, invite, uri},
    registrar::{
        accept, account, command, expires, failure, last, outbound_account, register, registered,
        registered_outbound,
    },
};

/// REGISTERs that follow each other at once: one for each way that there can be, four for redirections, and four more.
const AT_ONCE: usize = Account::REGISTRARS * Account::PROXIES + 8;

/// Wants a second more than was asked for.
fn want_longer(bench: &mut Bench) {
    let sent = bench.last_sent();
    let least = expires(&sent).expect("a duration") + 1;
    bench.reply(&sent, 423, "registrar", |response| response.header(HeaderId::MinExpires, least));
}

#[test]
fn a_registrar_that_always_wants_longer_is_asked_so_often_at_once_and_then_after_a_wait() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    for round in 1..=3 {
        let first = bench.sent.len();
        for _ in 0..AT_ONCE {
            want_longer(&mut bench);
        }
        assert_eq!(bench.sent.len(), first + AT_ONCE, "round {round}");
        want_longer(&mut bench);
        assert_eq!(bench.sent.len(), first + AT_ONCE, "round {round}: it waits");
        let (reason, after) = failure(&bench, id);
        assert_eq!(reason, RegistrationFailure::Refused(code(423)));
        bench.advance(after.expect("it goes on"));
        assert_eq!(bench.sent.len(), first + AT_ONCE + 1);
    }
}

#[test]
fn what_was_asked_at_once_is_counted_anew_after_a_success_and_for_the_removal() {
    for removes in [false, true] {
        let mut bench = Bench::new();
        let id = registered(&mut bench, account());
        command(&mut bench, id, RegistrationCommand::Refresh);
        for _ in 0..AT_ONCE {
            want_longer(&mut bench);
        }
        assert_eq!(bench.sent.len(), AT_ONCE + 2);
        let sent = bench.last_sent();
        if !removes {
            accept(&mut bench, &sent, 3_600);
        }
        command(
            &mut bench,
            id,
            if removes { RegistrationCommand::Unregister } else { RegistrationCommand::Refresh },
        );
        if removes {
            accept(&mut bench, &sent, 3_600);
        }
        let before = bench.sent.len();
        // A removal asks for no time at all, so that what is too brief for the registrar is what was asked before.
        let sent = bench.last_sent();
        let least = 80_000;
        bench.reply(&sent, 423, "registrar", |response| response.header(HeaderId::MinExpires, least));
        assert_eq!(bench.sent.len(), before + 1, "removes: {removes}");
    }
}

#[test]
fn a_failure_is_forgotten_once_a_binding_has_stood_for_its_time() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let mut waits = Vec::new();
    for stands in [false, false, true, false] {
        let sent = bench.last_sent();
        if stands {
            accept(&mut bench, &sent, 60);
            bench.advance(Duration::from_secs(30));
            continue;
        }
        bench.reply(&sent, 503, "registrar", |response| response);
        let after = failure(&bench, id).1.expect("it goes on");
        waits.push(after);
        bench.advance(after);
    }
    assert!(waits[1] > waits[0] && waits[1] >= Duration::from_mins(1), "{waits:?}");
    let sent = bench.last_sent();
    bench.reply(&sent, 503, "registrar", |response| response);
    assert!(waits[2] <= Duration::from_mins(1), "{waits:?}");
}

#[test]
fn only_another_binding_of_the_same_account_and_instance_makes_the_waits_longer() {
    let other = |change: &dyn Fn(&mut Account)| {
        let mut account = outbound_account();
        account.reg_id = Some(2);
        change(&mut account);
        account
    };
    let rows = [
        (other(&|_| {}), true, 90),
        (other(&|_| {}), false, 30),
        (other(&|it| it.instance = Some("urn:uuid:00000000-0000-1000-8000-000a95a0e128".into())), true, 30),
        (other(&|it| it.aor = address_of("<sip:bob@example.com>")), true, 30),
    ];
    for (other, bound, least) in rows {
        let mut bench = Bench::new();
        register(&mut bench, other);
        if bound {
            let sent = bench.last_sent();
            accept(&mut bench, &sent, 3_600);
        }
        let id = register(&mut bench, outbound_account());
        let sent = bench.last_sent();
        bench.fail(&sent, TxFailure::Timeout);
        let after = failure(&bench, id).1.expect("it goes on").as_secs();
        assert!((least..=least * 2).contains(&after), "{after} of {least}");
    }
    // Without an instance nobody knows whose binding it is.
    let mut bench = Bench::new();
    registered(&mut bench, account());
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Timeout);
    assert!(failure(&bench, id).1.expect("it goes on") <= Duration::from_mins(1));
}

#[test]
fn a_registration_that_stands_is_something_that_there_is() {
    let mut bench = Bench::new();
    assert!(bench.dialogs.is_empty());
    registered(&mut bench, account());
    assert!(!bench.dialogs.is_empty());
}

#[test]
fn what_is_no_gruu_and_a_flow_timer_of_nothing_are_left_out() {
    let mut bench = Bench::new();
    bench.transport = sip_transport::Transport::Tcp;
    let id = register(&mut bench, outbound_account());
    let sent = bench.last_sent();
    let contact = format!(
        "{};pub-gruu=\"sip:alice@example.com\";temp-gruu=\"tel:+1;gr\"",
        crate::registrar::binding(&sent, 3_600)
    );
    bench.reply(&sent, 200, "registrar", |response| {
        response.contact(&contact).header(HeaderId::FlowTimer, 0).header(HeaderId::Require, "outbound")
    });
    let registered = crate::registrar::standing(&bench, id);
    assert_eq!((registered.pub_gruu, registered.temp_gruu), (None, None));
    assert_eq!(bench.kept.values().copied().collect::<Vec<_>>(), [None]);
}

#[test]
fn a_registration_that_has_no_room_below_waits() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Overload);
    let (reason, after) = failure(&bench, id);
    assert_eq!((reason, after.is_some()), (RegistrationFailure::Overload, true));
}

#[test]
fn a_registrar_that_wants_what_was_asked_for_is_not_asked_again_at_once() {
    for (least, sent) in [(3_600, 1), (3_601, 2)] {
        let mut bench = Bench::new();
        register(&mut bench, account());
        let first = bench.last_sent();
        bench.reply(&first, 423, "registrar", |response| response.header(HeaderId::MinExpires, least));
        assert_eq!(bench.sent.len(), sent, "{least}");
    }
}

#[test]
fn a_removal_that_is_refused_is_not_tried_elsewhere() {
    let mut bench = Bench::new();
    let mut two = account();
    two.registrars = ["sip:one.example.com", "sip:two.example.com"].map(uri).to_vec();
    let id = registered(&mut bench, two);
    command(&mut bench, id, RegistrationCommand::Unregister);
    let sent = bench.last_sent();
    bench.reply(&sent, 503, "registrar", |response| response);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: false }));
    assert_eq!(bench.sent.len(), 2);
    assert!(bench.is_clean());
}

#[test]
fn a_connection_has_stood_since_its_first_registration() {
    for (ends_at, stood) in [(35, true), (25, false)] {
        let mut bench = Bench::new();
        let id = registered_outbound(&mut bench);
        bench.advance(Duration::from_secs(20));
        command(&mut bench, id, RegistrationCommand::Refresh);
        let sent = bench.last_sent();
        accept(&mut bench, &sent, 3_600);
        bench.advance(Duration::from_secs(ends_at - 20));
        bench.receive(TxEvent::FlowEnded { flow: FlowId::from(1), cause: CloseCause::Closed });
        assert_eq!(bench.sent.len(), if stood { 3 } else { 2 }, "after {ends_at} s");
    }
}

#[test]
fn what_was_learnt_holds_as_long_as_the_binding_stands() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    command(&mut bench, id, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    bench.reply(&sent, 503, "registrar", |response| response);
    let call = || Invite { registration: Some(id), ..invite() };
    bench.place_with(call());
    let routes = |bench: &Bench| bench.last_of(Method::Invite).message.all(HeaderId::Route).count();
    assert_eq!(routes(&bench), 1, "by its Service-Route");

    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    bench.receive(TxEvent::FlowEnded { flow: FlowId::from(1), cause: CloseCause::Closed });
    bench.place_with(Invite { registration: Some(id), ..invite() });
    assert_eq!(routes(&bench), 0);
}
