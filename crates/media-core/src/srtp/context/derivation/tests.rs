use super::super::tests::hex;
use super::*;

fn check_keystream(key: &str, blocks: [&str; 6]) {
    let cipher = match hex(key).len() {
        16 => Aes::new(Suite::AesCm128HmacSha1_80, &hex(key)),
        _ => Aes::new(Suite::Aes256CmHmacSha1_80, &hex(key)),
    };
    let mut stream = vec![0; 1_044_512];
    cipher.counter_mode(hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().expect("16 bytes"), &mut stream);
    for (place, block) in [0, 1, 2, 0xFEFF, 0xFF00, 0xFF01].into_iter().zip(blocks) {
        assert_eq!(stream[place * 16..][..16], hex(block), "block {place:x}");
    }
}

#[test]
fn the_key_stream_is_that_of_rfc_3711_b_2() {
    check_keystream(
        "2B7E151628AED2A6ABF7158809CF4F3C",
        [
            "E03EAD0935C95E80E166B16DD92B4EB4",
            "D23513162B02D0F72A43A2FE4A5F97AB",
            "41E95B3BB0A2E8DD477901E4FCA894C0",
            "EC8CDF7398607CB0F2D21675EA9EA1E4",
            "362B7C3C6773516318A077D7FC5073AE",
            "6A2CC3787889374FBEB4C81B17BA6C44",
        ],
    );
}

#[test]
fn the_key_stream_is_that_of_rfc_6188_7_1() {
    check_keystream(
        "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
        [
            "92bdd28a93c3f52511c677d08b5515a4",
            "9da71b2378a854f67050756ded165bac",
            "63c4868b7096d88421b563b8c94c9a31",
            "cea518c90fd91ced9cbb18c078a54711",
            "3dbc4814f4da5f00a08772b63c6a046d",
            "6eb246913062a16891433e97dd01a57f",
        ],
    );
}

fn check_derivation(suite: Suite, master: &str, keys: [(Label, &str); 3]) {
    let master = KeyMaterial::new(suite, &hex(master)).expect("the length of the suite");
    for (label, expected) in keys {
        let expected = hex(expected);
        let mut key = vec![0xEE; expected.len()];
        derive(&master, label, &mut key);
        assert_eq!(key, expected);
    }
}

#[test]
fn session_keys_are_those_of_rfc_3711_b_3() {
    check_derivation(
        Suite::AesCm128HmacSha1_80,
        "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6",
        [
            (Label::RtpEncryption, "C61E7A93744F39EE10734AFE3FF7A087"),
            (Label::RtpSalt, "30CBBC08863D8C85D49DB34A9AE1"),
            (
                Label::RtpAuthentication,
                "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2",
            ),
        ],
    );
}

#[test]
fn session_keys_are_those_of_rfc_6188_7_2() {
    check_derivation(
        Suite::Aes256CmHmacSha1_80,
        "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
        [
            (Label::RtpEncryption, "5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4"),
            (Label::RtpSalt, "fa31791685ca444a9e07c6c64e93"),
            (Label::RtpAuthentication, "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"),
        ],
    );
}
