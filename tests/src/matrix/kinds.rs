//! Kinds of transfer, as the transferor's application asks for them. A new one is one value more here.
//!
//! Words that a kind gives: `{new}` is the number of the target's INVITE that the transfer causes, counted over all that come
//! to it; `{asked}` is what a scripted target does about the call in which it is asked before.

use super::{
    Axis,
    Then::{self, Anything, Comes, Same},
    Value,
};

const fn blind(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: &[("new", "1"), ("asked", "")] }
}

/// The target rings, and answers a second later.
const ASKED: &[(&str, &str)] = &[
    ("new", "2"),
    (
        "asked",
        "on carol INVITE 1 after 0ms carol reply 180\non carol INVITE 1 after 900ms carol reply 200 sdp\n| Supported: replaces\n",
    ),
];

/// The target rings.
const RINGS: &[(&str, &str)] = &[("new", "2"), ("asked", "on carol INVITE 1 after 0ms carol reply 180\n")];

const fn asked(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: ASKED }
}

/// Between engines.
pub(super) const OF_ENGINES: Axis = Axis { name: "kind", values: &values(Same) };

/// Towards a scripted transferee.
pub(super) const OF_SCRIPTED: Axis = Axis { name: "kind", values: &values(Anything) };

/// The kinds. `called` is what the transferee does to the outcome if it is the one that is called: if scripted, nothing.
const fn values(called: Then) -> [Value; 12] {
    [
        blind("blind", Same, "on alice established 1 after 1s alice blind carol"),
        blind(
            "blind, cancelled",
            Comes("Cancelled|Succeeded"),
            "on alice established 1 after 1s alice blind carol\n\
             on alice refer_sent 1 after 0ms..900ms alice cancel-transfer",
        ),
        asked(
            "attended",
            Same,
            "on alice established 1 after 500ms alice call carol\n\
             on alice established 2 after 1s alice attended bob carol",
        ),
        asked(
            "attended, address of record",
            Same,
            "option alice refer-to aor\non alice established 1 after 500ms alice call carol\n\
             on alice established 2 after 1s alice attended bob carol",
        ),
        asked(
            "consult",
            Same,
            "on alice established 1 after 1s alice consult carol\n\
             on alice consult_answered 1 after 1s alice complete",
        ),
        asked("consult, at once", Same, "on alice established 1 after 1s alice consult carol on-answer"),
        asked(
            "semi-attended, wait",
            Same,
            "option alice semi-attended wait\non alice established 1 after 1s alice consult carol\n\
             on alice consult_ringing 1 after 300ms alice complete",
        ),
        Value {
            name: "semi-attended, cancel then blind",
            then: Same,
            text: "option alice semi-attended blind\non alice established 1 after 1s alice consult carol\n\
                   on alice consult_ringing 1 after 300ms alice complete",
            words: RINGS,
        },
        asked(
            "semi-attended, refuse",
            Same,
            "option alice semi-attended refuse\non alice established 1 after 1s alice consult carol\n\
             on alice consult_ringing 1 after 300ms alice complete\n\
             on alice consult_answered 1 after 1s alice complete",
        ),
        Value {
            name: "consult, cancelled while it rings",
            then: Comes("Cancelled"),
            text: "on alice established 1 after 1s alice consult carol\n\
                   on alice consult_ringing 1 after 300ms alice cancel-transfer",
            words: RINGS,
        },
        asked(
            "consult, cancelled after the answer",
            Comes("Cancelled"),
            "on alice established 1 after 1s alice consult carol\n\
             on alice consult_answered 1 after 300ms alice cancel-transfer",
        ),
        asked(
            "attended, protected target",
            called,
            "on alice established 1 after 500ms alice call carol\n\
             on alice established 2 after 1s alice attended bob carol protect",
        ),
    ]
}
