//! Keys pressed at either side, as telephone events (RFC 4733): told by the peer, told by us, and as they are on the wire.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    baresip::{Baresip, Carried, Codec},
    linphone::Linphone,
    network,
    phone::Keys,
};

use super::{
    Outcome, address_of_media, listen,
    seat::{FIRST_TONE, OUR_TONE},
    table::{self, Row, cases},
    tshark::{Folder, sound, tshark},
    uri,
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 20;

/// What we press, and the events of it (RFC 4733 §3.2).
const OURS: &str = "1590*#D";
const OUR_EVENTS: [u8; 7] = [1, 5, 9, 0, 10, 11, 15];
/// What the peer presses.
const THEIRS: [(char, u8); 3] = [('7', 7), ('#', 11), ('7', 7)];
/// How long we press a key, in samples of 8 kHz.
const PRESSED: u32 = 1_280;

/// With whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Baresip(Carried),
    Linphone { srtp: bool },
}

cases! {
    keys_are_told_both_ways;
    keys_both_ways_with_baresip: Case::Baresip(Carried::PLAIN),
    keys_both_ways_with_baresip_by_g722_secured: Case::Baresip(Carried { codec: Codec::G722, srtp: true }),
    keys_both_ways_with_linphonec: Case::Linphone { srtp: false },
    keys_both_ways_with_linphonec_secured: Case::Linphone { srtp: true },
}

impl Case {
    const fn carried(self) -> Carried {
        match self {
            Self::Baresip(carried) => carried,
            Self::Linphone { srtp } => Carried { codec: Codec::Pcmu, srtp },
        }
    }

    fn start(self, own: Ipv4Addr) -> Result<Box<dyn Keys>, PeerError> {
        Ok(match self {
            Self::Baresip(carried) => Box::new(Baresip::start_carrying("bob", own, FIRST_TONE, carried)?),
            Self::Linphone { srtp: true } => Box::new(Linphone::start_secured("bob", own, FIRST_TONE)?),
            Self::Linphone { srtp: false } => Box::new(Linphone::start("bob", own, FIRST_TONE)?),
        })
    }
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let Carried { codec, srtp } = case.carried();
        let with = if srtp { " --srtp required" } else { "" };
        Row {
            peer: match case {
                Case::Baresip(_) => "baresip",
                Case::Linphone { .. } => "linphonec",
            },
            role: "called",
            kind: "keys both ways",
            with: format!("`call --codecs {}{with} --dtmf`", codec.name()),
            media: "telephone events; our tone afterwards",
            expected: "it is told each of our keys once, we each of its".to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn keys_are_told_both_ways(place: u8, case: Case) -> Outcome {
    let [ours, peer] = [1, 2].map(|peer| address_of_media(FIRST_BLOCK + place, peer));
    if matches!(case, Case::Baresip(_)) && !network::is_private() {
        println!("not run: in the host's network the audio of baresip comes from 127.0.0.1");
        return Ok(());
    }
    let folder = Folder::new(&format!("keys-{place}"))?;
    let Carried { codec, srtp } = case.carried();
    let security = if srtp { "required" } else { "off" };
    let (capture, target, listen) = (folder.file("call.pcap"), uri("bob", peer), listen(ours));
    let mut bob = case.start(peer)?;
    let words = ["call", &target, "--listen", &listen, "--codecs", codec.name(), "--srtp", security];
    let more = ["--dtmf", OURS, "--pcap", &capture, "--duration", "60"];
    let mut alice = Application::start(&[words.as_slice(), &more].concat())?;
    bob.answered()?;
    assert_eq!(bob.told(OURS.len())?, OURS, "{}", bob.output());
    for (key, _) in THEIRS {
        bob.press(key)?;
        alice.wait_for("digit", PATIENCE)?;
    }
    bob.hears(Some(OUR_TONE))?;
    bob.hang_up()?;
    let (code, events) = alice.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    let told = events.iter().filter(|event| event["event"] == "digit").count();
    assert_eq!(told, THEIRS.len(), "{events:#?}");
    sound(&capture)?;
    if !srtp {
        let sent = events_of(&capture, ours)?;
        assert_eq!(sent.iter().map(|event| event.code).collect::<Vec<_>>(), OUR_EVENTS);
        sent.iter().for_each(as_in_rfc_4733);
        let received = events_of(&capture, peer)?;
        assert_eq!(received.iter().map(|event| event.code).collect::<Vec<_>>(), THEIRS.map(|(_, code)| code));
    }
    Ok(())
}

/// One event as tshark reads it: the packets with one timestamp.
#[derive(Debug)]
struct Event {
    timestamp: u32,
    code: u8,
    /// Marker, sequence number, end, duration.
    packets: Vec<(bool, u16, bool, u32)>,
}

fn events_of(capture: &str, source: Ipv4Addr) -> Result<Vec<Event>, PeerError> {
    let fields = ["rtp.timestamp", "rtp.marker", "rtp.seq", "rtpevent.event_id", "rtpevent.end_of_event"];
    let fields = [fields.as_slice(), &["rtpevent.duration"]].concat();
    let mut events: Vec<Event> = Vec::new();
    for line in tshark(capture, &format!("rtpevent and ip.src == {source}"), &fields)? {
        let fields: Vec<u32> = line.split('\t').map(|field| field.parse().expect("a number")).collect();
        let [timestamp, marker, sequence, code, end, duration] = fields[..] else { panic!("{line}") };
        let packet = (marker == 1, sequence as u16, end == 1, duration);
        match events.last_mut() {
            Some(event) if event.timestamp == timestamp => event.packets.push(packet),
            _ => events.push(Event { timestamp, code: code as u8, packets: vec![packet] }),
        }
    }
    Ok(events)
}

/// A marker at the beginning, durations that grow, the end three times, each packet with a number of its own.
fn as_in_rfc_4733(event: &Event) {
    // covers: TM-040, TM-041, TM-042
    let packets = &event.packets;
    let markers: Vec<bool> = packets.iter().map(|packet| packet.0).collect();
    assert!(markers[0] && markers[1..].iter().all(|marker| !marker), "{event:?}");
    // Audio may go on between the repeated ends.
    assert!(packets.windows(2).all(|two| (1..=2).contains(&two[1].1.wrapping_sub(two[0].1))), "{event:?}");
    assert!(packets.windows(2).all(|two| two[1].3 >= two[0].3), "{event:?}");
    let ends: Vec<u32> = packets.iter().filter(|packet| packet.2).map(|packet| packet.3).collect();
    assert_eq!(ends, [PRESSED; 3], "{event:?}");
    assert!(packets[packets.len() - 3..].iter().all(|packet| packet.2), "{event:?}");
}
