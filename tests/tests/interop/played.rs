//! sipp plays captures of RTP: a tone, and keys as they were once captured elsewhere.

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    sipp::{Plan, Sipp},
    tone, wav,
};
use serde_json::Value;

use super::{
    Outcome, address_of_media, enabled, listen,
    seat::FIRST_TONE,
    table::{self, Row, test_name},
    tshark::{Folder, sound, tshark},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 34;

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |kind, media, expected: &str, test| Row {
        peer: "sipp",
        role: "caller",
        kind,
        with: "`answer`".to_owned(),
        media,
        expected: expected.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    vec![
        row(
            "plays a capture of PCMU",
            "its tone, in our recording",
            "nothing lost; tshark finds no fault",
            test_name!(a_tone_that_sipp_plays_is_heard),
        ),
        row(
            "plays its captures of keys",
            "telephone events; each end thrice, under one number",
            "three digits are told",
            test_name!(keys_that_sipp_plays_are_told),
        ),
    ]
}

/// Plays a scenario at an `answer` that records; what became of it.
fn play(place: u8, scenario: &str, folder: &Folder) -> Result<Vec<Value>, PeerError> {
    let [ours, peer] = [1, 2].map(|peer| address_of_media(FIRST_BLOCK + place, peer));
    let (recording, capture) = (folder.file("heard.wav"), folder.file("heard.pcap"));
    let words = ["answer", "--listen", &listen(ours), "--record", &recording, "--pcap", &capture];
    let mut answer = Application::start(&words)?;
    let plan = Plan { tone: Some(FIRST_TONE), ..Plan::new(scenario, peer, ours) };
    Sipp::start(&plan)?.finish(PATIENCE)?;
    answer.wait_for("recording_ended", PATIENCE)?;
    answer.wait_for("media_summary", PATIENCE)?;
    answer.interrupt()?;
    let (code, events) = answer.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    Ok(events)
}

#[test]
fn a_tone_that_sipp_plays_is_heard() -> Outcome {
    if !enabled("sipp plays a tone") {
        return Ok(());
    }
    let folder = Folder::new("played-tone")?;
    let events = play(0, "uac-tone", &folder)?;
    let summary = events.iter().find(|event| event["event"] == "media_summary").expect("a summary");
    assert_eq!(summary["lost"], 0, "{summary}");
    let session = summary["session"].as_str().unwrap_or_default();
    let recorded = wav::read(&folder.path(&format!("heard-{session}.wav"))).expect("a recording");
    let heard = tone::heard(&recorded.channels[1], recorded.rate);
    let found = tone::tones(&heard);
    assert!(matches!(found[..], [only] if tone::same(Some(only), Some(FIRST_TONE))), "{heard:?}");
    // Two seconds are played.
    let tenths: usize = heard.iter().filter(|(tone, _)| tone.is_some()).map(|(_, tenths)| tenths).sum();
    assert!((18..=21).contains(&tenths), "{heard:?}");
    sound(&folder.file("heard.pcap"))
}

#[test]
fn keys_that_sipp_plays_are_told() -> Outcome {
    // covers: TM-045
    if !enabled("sipp plays keys") {
        return Ok(());
    }
    let folder = Folder::new("played-keys")?;
    let events = play(1, "uac-keys", &folder)?;
    let digits: Vec<&Value> = events.iter().filter(|event| event["event"] == "digit").collect();
    let durations: Vec<Option<u64>> = digits.iter().map(|digit| digit["duration_ms"].as_u64()).collect();
    // 2,240 samples each, as they were captured.
    assert_eq!(durations, [Some(280); 3], "{digits:?}");
    let capture = folder.file("heard.pcap");
    let mut codes = tshark(&capture, "rtpevent", &["rtpevent.event_id"])?;
    codes.dedup();
    assert_eq!(codes, ["1", "9", "10"]);
    sound(&capture)
}
