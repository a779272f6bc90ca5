//! What becomes of the call that a transfer causes.
//!
//! A target that has an engine answers, and it refuses by its settings; any other result is that of a scripted one. `{new}`
//! and `{asked}` are words of the kind.

use super::{Axis, Then::Anything, Then::Comes, Then::Same, Value, value};

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
        refuses!($code, Comes("Recovered"), "")
    };
}

const DAVE: &str = "party carol scripted\nparty dave answers after 300ms\noption alice hold-consultation off\n\
    {asked}on carol INVITE {new} after 100ms carol reply 302\n| Contact: <sip:dave@192.0.2.4:5060>\n\
    on carol REFER 1 after 100ms carol reply 302\n| Contact: <sip:dave@192.0.2.4:5060>";

pub(super) const AXIS: Axis = Axis {
    name: "result",
    values: &[
        value("answered", Same, "party carol answers after 800ms"),
        refuses!("486"),
        refuses!("603"),
        refuses!("480"),
        refuses!("404"),
        // The retry of TR-171 follows it to the other address of the target.
        refuses!("481", Anything, ""),
        refuses!("488"),
        refuses!("500"),
        refuses!("503", Comes("Recovered"), "\n| Retry-After: 5"),
        refuses!("401"),
        refuses!("407"),
        refuses!("422", Comes("Recovered"), "\n| Min-SE: 100"),
        value(
            "silence",
            Comes("Recovered|TimedOut"),
            "party carol scripted\noption alice hold-consultation off\n{asked}",
        ),
        value("302 to somebody who answers", Anything, DAVE),
        value(
            "answered after a challenge",
            Same,
            "party carol answers after 800ms\noption carol challenges carol.example bob two\n\
             option bob key carol.example bob two\noption alice key carol.example bob two",
        ),
        value("nobody may replace", Anything, "party carol answers after 500ms\noption carol replaces deny"),
        value(
            "rings for ever",
            Anything,
            "party carol scripted\noption alice hold-consultation off\n{asked}\
             on carol INVITE {new} after 200ms carol reply 180",
        ),
        value(
            "answered, then hung up at once",
            Anything,
            "party carol scripted\noption alice hold-consultation off\n{asked}\
             on carol INVITE {new} after 200ms carol reply 200 sdp\non carol INVITE {new} after 230ms carol send BYE",
        ),
        Value {
            name: "answered in an early dialog that changes",
            then: Anything,
            text: "party carol scripted\noption alice hold-consultation off\n{asked}\
                on carol INVITE {new} after 100ms carol reply 183\n| To: <sip:carol@192.0.2.3:5060>;tag=other\n\
                on carol INVITE {new} after 400ms carol reply 200 sdp",
            words: &[],
        },
    ],
};
