//! What the network does.

use super::{Axis, Then::Anything, Then::Same, value};

pub(super) const AXIS: Axis = Axis {
    name: "network",
    values: &[
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
        value("REFER lost twice", Same, "lose 2 REFER from alice"),
        value("202 lost twice", Same, "lose 2 202/REFER from bob"),
        value("first NOTIFY lost twice", Same, "lose 2 NOTIFY from bob"),
        value("answer to the last NOTIFY lost", Same, "lose 2 200/NOTIFY from alice after 1"),
        value("ACK lost", Same, "lose 2 ACK from bob after 1"),
        value("BYE lost", Same, "lose 2 BYE from alice"),
    ],
};
