//! The transferor has an engine, and its transferee answers, reports and hangs up as no engine of ours would.
//!
//! Words of the caller: `{hold}` and `{again}` are the numbers of the transferee's INVITEs that hold it.

use super::{
    Axis, Step, Table,
    Then::{Anything, Comes, Declined, Or, Same},
    Value, chaos, kinds, outcome, refers, value,
};

/// A NOTIFY of the transferee's, after the REFER.
macro_rules! notify {
    ($after:literal, $headers:literal, $status:literal) => {
        concat!(
            "on bob {reported} after ",
            $after,
            " bob send NOTIFY\n",
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
        value($status, Comes(Step::Call, "Recovered"), concat!(notify!(trying), notify!("700ms", $status)))
    };
}

macro_rules! refuses {
    ($code:literal, $then:expr) => {
        value($code, $then, concat!("on bob REFER {nth} after 20ms bob reply ", $code))
    };
}

pub(super) const TABLE: Table = Table {
    name: "transferor",
    whose: "alice",
    begins: "transfer_initiated",
    target: outcome::Target::Left,
    base: "party alice answers\nparty bob scripted\nparty carol answers after 500ms\noption alice consult-limit 20s\n\
        end 280s",
    axes: &[
        kinds::OF_SCRIPTED,
        refers::OF_SCRIPTED,
        REPORTS,
        ANSWER,
        HOLD,
        CALLER,
        HANG_UP,
        chaos::OF_SCRIPTED,
    ],
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
            Anything(Step::Call),
            concat!(notify!(trying), notify!("700ms", "481 Call Does Not Exist")),
        ),
        fails!("488 Not Acceptable Here"),
        // What is heard before shows that there is a subscription, whatever the response says.
        value(
            "the first before the response",
            Or("Succeeded"),
            concat!(
                notify!("0ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "100 Trying"),
                notify!("700ms", "200 OK")
            ),
        ),
        value("all before the response", Or("Succeeded"), notify!("0ms", "200 OK")),
        value("none", Anything(Step::Call), ""),
        value(
            "none but the first",
            Anything(Step::Call),
            notify!("30ms", "| Event: refer\n| Subscription-State: active;expires=60\n", "100 Trying"),
        ),
        value("the first after 40 s", Anything(Step::Call), notify!("40s", "200 OK")),
        value(
            "the last after 100 s",
            Anything(Step::Call),
            concat!(notify!(trying), notify!("100s", "200 OK")),
        ),
        value(
            "the last after 150 s",
            Anything(Step::Call),
            concat!(notify!(trying), notify!("150s", "486 Busy Here")),
        ),
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
            Anything(Step::Call),
            concat!(
                notify!(trying),
                "on bob {reported} after 700ms bob send NOTIFY\n| Event: refer\n\
                 | Subscription-State: terminated;reason=noresource\n"
            ),
        ),
        value(
            "a body that is no status line",
            Anything(Step::Call),
            concat!(notify!(trying), notify!("700ms", "is what I speak")),
        ),
        value(
            "no Subscription-State",
            Anything(Step::Call),
            concat!(notify!(trying), notify!("700ms", "| Event: refer\n", "200 OK")),
        ),
        value(
            "no Event",
            Anything(Step::Call),
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
            Anything(Step::Call),
            notify!(
                "700ms",
                "| Event: refer;id=94711\n| Subscription-State: terminated;reason=noresource\n",
                "200 OK"
            ),
        ),
        value("terminated with 100", Anything(Step::Call), notify!("400ms", "100 Trying")),
        value(
            "a subscription of a second",
            Anything(Step::Call),
            notify!("30ms", "| Event: refer\n| Subscription-State: active;expires=1\n", "100 Trying"),
        ),
        value(
            "rejected",
            Comes(Step::Call, "Recovered"),
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
        value("202", Same, "on bob REFER {nth} after 20ms bob reply 202\n{granted}"),
        value("200", Same, "on bob REFER {nth} after 20ms bob reply 200\n{granted}"),
        value("299", Same, "on bob REFER {nth} after 20ms bob reply 299\n{granted}"),
        value(
            "100, then 202",
            Same,
            "on bob REFER {nth} after 10ms bob reply 100\non bob REFER {nth} after 3s bob reply 202\n{granted}",
        ),
        value(
            // Reports follow the first REFER, and one with its number then belongs to nothing.
            "401, then 202",
            Anything(Step::Refer),
            "option alice key bob.example alice one\non bob REFER {nth} after 20ms bob reply 401\n\
             | WWW-Authenticate: Digest realm=\"bob.example\", nonce=\"one\", algorithm=MD5, qop=\"auth\"\n\
             on bob REFER {then} after 20ms bob reply 202\n{granted}",
        ),
        refuses!("401", Comes(Step::Refer, "Recovered")),
        refuses!("403", Comes(Step::Refer, "Recovered")),
        refuses!("405", Declined),
        refuses!("481", Comes(Step::Refer, "Recovered")),
        refuses!("501", Declined),
        refuses!("503", Comes(Step::Refer, "Recovered")),
        refuses!("603", Declined),
        value(
            "302",
            Comes(Step::Refer, "Recovered"),
            "on bob REFER {nth} after 20ms bob reply 302\n| Contact: <sip:dave@192.0.2.9:5060>",
        ),
        value("none", Anything(Step::Refer), ""),
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
            Anything(Step::Hold),
            "option alice hold-failure fail\non bob INVITE {hold} after 0ms bob reply 488",
        ),
        value("481", Anything(Step::Hold), "on bob INVITE {hold} after 0ms bob reply 481"),
        value(
            "answered after 40 s",
            Anything(Step::Hold),
            "on bob INVITE {hold} after 40s bob reply 200 sdp",
        ),
        value("by inactive", Same, HELD_BY_INACTIVE),
        value("by 0.0.0.0", Same, HELD_BY_ZERO),
        value(
            "by both",
            Anything(Step::Hold),
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
            Anything(Step::Hold),
            "on alice transfer_initiated 1 after 0ms..60ms bob send BYE in 1",
        ),
        value(
            "transferee before its response",
            Anything(Step::Hold),
            "on bob REFER 1 after 10ms bob send BYE in 1",
        ),
        value(
            "transferee with its response",
            Anything(Step::Hold),
            "on bob REFER 1 after 21ms bob send BYE in 1",
        ),
        value(
            "transferee after the first report",
            Anything(Step::Hold),
            "on bob 200/NOTIFY 1 after 0ms bob send BYE in 1",
        ),
        value(
            "transferee before the last report",
            Anything(Step::Hold),
            "on bob REFER 1 after 650ms..720ms bob send BYE in 1",
        ),
        value(
            "transferor after REFER",
            Anything(Step::Hold),
            "on alice refer_sent 1 after 0ms..60ms alice hang-up bob",
        ),
        value(
            "transferor after 202",
            Anything(Step::Hold),
            "on alice transfer_accepted 1 after 0ms..700ms alice hang-up bob",
        ),
        value(
            "transferor all after a report",
            Anything(Step::Hold),
            "on alice transfer_progress 1 after 0ms..300ms alice hang-up-all",
        ),
        value("target", Anything(Step::Hold), "on carol established 1 after 0ms..3s carol hang-up"),
    ],
};
