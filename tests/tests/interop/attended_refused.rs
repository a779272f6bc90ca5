//! Attended transfers to an `answer --replaces deny`, which lets nobody replace its calls.

use patchcord_tests::peer::{
    PATIENCE,
    application::Application,
    phone::{Make, Phone},
    sipjs::SipJs,
};

use super::{
    Outcome, address_of_attended, listen, names,
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat},
    table::{self, Row, cases},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 30;

/// The transferee of a transfer that SIP.js asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case(Make);

cases! {
    run;
    answer_refuses_to_be_replaced_by_sipjs: Case(Make::SipJs),
    answer_refuses_to_be_replaced_by_linphonec: Case(Make::Linphone),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, Case(make)): &(&'static str, Case)| Row {
        peer: make.name(),
        role: "transferee",
        kind: "attended",
        with: "SIP.js (transferor), `answer --replaces deny` (target)".to_owned(),
        media: "the consultation call's tone",
        expected: "403 to the INVITE with Replaces; the consultation call stays".to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    CASES.iter().map(row).collect()
}

fn run(place: u8, Case(transferee): Case) -> Outcome {
    let [one, two, three] = [1, 2, 3].map(|peer| address_of_attended(FIRST_BLOCK + place, peer));
    let mut alice = SipJs::start("alice", one, FIRST_TONE)?;
    let mut bob = Seat::start(transferee, "bob", two, SECOND_TONE)?;
    let mut carol = Application::start(&["answer", "--listen", &listen(three), "--replaces", "deny"])?;
    alice.call(&bob.uri())?;
    bob.phone.answered()?;
    alice.hears(Some(SECOND_TONE))?;
    alice.hold()?;
    alice.call(&uri("carol", three))?;
    let consultation = carol.wait_for("established", PATIENCE)?;
    alice.hears(Some(OUR_TONE))?;
    alice.say("attended")?;
    let told = alice.wait_for("the end of the transfer", PATIENCE, |event| {
        event["event"] == "not_transferred" || event["event"] == "transferred"
    })?;
    let status = told["status"].as_str().unwrap_or_default();
    assert!(status.starts_with("SIP/2.0 403"), "{told}\n{}", carol.output());
    alice.hears(Some(OUR_TONE))?;
    let events = carol.events();
    assert_eq!(names(&events).iter().filter(|name| **name == "established").count(), 1, "{events:#?}");
    alice.hang_up()?;
    carol.wait_for_event("the end of the consultation", |event| {
        event["event"] == "call_ended" && event["session"] == consultation["session"]
    })?;
    Ok(())
}
