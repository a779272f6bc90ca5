//! Blind transfers with each peer as transferor, transferee and target.

use patchcord_tests::peer::{PATIENCE, application::Application, phone::Make};

use super::{
    Outcome, address, last_outcome, listen,
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, THIRD_TONE, hang_up, hear_each_other},
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 34;

/// Who moves whom to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// `transfer` moves the first to the second.
    Ours(Make, Make),
    /// The first calls the second and moves it to the third.
    Theirs(Make, Make, Make),
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
        };
        for (make, role) in parties.iter().filter(|(make, _)| !make.is_ours()) {
            let others = parties.iter().filter(|(_, other)| other != role);
            let others = others.map(|(make, role)| format!("{} ({role})", make.name()));
            rows.push(Row {
                peer: make.name(),
                role,
                kind: "blind",
                with: others.collect::<Vec<_>>().join(", "),
                media: "tones of the new pair",
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
    let [one, two, three] = [1, 2, 3].map(|peer| address(block, peer));
    match case {
        Case::Ours(transferee, target) => {
            let mut bob = Seat::start(transferee, "bob", two, FIRST_TONE)?;
            let mut carol = Seat::start(target, "carol", three, SECOND_TONE)?;
            let words = ["transfer", &bob.uri(), &carol.uri(), "--talk", "2", "--listen", &listen(one)];
            let transfer = Application::start(&words)?;
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
    }
}
