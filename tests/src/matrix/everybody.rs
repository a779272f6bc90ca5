//! All parties have engines, but for a target with a result of its own: what the three roles make of each other.

use super::{
    Axis, Step, Table,
    Then::{self, Anything, Declined, Same},
    chaos, kinds, outcome, refers, results, value,
};

pub(super) const TABLE: Table = Table {
    name: "everybody",
    whose: "alice",
    begins: "transfer_initiated",
    target: outcome::Target::Asked,
    base: "party alice answers\nparty bob answers after 200ms\noption alice ring-limit 20s\n\
        option alice consult-limit 20s\noption bob ring-limit 20s\nend 240s",
    axes: &[
        kinds::OF_ENGINES,
        results::AXIS,
        refers::OF_ENGINES,
        Axis {
            name: "transferee",
            values: &[value("follows", Same, ""), value("declines", Declined, "option bob refer deny")],
        },
        Axis {
            name: "hold",
            values: &[
                value("on", Same, ""),
                value("off", Same, "option alice hold off"),
                value("by both", Same, "on bob established 1 after 300ms bob hold"),
                value("glare", Same, "on alice transfer_initiated 1 after 0ms bob hold"),
                value(
                    "toggled by the other side",
                    // A resumption can overtake a report that is sent again (docs/decisions/0004).
                    ANYTHING,
                    "on bob established 1 after 300ms bob hold\non bob hold_changed 1 after 0ms..2s bob resume",
                ),
            ],
        },
        Axis {
            name: "caller",
            values: &[
                value("transferor", Same, "at 0s alice call bob"),
                value("transferee", Same, "at 0s bob call alice"),
            ],
        },
        Axis {
            name: "hang-up",
            values: &[
                value("none", Same, ""),
                value(
                    "transferor while it holds",
                    ANYTHING,
                    "on alice transfer_initiated 1 after 0ms..60ms alice hang-up bob",
                ),
                value(
                    "transferor after REFER",
                    ANYTHING,
                    "on alice refer_sent 1 after 0ms..60ms alice hang-up bob",
                ),
                value(
                    "transferor after 202",
                    ANYTHING,
                    "on alice transfer_accepted 1 after 0ms..900ms alice hang-up bob",
                ),
                value(
                    "transferor all after a report",
                    ANYTHING,
                    "on alice transfer_progress 1 after 0ms..400ms alice hang-up-all",
                ),
                value(
                    "transferor while the consultation rings",
                    ANYTHING,
                    "on alice consult_ringing 1 after 0ms..500ms alice hang-up bob",
                ),
                value(
                    "transferee when it is held",
                    ANYTHING,
                    "on bob hold_changed 1 after 0ms..200ms bob hang-up",
                ),
                value(
                    "transferee after REFER",
                    ANYTHING,
                    "on bob transfer_requested 1 after 0ms..900ms bob hang-up alice",
                ),
                value(
                    "transferee all when it is connected",
                    ANYTHING,
                    "on bob transfer_connected 1 after 0ms..50ms bob hang-up-all",
                ),
                value(
                    "target after its answer",
                    ANYTHING,
                    "on carol established 1 after 0ms..1500ms carol hang-up",
                ),
                value(
                    "target when it is replaced",
                    ANYTHING,
                    "on carol replaced 1 after 0ms..50ms carol hang-up-all",
                ),
            ],
        },
        chaos::OF_ENGINES,
    ],
};

const ANYTHING: Then = Anything(Step::Hold);
