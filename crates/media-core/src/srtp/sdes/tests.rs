use base64ct::{Base64, Encoding};
use proptest::prelude::*;

use super::*;
use crate::srtp::Mki;

const KEY_30: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

fn parse_with(rest: &str) -> Result<Crypto, SdesError> {
    Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}{rest}"))
}

#[test]
fn the_examples_of_rfc_4568_are_read() {
    // covers: TM-109
    let crypto = parse_with("|2^20|1:4").expect("the example of §6.1");
    assert_eq!((crypto.tag, crypto.suite), (1, Suite::AesCm128HmacSha1_80));
    assert_eq!(crypto.keys[0].material.key(), b"wDfvg&T+)xG7@fb5");
    assert_eq!(crypto.keys[0].material.salt(), b"jU,RaA}\\|p0%*#");
    assert_eq!((crypto.keys[0].lifetime, crypto.keys[0].mki), (Some(1 << 20), Mki::new(1, 4)));
    let crypto =
        Crypto::parse("2 AES_CM_128_HMAC_SHA1_32 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4")
            .expect("the second example of §6.1");
    assert_eq!((crypto.keys[0].lifetime, crypto.keys[0].mki), (None, Mki::new(1_066, 4)));
    // The line of §7.1.5, with another suite in place of f8, which nobody has.
    let crypto = Crypto::parse(
        "2 AES_CM_128_HMAC_SHA1_80  inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;\
         inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4  FEC_ORDER=FEC_SRTP ",
    )
    .expect("two keys");
    assert_eq!(crypto.keys.iter().map(|key| key.mki).collect::<Vec<_>>(), [Mki::new(1, 4), Mki::new(2, 4)]);
    assert_eq!(crypto.params.fec_order, Some(FecOrder::FecSrtp));
}

#[test]
fn keys_have_the_length_of_their_suite_with_and_without_padding() {
    for suite in Suite::ALL {
        for bytes in 0..=64 {
            let mut room = [0; 88];
            let base64 = Base64::encode(&vec![0xA5; bytes], &mut room).expect("room for 64 bytes");
            for text in [base64, base64.trim_end_matches('=')] {
                let crypto = Crypto::parse(&format!("7 {} inline:{text}", suite.name().to_lowercase()));
                let expected = bytes == suite.material_bytes();
                assert_eq!(crypto.is_ok(), expected, "{suite} {bytes} {crypto:?}");
            }
        }
    }
}

#[test]
fn lifetimes_and_identifiers_have_bounds() {
    // covers: TM-109
    for (rest, lifetime) in
        [("|1", 1), ("|2^0", 1), ("|2^48", 1 << 48), ("|281474976710656", 1 << 48), ("|1000", 1_000)]
    {
        assert_eq!(parse_with(rest).expect(rest).keys[0].lifetime, Some(lifetime), "{rest}");
    }
    for (rest, mki) in [("|1:1", (1, 1)), ("|255:1", (255, 1)), ("|1:128", (1, 128)), ("|2^31|0:4", (0, 4))] {
        assert_eq!(parse_with(rest).expect(rest).keys[0].mki, Mki::new(mki.0, mki.1), "{rest}");
    }
    for rest in [
        "|",
        "|0",
        "|2^49",
        "|2^64",
        "|2^4294967296",
        "|281474976710657",
        "|01",
        "|2^020",
        "|+5",
        "|2^",
        "|1:",
        "|:4",
        "|1:0",
        "|1:129",
        "|256:1",
        "|01:4",
        "|1:04",
        "|1:4|2^20",
        "|2^20|2^20",
        "|2^20|1:4|",
        "|1:4:4",
        "|99999999999999999999999:16",
    ] {
        assert_eq!(parse_with(rest), Err(SdesError::Malformed), "{rest}");
    }
}

#[test]
fn several_keys_need_different_identifiers_of_one_length() {
    let key = format!("inline:{KEY_30}");
    let line = |infos: &[&str]| {
        let keys: Vec<String> = infos.iter().map(|info| format!("{key}{info}")).collect();
        Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 {}", keys.join(";"))).map(|line| line.keys.len())
    };
    assert_eq!(line(&["|1:1", "|2:1"]), Ok(2));
    assert_eq!(line(&["", "|2:1"]), Err(SdesError::Malformed));
    assert_eq!(line(&["|1:1", ""]), Err(SdesError::Malformed));
    assert_eq!(line(&["|1:1", "|1:1"]), Err(SdesError::Malformed));
    assert_eq!(line(&["|1:1", "|2:2"]), Err(SdesError::Malformed));
    let numbered: Vec<String> = (0..=MAX_KEYS).map(|mki| format!("|{mki}:1")).collect();
    let numbered: Vec<&str> = numbered.iter().map(String::as_str).collect();
    assert_eq!(line(&numbered[..MAX_KEYS]), Ok(MAX_KEYS));
    assert_eq!(line(&numbered), Err(SdesError::TooManyKeys));
}

#[test]
fn session_parameters_are_read_and_unknown_ones_make_the_line_unusable() {
    let params = parse_with(
        " KDR=24 UNENCRYPTED_SRTP UNENCRYPTED_SRTCP UNAUTHENTICATED_SRTP FEC_ORDER=SRTP_FEC WSH=64 -NEW=1 -X",
    )
    .expect("all parameters")
    .params;
    let expected = SessionParams {
        kdr: Some(24),
        unencrypted_srtp: true,
        unencrypted_srtcp: true,
        unauthenticated_srtp: true,
        fec_order: Some(FecOrder::SrtpFec),
        window_size: Some(64),
    };
    assert_eq!(params, expected);
    for rest in [" NEW", " NEW=1", " FEC_KEY=inline:x", " unencrypted_srtp", " =", " KDR-1"] {
        assert_eq!(parse_with(rest), Err(SdesError::UnknownParameter), "{rest}");
    }
    for rest in [
        " KDR",
        " KDR=0",
        " KDR=25",
        " KDR=01",
        " KDR=1 KDR=1",
        " WSH=63",
        " WSH=",
        " FEC_ORDER",
        " FEC_ORDER=X",
        " UNENCRYPTED_SRTP=1",
        " UNENCRYPTED_SRTP UNENCRYPTED_SRTP",
        " UNAUTHENTICATED_SRTP=0",
    ] {
        assert_eq!(parse_with(rest), Err(SdesError::Malformed), "{rest}");
    }
}

#[test]
fn lines_that_no_context_obeys_are_not_usable() {
    // covers: TM-105
    assert!(parse_with(" UNENCRYPTED_SRTCP WSH=128").expect("well formed").is_usable());
    assert!(!parse_with(" UNAUTHENTICATED_SRTP").expect("well formed").is_usable());
    assert!(!parse_with(" KDR=1").expect("well formed").is_usable());
}

#[test]
fn other_forms_are_refused_with_their_reason() {
    let good = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}");
    assert!(Crypto::parse(&good).is_ok());
    assert!(Crypto::parse(&good.replacen('1', "999999999", 1)).is_ok());
    for (from, to, error) in [
        ("1 ", "1000000000 ", SdesError::Malformed),
        ("1 ", "+1 ", SdesError::Malformed),
        ("1 ", "", SdesError::Malformed),
        ("inline:", "inline", SdesError::Malformed),
        ("inline:", "inline:*", SdesError::Malformed),
        ("inline:", "uri:", SdesError::UnknownKeyMethod),
        ("AES_CM_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80", SdesError::UnknownSuite),
        ("AES_CM_128_HMAC_SHA1_80", "NULL_HMAC_SHA1_80", SdesError::UnknownSuite),
    ] {
        assert_eq!(Crypto::parse(&good.replacen(from, to, 1)), Err(error), "{from} {to}");
    }
    for value in ["", "1", "1 AES_CM_128_HMAC_SHA1_80"] {
        assert_eq!(Crypto::parse(value), Err(SdesError::Malformed), "{value}");
    }
}

#[test]
fn a_hundred_lines_cost_no_more_than_the_bound() {
    // covers: TM-109
    let lines: Vec<String> =
        (1..=100).map(|tag| format!("{tag} AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}")).collect();
    let parsed = |lines: &[String]| Crypto::parse_lines(lines.iter().map(String::as_str)).len();
    assert_eq!(parsed(&lines[..MAX_CRYPTO_LINES]), MAX_CRYPTO_LINES);
    assert_eq!(parsed(&lines[..=MAX_CRYPTO_LINES]), MAX_CRYPTO_LINES);
    assert_eq!(parsed(&lines), MAX_CRYPTO_LINES);
    // Lines that cannot be used, and repeated tags, count as absent.
    let mixed = ["1 X inline:a".to_owned(), lines[1].clone(), lines[1].clone(), lines[2].clone()];
    assert_eq!(parsed(&mixed), 2);
}

#[test]
fn no_key_is_shown_by_debug() {
    // covers: TM-100
    let crypto = parse_with("|2^20|1:4").expect("well formed");
    let shown = format!("{crypto:?} {:#?}", crypto.keys[0].material);
    for secret in [KEY_30, "wDfvg", "119, 68", "77446676", "[119"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("AesCm128HmacSha1_80"));
}

prop_compose! {
    fn crypto()(
        tag in 0_u32..1_000_000_000,
        suite in prop::sample::select(&Suite::ALL[..]),
        keys in prop::collection::vec((any::<[u8; 46]>(), prop::option::of(1..=Suite::MAX_LIFETIME)), 1..=MAX_KEYS),
        mki_bytes in prop::option::of(1..=Mki::MAX_BYTES),
        exponent in prop::option::of(0..=48_u32),
        kdr in prop::option::of(1..=24_u8),
        flags in any::<[bool; 3]>(),
        fec_order in prop::option::of(prop::sample::select(&[FecOrder::FecSrtp, FecOrder::SrtpFec][..])),
        window_size in prop::option::of(64..=u32::MAX),
    ) -> Crypto {
        let count = if mki_bytes.is_some() { keys.len() } else { 1 };
        let keys = keys.into_iter().take(count).enumerate().map(|(index, (bytes, lifetime))| MasterKey {
            material: KeyMaterial::new(suite, &bytes[..suite.material_bytes()]).expect("the length of the suite"),
            lifetime: exponent.map(|exponent| 1 << exponent).or(lifetime),
            mki: mki_bytes.and_then(|bytes| Mki::new(index as u64, bytes)),
        });
        let [unencrypted_srtp, unencrypted_srtcp, unauthenticated_srtp] = flags;
        let params =
            SessionParams { kdr, unencrypted_srtp, unencrypted_srtcp, unauthenticated_srtp, fec_order, window_size };
        Crypto { tag, suite, keys: keys.collect(), params }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed(crypto in crypto()) {
        prop_assert_eq!(Crypto::parse(&crypto.print()), Ok(crypto));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,200}", rest in "[ -~]{0,80}") {
        let _ = Crypto::parse(&text);
        let _ = parse_with(&rest);
    }
}
