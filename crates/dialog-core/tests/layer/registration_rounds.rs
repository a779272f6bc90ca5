//! How often a registrar is asked at once, and which of the ways come next (RFC 3261 §10.3, RFC 5626 §4.5).

use std::time::Duration;

use dialog_core::{Account, RegistrationCommand, RegistrationFailure};
use sip_message::HeaderId;
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, address_of, code},
    registrar::{accept, account, command, expires, failure, outbound_account, register, registered},
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
    assert!(waits[1] > waits[0] && waits[1] >= Duration::from_secs(60), "{waits:?}");
    let sent = bench.last_sent();
    bench.reply(&sent, 503, "registrar", |response| response);
    assert!(waits[2] <= Duration::from_secs(60), "{waits:?}");
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
    assert!(failure(&bench, id).1.expect("it goes on") <= Duration::from_secs(60));
}

#[test]
fn a_registration_that_stands_is_something_that_there_is() {
    let mut bench = Bench::new();
    assert!(bench.dialogs.is_empty());
    registered(&mut bench, account());
    assert!(!bench.dialogs.is_empty());
}
