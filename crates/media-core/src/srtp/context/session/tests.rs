//! The examples of RFC 7714 §16 and §17.

use super::super::tests::hex;
use super::*;

const PLAIN_RTP: &str =
    "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070
    61727465 73207472 6573";

const PLAIN_RTCP: &str =
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef
    deadbeef deadbeef deadbeef";

/// A session with the keys that all examples have: 0, 1, 2, and so on.
fn session(suite: Suite) -> Session {
    let key: Vec<u8> = (0..suite.key_bytes() as u8).collect();
    let material =
        KeyMaterial::new(suite, &vec![0; suite.material_bytes()]).expect("the length of the suite");
    let keys = || Transform::Galois(Galois::with_session_keys(&key, *b"Quid pro quo"));
    Session { rtp: keys(), rtcp: keys(), ..Session::new(&MasterKey::new(material)) }
}

fn check_rtp(suite: Suite, encrypt: bool, protected: &str) {
    let session = session(suite);
    let mut packet = hex(PLAIN_RTP);
    let head = RtpHead::parse(&packet).expect("an RTP packet");
    session.seal_rtp(&mut packet, &head, u64::from(head.sequence), encrypt);
    assert_eq!(packet, hex(protected));
    let length = session.open_rtp(&mut packet, &head, u64::from(head.sequence), encrypt);
    assert_eq!(packet[..length.expect("authentic")], hex(PLAIN_RTP));
}

fn check_rtcp(suite: Suite, encrypt: bool, protected: &str) {
    let session = session(suite);
    let mut packet = hex(PLAIN_RTCP);
    session.seal_rtcp(&mut packet, 0x4d61_7273, 0x5d4, encrypt);
    assert_eq!(packet, hex(protected));
    let word = session.rtcp_word(&packet).expect("long enough");
    assert_eq!((word.index, word.encrypted), (0x5d4, encrypt));
    let length = session.open_rtcp(&mut packet, 0x4d61_7273, &word);
    assert_eq!(packet[..length.expect("authentic")], hex(PLAIN_RTCP));
}

#[test]
fn rtp_is_protected_as_in_rfc_7714_16_1() {
    check_rtp(
        Suite::AeadAes128Gcm,
        true,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
         8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
    check_rtp(
        Suite::AeadAes128Gcm,
        false,
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472
         65732249 3f82d2bc e397e9d7 9e3b19aa 4216",
    );
}

#[test]
fn rtp_is_protected_as_in_rfc_7714_16_2() {
    check_rtp(
        Suite::AeadAes256Gcm,
        true,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
         b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    );
    check_rtp(
        Suite::AeadAes256Gcm,
        false,
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472
         6573a866 d5910f88 7463067c eefec452 15d4",
    );
}

#[test]
fn rtcp_is_protected_as_in_rfc_7714_17() {
    check_rtcp(
        Suite::AeadAes128Gcm,
        true,
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
         0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
    );
    check_rtcp(
        Suite::AeadAes256Gcm,
        true,
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047
         6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
    );
    check_rtcp(
        Suite::AeadAes128Gcm,
        false,
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef
         deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4",
    );
    check_rtcp(
        Suite::AeadAes256Gcm,
        false,
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef
         deadbeef 91db4afb feee5a97 8fab4393 ed2615fe 000005d4",
    );
}
