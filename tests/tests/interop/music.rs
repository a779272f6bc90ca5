//! Music while we hold: the peer hears it instead of us, and us again afterwards.

use patchcord_tests::peer::{PATIENCE, application::Application, phone::Make, tone, wav};

use super::{
    Outcome, address_of_media, listen,
    seat::{FIRST_TONE, OUR_TONE, Seat},
    table::{self, Row, cases},
    tshark::{Folder, sound},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 30;

/// The music.
const MUSIC: u16 = 1_000;

/// With whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case(Make);

cases! {
    who_is_on_hold_hears_music;
    sipjs_hears_music_on_hold: Case(Make::SipJs),
    linphonec_hears_music_on_hold: Case(Make::Linphone),
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| Row {
        peer: case.0.name(),
        role: "called",
        kind: "call, hold, resume, BYE",
        with: "`call --moh FILE.wav --record`".to_owned(),
        media: "our tone, the music, our tone, also in our recording",
        expected: "exit 0".to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    CASES.iter().map(row).collect()
}

fn who_is_on_hold_hears_music(place: u8, Case(make): Case) -> Outcome {
    // covers: TM-019
    let [ours, peer] = [1, 2].map(|peer| address_of_media(FIRST_BLOCK + place, peer));
    let folder = Folder::new(&format!("music-{place}"))?;
    let (music, recording, capture) =
        (folder.file("music.wav"), folder.file("call.wav"), folder.file("call.pcap"));
    // At a rate that is not the codec's.
    wav::write_tone(music.as_ref(), MUSIC, 16_000, 1)?;
    let mut bob = Seat::start(make, "bob", peer, FIRST_TONE)?;
    let (target, listen) = (bob.uri(), listen(ours));
    let words = ["call", &target, "--listen", &listen, "--moh", &music, "--record", &recording];
    let more = ["--pcap", &capture, "--hold-after", "2", "--duration", "6"];
    let mut alice = Application::start(&[words.as_slice(), &more].concat())?;
    bob.phone.answered()?;
    bob.phone.hears(Some(OUR_TONE))?;
    alice.wait_for_event("a hold", |event| event["local_hold"] == true)?;
    bob.phone.hears(Some(MUSIC))?;
    alice.wait_for_event("its end", |event| event["local_hold"] == false)?;
    bob.phone.hears(Some(OUR_TONE))?;
    let (code, events) = alice.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    bob.phone.ended()?;
    sound(&capture)?;
    let recorded = wav::read(recording.as_ref()).expect("a recording");
    let heard = tone::tones(&tone::heard(&recorded.channels[1], recorded.rate));
    assert!(matches!(heard[..], [only] if tone::same(Some(only), Some(FIRST_TONE))), "{heard:?}");
    Ok(())
}
