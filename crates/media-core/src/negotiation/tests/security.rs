//! Which streams are secured, with which keys, and which are refused.

use super::*;
use crate::srtp::Mki;
use crate::srtp::Suite::{self, AeadAes128Gcm, AeadAes256Gcm, AesCm128HmacSha1_80};
use SrtpPolicy::{Off, Optional, Required};

const SUITES: [Suite; 2] = [AeadAes128Gcm, AesCm128HmacSha1_80];
const KEY: &str = "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

/// Not random at all, and different with every call.
fn random() -> impl FnMut() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    || NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn with(host: u8, policy: SrtpPolicy) -> Negotiation {
    negotiation(host).with_srtp(policy, &SUITES, &mut random())
}

fn protocol(sdp: &[u8]) -> String {
    lines_of(sdp).swap_remove(0).2
}

fn keys(sdp: &[u8]) -> Vec<String> {
    let description = parse(sdp);
    let media = description.media().next().expect("an m-line");
    media.attributes().filter(|a| a.name == "crypto").filter_map(|a| a.value.map(str::to_owned)).collect()
}

fn srtp(negotiation: &Negotiation) -> Option<&AgreedSrtp> {
    in_force(negotiation).srtp.as_deref()
}

#[test]
fn every_pair_of_policies_agrees_or_is_refused() {
    // covers: TM-106, TM-108
    for (offering, answering, profile, secured) in [
        (Off, Off, "RTP/AVP", Some(false)),
        (Off, Optional, "RTP/AVP", Some(false)),
        (Off, Required, "RTP/AVP", None),
        (Optional, Off, "RTP/AVP", Some(false)),
        (Optional, Optional, "RTP/AVP", Some(true)),
        (Optional, Required, "RTP/AVP", Some(true)),
        (Required, Off, "RTP/SAVP", None),
        (Required, Optional, "RTP/SAVP", Some(true)),
        (Required, Required, "RTP/SAVP", Some(true)),
    ] {
        let (mut alice, mut bob) = (with(1, offering), with(2, answering));
        let offer = alice.offer();
        assert_eq!((protocol(&offer), keys(&offer).is_empty()), (profile.to_owned(), offering == Off));
        let taken = bob.offered(&offer);
        let Some(secured) = secured else {
            let error = taken.expect_err("refused");
            assert_eq!(error.status(), 488, "{offering:?} {answering:?} {error}");
            continue;
        };
        taken.expect("acceptable");
        let answer = bob.answer();
        assert_eq!((protocol(&answer), keys(&answer).len()), (profile.to_owned(), usize::from(secured)));
        alice.answered(&answer).expect("acceptable");
        assert_eq!((srtp(&alice).is_some(), srtp(&bob).is_some()), (secured, secured));
        if secured {
            let (ours, theirs) = (srtp(&alice).expect("secured"), srtp(&bob).expect("secured"));
            assert_eq!((&ours.local, &ours.remote), (&theirs.remote, &theirs.local));
            assert_eq!(ours.local.suite, AeadAes128Gcm);
            assert_ne!(ours.local.keys, ours.remote.keys);
        }
    }
}

#[test]
fn profiles_are_answered_in_kind() {
    // covers: TM-108
    for (profile, key, secured) in [
        ("RTP/AVP", "", false),
        ("RTP/AVPF", "", false),
        ("RTP/AVP", KEY, true),
        ("RTP/SAVP", KEY, true),
        ("RTP/SAVPF", KEY, true),
    ] {
        let mut ours = with(1, Optional);
        ours.offered(&foreign(&format!("m=audio 5000 {profile} 0\r\n{key}\r\n"))).expect("acceptable");
        let answer = ours.answer();
        assert_eq!((protocol(&answer), srtp(&ours).is_some()), (profile.to_owned(), secured));
        assert_eq!(
            keys(&answer).iter().filter(|key| key.starts_with("7 AES_CM_128")).count(),
            usize::from(secured)
        );
        // Later offers of ours say the same profile.
        let offer = ours.offer();
        assert_eq!(protocol(&offer), profile);
        assert_eq!(keys(&offer).len(), 2);
        // A change of profile is no answer.
        let other = if profile == "RTP/SAVP" { "RTP/AVP" } else { "RTP/SAVP" };
        let changed = foreign(&format!("m=audio 5000 {other} 0\r\n{key}\r\n"));
        assert_eq!(ours.answered(&changed), Err(SdpError::ProfileMismatch));
    }
    for profile in ["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/SAVP/X"] {
        let offer = foreign(&format!("m=audio 5000 {profile} 0\r\n{KEY}\r\n"));
        assert_eq!(with(1, Optional).offered(&offer), Err(SdpError::NoAudio));
    }
}

#[test]
fn keys_that_cannot_be_used_secure_nothing() {
    // covers: TM-109
    let inline = &KEY["a=crypto:7 AES_CM_128_HMAC_SHA1_80 ".len()..];
    let refused = [
        String::new(),
        "a=crypto:1 F8_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj".to_owned(),
        format!("a=crypto:1 AES_256_CM_HMAC_SHA1_80 {inline}"),
        format!("{KEY} UNENCRYPTED_SRTP"),
        format!("{KEY} UNENCRYPTED_SRTCP"),
        format!("{KEY} UNAUTHENTICATED_SRTP"),
        format!("{KEY} KDR=24"),
        format!("{KEY} SOMETHING_NEW"),
        "a=crypto:".to_owned(),
        "a=crypto".to_owned(),
    ];
    for line in &refused {
        let lines = |profile| foreign(&format!("m=audio 5000 {profile} 0\r\n{line}\r\n"));
        assert_eq!(with(1, Optional).offered(&lines("RTP/SAVP")), Err(SdpError::NoCommonCrypto), "{line}");
        assert_eq!(with(1, Required).offered(&lines("RTP/AVP")), Err(SdpError::NoCommonCrypto), "{line}");
        // Who offers keys in RTP/AVP takes RTP in clear, too (RFC 8643 §3.2).
        let mut ours = with(1, Optional);
        ours.offered(&lines("RTP/AVP")).expect("acceptable");
        assert!(keys(&ours.answer()).is_empty() && srtp(&ours).is_none(), "{line}");
        // Whoever answers with keys that fail gets no RTP in clear.
        let mut ours = with(1, Optional);
        ours.offer();
        let answered = ours.answered(&lines("RTP/AVP"));
        let expected = if line.is_empty() { Ok(()) } else { Err(SdpError::NoCommonCrypto) };
        assert_eq!(answered, expected, "{line}");
    }
    // The first that can be used counts, with its lifetime and identifier; a hundred cost no more.
    let good = format!("a=crypto:3 AES_CM_128_HMAC_SHA1_80 {inline}|2^20|1:4");
    let lines = format!("m=audio 5000 RTP/SAVP 0\r\n{}\r\n{good}\r\n{KEY}\r\n", refused[1]);
    let mut ours = with(1, Optional);
    ours.offered(&foreign(&lines)).expect("acceptable");
    assert!(keys(&ours.answer())[0].starts_with("3 AES_CM_128_HMAC_SHA1_80 inline:"));
    let key = &srtp(&ours).expect("secured").remote.keys[0];
    assert_eq!((key.lifetime, key.mki.map(Mki::value)), (Some(1 << 20), Some(1)));
    let hundred =
        format!("m=audio 5000 RTP/SAVP 0\r\n{}{good}\r\n", format!("{}\r\n", refused[1]).repeat(100));
    assert_eq!(with(1, Optional).offered(&foreign(&hundred)), Err(SdpError::NoCommonCrypto));
}

#[test]
fn an_answer_names_a_tag_and_a_suite_of_the_offer() {
    let inline = &KEY["a=crypto:7 AES_CM_128_HMAC_SHA1_80 ".len()..];
    for (line, expected) in [
        (format!("a=crypto:2 AES_CM_128_HMAC_SHA1_80 {inline}"), Ok(())),
        (format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 {inline}"), Err(SdpError::NoCommonCrypto)),
        (format!("a=crypto:3 AES_CM_128_HMAC_SHA1_80 {inline}"), Err(SdpError::NoCommonCrypto)),
        (format!("a=crypto:2 AES_CM_128_HMAC_SHA1_32 {inline}"), Err(SdpError::NoCommonCrypto)),
        (String::new(), Err(SdpError::NoCommonCrypto)),
    ] {
        let mut ours = with(1, Required);
        ours.offer();
        let answered = ours.answered(&foreign(&format!("m=audio 5000 RTP/SAVP 0\r\n{line}\r\n")));
        assert_eq!(answered, expected, "{line}");
        assert!(answered.is_ok() || ours.offer_pending());
    }
}

#[test]
fn a_secured_session_is_never_in_clear_again() {
    // covers: TM-105
    for policy in [Optional, Required] {
        let (mut alice, mut bob) = (with(1, policy), with(2, Optional));
        exchange(&mut alice, &mut bob);
        let before = in_force(&alice).clone();
        let clear = foreign("m=audio 5000 RTP/AVP 0\r\n");
        assert_eq!(alice.offered(&clear), Err(SdpError::NoCommonCrypto));
        let profile = protocol(&alice.offer());
        let answer = foreign(&format!("m=audio 5000 {profile} 0\r\n"));
        assert_eq!(alice.answered(&answer), Err(SdpError::NoCommonCrypto));
        alice.rollback();
        assert_eq!(in_force(&alice), &before);
        // Nor by way of a rejection.
        alice.offered(&foreign("m=audio 0 RTP/AVP 0\r\n")).expect("a running session may lose its audio");
        alice.answer();
        assert_eq!(alice.offered(&clear), Err(SdpError::NoCommonCrypto));
        let (_, answer) = exchange(&mut alice, &mut bob);
        assert_eq!(keys(&answer).len(), 1);
    }
}

#[test]
fn keys_stay_with_the_address_and_change_with_it() {
    // covers: TM-101
    let (mut alice, mut bob) = (with(1, Required), with(2, Required));
    let (first, _) = exchange(&mut alice, &mut bob);
    let before = srtp(&alice).expect("secured").clone();
    for held in [true, false] {
        alice.desire(held);
        let (offer, _) = exchange(&mut alice, &mut bob);
        assert_eq!(keys(&offer), keys(&first));
        assert_eq!(srtp(&alice), Some(&before));
        exchange(&mut bob, &mut alice);
        assert_eq!(srtp(&alice).expect("secured").local.keys, before.local.keys);
        assert_eq!(srtp(&alice).expect("secured").remote.keys, before.remote.keys);
    }
    alice.relocate(IpAddr::from([192, 0, 2, 1]), 4_002, &mut random());
    let (offer, _) = exchange(&mut alice, &mut bob);
    assert!(keys(&offer).iter().all(|key| !keys(&first).contains(key)));
    let after = srtp(&alice).expect("secured");
    assert_ne!(after.local.keys, before.local.keys);
    assert_eq!(after.remote.keys, before.remote.keys);
    assert_eq!(&srtp(&bob).expect("secured").remote, &after.local);
}

#[test]
fn a_refused_offer_leaves_the_old_keys_in_force() {
    // covers: TM-102
    let (mut alice, mut bob) = (with(1, Required), with(2, Required));
    exchange(&mut alice, &mut bob);
    let before = in_force(&alice).clone();
    alice.relocate(IpAddr::from([192, 0, 2, 1]), 4_002, &mut random());
    bob.offered(&alice.offer()).expect("acceptable");
    bob.rollback();
    alice.rollback();
    assert_eq!(in_force(&alice), &before);
    assert_eq!(srtp(&bob).expect("secured").remote, before.srtp.expect("secured").local);
}

#[test]
fn every_session_has_keys_of_its_own_and_shows_them_only_in_descriptions() {
    // covers: TM-100
    let (mut first, mut second) = (with(1, Required), with(1, Required));
    let offers = [first.offer(), second.offer()].map(|offer| keys(&offer));
    assert!(offers[0].iter().all(|key| !offers[1].contains(key)));
    let mut bob = with(2, Required);
    exchange(&mut first, &mut bob);
    bob.offered(&first.offer()).expect("acceptable");
    let shown = format!("{first:?} {bob:?} {:?}", in_force(&first));
    for key in &offers[0] {
        let (_, secret) = key.split_once("inline:").expect("a key");
        assert!(!shown.contains(secret));
    }
}

#[test]
fn the_suite_in_force_goes_first_and_one_of_ours_is_taken() {
    let mut ours = with(1, Optional);
    ours.offered(&foreign(&format!("m=audio 5000 RTP/SAVP 0\r\n{KEY}\r\n"))).expect("acceptable");
    ours.answer();
    let suites: Vec<String> = keys(&ours.offer()).iter().map(|key| key[..12].to_owned()).collect();
    assert_eq!(suites, ["2 AES_CM_128", "1 AEAD_AES_1"]);
    let mut strict = negotiation(1).with_srtp(Optional, &[AeadAes256Gcm], &mut random());
    assert_eq!(
        strict.offered(&foreign(&format!("m=audio 5000 RTP/SAVP 0\r\n{KEY}\r\n"))),
        Err(SdpError::NoCommonCrypto)
    );
}

#[test]
fn of_a_pair_of_lines_the_secured_one_is_taken() {
    // covers: TM-108
    let pair = format!("m=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/SAVP 0\r\n{KEY}\r\n");
    for (policy, expected) in [(Off, [4_000, 0]), (Optional, [0, 4_000]), (Required, [0, 4_000])] {
        let mut ours = with(1, policy);
        ours.offered(&foreign(&pair)).expect("acceptable");
        assert_eq!(ports(&ours.answer()), expected, "{policy:?}");
    }
}
