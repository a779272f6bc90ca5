//! Attended transfers of ours: `transfer --kind attended|consultative` calls the first, holds it, calls the target, talks
//! to it where it is `consultative`, and joins the two by a REFER with Replaces.

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    phone::Make,
    sipp::{Plan, Sipp},
};

use super::{
    Outcome, address_of_attended, last_outcome, listen,
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, hang_up, hear_each_other},
    table::{self, Row, cases},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 0;

/// What `--kind` says, and who is joined with whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// Two telephones; the kind, the transferee, the target.
    Phones(&'static str, Make, Make),
    /// A telephone, and a sipp as target that logs what the INVITE with Replaces carries and echoes the audio. It cannot
    /// hang up the call that is replaced.
    Sipp(Make),
}

cases! {
    run;
    we_join_sipjs_with_sipjs: Case::Phones("attended", Make::SipJs, Make::SipJs),
    we_join_sipjs_with_linphonec: Case::Phones("attended", Make::SipJs, Make::Linphone),
    we_join_sipjs_with_answer: Case::Phones("attended", Make::SipJs, Make::Echo),
    we_join_sipjs_with_sipp: Case::Sipp(Make::SipJs),
    we_join_linphonec_with_sipjs: Case::Phones("attended", Make::Linphone, Make::SipJs),
    we_join_linphonec_with_linphonec: Case::Phones("attended", Make::Linphone, Make::Linphone),
    we_join_linphonec_with_answer: Case::Phones("attended", Make::Linphone, Make::Echo),
    we_join_linphonec_with_sipp: Case::Sipp(Make::Linphone),
    we_join_answer_with_sipjs: Case::Phones("attended", Make::Echo, Make::SipJs),
    we_join_answer_with_linphonec: Case::Phones("attended", Make::Echo, Make::Linphone),
    we_join_answer_with_answer: Case::Phones("attended", Make::Echo, Make::Answer),
    we_join_answer_with_sipp: Case::Sipp(Make::Echo),
    we_consult_linphonec_for_sipjs: Case::Phones("consultative", Make::SipJs, Make::Linphone),
    we_consult_sipjs_for_linphonec: Case::Phones("consultative", Make::Linphone, Make::SipJs),
    we_consult_answer_for_answer: Case::Phones("consultative", Make::Echo, Make::Answer),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        let (kind, first, target) = match case {
            Case::Phones(kind, first, target) => (kind, first, target.name()),
            Case::Sipp(first) => ("attended", first, "sipp"),
        };
        let (media, expected) = match case {
            Case::Phones(_, Make::Echo, Make::Answer) => ("RTP both ways", "`transfer`: Succeeded, exit 0"),
            Case::Phones(..) => ("tones of the new pair", "`transfer`: Succeeded, exit 0"),
            Case::Sipp(Make::Echo) => {
                ("–", "`transfer`: Succeeded, exit 0; Replaces and Referred-By at the target")
            }
            Case::Sipp(_) => (
                "its own tone, echoed",
                "`transfer`: Succeeded, exit 0; Replaces and Referred-By at the target",
            ),
        };
        let row = |peer, role, with: String| Row {
            peer,
            role,
            kind,
            with,
            media,
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        };
        rows.push(row(first.name(), "transferee", format!("`transfer`, {target} (target)")));
        rows.push(row(target, "target", format!("`transfer`, {} (transferee)", first.name())));
    }
    rows
}

fn run(place: u8, case: Case) -> Outcome {
    let block = FIRST_BLOCK + place;
    let [ours, first, target] = [1, 2, 3].map(|peer| address_of_attended(block, peer));
    match case {
        Case::Phones(kind, transferee, make) => {
            let mut bob = Seat::start(transferee, "bob", first, FIRST_TONE)?;
            let mut carol = Seat::start(make, "carol", target, SECOND_TONE)?;
            let transfer = transfer(kind, &bob.uri(), &carol.uri(), &listen(ours))?;
            bob.phone.answered()?;
            carol.phone.answered()?;
            // `attended` moves the first as soon as the target answers; only `consultative` talks to it before.
            if kind == "consultative" {
                carol.phone.hears(Some(OUR_TONE))?;
            }
            succeeds(transfer, &mut bob)?;
            bob.phone.moved()?;
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Sipp(transferee) => {
            let mut bob = Seat::start(transferee, "bob", first, FIRST_TONE)?;
            let plan =
                Plan { user: "carol", calls: 2, echo: true, ..Plan::new("target-replaces", target, ours) };
            let mut sipp = Sipp::start(&plan)?;
            let transfer = transfer("attended", &bob.uri(), &uri("carol", target), &listen(ours))?;
            bob.phone.answered()?;
            succeeds(transfer, &mut bob)?;
            bob.phone.moved()?;
            sipp.wait_logged(";to-tag=")?;
            let log = sipp.log();
            assert!(log.contains(&format!("@{ours}")), "Referred-By names us: {log}");
            if transferee == Make::Echo {
                // Neither of the two can be asked to hang up; both end with the test.
                sipp.stop();
                return Ok(());
            }
            bob.hears_itself()?;
            bob.phone.hang_up()?;
            sipp.finish(PATIENCE)?;
            Ok(())
        }
    }
}

fn transfer(kind: &str, first: &str, target: &str, listen: &str) -> Result<Application, PeerError> {
    Application::start(&["transfer", first, target, "--kind", kind, "--talk", "2", "--listen", listen])
}

fn succeeds(transfer: Application, transferee: &mut Seat) -> Outcome {
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}\n{}", transferee.phone.output());
    assert_eq!(last_outcome(&events).0, Some("Succeeded"), "{events:#?}");
    Ok(())
}
