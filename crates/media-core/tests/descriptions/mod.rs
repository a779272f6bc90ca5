//! Descriptions for properties that look like those of audio calls.

use proptest::collection::vec;
use proptest::prelude::*;

/// Text that looks like SDP often enough to reach the negotiation.
pub(crate) fn nearly_sdp() -> impl Strategy<Value = Vec<u8>> {
    let profile = prop_oneof![
        4 => Just("RTP/AVP"),
        2 => Just("RTP/SAVP"),
        1 => Just("RTP/AVPF"),
        1 => Just("RTP/SAVPF"),
        1 => Just("UDP/TLS/RTP/SAVPF"),
    ];
    let key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let line = prop_oneof![
        2 => Just("c=IN IP4 192.0.2.9".to_owned()),
        1 => prop_oneof![Just("c=IN IP4 0.0.0.0"), Just("c=IN IP6 ::1")].prop_map(str::to_owned),
        6 => (any::<u16>(), profile, "[0-9]{1,3}( [0-9]{1,3}){0,3}")
            .prop_map(|(port, profile, formats)| format!("m=audio {port} {profile} {formats}")),
        1 => any::<u16>().prop_map(|port| format!("m=video {port} RTP/AVP 31")),
        2 => (0..130u8, prop_oneof![Just("PCMU/8000"), Just("L16/16000"), Just("G722/8000"), Just("x/8000")])
            .prop_map(|(number, encoding)| format!("a=rtpmap:{number} {encoding}")),
        2 => (96..128u8, prop_oneof![Just(8_000), Just(16_000)])
            .prop_map(|(number, rate)| format!("a=rtpmap:{number} telephone-event/{rate}")),
        2 => prop_oneof![Just("a=sendonly"), Just("a=recvonly"), Just("a=inactive"), Just("a=rtcp-mux")]
            .prop_map(str::to_owned),
        3 => (1..4u8).prop_map(move |tag| format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}")),
        1 => any::<u32>().prop_map(|number| format!("a=rtcp:{number} IN IP4 192.0.2.8")),
        1 => any::<u64>().prop_map(|number| format!("a=ptime:{number}")),
        1 => any::<u64>().prop_map(|number| format!("a=maxptime:{number}")),
        1 => "[a-z]=[ -~]{0,20}",
    ];
    (any::<bool>(), vec(line, 0..12)).prop_map(|(addressed, lines)| {
        let address = if addressed { "c=IN IP4 192.0.2.9\r\n" } else { "" };
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n{address}{}\r\n", lines.join("\r\n")).into_bytes()
    })
}
