//! Attended transfers by a peer: it calls one party, holds it, calls another, and joins the two by a REFER with Replaces;
//! `answer` is the transferee, the target, or both.

use patchcord_tests::peer::phone::Make;

use super::{
    Outcome, address_of_attended,
    seat::{FIRST_TONE, SECOND_TONE, Seat, THIRD_TONE, hang_up, hear_each_other},
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 20;

/// The transferor, the transferee, the target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case(Make, Make, Make);

cases! {
    run;
    sipjs_joins_answer_with_linphonec: Case(Make::SipJs, Make::Echo, Make::Linphone),
    sipjs_joins_linphonec_with_answer: Case(Make::SipJs, Make::Linphone, Make::Echo),
    sipjs_joins_answer_with_answer: Case(Make::SipJs, Make::Echo, Make::Answer),
    linphonec_joins_answer_with_sipjs: Case(Make::Linphone, Make::Echo, Make::SipJs),
    linphonec_joins_sipjs_with_answer: Case(Make::Linphone, Make::SipJs, Make::Echo),
    linphonec_joins_answer_with_answer: Case(Make::Linphone, Make::Echo, Make::Answer),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, Case(transferor, transferee, target)) in CASES {
        let parties = [(transferor, "transferor"), (transferee, "transferee"), (target, "target")];
        for (make, role) in parties.iter().filter(|(make, _)| !make.is_ours()) {
            let others = parties.iter().filter(|(_, other)| other != role);
            let others = others.map(|(make, role)| format!("{} ({role})", make.name()));
            rows.push(Row {
                peer: make.name(),
                role,
                kind: "attended",
                with: others.collect::<Vec<_>>().join(", "),
                media: if target == Make::Answer { "RTP both ways" } else { "tones of the new pair" },
                expected: "the transferor learns of the success and both its calls end".to_owned(),
                outcome: table::Outcome::Passes,
                test,
            });
        }
    }
    rows
}

fn run(place: u8, Case(transferor, transferee, target): Case) -> Outcome {
    let [one, two, three] = [1, 2, 3].map(|peer| address_of_attended(FIRST_BLOCK + place, peer));
    let mut alice = Seat::start(transferor, "alice", one, FIRST_TONE)?;
    let mut bob = Seat::start(transferee, "bob", two, SECOND_TONE)?;
    let mut carol = Seat::start(target, "carol", three, THIRD_TONE)?;
    alice.phone.call(&bob.uri())?;
    bob.phone.answered()?;
    hear_each_other(&mut alice, &mut bob)?;
    alice.phone.hold()?;
    alice.phone.call(&carol.uri())?;
    carol.phone.answered()?;
    hear_each_other(&mut alice, &mut carol)?;
    alice.phone.attended()?;
    bob.phone.moved()?;
    hear_each_other(&mut bob, &mut carol)?;
    hang_up(&mut carol, &mut bob)
}
