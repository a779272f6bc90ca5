//! The transferor has an engine, and its transferee answers, reports and hangs up as no engine of ours would.
//!
//! Words of the caller: `{hold}` and `{again}` are the numbers of the transferee's INVITEs that hold it.

use super::{
    Axis, Table,
    Then::{Anything, Comes, Same},
    Value, chaos, kinds, value,
};

/// A NOTIFY of the transferee's, after the REFER.
macro_rules! notify {
    ($after:literal, $headers:literal, $status:literal) => {
        concat!(
            "on bob REFER 1 after ",
            $after,
            " bob send NOTIFY in 1\n",
            $headers,
            "| Content-Type: message/sipfrag;version=2.0\n|\n| SIP/2.0 ",
            $status,
            "\n|\n"
        )
    };
    (trying) => {
        notify!("30ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "100 Trying")
    };
    ($after:literal, $status:literal) => {
        notify!($after, "| Event: refer\n| Subscription-State: terminated;reason=noresource\n", $status)
    };
}

macro_rules! fails {
    ($status:literal) => {
        value($status, Comes("Recovered"), concat!(notify!(trying), notify!("700ms", $status)))
    };
}

macro_rules! refuses {
    ($code:literal, $then:expr) => {
        value($code, $then, concat!("on bob REFER 1 after 20ms bob reply ", $code))
    };
}

pub(super) const TABLE: Table = Table {
    name: "transferor",
    whose: "alice",
    base: "party alice answers\nparty bob scripted\nparty carol answers after 500ms\noption alice consult-limit 20s\n\
        end 280s",
    axes: &[kinds::OF_SCRIPTED, REPORTS, ANSWER, HOLD, CALLER, HANG_UP, chaos::OF_SCRIPTED],
};

const REPORTS: Axis = Axis {
    name: "reports",
    values: &[
        value("100 and 200", Same, concat!(notify!(trying), notify!("700ms", "200 OK"))),
        fails!("486 Busy Here"),
        fails!("603 Decline"),
        fails!("480 Temporarily Unavailable"),
        fails!("404 Not Found"),
        fails!("408 Request Timeout"),
        value(
            "481 to Replaces",
            Anything,
            concat!(notify!(trying), notify!("700ms", "481 Call Does Not Exist")),
        ),
        fails!("488 Not Acceptable Here"),
        value(
            "the first before the response",
            Same,
            concat!(
                notify!("0ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "100 Trying"),
                notify!("700ms", "200 OK")
            ),
        ),
        value("all before the response", Same, notify!("0ms", "200 OK")),
        value("none", Anything, ""),
        value(
            "none but the first",
            Anything,
            notify!("30ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "100 Trying"),
        ),
        value("the first after 40 s", Anything, notify!("40s", "200 OK")),
        value("the last after 100 s", Anything, concat!(notify!(trying), notify!("100s", "200 OK"))),
        value("the last after 150 s", Anything, concat!(notify!(trying), notify!("150s", "486 Busy Here"))),
        value(
            "the last twice",
            Same,
            concat!(notify!(trying), notify!("700ms", "200 OK"), notify!("710ms", "200 OK")),
        ),
        value(
            "200, then 486",
            Same,
            concat!(notify!(trying), notify!("700ms", "200 OK"), notify!("720ms", "486 Busy Here")),
        ),
        value("only 200", Same, notify!("400ms", "200 OK")),
        value(
            "200 and the subscription goes on",
            Same,
            concat!(
                notify!(trying),
                notify!("700ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "200 OK")
            ),
        ),
        value(
            "200, then active",
            Same,
            concat!(
                notify!(trying),
                notify!("700ms", "200 OK"),
                notify!("900ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "180 Ringing")
            ),
        ),
        value(
            "no body",
            Anything,
            concat!(
                notify!(trying),
                "on bob REFER 1 after 700ms bob send NOTIFY in 1\n| Event: refer\n\
                 | Subscription-State: terminated;reason=noresource\n"
            ),
        ),
        value(
            "a body that is no status line",
            Anything,
            concat!(notify!(trying), notify!("700ms", "is what I speak")),
        ),
        value(
            "no Subscription-State",
            Anything,
            concat!(notify!(trying), notify!("700ms", "| Event: refer\n", "200 OK")),
        ),
        value(
            "no Event",
            Anything,
            concat!(
                notify!(trying),
                notify!("700ms", "| Subscription-State: terminated;reason=noresource\n", "200 OK")
            ),
        ),
        value(
            "with the number of the REFER",
            Same,
            concat!(
                notify!(
                    "30ms",
                    "| Event: refer;id=[cseq]\n| Subscription-State: active;expires=60\n",
                    "100 Trying"
                ),
                notify!(
                    "700ms",
                    "| Event: refer;id=[cseq]\n| Subscription-State: terminated;reason=noresource\n",
                    "200 OK"
                )
            ),
        ),
        value(
            "with another number",
            Anything,
            notify!(
                "700ms",
                "| Event: refer;id=94711\n| Subscription-State: terminated;reason=noresource\n",
                "200 OK"
            ),
        ),
        value("terminated with 100", Anything, notify!("400ms", "100 Trying")),
        value(
            "a subscription of a second",
            Anything,
            notify!("30ms", "| Event: refer\n| Subscription-State: active;expires=1\n", "100 Trying"),
        ),
        value(
            "rejected",
            Comes("Recovered"),
            concat!(
                notify!("30ms", "| Event: refer\n| Subscription-State: pending;expires=60\n", "100 Trying"),
                notify!(
                    "700ms",
                    "| Event: refer\n| Subscription-State: terminated;reason=rejected\n",
                    "603 Decline"
                )
            ),
        ),
        value(
            "many",
            Same,
            concat!(
                notify!(trying),
                notify!("100ms", "| Event: refer\n| Subscription-State: active\n", "180 Ringing"),
                notify!("110ms", "| Event: refer\n| Subscription-State: active\n", "180 Ringing"),
                notify!("120ms", "| Event: refer\n| Subscription-State: active\n", "183 Session Progress"),
                notify!("700ms", "200 OK")
            ),
        ),
    ],
};

const ANSWER: Axis = Axis {
    name: "response to REFER",
    values: &[
        value("202", Same, "on bob REFER 1 after 20ms bob reply 202"),
        value("200", Same, "on bob REFER 1 after 20ms bob reply 200"),
        value("299", Same, "on bob REFER 1 after 20ms bob reply 299"),
        value(
            "100, then 202",
            Same,
            "on bob REFER 1 after 10ms bob reply 100\non bob REFER 1 after 3s bob reply 202",
        ),
        value(
            // Reports follow the first REFER, and one with its number then belongs to nothing.
            "401, then 202",
            Anything,
            "option alice key bob.example alice one\non bob REFER 1 after 20ms bob reply 401\n\
             | WWW-Authenticate: Digest realm=\"bob.example\", nonce=\"one\", algorithm=MD5, qop=\"auth\"\n\
             on bob REFER 2 after 20ms bob reply 202",
        ),
        refuses!("401", Anything),
        refuses!("403", Anything),
        refuses!("405", Anything),
        refuses!("481", Anything),
        refuses!("501", Anything),
        refuses!("503", Anything),
        refuses!("603", Anything),
        value(
            "302",
            Anything,
            "on bob REFER 1 after 20ms bob reply 302\n| Contact: <sip:dave@192.0.2.9:5060>",
        ),
        value("none", Anything, ""),
    ],
};

const HOLD: Axis = Axis {
    name: "hold",
    values: &[
        value("accepted", Same, ""),
        value("off", Same, "option alice hold off"),
        value("491 once", Same, "on bob INVITE {hold} after 0ms bob reply 491"),
        value(
            "491 twice",
            Same,
            "on bob INVITE {hold} after 0ms bob reply 491\non bob INVITE {again} after 0ms bob reply 491",
        ),
        value("refused", Same, "on bob INVITE {hold} after 0ms bob reply 488"),
        value(
            "refused, and the transfer with it",
            Anything,
            "option alice hold-failure fail\non bob INVITE {hold} after 0ms bob reply 488",
        ),
        value("481", Anything, "on bob INVITE {hold} after 0ms bob reply 481"),
        value("answered after 40 s", Anything, "on bob INVITE {hold} after 40s bob reply 200 sdp"),
        value("by inactive", Same, HELD_BY_INACTIVE),
        value("by 0.0.0.0", Same, HELD_BY_ZERO),
        value(
            "by both",
            Anything,
            "on alice established 1 after 300ms bob send INVITE in 1\n| Content-Type: application/sdp\n|\n| v=0\n\
             | o=- 1 2 IN IP4 192.0.2.2\n| s=-\n| c=IN IP4 192.0.2.2\n| t=0 0\n| m=audio 16384 RTP/AVP 0\n| a=sendonly\n|",
        ),
    ],
};

const HELD_BY_INACTIVE: &str = "on bob INVITE {hold} after 0ms bob reply 200\n| Content-Type: application/sdp\n|\n| v=0\n\
    | o=- 1 2 IN IP4 192.0.2.2\n| s=-\n| c=IN IP4 192.0.2.2\n| t=0 0\n| m=audio 16384 RTP/AVP 0\n| a=inactive\n|";

const HELD_BY_ZERO: &str = "on bob INVITE {hold} after 0ms bob reply 200\n| Content-Type: application/sdp\n|\n| v=0\n\
    | o=- 1 2 IN IP4 192.0.2.2\n| s=-\n| c=IN IP4 0.0.0.0\n| t=0 0\n| m=audio 16384 RTP/AVP 0\n| a=recvonly\n|";

const CALLER: Axis = Axis {
    name: "caller",
    values: &[
        Value {
            name: "transferor",
            then: Same,
            text: "at 0s alice call bob\non bob INVITE 1 after 100ms bob reply 200 sdp\n| Supported: replaces",
            words: &[("hold", "2"), ("again", "3")],
        },
        Value {
            name: "transferee",
            then: Same,
            text: "at 0s bob send INVITE to alice sdp\n| Supported: replaces",
            words: &[("hold", "1"), ("again", "2")],
        },
    ],
};

const HANG_UP: Axis = Axis {
    name: "hang-up",
    values: &[
        value("none", Same, ""),
        value(
            "transferee when it is held",
            Anything,
            "on alice transfer_initiated 1 after 0ms..60ms bob send BYE in 1",
        ),
        value("transferee before its response", Anything, "on bob REFER 1 after 10ms bob send BYE in 1"),
        value("transferee with its response", Anything, "on bob REFER 1 after 21ms bob send BYE in 1"),
        value(
            "transferee after the first report",
            Anything,
            "on bob 200/NOTIFY 1 after 0ms bob send BYE in 1",
        ),
        value(
            "transferee before the last report",
            Anything,
            "on bob REFER 1 after 650ms..720ms bob send BYE in 1",
        ),
        value("transferor after REFER", Anything, "on alice refer_sent 1 after 0ms..60ms alice hang-up bob"),
        value(
            "transferor after 202",
            Anything,
            "on alice transfer_accepted 1 after 0ms..700ms alice hang-up bob",
        ),
        value(
            "transferor all after a report",
            Anything,
            "on alice transfer_progress 1 after 0ms..300ms alice hang-up-all",
        ),
        value("target", Anything, "on carol established 1 after 0ms..3s carol hang-up"),
    ],
};
