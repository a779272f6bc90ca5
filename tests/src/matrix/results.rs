//! What becomes of the call that a transfer causes.
//!
//! A target that has an engine answers, and it refuses by its settings; any other result is that of a scripted one. `{new}`,
//! `{asked}` and `{leaves}` are words of the kind, `{nth}` and `{unknown}` of how the REFER is sent, `{by}` of the network.

use super::{
    Axis, Step,
    Then::{Anything, Comes, Same},
    Value, value,
};

/// A scripted target that takes the REFER, if it is the one that is asked, and calls the party that the REFER names.
macro_rules! referred {
    () => {
        "{unknown}on carol REFER {nth} after 20ms carol reply 202\n\
         on carol REFER {nth} after 30ms carol send INVITE to bob as [refer-to-uri] sdp\n\
         | Replaces: [replaces]\n| Referred-By: <sip:alice@192.0.2.1>\n\
         on carol REFER {nth} after 2s carol send NOTIFY\n| Event: refer\n\
         | Subscription-State: terminated;reason=noresource\n\
         | Content-Type: message/sipfrag;version=2.0\n|\n| SIP/2.0 200 OK\n|\n{leaves}"
    };
}

/// A response of one fork of the new call.
macro_rules! forked {
    ($after:literal, $status:literal, $tag:literal) => {
        concat!(
            "on carol INVITE {new} after ",
            $after,
            " carol reply ",
            $status,
            "\n| To: <sip:carol@192.0.2.3:5060>;tag=",
            $tag,
            "\n| Contact: <sip:",
            $tag,
            "@192.0.2.3:5060>\n"
        )
    };
}

/// A scripted target that refuses what the transfer causes: the new call, or the REFER if it is the one that is asked.
macro_rules! refuses {
    ($code:literal, $then:expr, $headers:literal) => {
        value(
            $code,
            $then,
            concat!(
                "party carol scripted\noption alice hold-consultation off\n{asked}",
                "on carol INVITE {new} after 200ms carol reply ",
                $code,
                $headers,
                "\non carol REFER 1 after 200ms carol reply ",
                $code,
                $headers
            ),
        )
    };
    ($code:literal) => {
        refuses!($code, Comes(Step::Call, "Recovered"), "")
    };
}

const DAVE: &str = "party carol scripted\nparty dave answers after 300ms\noption alice hold-consultation off\n\
    {asked}on carol INVITE {new} after 100ms carol reply 302\n| Contact: <sip:dave@192.0.2.4:5060>\n\
    on carol REFER 1 after 100ms carol reply 302\n| Contact: <sip:dave@192.0.2.4:5060>";

pub(super) const AXIS: Axis = Axis {
    name: "result",
    values: &[
        value("answered", Same, "party carol answers after 800ms\noption carol listen {by}"),
        value(
            "answered by another user agent",
            Same,
            concat!(
                "party carol scripted\noption alice hold-consultation off\n{asked}",
                referred!(),
                "on carol INVITE {new} after 300ms carol reply 200 sdp"
            ),
        ),
        value(
            "forked, one answers",
            Same,
            concat!(
                "party carol scripted\noption alice hold-consultation off\n{asked}",
                referred!(),
                forked!("50ms", "180", "desk"),
                forked!("100ms", "180", "mobile"),
                forked!("400ms", "200 sdp", "mobile")
            ),
        ),
        value(
            "forked, two answer",
            Same,
            concat!(
                "party carol scripted\noption alice hold-consultation off\n{asked}",
                referred!(),
                forked!("50ms", "180", "desk"),
                forked!("400ms", "200 sdp", "mobile"),
                forked!("405ms", "200 sdp", "desk")
            ),
        ),
        value(
            "forked, all refuse",
            Comes(Step::Call, "Recovered"),
            concat!(
                "party carol scripted\noption alice hold-consultation off\n{asked}",
                forked!("50ms", "180", "desk"),
                forked!("100ms", "183", "mobile"),
                "on carol INVITE {new} after 400ms carol reply 486\non carol REFER 1 after 200ms carol reply 603"
            ),
        ),
        refuses!("486"),
        refuses!("603"),
        refuses!("480"),
        refuses!("404"),
        // The retry of TR-171 follows it to the other address of the target.
        refuses!("481", Anything(Step::Call), ""),
        refuses!("488"),
        refuses!("500"),
        refuses!("503", Comes(Step::Call, "Recovered"), "\n| Retry-After: 5"),
        refuses!("401"),
        refuses!("407"),
        refuses!("422", Comes(Step::Call, "Recovered"), "\n| Min-SE: 100"),
        value(
            "silence",
            Comes(Step::Call, "Recovered|TimedOut"),
            "party carol scripted\noption alice hold-consultation off\n{asked}",
        ),
        value("302 to somebody who answers", Anything(Step::Call), DAVE),
        value(
            "answered after a challenge",
            Same,
            "party carol answers after 800ms\noption carol listen {by}\noption carol challenges carol.example bob two\n\
             option bob key carol.example bob two\noption alice key carol.example bob two",
        ),
        value(
            "nobody may replace",
            Anything(Step::Call),
            "party carol answers after 500ms\noption carol listen {by}\noption carol replaces deny",
        ),
        value(
            "rings for ever",
            Anything(Step::Call),
            "party carol scripted\noption alice hold-consultation off\n{asked}\
             on carol INVITE {new} after 200ms carol reply 180",
        ),
        value(
            "answered, then hung up at once",
            Anything(Step::Call),
            "party carol scripted\noption alice hold-consultation off\n{asked}\
             on carol INVITE {new} after 200ms carol reply 200 sdp\non carol INVITE {new} after 230ms carol send BYE",
        ),
        Value {
            name: "answered in an early dialog that changes",
            then: Anything(Step::Call),
            text: "party carol scripted\noption alice hold-consultation off\n{asked}\
                on carol INVITE {new} after 100ms carol reply 183\n| To: <sip:carol@192.0.2.3:5060>;tag=other\n\
                on carol INVITE {new} after 400ms carol reply 200 sdp",
            words: &[],
        },
    ],
};
