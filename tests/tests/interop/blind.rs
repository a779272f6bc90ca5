//! Blind transfers with each peer as transferor, transferee and target, and a target that is busy.

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::Baresip,
    linphone::Linphone,
    phone::{Make, Phone},
    sipjs::{Incoming, SipJs},
    sipp::{Plan, Sipp},
};

use super::{
    Outcome, address, last_outcome, listen,
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, THIRD_TONE, hang_up, hear_each_other},
    table::{self, Row, cases},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 34;

/// What comes of a busy target.
const BUSY: &str = "`transfer`: Recovered, 486, exit 1; the call is back";

/// Who moves whom to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `transfer` moves the first to the second.
    Ours(Make, Make),
    /// The first calls the second and moves it to the third.
    Theirs(Make, Make, Make),
    /// `transfer` moves it to a SIP.js that is busy, and takes it back.
    Busy(Make),
    /// `transfer` moves an `answer --echo` to one that is busy, and takes it back.
    BusyTarget(Busy),
}

/// A telephone that takes no calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    Linphone,
    Baresip,
    Sipp,
}

impl Busy {
    const fn name(self) -> &'static str {
        match self {
            Self::Linphone => "linphonec",
            Self::Baresip => "baresip",
            Self::Sipp => "sipp",
        }
    }
}

cases! {
    run;
    sipjs_is_moved_to_linphonec: Case::Ours(Make::SipJs, Make::Linphone),
    linphonec_is_moved_to_sipjs: Case::Ours(Make::Linphone, Make::SipJs),
    baresip_is_moved_to_sipjs: Case::Ours(Make::Baresip, Make::SipJs),
    sipjs_is_moved_to_baresip: Case::Ours(Make::SipJs, Make::Baresip),
    sipjs_is_moved_to_answer: Case::Ours(Make::SipJs, Make::Echo),
    answer_is_moved_to_sipjs: Case::Ours(Make::Echo, Make::SipJs),
    answer_is_moved_to_linphonec: Case::Ours(Make::Echo, Make::Linphone),
    sipjs_moves_answer_to_linphonec: Case::Theirs(Make::SipJs, Make::Echo, Make::Linphone),
    linphonec_moves_answer_to_sipjs: Case::Theirs(Make::Linphone, Make::Echo, Make::SipJs),
    baresip_moves_answer_to_sipjs: Case::Theirs(Make::Baresip, Make::Echo, Make::SipJs),
    sipjs_moves_linphonec_to_answer: Case::Theirs(Make::SipJs, Make::Linphone, Make::Echo),
    sipjs_comes_back_from_a_busy_target: Case::Busy(Make::SipJs),
    linphonec_comes_back_from_a_busy_target: Case::Busy(Make::Linphone),
    baresip_comes_back_from_a_busy_target: Case::Busy(Make::Baresip),
    answer_comes_back_from_a_busy_linphonec: Case::BusyTarget(Busy::Linphone),
    answer_comes_back_from_a_busy_baresip: Case::BusyTarget(Busy::Baresip),
    answer_comes_back_from_a_busy_sipp: Case::BusyTarget(Busy::Sipp),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        let (parties, expected) = match case {
            Case::Ours(first, second) => (
                vec![(first, "transferee"), (second, "target")],
                "`transfer`: Succeeded by notify, 200, exit 0",
            ),
            Case::Theirs(first, second, third) => (
                vec![(first, "transferor"), (second, "transferee"), (third, "target")],
                "the transferor learns of the success and its call ends",
            ),
            Case::Busy(first) => (vec![(first, "transferee"), (Make::SipJs, "busy target")], BUSY),
            Case::BusyTarget(busy) => {
                rows.push(Row {
                    peer: busy.name(),
                    role: "busy target",
                    kind: "blind",
                    with: "`answer --echo` (transferee)".to_owned(),
                    media: "not measured",
                    expected: BUSY.to_owned(),
                    outcome: table::Outcome::Passes,
                    test,
                });
                continue;
            }
        };
        let media = match case {
            Case::Busy(make) if make.hears_after_hold() => "our tone again",
            Case::Busy(_) | Case::BusyTarget(_) => "not measured",
            Case::Ours(..) | Case::Theirs(..) => "tones of the new pair",
        };
        for (make, role) in parties.iter().filter(|(make, _)| !make.is_ours()) {
            let others = parties.iter().filter(|(_, other)| other != role);
            let others = others.map(|(make, role)| format!("{} ({role})", make.name()));
            rows.push(Row {
                peer: make.name(),
                role,
                kind: "blind",
                with: others.collect::<Vec<_>>().join(", "),
                media,
                expected: expected.to_owned(),
                outcome: table::Outcome::Passes,
                test,
            });
        }
    }
    rows
}

fn run(place: u8, case: Case) -> Outcome {
    let block = FIRST_BLOCK + place;
    let [other, one, two, three] = [0, 1, 2, 3].map(|peer| address(block, peer));
    match case {
        Case::Ours(transferee, target) => {
            let mut bob = Seat::start(transferee, "bob", two, FIRST_TONE)?;
            let mut carol = Seat::start(target, "carol", three, SECOND_TONE)?;
            let transfer = transfer(&bob.uri(), &carol.uri(), &listen(one))?;
            bob.phone.answered()?;
            bob.phone.hears(Some(OUR_TONE))?;
            let (code, events) = transfer.finish(2 * PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", bob.phone.output());
            let outcome = last_outcome(&events);
            assert_eq!(outcome, (Some("Succeeded"), Some("notify"), Some(200)), "{events:#?}");
            carol.phone.answered()?;
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Theirs(transferor, transferee, target) => {
            let mut alice = Seat::start(transferor, "alice", one, FIRST_TONE)?;
            let mut bob = Seat::start(transferee, "bob", two, SECOND_TONE)?;
            let mut carol = Seat::start(target, "carol", three, THIRD_TONE)?;
            alice.phone.call(&bob.uri())?;
            bob.phone.answered()?;
            hear_each_other(&mut alice, &mut bob)?;
            alice.phone.blind(&carol.uri())?;
            carol.phone.answered()?;
            bob.phone.moved()?;
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Busy(transferee) => {
            let mut bob = Seat::start(transferee, "bob", two, FIRST_TONE)?;
            let _carol = SipJs::start_with("carol", three, SECOND_TONE, Incoming::Busy)?;
            let mut transfer = transfer(&bob.uri(), &uri("carol", three), &listen(one))?;
            bob.phone.answered()?;
            transfer.wait_for("transfer_recovered", PATIENCE)?;
            if transferee.hears_after_hold() {
                bob.phone.hears(Some(OUR_TONE))?;
            }
            recovered(transfer, &mut bob)
        }
        Case::BusyTarget(busy) => {
            let mut bob = Seat::start(Make::Echo, "bob", two, FIRST_TONE)?;
            let target = uri("carol", three);
            let start = || transfer(&bob.uri(), &target, &listen(one));
            let transfer = match busy {
                Busy::Linphone => {
                    let _carol = Linphone::start_busy("carol", three, SECOND_TONE)?;
                    let mut transfer = start()?;
                    transfer.wait_for("transfer_recovered", PATIENCE)?;
                    transfer
                }
                Busy::Baresip => {
                    let mut carol = Baresip::start_single("carol", three, SECOND_TONE)?;
                    // The call that it has meanwhile.
                    let call = ["call", &target, "--listen", &listen(other), "--duration", "60"];
                    let _call = Application::start(&call)?;
                    carol.answered()?;
                    let mut transfer = start()?;
                    transfer.wait_for("transfer_recovered", PATIENCE)?;
                    transfer
                }
                Busy::Sipp => {
                    let sipp = Sipp::start(&Plan::new("uas-busy", three, two))?;
                    let transfer = start()?;
                    sipp.finish(PATIENCE)?;
                    transfer
                }
            };
            recovered(transfer, &mut bob)
        }
    }
}

/// The transfer ends because the target is busy, and its call goes on.
fn recovered(transfer: Application, transferee: &mut Seat) -> Outcome {
    let (code, events) = transfer.finish(PATIENCE)?;
    assert_eq!(code, Some(1), "{events:#?}\n{}", transferee.phone.output());
    let (outcome, _, status) = last_outcome(&events);
    assert_eq!((outcome, status), (Some("Recovered"), Some(486)), "{events:#?}");
    Ok(())
}

fn transfer(first: &str, target: &str, listen: &str) -> Result<Application, PeerError> {
    Application::start(&["transfer", first, target, "--talk", "2", "--listen", listen])
}
