//! The transferor and the target have engines, and the transferee takes the target's call over as no engine of ours would.

use super::{
    Axis, Step, Table,
    Then::{self, Anything, Same},
    chaos, outcome, value,
};

/// The call that the transferee makes.
macro_rules! takes {
    ($after:literal, $headers:literal) => {
        concat!(
            "on bob REFER 1 after ",
            $after,
            " bob send INVITE to carol as [refer-to-uri] sdp\n| Referred-By: <sip:alice@192.0.2.1>\n",
            $headers,
            "\n"
        )
    };
}

const REPORTS: &str = "on bob REFER 1 after 10ms bob reply 202\n\
    on bob 200/INVITE {taken} after 10ms bob send NOTIFY in 1\n| Event: refer\n| Subscription-State: terminated;reason=noresource\n\
    | Content-Type: message/sipfrag;version=2.0\n|\n| SIP/2.0 200 OK\n|\n";

pub(super) const TABLE: Table = Table {
    name: "target",
    whose: "alice",
    begins: "transfer_initiated",
    target: outcome::Target::Asked,
    base: "party alice answers\nparty bob scripted\nparty carol answers after 300ms\noption alice consult-limit 20s\nend 280s",
    axes: &[
        Axis {
            name: "Replaces",
            values: &[
                value("right", Same, takes!("50ms", "| Replaces: [replaces]")),
                value("with Require", Same, takes!("50ms", "| Replaces: [replaces]\n| Require: replaces")),
                value(
                    "twice",
                    ANYTHING,
                    concat!(
                        takes!("50ms", "| Replaces: [replaces]"),
                        takes!("50ms", "| Replaces: [replaces]")
                    ),
                ),
                value(
                    "twice, the second later",
                    ANYTHING,
                    concat!(
                        takes!("50ms", "| Replaces: [replaces]"),
                        takes!("900ms", "| Replaces: [replaces]")
                    ),
                ),
                value(
                    "two of them",
                    ANYTHING,
                    takes!("50ms", "| Replaces: [replaces]\n| Replaces: [replaces]"),
                ),
                value("only early", ANYTHING, takes!("50ms", "| Replaces: [replaces];early-only")),
                value("of nothing", ANYTHING, takes!("50ms", "| Replaces: no;to-tag=1;from-tag=2")),
                value("malformed", ANYTHING, takes!("50ms", "| Replaces: ;;=")),
                value(
                    "of the first call",
                    ANYTHING,
                    takes!("50ms", "| Replaces: [1.call-id];to-tag=[1.remote-tag];from-tag=[1.local-tag]"),
                ),
                value("beside Join", ANYTHING, takes!("50ms", "| Replaces: [replaces]\n| Join: [replaces]")),
                value("none", ANYTHING, takes!("50ms", "| Subject: I replace nothing")),
                value(
                    "cancelled",
                    ANYTHING,
                    concat!(
                        takes!("50ms", "| Replaces: [replaces]"),
                        "on bob REFER 1 after 55ms bob send CANCEL in 2\n"
                    ),
                ),
                value("no call at all", ANYTHING, ""),
            ],
        },
        Axis {
            name: "policy",
            values: &[
                value("default", Same, ""),
                value("trusted", ANYTHING, "option carol replaces trusted"),
                value("referred by", Same, "option carol replaces referred-by"),
                value("everybody", Same, "option carol replaces allow"),
                value("nobody", ANYTHING, "option carol replaces deny"),
            ],
        },
        Axis {
            name: "kind",
            values: &[
                value(
                    "attended",
                    Same,
                    "on alice established 1 after 500ms alice call carol\non alice established 2 after 1s alice attended bob carol",
                ),
                value(
                    "consult",
                    Same,
                    "on alice established 1 after 1s alice consult carol\non alice consult_answered 1 after 1s alice complete",
                ),
                value(
                    "the target had called",
                    Same,
                    "on alice established 1 after 500ms carol call alice\non alice established 2 after 1s alice attended bob carol",
                ),
                value(
                    "semi-attended, wait",
                    Same,
                    "option alice semi-attended wait\non alice established 1 after 1s alice consult carol\non alice consult_ringing 1 after 100ms alice complete",
                ),
            ],
        },
        Axis {
            name: "caller",
            values: &[
                super::Value {
                    name: "transferor",
                    then: Same,
                    text: "at 0s alice call bob\non bob INVITE 1 after 100ms bob reply 200 sdp",
                    words: &[("taken", "1")],
                },
                super::Value {
                    name: "transferee",
                    then: Same,
                    text: "at 0s bob send INVITE to alice sdp",
                    words: &[("taken", "2")],
                },
            ],
        },
        Axis {
            name: "reports",
            values: &[
                value("right", Same, REPORTS),
                value("none", ANYTHING, "on bob REFER 1 after 10ms bob reply 202"),
            ],
        },
        Axis {
            name: "hang-up",
            values: &[
                value("none", Same, ""),
                value(
                    "transferor, of the consultation, after REFER",
                    ANYTHING,
                    "on alice refer_sent 1 after 0ms..120ms alice hang-up carol",
                ),
                value(
                    "transferor all after REFER",
                    ANYTHING,
                    "on alice refer_sent 1 after 0ms..120ms alice hang-up-all",
                ),
                value(
                    "target when it is replaced",
                    ANYTHING,
                    "on carol replaced 1 after 0ms carol hang-up-all",
                ),
                value(
                    "target after REFER",
                    ANYTHING,
                    "on alice refer_sent 1 after 0ms..120ms carol hang-up-all",
                ),
                value(
                    "transferee, of the new call, at its answer",
                    ANYTHING,
                    "on bob 200/INVITE {taken} after 0ms bob send BYE",
                ),
                value("no ACK from the transferee", ANYTHING, "lose all ACK from bob after 1"),
                value("target holds", ANYTHING, "on alice refer_sent 1 after 0ms..120ms carol hold"),
            ],
        },
        chaos::OF_SCRIPTED,
    ],
};

const ANYTHING: Then = Anything(Step::Hold);
