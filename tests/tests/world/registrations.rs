//! Registrations whose registrar wants to know who it is.

use patchcord_tests::{journal::Way, play::Played};
use sip_message::{Credentials, HeaderId, Method};

use crate::golden::{count, golden_run, line, time_ms};

/// What the REGISTERs of the first party show: their numbers, and nonce and count of their digests.
fn shown(played: &Played) -> Vec<(u32, Option<(String, Option<u32>)>)> {
    let sent = played
        .journal
        .messages(0)
        .filter(|(_, way, message)| *way == Way::Out && message.method() == Some(Method::Register));
    sent.map(|(_, _, register)| {
        let digest = register.first(HeaderId::Authorization).map(|value| {
            let digest = Credentials::parse(value).expect("credentials").digest().expect("a digest");
            (digest.nonce().to_string(), digest.nc())
        });
        (register.cseq().expect("a CSeq").number, digest)
    })
    .collect()
}

#[test]
fn a_refresh_that_meets_a_stale_nonce_goes_out_again_with_the_next_and_the_binding_stands() {
    // covers: TR-192
    let (trace, played) = golden_run("registration-expired-nonce");
    let with = |nonce: &str, count: u32| Some((nonce.to_owned(), Some(count)));
    let expected = [
        (1, None),
        (2, with("one", 1)),
        // Known nonces are used without being asked, until they are stale.
        (3, with("one", 2)),
        (4, with("two", 1)),
        (5, with("two", 2)),
        (6, with("three", 1)),
    ];
    assert_eq!(shown(&played), expected, "{trace}");
    assert_eq!(
        count(&trace, &["registration_lapsed"]) + count(&trace, &["registration_failed"]),
        0,
        "{trace}"
    );
    let refreshed = trace.lines().filter(|line| line.contains("registration_active")).map(time_ms).last();
    assert!(refreshed.is_some_and(|at| (27_000..=31_000).contains(&at)), "at half of the time\n{trace}");
    assert!(line(&trace, &["> unregister"]) < line(&trace, &["* registration_ended"]), "{trace}");
}

#[test]
fn credentials_that_a_registrar_does_not_take_are_not_tried_for_ever() {
    let (trace, played) = golden_run("registration-wrong-key");
    assert_eq!(shown(&played).len(), 2, "{trace}");
    assert_eq!(count(&trace, &["registration_failed"]), 1, "{trace}");
}
