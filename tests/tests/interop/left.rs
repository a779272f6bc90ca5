//! What is not tested, and why: rows of the table without a test.

use super::table::{Outcome, Row};

const ATTENDED: &str = "attended";
const CALL: &str = "call";

/// Peer, role, what, reason.
const LEFT: &[(&str, &str, &str, &str)] = &[
    ("baresip", "transferor", ATTENDED, "1.0 cannot send a REFER with Replaces"),
    ("baresip", "target", ATTENDED, "1.0 ignores Replaces and opens a second call beside the first"),
    ("sipp", "transferor", ATTENDED, "a scenario is bound to one Call-ID and cannot place a second call"),
    (
        "sipp",
        "transferee",
        ATTENDED,
        "a scenario cannot place a second call; the NOTIFYs are those of a blind one",
    ),
    (
        "SIP.js",
        "any",
        "TCP, TLS",
        "its own transport is a WebSocket, and the one that it is given here is UDP",
    ),
    (
        "SIP.js",
        "called",
        "WebSocket",
        "it has no address; who calls it needs a registrar that takes WebSockets",
    ),
    ("SIP.js", "any", "SRTP", "only plain RTP is offered"),
    (
        "linphonec",
        "called",
        "TLS",
        "5.1.65 listens, and takes no connection: `New connection arriving on TLS, not handled`; by a registrar it is called",
    ),
    ("baresip", "caller", "our certificate is for another name", "1.0 looks at nobody's certificate"),
    ("sipp", "any", "TLS", "the packaged one is built without it"),
    ("kamailio", "proxy", "WebSocket to the called party", "it accepts WebSockets and opens none"),
    (
        "dnsmasq",
        "name server",
        "the first SRV target of UDP is dead",
        "nothing tells before timer B, 32 s; the tests of the transaction layer have it in virtual time",
    ),
    (
        "twinkle",
        "any",
        CALL,
        "it needs a network card of its own: prints 255.255.255.255 as its address on loopback",
    ),
];

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(peer, role, kind, reason): &(&'static str, &'static str, &'static str, &'static str)| Row {
        peer,
        role,
        kind,
        with: "–".to_owned(),
        media: "–",
        expected: "–".to_owned(),
        outcome: Outcome::Left(reason),
        test: "",
    };
    LEFT.iter().map(row).collect()
}
