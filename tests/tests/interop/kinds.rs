//! Transfers to somebody who is asked first, of the newer kinds: completed while the target rings, with the target's address
//! protected, and warm, where a person at the target decides by a key.

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::Baresip,
    linphone::Linphone,
    phone::{Keys, Make, Phone},
    sipjs::{Incoming, SipJs},
    wav,
};

use super::{
    Outcome, address_of_kinds, last_outcome, listen, names,
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, hang_up, hear_each_other},
    table::{self, Row, cases},
    tshark::Folder,
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 6;

/// What the first party hears while it waits, and what the target is told.
const MUSIC: u16 = 1_000;
const BRIEFING: u16 = 1_200;

/// The kind, who is moved, and to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// Completed while a SIP.js rings, which answers then.
    SemiAttended(Make),
    /// The target is asked to call the first.
    ProtectTarget(Make, Make),
    /// linphonec takes the first over.
    Accepted(Make),
    /// baresip does not.
    Declined(Make),
}

cases! {
    run;
    we_join_linphonec_with_a_sipjs_that_rings: Case::SemiAttended(Make::Linphone),
    we_join_sipjs_with_a_sipjs_that_rings: Case::SemiAttended(Make::SipJs),
    linphonec_is_called_by_a_protected_sipjs: Case::ProtectTarget(Make::Linphone, Make::SipJs),
    sipjs_is_called_by_a_protected_linphonec: Case::ProtectTarget(Make::SipJs, Make::Linphone),
    linphonec_takes_sipjs_over_by_a_key: Case::Accepted(Make::SipJs),
    baresip_declines_linphonec_by_a_key: Case::Declined(Make::Linphone),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(test, case) in CASES {
        let (kind, first, target, media, expected) = match case {
            Case::SemiAttended(first) => (
                "semi-attended",
                first,
                Make::SipJs,
                "tones of the new pair",
                "no REFER while it rings; `transfer`: Succeeded, exit 0; Replaces at the target",
            ),
            Case::ProtectTarget(first, target) => (
                "protect-target",
                first,
                target,
                "tones of the new pair",
                "the target gets the REFER and calls the other one; `transfer`: Succeeded, exit 0",
            ),
            Case::Accepted(first) => (
                "warm",
                first,
                Make::Linphone,
                "the music, the briefing, then tones of the new pair",
                "it presses 1; `transfer`: Succeeded, exit 0",
            ),
            Case::Declined(first) => (
                "warm",
                first,
                Make::Baresip,
                "the music, the briefing, then our tone again",
                "it presses 2; `transfer`: Recovered, exit 1; its call ends",
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
        rows.push(row(first.name(), "transferee", format!("`transfer`, {} (target)", target.name())));
        rows.push(row(target.name(), "target", format!("`transfer`, {} (transferee)", first.name())));
    }
    rows
}

fn run(place: u8, case: Case) -> Outcome {
    let [ours, first, target] = [1, 2, 3].map(|peer| address_of_kinds(FIRST_BLOCK + place, peer));
    match case {
        Case::SemiAttended(make) => {
            let mut bob = Seat::start(make, "bob", first, FIRST_TONE)?;
            let mut carol = SipJs::start_with("carol", target, SECOND_TONE, Incoming::Ring)?;
            let mut transfer =
                transfer("semi-attended", &bob.uri(), &uri("carol", target), &listen(ours), &[])?;
            bob.phone.answered()?;
            bob.phone.hears(Some(OUR_TONE))?;
            transfer.wait_for("consult_ringing", PATIENCE)?;
            assert!(!names(&transfer.events()).contains(&"refer_sent"), "{}", transfer.output());
            carol.say("answer")?;
            succeeds(transfer, &mut bob)?;
            let replacing =
                |event: &serde_json::Value| event["event"] == "incoming" && event["replaces"].is_string();
            carol.wait_for("an INVITE with Replaces", PATIENCE, replacing)?;
            let mut carol =
                Seat::new(Make::SipJs, "carol", SECOND_TONE, uri("carol", target), Box::new(carol));
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::ProtectTarget(first_make, target_make) => {
            let mut bob = Seat::start(first_make, "bob", first, FIRST_TONE)?;
            let mut carol = Seat::start(target_make, "carol", target, SECOND_TONE)?;
            let transfer = transfer("protect-target", &bob.uri(), &carol.uri(), &listen(ours), &[])?;
            bob.phone.answered()?;
            bob.phone.hears(Some(OUR_TONE))?;
            carol.phone.answered()?;
            succeeds(transfer, &mut bob)?;
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Accepted(make) => {
            let mut bob = Seat::start(make, "bob", first, FIRST_TONE)?;
            let mut carol = Linphone::start("carol", target, SECOND_TONE)?;
            let transfer = warm(&mut bob, &mut carol, &uri("carol", target), &listen(ours))?;
            carol.press('1')?;
            succeeds(transfer, &mut bob)?;
            let mut carol =
                Seat::new(Make::Linphone, "carol", SECOND_TONE, uri("carol", target), Box::new(carol));
            hear_each_other(&mut bob, &mut carol)?;
            hang_up(&mut carol, &mut bob)
        }
        Case::Declined(make) => {
            let mut bob = Seat::start(make, "bob", first, FIRST_TONE)?;
            let mut carol = Baresip::start("carol", target, SECOND_TONE)?;
            let transfer = warm(&mut bob, &mut carol, &uri("carol", target), &listen(ours))?;
            carol.press('2')?;
            carol.ended()?;
            bob.phone.hears(Some(OUR_TONE))?;
            let (code, events) = transfer.finish(PATIENCE)?;
            assert_eq!(code, Some(1), "{events:#?}");
            assert_eq!(last_outcome(&events).0, Some("Recovered"), "{events:#?}");
            assert!(names(&events).contains(&"target_declined"), "{events:#?}");
            Ok(())
        }
    }
}

/// A warm transfer up to where the target has been told: each hears what it should meanwhile.
fn warm(
    bob: &mut Seat,
    carol: &mut impl Phone,
    target: &str,
    listen: &str,
) -> Result<Application, PeerError> {
    let folder = Folder::new(&format!("warm-{}", listen.replace([':', '.'], "-")))?;
    let (music, briefing) = (folder.file("music.wav"), folder.file("briefing.wav"));
    wav::write_tone(music.as_ref(), MUSIC, 8_000, 1)?;
    wav::write_tone(briefing.as_ref(), BRIEFING, 8_000, 2)?;
    let transfer = transfer("warm", &bob.uri(), target, listen, &["--moh", &music, "--briefing", &briefing])?;
    bob.phone.answered()?;
    bob.phone.hears(Some(OUR_TONE))?;
    carol.answered()?;
    carol.hears(Some(BRIEFING))?;
    bob.phone.hears(Some(MUSIC))?;
    Ok(transfer)
}

fn transfer(
    kind: &str,
    first: &str,
    target: &str,
    listen: &str,
    options: &[&str],
) -> Result<Application, PeerError> {
    let words = ["transfer", first, target, "--kind", kind, "--talk", "2", "--listen", listen];
    Application::start(&[&words, options].concat())
}

fn succeeds(transfer: Application, transferee: &mut Seat) -> Outcome {
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}\n{}", transferee.phone.output());
    assert_eq!(last_outcome(&events).0, Some("Succeeded"), "{events:#?}");
    Ok(())
}
