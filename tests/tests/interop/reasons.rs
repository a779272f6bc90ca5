//! Why a peer cannot do what the table of cells asks of it, each reason with its evidence.

/// Why a peer cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    SipJsTransport,
    SippTls,
    SippOneCall,
    BaresipRefers,
    BaresipFollows,
    BaresipReplaced,
}

use Reason::{BaresipFollows, BaresipRefers, BaresipReplaced, SipJsTransport, SippOneCall, SippTls};

/// The reasons in the order of their numbers, each with its evidence.
pub(crate) const REASONS: [(Reason, &str); 6] = [
    (
        SipJsTransport,
        "SIP.js has one transport, a WebSocket (`lib/platform/web/transport`), which the table of results has; UDP is given \
         to it by `tests/interop/sipjs/udp.mjs`",
    ),
    (
        SippTls,
        "sipp of the distribution is built without TLS: `sipp -v` says `SIPp v3.6.1-SCTP-PCAP-RTPSTREAM`",
    ),
    (
        SippOneCall,
        "a scenario of sipp is bound to one Call-ID: it can neither place the second call nor name it in Replaces",
    ),
    (BaresipRefers, "baresip 1.0 has no command for a REFER with Replaces: `transfer` takes a URI"),
    (
        BaresipFollows,
        "baresip 1.0 breaks the Refer-To; what we make of that is tested: `an_invite_that_baresip_broke_replaces_nothing`",
    ),
    (
        BaresipReplaced,
        "baresip 1.0 ignores Replaces and does not say that it supports it; it is bridged instead: \
         `a_baresip_that_cannot_be_replaced_is_bridged`",
    ),
];

/// Its number below the table.
pub(crate) fn number(reason: Reason) -> usize {
    REASONS.iter().position(|(known, _)| *known == reason).map_or(0, |place| place + 1)
}
