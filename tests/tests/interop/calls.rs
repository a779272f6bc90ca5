//! Plain calls in both directions, held and resumed by either side and by both, their audio measured at the peer.

use patchcord_tests::peer::{PATIENCE, PeerError, application::Application, phone::Make};
use serde_json::Value;

use super::{
    Outcome, address, listen, names,
    seat::{FIRST_TONE, Seat},
    table::{self, Row, cases},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 25;

/// What happens in a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// The peer calls `answer`, holds and resumes it, and hangs up.
    Calls(Make),
    /// `call` calls the peer, holds and resumes it, and hangs up.
    Called(Make),
    /// `call` holds the peer, which holds `call` meanwhile and resumes it last.
    BothHold(Make),
}

cases! {
    run;
    sipjs_calls_holds_and_resumes_us: Case::Calls(Make::SipJs),
    sipjs_is_called_held_and_resumed: Case::Called(Make::SipJs),
    sipjs_and_we_hold_each_other: Case::BothHold(Make::SipJs),
    linphonec_calls_holds_and_resumes_us: Case::Calls(Make::Linphone),
    linphonec_is_called_held_and_resumed: Case::Called(Make::Linphone),
    linphonec_and_we_hold_each_other: Case::BothHold(Make::Linphone),
    baresip_calls_holds_and_resumes_us_by_command: Case::Calls(Make::Baresip),
    baresip_is_called_held_and_resumed: Case::Called(Make::Baresip),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (make, role, kind, with, expected) = match case {
            Case::Calls(make) => (make, "caller", "call, hold, resume, BYE", "`answer`", "each hold is told"),
            Case::Called(make) => (make, "called", "call, hold, resume, BYE", "`call`", "exit 0"),
            Case::BothHold(make) => {
                (make, "called", "call, hold by both", "`call`", "both holds are told, each end too; exit 0")
            }
        };
        Row {
            peer: make.name(),
            role,
            kind,
            with: with.to_owned(),
            media: if make.hears_after_hold() {
                "tone there and back; silence on hold"
            } else {
                "tone there and back, before the hold"
            },
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn run(place: u8, case: Case) -> Outcome {
    let (ours, peer) = (address(FIRST_BLOCK + place, 1), address(FIRST_BLOCK + place, 2));
    match case {
        Case::Calls(make) => {
            let mut answer = Application::start(&["answer", "--listen", &listen(ours), "--echo"])?;
            let mut peer = Seat::start(make, "bob", peer, FIRST_TONE)?;
            peer.phone.call(&uri("alice", ours))?;
            peer.hears_itself()?;
            peer.phone.hold()?;
            answer.wait_for_event("a hold", |event| hold(event) == Some((false, true)))?;
            if make.hears_after_hold() {
                peer.hears_nothing()?;
            }
            peer.phone.resume()?;
            answer.wait_for_event("its end", |event| hold(event) == Some((false, false)))?;
            if make.hears_after_hold() {
                peer.hears_itself()?;
            }
            peer.phone.hang_up()?;
            answer.wait_for("call_ended", PATIENCE)?;
        }
        Case::Called(make) => {
            let mut peer = Seat::start(make, "bob", peer, FIRST_TONE)?;
            let options = ["--duration", "6", "--hold-after", "2"];
            let mut call = start_call(&peer.uri(), &listen(ours), &options)?;
            peer.phone.answered()?;
            peer.hears_itself()?;
            call.wait_for_event("a hold", |event| hold(event) == Some((true, false)))?;
            if make.hears_after_hold() {
                peer.hears_nothing()?;
            }
            call.wait_for_event("its end", |event| hold(event) == Some((false, false)))?;
            if make.hears_after_hold() {
                peer.hears_itself()?;
            }
            ends_well(call)?;
            peer.phone.ended()?;
        }
        Case::BothHold(make) => {
            let mut peer = Seat::start(make, "bob", peer, FIRST_TONE)?;
            let options = ["--duration", "9", "--hold-after", "2"];
            let mut call = start_call(&peer.uri(), &listen(ours), &options)?;
            peer.phone.answered()?;
            call.wait_for_event("our hold", |event| hold(event) == Some((true, false)))?;
            peer.phone.hold()?;
            call.wait_for_event("both holds", |event| hold(event) == Some((true, true)))?;
            peer.hears_nothing()?;
            call.wait_for_event("our hold's end", |event| hold(event) == Some((false, true)))?;
            peer.phone.resume()?;
            call.wait_for_event("the end of both", |event| hold(event) == Some((false, false)))?;
            peer.hears_itself()?;
            ends_well(call)?;
            peer.phone.ended()?;
        }
    }
    Ok(())
}

fn start_call(uri: &str, listen: &str, options: &[&str]) -> Result<Application, PeerError> {
    let mut arguments = vec!["call", uri, "--listen", listen, "--echo"];
    arguments.extend(options);
    Application::start(&arguments)
}

fn ends_well(call: Application) -> Outcome {
    let (code, events) = call.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    assert!(names(&events).contains(&"call_ended"), "{events:#?}");
    Ok(())
}

/// Who holds, ourselves and the other side, of a `hold_changed`.
fn hold(event: &Value) -> Option<(bool, bool)> {
    Some((event["local_hold"].as_bool()?, event["remote_hold"].as_bool()?))
}
