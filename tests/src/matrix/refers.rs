//! How the REFER is sent: in the dialog of the call or in one of its own, and which subscription it asks for.
//!
//! Words that it gives: `{nth}` is the number of the REFER that is answered, and `{unknown}` is what a scripted party
//! answers to one before it that requires what it does not know. Towards a scripted transferee also: `{then}` is the number
//! of the next one, `{reported}` is the request in whose dialog it reports, and `{granted}` is a header line of its 2xx.

use super::{
    Axis,
    Then::{self, Refused, Same, Unheard},
    Value,
};

/// Between engines. Ours never grants `Refer-Sub: false` (RFC 4488 §4), and reports by an explicit subscription as by any.
pub(super) const OF_ENGINES: Axis = Axis {
    name: "REFER",
    values: &[
        known("in the dialog", Same, ""),
        known("out of the dialog", Same, "option alice placement outside"),
        known("norefersub", Same, "option alice subscription suppress"),
        known("nosub", Unheard, "option alice subscription none"),
        Value {
            name: "explicitsub",
            then: Same,
            text: "option alice subscription explicit",
            words: &[
                ("nth", "2"),
                ("unknown", "on carol REFER 1 after 5ms carol reply 420\n| Unsupported: explicitsub\n"),
            ],
        },
        // What may fork makes the usual subscriptions, or any number of strangers would go on unheard (TR-074).
        known(
            "out of the dialog, norefersub",
            Refused,
            "option alice placement outside\noption alice subscription suppress",
        ),
        known(
            "out of the dialog, nosub",
            Refused,
            "option alice placement outside\noption alice subscription none",
        ),
        known(
            "out of the dialog, explicitsub",
            Refused,
            "option alice placement outside\noption alice subscription explicit",
        ),
    ],
};

const fn known(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: &[("nth", "1"), ("unknown", "")] }
}

/// Towards a scripted transferee.
pub(super) const OF_SCRIPTED: Axis = Axis {
    name: "REFER",
    values: &[
        taken("in the dialog", Same, ""),
        taken("out of the dialog", Same, "option alice placement outside"),
        // Another one gets it, too, and is slower.
        taken("out of the dialog, forked", Same, FORKED),
        taken("norefersub, ignored", Same, "option alice subscription suppress"),
        Value {
            name: "norefersub, granted",
            then: Unheard,
            text: "option alice subscription suppress",
            words: &[
                ("nth", "1"),
                ("then", "2"),
                ("reported", "REFER 1"),
                ("granted", "| Refer-Sub: false"),
                ("unknown", ""),
            ],
        },
        taken("nosub", Unheard, "option alice subscription none"),
        Value {
            name: "nosub, not known",
            then: Same,
            text: "option alice subscription none\non bob REFER 1 after 5ms bob reply 420\n| Unsupported: nosub",
            words: AGAIN,
        },
        Value {
            name: "explicitsub",
            then: Same,
            text: "option alice subscription explicit\non bob SUBSCRIBE 1 after 5ms bob reply 200\n| Expires: 60\n\
                   | Contact: [contact]",
            words: &[
                ("nth", "1"),
                ("then", "2"),
                ("reported", "SUBSCRIBE 1"),
                ("granted", "| Refer-Events-At: <sip:what-became-of-it@192.0.2.2:5060>"),
                ("unknown", ""),
            ],
        },
        taken("explicitsub, without a place", Unheard, "option alice subscription explicit"),
        Value {
            name: "explicitsub, not known",
            then: Same,
            text: "option alice subscription explicit\non bob REFER 1 after 5ms bob reply 420\n\
                   | Unsupported: explicitsub",
            words: AGAIN,
        },
    ],
};

const fn taken(name: &'static str, then: Then, text: &'static str) -> Value {
    let words = &[("nth", "1"), ("then", "2"), ("reported", "REFER 1"), ("granted", ""), ("unknown", "")];
    Value { name, then, text, words }
}

const AGAIN: &[(&str, &str)] =
    &[("nth", "2"), ("then", "3"), ("reported", "REFER 2"), ("granted", ""), ("unknown", "")];

const FORKED: &str = "option alice placement outside\n\
    on bob REFER 1 after 40ms bob send NOTIFY\n| From: <sip:bob@192.0.2.2:5060>;tag=another\n\
    | Contact: <sip:another@192.0.2.2:5060>\n| Event: refer\n| Subscription-State: active;expires=60\n\
    | Content-Type: message/sipfrag;version=2.0\n|\n| SIP/2.0 100 Trying\n|\n\
    on bob REFER 1 after 5s bob send NOTIFY\n| From: <sip:bob@192.0.2.2:5060>;tag=another\n\
    | Contact: <sip:another@192.0.2.2:5060>\n| Event: refer\n| Subscription-State: terminated;reason=noresource\n\
    | Content-Type: message/sipfrag;version=2.0\n|\n| SIP/2.0 480 Temporarily Unavailable\n|\n";
