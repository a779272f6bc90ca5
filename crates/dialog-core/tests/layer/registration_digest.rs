//! Registrars that want to know who it is.

use std::time::Duration;

use dialog_core::{RegistrationCommand, RegistrationEvent, RegistrationFailure};
use sip_message::{HeaderId, Method};

use crate::{
    bench::Bench,
    challenges::{REALM, challenge, keyed, shown, used},
    registrar::{accept, account, command, cseq, expires, failure, last, refuse, register, standing},
};

#[test]
fn a_challenged_register_goes_out_again_and_the_next_ones_need_no_challenge() {
    let mut bench = Bench::with(keyed());
    let id = register(&mut bench, account());
    let first = bench.last_sent();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let second = bench.last_sent();
    assert_eq!((cseq(&first), cseq(&second)), (1, 2));
    assert_eq!(first.message.call_id(), second.message.call_id());
    assert_eq!(first.message.first(HeaderId::Contact), second.message.first(HeaderId::Contact));
    assert_eq!(shown(&second.message, HeaderId::Authorization), [used(REALM, "n1", 1)]);
    accept(&mut bench, &second, 600);
    assert_eq!(standing(&bench, id).expires, Duration::from_mins(10));

    bench.advance(Duration::from_secs(568));
    let refresh = bench.last_sent();
    assert_eq!((bench.count_of(Method::Register), cseq(&refresh)), (3, 3));
    assert_eq!(shown(&refresh.message, HeaderId::Authorization), [used(REALM, "n1", 2)]);
    accept(&mut bench, &refresh, 600);

    command(&mut bench, id, RegistrationCommand::Unregister);
    let removal = bench.last_sent();
    assert_eq!((expires(&removal), cseq(&removal)), (Some(0), 4));
    assert_eq!(shown(&removal.message, HeaderId::Authorization), [used(REALM, "n1", 3)]);
    bench.reply(&removal, 200, "registrar", |response| response);
    assert!(matches!(last(&bench, id), RegistrationEvent::Unregistered { confirmed: true }));
    assert!(bench.is_clean());
}

#[test]
fn a_wrong_password_ends_the_registration() {
    let mut bench = Bench::with(keyed());
    let id = register(&mut bench, account());
    for nonce in ["n1", "n2"] {
        let sent = bench.last_sent();
        bench.challenge(&sent, 401, &[challenge(REALM, nonce)]);
    }
    assert_eq!(bench.count_of(Method::Register), 2);
    assert_eq!(failure(&bench, id), (RegistrationFailure::Unauthorized, None));
    assert!(bench.is_clean());
}

#[test]
fn unregister_during_a_challenge_takes_the_binding_back_with_credentials() {
    let mut bench = Bench::with(keyed());
    let id = register(&mut bench, account());
    let first = bench.last_sent();
    command(&mut bench, id, RegistrationCommand::Unregister);
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let second = bench.last_sent();
    accept(&mut bench, &second, 600);
    let removal = bench.last_sent();
    assert_eq!((expires(&removal), cseq(&removal)), (Some(0), 3));
    assert_eq!(shown(&removal.message, HeaderId::Authorization), [used(REALM, "n1", 2)]);
    refuse(&mut bench, &removal, 200);
    assert!(bench.is_clean());
}
