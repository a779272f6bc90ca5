//! What the network does.

use super::{
    Axis,
    Then::{self, Anything, Same},
    Value, value,
};

/// Between engines, which send again what is lost.
pub(super) const OF_ENGINES: Axis = Axis { name: "network", values: &values(Same) };

/// Where a scripted party sends each of its requests once.
pub(super) const OF_SCRIPTED: Axis = Axis { name: "network", values: &values(Anything) };

/// `lost` is what one or two lost messages do to the outcome.
const fn values(lost: Then) -> [Value; 16] {
    [
        value("quiet", Same, ""),
        value("repeats", Same, "network duplication 60"),
        value("reorders", Anything, "network delay 1ms..400ms"),
        value("slow", Anything, "network delay 700ms..900ms"),
        value("loses 10 %", Anything, "network loss 10\nnetwork delay 2ms..60ms\nnetwork duplication 5"),
        value("loses 30 %", Anything, "network loss 30\nnetwork delay 2ms..60ms\nnetwork duplication 5"),
        value("transferor and transferee parted for a while", Anything, "cut alice bob from 1700ms to 6s"),
        value("transferor and transferee parted for long", Anything, "cut alice bob from 2s to 50s"),
        value("transferee and target parted", Anything, "cut bob carol from 1500ms to 40s"),
        value("transferor and target parted", Anything, "cut alice carol from 2s to 40s"),
        value("REFER lost twice", lost, "lose 2 REFER from alice"),
        value("202 lost twice", lost, "lose 2 202/REFER from bob"),
        value("first NOTIFY lost twice", lost, "lose 2 NOTIFY from bob"),
        value("answer to the last NOTIFY lost", lost, "lose 2 200/NOTIFY from alice after 1"),
        value("ACK lost", lost, "lose 2 ACK from bob after 1"),
        value("BYE lost", lost, "lose 2 BYE from alice"),
    ]
}
