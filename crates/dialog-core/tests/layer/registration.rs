//! A registration's usual course: the binding is made, refreshed and taken back (RFC 3261 §10).

use std::time::Duration;

use dialog_core::{
    Account, AccountFault, DialogConfig, Misuse, RegistrationCommand, RegistrationEvent, RegistrationFailure,
    RegistrationId,
};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, address_of, uri},
    registrar::{
        INSTANCE, PUB_GRUU, TEMP_GRUU, accept, accept_with, account, command, cseq, events, expires, failure,
        last, outbound_account, register, registered, registered_outbound, standing, target,
    },
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_register_names_the_account_and_asks_for_a_binding() {
    let mut bench = Bench::new();
    register(&mut bench, account());
    let sent = bench.last_sent();
    let message = &sent.message;
    assert_eq!(message.method(), Some(Method::Register));
    assert_eq!(target(&sent), "sip:example.com");
    assert_eq!(message.first(HeaderId::To), Some("<sip:alice@example.com>"));
    assert!(message.first(HeaderId::From).expect("From").starts_with("<sip:alice@example.com>;tag="));
    assert_eq!(message.first(HeaderId::Contact), Some("<sip:alice@192.0.2.1:5060>;expires=3600"));
    assert_eq!((expires(&sent), cseq(&sent)), (Some(3_600), 1));
    assert_eq!(message.first(HeaderId::Supported), Some("path"));
    assert!(!message.has(HeaderId::Route));
}

#[test]
fn an_instance_asks_for_a_gruu_and_a_reg_id_for_outbound() {
    let mut bench = Bench::new();
    register(&mut bench, outbound_account());
    let message = bench.last_sent().message;
    assert_eq!(
        message.first(HeaderId::Contact),
        Some(&*format!("<sip:alice@192.0.2.1:5060>;+sip.instance=\"<{INSTANCE}>\";reg-id=1;expires=3600"))
    );
    assert_eq!(message.first(HeaderId::Supported), Some("path, gruu, outbound"));
}

#[test]
fn a_register_goes_by_the_outbound_proxy() {
    let mut bench = Bench::new();
    let mut by_proxy = account();
    by_proxy.proxies = vec![uri("sip:edge.example.com;transport=tcp")];
    register(&mut bench, by_proxy);
    let sent = bench.last_sent();
    assert_eq!(target(&sent), "sip:example.com");
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:edge.example.com;transport=tcp;lr>"));
    assert_eq!(bench.routes[0].uri, uri("sip:edge.example.com;transport=tcp;lr"));
}

#[test]
fn what_the_registrar_tells_is_passed_up() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    let registered = standing(&bench, id);
    assert_eq!(registered.expires, seconds(3_600));
    assert_eq!(registered.contacts, [uri("sip:alice@192.0.2.1:5060;transport=tcp")]);
    assert_eq!(registered.service_route, [uri("sip:edge.example.com;lr")]);
    assert_eq!((registered.pub_gruu, registered.temp_gruu), (Some(uri(PUB_GRUU)), Some(uri(TEMP_GRUU))));
    assert!(registered.outbound);
    assert_eq!(bench.kept.values().copied().collect::<Vec<_>>(), [Some(seconds(40))]);
}

#[test]
fn a_refresh_goes_before_the_end_with_the_same_call_id_and_a_higher_cseq() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, account());
    let first = bench.last_sent();
    bench.advance(seconds(3_568));
    assert_eq!(bench.count_of(Method::Register), 2);
    let second = bench.last_sent();
    assert_eq!(first.message.call_id(), second.message.call_id());
    assert_eq!(first.message.from_tag(), second.message.from_tag());
    assert_eq!(cseq(&second), 2);
    accept(&mut bench, &second, 3_600);
    assert_eq!(events(&bench, id).len(), 2);
    assert_eq!(standing(&bench, id).expires, seconds(3_600));
}

#[test]
fn the_duration_is_that_of_our_contact_then_expires_then_what_was_asked() {
    let granted = |contacts: &[&str], expires: Option<u32>| {
        let mut bench = Bench::new();
        let id = register(&mut bench, account());
        let sent = bench.last_sent();
        bench.reply(&sent, 200, "registrar", |response| {
            let response = contacts
                .iter()
                .fold(response, |response, contact| response.header(HeaderId::Contact, contact));
            match expires {
                Some(expires) => response.header(HeaderId::Expires, expires),
                None => response,
            }
        });
        standing(&bench, id).expires.as_secs()
    };
    let (ours, other) = ("<sip:alice@192.0.2.1:5060>", "<sip:alice2@192.0.2.9>;expires=30");
    assert_eq!(granted(&[other, &format!("{ours};expires=70")], Some(50)), 70);
    assert_eq!(granted(&[other, ours], Some(50)), 50);
    assert_eq!(granted(&[ours], None), 3_600);
    assert_eq!(granted(&[], Some(50)), 50);
    // A registrar behind a NAT's other side writes the address that it sees.
    assert_eq!(granted(&["<sip:alice@203.0.113.7:40000>;expires=80", other], None), 80);
    // More than a day is refreshed daily.
    assert_eq!(granted(&[&format!("{ours};expires=4294967295")], None), 86_400);
}

#[test]
fn among_several_bindings_of_one_user_ours_is_that_of_the_instance_and_reg_id() {
    let mut bench = Bench::new();
    let id = register(&mut bench, outbound_account());
    let sent = bench.last_sent();
    let contact = |reg_id: u32, expires: u32| {
        format!(
            "<sip:alice@203.0.113.7>;+sip.instance=\"<{}>\";reg-id={reg_id};expires={expires}",
            INSTANCE.to_uppercase().replace("URN:UUID", "urn:uuid")
        )
    };
    bench.reply(&sent, 200, "registrar", |response| {
        response.header(HeaderId::Contact, contact(2, 20)).header(HeaderId::Contact, contact(1, 90))
    });
    assert_eq!(standing(&bench, id).expires, seconds(90));
}

#[test]
fn a_registrar_that_grants_a_second_is_not_asked_without_pause() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 1);
    bench.advance(seconds(4));
    assert!(matches!(last(&bench, id), RegistrationEvent::Lapsed));
    assert_eq!(bench.count_of(Method::Register), 1);
    bench.advance(seconds(1));
    assert_eq!(bench.count_of(Method::Register), 2);
}

#[test]
fn unregister_takes_our_binding_back_and_leaves_nothing() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    command(&mut bench, id, RegistrationCommand::Unregister);
    let sent = bench.last_sent();
    assert_eq!(expires(&sent), Some(0));
    let contact = sent.message.first(HeaderId::Contact).expect("a Contact");
    assert!(contact.contains(INSTANCE) && contact.ends_with(";reg-id=1;expires=0"), "{contact}");
    bench.reply(&sent, 200, "registrar", |response| response);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: true }));
    assert!(bench.is_clean() && bench.kept.is_empty());
    command(&mut bench, id, RegistrationCommand::Refresh);
    assert!(matches!(last(&bench, id), RegistrationEvent::Misused(Misuse::Unknown)));
}

#[test]
fn unregister_while_a_register_is_under_way_waits_for_it() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Unregister);
    assert_eq!(bench.count_of(Method::Register), 1);
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 3_600);
    let removal = bench.last_sent();
    assert_eq!((expires(&removal), cseq(&removal)), (Some(0), 2));
    bench.fail(&removal, TxFailure::Timeout);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: false }));
    assert!(bench.is_clean());
}

#[test]
fn unregister_before_anything_was_sent_sends_nothing() {
    let mut bench = Bench::new();
    bench.route_at_once = false;
    let id = register(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Unregister);
    let route = bench.routes.remove(0);
    bench.answer_route(&route);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: true }));
    assert!(bench.sent.is_empty() && bench.is_clean());
}

#[test]
fn refresh_registers_now_and_one_at_a_time() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Refresh);
    command(&mut bench, id, RegistrationCommand::Refresh);
    assert_eq!(bench.count_of(Method::Register), 2);
    command(&mut bench, id, RegistrationCommand::Register(Box::new(account())));
    assert!(matches!(last(&bench, id), RegistrationEvent::Misused(Misuse::State)));
}

#[test]
fn several_accounts_have_a_call_id_and_numbers_of_their_own() {
    let mut bench = Bench::new();
    registered(&mut bench, account());
    let first = bench.last_sent();
    let other = Account::new(address_of("<sip:bob@example.org>")).expect("an account");
    registered(&mut bench, other);
    let second = bench.last_sent();
    assert_eq!((target(&second), cseq(&second)), ("sip:example.org".into(), 1));
    assert_ne!(first.message.call_id(), second.message.call_id());
    let users = [&first, &second].map(|sent| {
        let contact = sent.message.contact().expect("a Contact").expect("a Contact");
        contact.uri.user().expect("a user").to_owned()
    });
    assert_eq!((&*users[0], users[1].len()), ("alice", 16));
    assert_eq!(bench.dialogs.load().registrations, 2);
}

#[test]
fn one_registration_beyond_the_limit_fails_and_the_next_after_an_end_is_taken() {
    let mut config = DialogConfig::default();
    config.registration.accounts = 2;
    let mut bench = Bench::with(config);
    let first = register(&mut bench, account());
    register(&mut bench, account());
    assert_eq!(bench.dialogs.counters().registrations_refused, 0);
    let third = register(&mut bench, account());
    assert_eq!(failure(&bench, third), (RegistrationFailure::Overload, None));
    assert_eq!(bench.dialogs.counters().registrations_refused, 1);
    assert_eq!(bench.sent.len(), 2);
    let sent = bench.sent[0].clone();
    bench.reply(&sent, 403, "registrar", |response| response);
    assert_eq!(failure(&bench, first).1, None);
    register(&mut bench, account());
    assert_eq!(bench.sent.len(), 3);
}

#[test]
fn an_account_that_cannot_be_used_is_told_so() {
    let faulty = |change: &dyn Fn(&mut Account)| {
        let mut bench = Bench::new();
        let mut account = outbound_account();
        change(&mut account);
        let id: RegistrationId = register(&mut bench, account);
        if bench.sent.is_empty() { Some(failure(&bench, id)) } else { None }
    };
    let fault = |fault| Some((RegistrationFailure::Account(fault), None));
    let uris = |count: usize| vec![uri("sip:example.com"); count];
    assert_eq!(faulty(&|account| account.registrars.clear()), fault(AccountFault::Registrars));
    assert_eq!(faulty(&|it| it.registrars = uris(Account::REGISTRARS)), None);
    assert_eq!(faulty(&|it| it.registrars = uris(Account::REGISTRARS + 1)), fault(AccountFault::Registrars));
    assert_eq!(faulty(&|it| it.proxies = uris(Account::PROXIES)), None);
    assert_eq!(faulty(&|it| it.proxies = uris(Account::PROXIES + 1)), fault(AccountFault::Proxies));
    assert_eq!(faulty(&|it| it.instance = Some("f81d4fae".into())), fault(AccountFault::Instance));
    assert_eq!(faulty(&|it| it.instance = Some("urn:x>\";a=\"b".into())), fault(AccountFault::Instance));
    assert_eq!(faulty(&|it| it.instance = None), fault(AccountFault::RegId));
    assert_eq!(faulty(&|it| it.reg_id = Some(0)), fault(AccountFault::RegId));
}

#[test]
fn a_service_route_that_is_too_long_or_broken_is_left_out() {
    let route = |value: &str| {
        let mut bench = Bench::new();
        let id = register(&mut bench, account());
        let sent = bench.last_sent();
        accept_with(&mut bench, &sent, |response| response.header(HeaderId::ServiceRoute, value));
        standing(&bench, id).service_route.len()
    };
    let long = |count: usize| vec!["<sip:p.example.com;lr>"; count].join(", ");
    assert_eq!((route(&long(16)), route(&long(17))), (16, 0));
    assert_eq!(route("<sip:p.example.com;lr>, <sip"), 0);
}
