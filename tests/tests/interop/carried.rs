//! Audio both ways by each codec, in clear and secured, heard at the peer and read from our own recording.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::{Baresip, Carried, Codec},
    linphone::Linphone,
    network,
    phone::Phone,
    tone, wav,
};

use super::{
    Outcome, address_of_media, listen,
    seat::{FIRST_TONE, OUR_TONE},
    table::{self, Row, cases},
    tshark::{Folder, distinct, sound, tshark},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 0;

/// The suite that baresip offers.
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

/// The least of a tone that has to be in our recording, in tenths of a second: what the peer has to hear before it hangs up.
const LEAST_TENTHS: usize = 2;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// baresip calls `answer`.
    BaresipCalls(Carried),
    /// `call` calls baresip.
    BaresipIsCalled(Carried),
    /// linphonec, which offers more, calls an `answer` that takes PCMU; secured or not.
    LinphoneCalls { srtp: bool },
    /// `call` calls linphonec.
    LinphoneIsCalled { srtp: bool },
}

const fn clear(codec: Codec) -> Carried {
    Carried { codec, srtp: false }
}

const fn secured(codec: Codec) -> Carried {
    Carried { codec, srtp: true }
}

cases! {
    the_audio_is_heard_and_recorded_both_ways;
    baresip_calls_us_by_pcmu: Case::BaresipCalls(clear(Codec::Pcmu)),
    baresip_calls_us_by_pcma: Case::BaresipCalls(clear(Codec::Pcma)),
    baresip_calls_us_by_g722: Case::BaresipCalls(clear(Codec::G722)),
    baresip_calls_us_by_pcmu_secured: Case::BaresipCalls(secured(Codec::Pcmu)),
    baresip_calls_us_by_g722_secured: Case::BaresipCalls(secured(Codec::G722)),
    we_call_baresip_by_g722: Case::BaresipIsCalled(clear(Codec::G722)),
    we_call_baresip_by_pcma_secured: Case::BaresipIsCalled(secured(Codec::Pcma)),
    linphonec_calls_us_by_pcmu: Case::LinphoneCalls { srtp: false },
    linphonec_calls_us_secured: Case::LinphoneCalls { srtp: true },
    we_call_linphonec_secured: Case::LinphoneIsCalled { srtp: true },
}

impl Case {
    const fn carried(self) -> Carried {
        match self {
            Self::BaresipCalls(carried) | Self::BaresipIsCalled(carried) => carried,
            Self::LinphoneCalls { srtp } | Self::LinphoneIsCalled { srtp } => {
                Carried { codec: Codec::Pcmu, srtp }
            }
        }
    }

    const fn is_ours(self) -> bool {
        matches!(self, Self::BaresipIsCalled(_) | Self::LinphoneIsCalled { .. })
    }

    const fn is_baresip(self) -> bool {
        matches!(self, Self::BaresipCalls(_) | Self::BaresipIsCalled(_))
    }
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let Carried { codec, srtp } = case.carried();
        let (how, with) = if srtp { (", SDES-SRTP", " --srtp required") } else { ("", "") };
        let (role, verb) = if case.is_ours() { ("called", "call") } else { ("caller", "answer") };
        Row {
            peer: if case.is_baresip() { "baresip" } else { "linphonec" },
            role,
            kind: "call, BYE",
            with: format!("`{verb} --codecs {}{with} --record`", codec.name()),
            media: "tones there and back, also in our recording",
            expected: format!("{}{how}; nothing lost; tshark finds no fault", codec.name().to_uppercase()),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn the_audio_is_heard_and_recorded_both_ways(place: u8, case: Case) -> Outcome {
    let [ours, peer] = [1, 2].map(|peer| address_of_media(FIRST_BLOCK + place, peer));
    if case.is_baresip() && !network::is_private() {
        println!("not run: in the host's network the audio of baresip comes from 127.0.0.1");
        return Ok(());
    }
    let folder = Folder::new(&format!("carried-{place}"))?;
    let Carried { codec, srtp } = case.carried();
    let security = if srtp { "required" } else { "off" };
    let (recording, capture) = (folder.file("call.wav"), folder.file("call.pcap"));
    let (listen, target) = (listen(ours), uri("bob", peer));
    let mut words = if case.is_ours() { vec!["call", target.as_str()] } else { vec!["answer"] };
    words.extend(["--listen", &listen, "--codecs", codec.name(), "--srtp", security]);
    words.extend(["--record", &recording, "--pcap", &capture]);
    if case.is_ours() {
        words.extend(["--duration", "60"]);
    }
    let mut bob = start(case, peer)?;
    let mut alice = Application::start(&words)?;
    if case.is_ours() {
        bob.phone().answered()?;
    } else {
        bob.phone().call(&uri("alice", ours))?;
    }
    bob.phone().hears(Some(OUR_TONE))?;
    alice.wait_for("media_flowing", PATIENCE)?;
    bob.phone().hang_up()?;
    let summary = alice.wait_for("media_summary", PATIENCE)?;
    assert_eq!(summary["lost"], 0, "{summary}");
    if let (Bob::Baresip(baresip), true) = (&bob, srtp) {
        assert_eq!(baresip.secured_by(), Some(SUITE));
    }
    if !case.is_ours() {
        alice.interrupt()?;
    }
    let (code, events) = alice.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    let ended = events.iter().find(|event| event["event"] == "recording_ended");
    assert_eq!(ended.map(|event| &event["complete"]), Some(&true.into()), "{events:#?}");
    // `answer` has a recording for each call.
    let session = summary["session"].as_str().unwrap_or_default();
    let recording = if case.is_ours() { recording } else { folder.file(&format!("call-{session}.wav")) };
    recorded(&recording, [OUR_TONE, FIRST_TONE]);
    on_the_wire(&capture, srtp)
}

/// What was said is in the left channel, what was heard in the right one, and nothing else is in either.
fn recorded(file: &str, tones: [u16; 2]) {
    let recorded = wav::read(file.as_ref()).expect("a recording");
    assert_eq!(recorded.channels.len(), 2, "{file}");
    for (channel, tone) in recorded.channels.iter().zip(tones) {
        let heard = tone::heard(channel, recorded.rate);
        let found = tone::tones(&heard);
        assert!(matches!(found[..], [only] if tone::same(Some(only), Some(tone))), "{tone}: {heard:?}");
        let longest = heard.iter().filter(|(tone, _)| tone.is_some()).map(|(_, tenths)| *tenths).max();
        assert!(longest >= Some(LEAST_TENTHS), "{tone}: {heard:?}");
    }
}

/// Nothing is malformed; both sides speak and report; and packets are longer by a tag of ten bytes where they are secured.
fn on_the_wire(capture: &str, srtp: bool) -> Outcome {
    sound(capture)?;
    let profiles = distinct(tshark(capture, "sdp", &["sdp.media.proto"])?);
    assert_eq!(profiles.into_iter().collect::<Vec<_>>(), [if srtp { "RTP/SAVP" } else { "RTP/AVP" }]);
    let packets = tshark(capture, "rtp", &["ip.src", "udp.length"])?;
    // UDP, RTP, and 20 ms of any of these codecs.
    let length = 8 + 12 + 160 + if srtp { 10 } else { 0 };
    let sources =
        distinct(packets.iter().filter_map(|line| Some(line.split('\t').next()?.to_owned())).collect());
    assert_eq!(sources.len(), 2, "{sources:?}");
    assert!(packets.iter().all(|line| line.ends_with(&format!("\t{length}"))), "{packets:#?}");
    if !srtp {
        // Sender reports and names by us, as everybody; a BYE at the end.
        let types = tshark(capture, "rtcp", &["rtcp.pt"])?;
        let types = distinct(types.iter().flat_map(|line| line.split(',')).map(str::to_owned).collect());
        assert!(["200", "202", "203"].iter().all(|kind| types.contains(*kind)), "{types:?}");
    }
    Ok(())
}

/// The telephone at the other end.
enum Bob {
    Baresip(Baresip),
    Linphone(Linphone),
}

impl Bob {
    fn phone(&mut self) -> &mut dyn Phone {
        match self {
            Self::Baresip(phone) => phone,
            Self::Linphone(phone) => phone,
        }
    }
}

fn start(case: Case, own: Ipv4Addr) -> Result<Bob, PeerError> {
    Ok(match case {
        Case::BaresipCalls(carried) | Case::BaresipIsCalled(carried) => {
            Bob::Baresip(Baresip::start_carrying("bob", own, FIRST_TONE, carried)?)
        }
        Case::LinphoneCalls { srtp } | Case::LinphoneIsCalled { srtp } => Bob::Linphone(if srtp {
            Linphone::start_secured("bob", own, FIRST_TONE)?
        } else {
            Linphone::start("bob", own, FIRST_TONE)?
        }),
    })
}
