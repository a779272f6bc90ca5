//! Kinds of transfer, as the transferor's application asks for them. A new one is one value more here.
//!
//! Words that a kind gives: `{new}` is the number of the target's INVITE that the transfer causes, counted over all that come
//! to it; `{asked}` is what a scripted target does about the call in which it is asked before, and `{leaves}` what it does
//! when it has the new one.

use super::{
    Axis, Step,
    Then::{self, Anything, Comes, FallsBack, Or, Same},
    Value,
};

/// The word of a kind whose target has a call when the REFER is sent.
pub(super) const ASKS: (&str, &str) = ("asks", "");

const fn blind(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: UNASKED }
}

/// The target has no call before.
pub(super) const UNASKED: &[(&str, &str)] = &[("new", "1"), ("leaves", ""), ("asked", "")];

/// The target rings, and answers a second later.
const ASKED: &[(&str, &str)] = &[
    ASKS,
    ("new", "2"),
    ("leaves", "on carol INVITE 2 after 500ms carol send BYE in 1\n"),
    (
        "asked",
        "on carol INVITE 1 after 0ms carol reply 180\non carol INVITE 1 after 900ms carol reply 200 sdp\n| Supported: replaces\n",
    ),
];

/// The target rings.
const RINGS: &[(&str, &str)] =
    &[("new", "2"), ("leaves", ""), ("asked", "on carol INVITE 1 after 0ms carol reply 180\n")];

const fn asked(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: ASKED }
}

/// Between engines.
pub(super) const OF_ENGINES: Axis = Axis { name: "kind", values: &values(Same) };

/// Towards a scripted transferee.
pub(super) const OF_SCRIPTED: Axis = Axis { name: "kind", values: &values(Anything(Step::Refer)) };

/// The kinds. `called` is what the transferee does to the outcome if it is the one that is called: if scripted, nothing.
const fn values(called: Then) -> [Value; 19] {
    [
        blind("blind", Same, "on alice established 1 after 1s alice blind carol"),
        blind(
            "blind, cancelled",
            Or("Cancelled"),
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
            then: Comes(Step::Ask, "Cancelled"),
            text: "on alice established 1 after 1s alice consult carol\n\
                   on alice consult_ringing 1 after 300ms alice cancel-transfer",
            words: RINGS,
        },
        asked(
            "consult, cancelled after the answer",
            Comes(Step::Ask, "Cancelled"),
            "on alice established 1 after 1s alice consult carol\n\
             on alice consult_answered 1 after 300ms alice cancel-transfer",
        ),
        asked(
            "attended, protected target",
            called,
            "on alice established 1 after 500ms alice call carol\n\
             on alice established 2 after 1s alice attended bob carol protect",
        ),
        blind(
            "blind, or a bridge",
            FallsBack,
            "option alice fallback bridge\non alice established 1 after 1s alice blind carol",
        ),
        asked(
            "attended, or a bridge",
            FallsBack,
            "option alice fallback bridge\non alice established 1 after 500ms alice call carol\n\
             on alice established 2 after 1s alice attended bob carol",
        ),
        asked(
            "consult, or a bridge",
            FallsBack,
            "option alice fallback bridge\non alice established 1 after 1s alice consult carol\n\
             on alice consult_answered 1 after 1s alice complete",
        ),
        asked(
            "warm, taken over",
            Same,
            "on alice established 1 after 1s alice warm carol\n\
             on alice consult_answered 1 after 500ms alice accept-target",
        ),
        asked("warm, the answer is enough", Same, "on alice established 1 after 1s alice warm carol briefed"),
        asked(
            "warm, declined",
            Comes(Step::Ask, "Recovered"),
            "on alice established 1 after 1s alice warm carol\n\
             on alice consult_answered 1 after 500ms alice decline-target",
        ),
        asked(
            "warm, nobody decides",
            Comes(Step::Ask, "TimedOut"),
            "on alice established 1 after 1s alice warm carol deadline 5s",
        ),
    ]
}
