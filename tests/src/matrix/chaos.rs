//! What the network does, and by what the engines listen.
//!
//! `{by}` is a word that it gives: by what a target listens that has an engine.

use super::{
    Axis, Step,
    Then::{self, Anything, Same},
    Value,
};

/// What a network does over UDP; `lost` is what one or two lost messages do to the outcome.
macro_rules! networks {
    ($lost:expr, $($further:expr),*) => {
        &[
            udp("quiet", Same, ""),
            udp("repeats", Same, "network duplication 60"),
            udp("reorders", ANYTHING, "network delay 1ms..400ms"),
            udp("slow", ANYTHING, "network delay 700ms..900ms"),
            udp("loses 10 %", ANYTHING, "network loss 10\nnetwork delay 2ms..60ms\nnetwork duplication 5"),
            udp("loses 30 %", ANYTHING, "network loss 30\nnetwork delay 2ms..60ms\nnetwork duplication 5"),
            udp("transferor and transferee parted for a while", ANYTHING, "cut alice bob from 1700ms to 6s"),
            udp("transferor and transferee parted for long", ANYTHING, "cut alice bob from 2s to 50s"),
            udp("transferee and target parted", ANYTHING, "cut bob carol from 1500ms to 40s"),
            udp("transferor and target parted", ANYTHING, "cut alice carol from 2s to 40s"),
            udp("REFER lost twice", $lost, "lose 2 REFER from alice"),
            udp("202 lost twice", $lost, "lose 2 202/REFER from bob"),
            udp("first NOTIFY lost twice", $lost, "lose 2 NOTIFY from bob"),
            udp("answer to the last NOTIFY lost", $lost, "lose 2 200/NOTIFY from alice after 1"),
            udp("ACK lost", $lost, "lose 2 ACK from bob after 1"),
            udp("BYE lost", $lost, "lose 2 BYE from alice"),
            $($further),*
        ]
    };
}

/// Between engines, which send again what is lost.
pub(super) const OF_ENGINES: Axis = Axis {
    name: "network",
    values: networks!(
        Same,
        tcp("TCP", Same, TCP),
        tcp(
            "TCP, slow",
            Same,
            "option alice listen tcp udp\noption bob listen tcp udp\nnetwork delay 1ms..150ms"
        ),
        tcp(
            "TCP, connections break",
            ANYTHING,
            "option alice listen tcp udp\noption bob listen tcp udp\nnetwork cuts 5"
        ),
        tcp(
            "TCP, that of transferor and transferee breaks",
            ANYTHING,
            "option alice listen tcp udp\noption bob listen tcp udp\nbreak alice bob at 2s"
        ),
        udp("TCP but for the target", Same, TCP),
        Value { name: "TLS", then: Same, text: TLS, words: &[("by", "tls")] }
    ),
};

/// Where a scripted party sends each of its requests once. What it names by itself is reached by UDP.
pub(super) const OF_SCRIPTED: Axis = Axis {
    name: "network",
    values: networks!(
        ANYTHING,
        udp("TCP but for the target", Same, TCP),
        udp("TLS but for the target", Same, TLS),
        udp(
            "TCP, that of transferor and transferee breaks",
            ANYTHING,
            "option alice listen tcp udp\noption bob listen tcp udp\nbreak alice bob at 2s"
        )
    ),
};

const ANYTHING: Then = Anything(Step::Hold);

const TCP: &str = "option alice listen tcp udp\noption bob listen tcp udp";

const TLS: &str = "option alice listen tls udp\noption bob listen tls udp";

const fn udp(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: &[("by", "udp")] }
}

const fn tcp(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: &[("by", "tcp")] }
}
