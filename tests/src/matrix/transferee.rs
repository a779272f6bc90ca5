//! The transferee has an engine, and its transferor asks, listens and hangs up as no engine of ours would.
//!
//! Words of the placement: `{in}` is where the transferor sends its REFER, with the header line `{about}`, and `{refers}` is
//! the number of the dialog that it makes or goes in.

use super::{
    Axis, Step, Table,
    Then::{self, Anything, Comes, Refused, Same},
    Value, chaos, outcome, results, value,
};

/// A REFER about the transferor's call with the transferee.
macro_rules! refer {
    ($name:literal, $then:expr, $headers:literal) => {
        Value {
            name: $name,
            then: $then,
            text: concat!(
                "at 3s alice send REFER {in}\n| Referred-By: <sip:alice@192.0.2.1>\n{about}\n",
                $headers
            ),
            words: &[("new", "1"), ("leaves", ""), ("asked", ""), ("nth", "1"), ("unknown", "")],
        }
    };
}

pub(super) const TABLE: Table = Table {
    name: "transferee",
    whose: "bob",
    begins: "transfer_requested",
    target: outcome::Target::Unasked,
    base: "party alice scripted\nparty bob answers after 200ms\noption bob ring-limit 20s\nend 240s",
    axes: &[
        Axis {
            name: "REFER",
            values: &[
                refer!("plain", Same, "| Refer-To: <sip:carol@192.0.2.3:5060>"),
                refer!("compact", Same, "| r: <sip:carol@192.0.2.3:5060>"),
                refer!(
                    "with a display name and a URI parameter",
                    Same,
                    "| Refer-To: \"Carol, at last\" <sip:carol@192.0.2.3:5060;transport=udp>"
                ),
                refer!("with a method", Same, "| Refer-To: <sip:carol@192.0.2.3:5060;method=INVITE>"),
                refer!(
                    "with a Replaces of nothing",
                    ANYTHING,
                    "| Refer-To: <sip:carol@192.0.2.3:5060?Replaces=no%3Bfrom-tag%3D1%3Bto-tag%3D2>"
                ),
                refer!("without Refer-To", Refused, "| Subject: nothing"),
                refer!(
                    "with two Refer-To",
                    Refused,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\n| Refer-To: <sip:alice@192.0.2.1:5060>"
                ),
                refer!("to a telephone number", Refused, "| Refer-To: <tel:+15551234>"),
                refer!("to BYE", Refused, "| Refer-To: <sip:carol@192.0.2.3:5060;method=BYE>"),
                refer!("to a page", Refused, "| Refer-To: <https://carol.example/>"),
                refer!("to nowhere", ANYTHING, "| Refer-To: <sip:carol@192.0.2.200:5060>"),
                refer!("to the transferor", ANYTHING, "| Refer-To: <sip:alice@192.0.2.1:5060>"),
                refer!("to itself", ANYTHING, "| Refer-To: <sip:bob@192.0.2.2:5060>"),
                refer!(
                    "that requires what nobody has",
                    Refused,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\n| Require: nothing-of-the-kind"
                ),
                refer!(
                    "that wants no subscription",
                    Same,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\n| Refer-Sub: false"
                ),
                refer!(
                    "that requires no subscription",
                    Same,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\n| Require: nosub"
                ),
                refer!(
                    "that requires an explicit subscription",
                    ANYTHING,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\n| Require: explicitsub"
                ),
                refer!(
                    "twice at once",
                    ANYTHING,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\nat 3s alice send REFER {in}\n{about}\n| Refer-To: <sip:carol@192.0.2.3:5060>"
                ),
                refer!(
                    "again after it",
                    ANYTHING,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\nat 6s alice send REFER {in}\n{about}\n| Refer-To: <sip:carol@192.0.2.3:5060>"
                ),
                refer!(
                    "given up by the end of the subscription",
                    ANYTHING,
                    "| Refer-To: <sip:carol@192.0.2.3:5060>\nat 3300ms alice send SUBSCRIBE in {refers}\n| Event: refer\n| Expires: 0\n| Contact: [contact]"
                ),
            ],
        },
        Axis {
            name: "placement",
            values: &[
                Value {
                    name: "in the dialog",
                    then: Same,
                    text: "",
                    words: &[("in", "in 1"), ("about", ""), ("refers", "1")],
                },
                Value {
                    name: "out of the dialog",
                    then: Same,
                    text: "",
                    words: &[
                        ("in", "to bob"),
                        (
                            "about",
                            "| Target-Dialog: [1.call-id];local-tag=[1.remote-tag];remote-tag=[1.local-tag]",
                        ),
                        ("refers", "2"),
                    ],
                },
                Value {
                    name: "out of the dialog, about another",
                    then: Refused,
                    text: "",
                    words: &[
                        ("in", "to bob"),
                        (
                            "about",
                            "| Target-Dialog: [1.call-id];local-tag=[1.local-tag];remote-tag=[1.remote-tag]",
                        ),
                        ("refers", "2"),
                    ],
                },
                Value {
                    name: "out of the dialog, about none",
                    then: Refused,
                    text: "",
                    words: &[("in", "to bob"), ("about", ""), ("refers", "2")],
                },
            ],
        },
        results::AXIS,
        Axis {
            name: "response to NOTIFY",
            values: &[
                value("200", Same, ""),
                value("481", ANYTHING, "on alice NOTIFY 1 after 0ms alice reply 481"),
                value("481 to the last", ANYTHING, "on alice NOTIFY 2 after 0ms alice reply 481"),
                value("500", ANYTHING, "on alice NOTIFY 1 after 0ms alice reply 500"),
                value("503", ANYTHING, "on alice NOTIFY 1 after 0ms alice reply 503\n| Retry-After: 2"),
                value("489", ANYTHING, "on alice NOTIFY 1 after 0ms alice reply 489"),
                value(
                    "401 without end",
                    ANYTHING,
                    "on alice NOTIFY 1 after 0ms alice reply 401\non alice NOTIFY 2 after 0ms alice reply 401",
                ),
                value("late", Same, "on alice NOTIFY 1 after 5s alice reply 200"),
                value("none", ANYTHING, "on alice NOTIFY 1 after 100s alice reply 200"),
            ],
        },
        Axis {
            name: "hold",
            values: &[
                value("none", Same, ""),
                value("sendonly", Same, HELD),
                value("by both", Same, "at 1s bob hold"),
                value("with the REFER", Same, "at 3s bob hold"),
            ],
        },
        Axis {
            name: "caller",
            values: &[
                value("transferor", Same, "at 0s alice send INVITE to bob sdp"),
                value(
                    "transferee",
                    Same,
                    "at 0s bob call alice\non alice INVITE 1 after 100ms alice reply 200 sdp",
                ),
            ],
        },
        Axis {
            name: "asked",
            values: &[
                value("no", Same, "option bob refer allow"),
                value(
                    "accepts",
                    Same,
                    "option bob refer ask\non bob transfer_requested 1 after 0ms..3s bob accept-transfer",
                ),
                value(
                    "refuses",
                    Comes(Step::Call, "Failed|Recovered|Cancelled"),
                    "option bob refer ask\non bob transfer_requested 1 after 1s bob reject-transfer",
                ),
                value("says nothing", ANYTHING, "option bob refer ask"),
                value("never", ANYTHING, "option bob refer deny"),
            ],
        },
        Axis {
            name: "hang-up",
            values: &[
                value("none", Same, ""),
                value("transferor with the REFER", ANYTHING, "at 3001ms alice send BYE in 1"),
                value("transferor at 202", ANYTHING, "on alice 202/REFER 1 after 0ms alice send BYE in 1"),
                value("transferor while it rings", ANYTHING, "at 3s..4s alice send BYE in 1"),
                value(
                    "transferor after the second report",
                    ANYTHING,
                    "on alice NOTIFY 2 after 1s alice send BYE in 1",
                ),
                value(
                    "transferee after the REFER",
                    ANYTHING,
                    "on bob transfer_requested 1 after 0ms..900ms bob hang-up",
                ),
                value(
                    "transferee all when it is connected",
                    ANYTHING,
                    "on bob transfer_connected 1 after 0ms..100ms bob hang-up-all",
                ),
                value("target", ANYTHING, "on carol established 1 after 0ms..500ms carol hang-up"),
            ],
        },
        chaos::OF_SCRIPTED,
    ],
};

const HELD: &str = "at 2s alice send INVITE in 1\n| Content-Type: application/sdp\n|\n| v=0\n| o=- 1 2 IN IP4 192.0.2.1\n\
    | s=-\n| c=IN IP4 192.0.2.1\n| t=0 0\n| m=audio 16384 RTP/AVP 0\n| a=sendonly\n|";

const ANYTHING: Then = Anything(Step::Hold);
