//! Properties of offer and answer: against any peer, and between two of us.

mod descriptions;

use std::cell::Cell;

use descriptions::nearly_sdp;
use media_core::sdp::Media;
use media_core::srtp::Suite;
use media_core::srtp::sdes::Crypto;
use media_core::{
    Agreed, Codec, CodecPreference, Direction, HoldDirection, LocalMedia, MediaFormat, Negotiation, SdpError,
    SessionDescription, SrtpPolicy,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// What one side brings.
#[derive(Debug, Clone)]
struct Side {
    codecs: Vec<Codec>,
    preference: CodecPreference,
    /// DTMF, comfort noise, rtcp-mux.
    extras: [bool; 3],
    hold: HoldDirection,
    policy: SrtpPolicy,
}

fn side() -> impl Strategy<Value = Side> {
    // PCMU always, so that there is a common codec.
    let codecs = subsequence(Codec::PREFERENCE.to_vec(), 1..=5).prop_shuffle().prop_map(|mut codecs| {
        if !codecs.contains(&Codec::Pcmu) {
            codecs.push(Codec::Pcmu);
        }
        codecs
    });
    let preference = select(vec![CodecPreference::Theirs, CodecPreference::Ours]);
    let hold = select(vec![HoldDirection::SendOnly, HoldDirection::Inactive]);
    let policy = select(vec![SrtpPolicy::Off, SrtpPolicy::Optional, SrtpPolicy::Required]);
    (codecs, preference, any::<[bool; 3]>(), hold, policy).prop_map(
        |(codecs, preference, extras, hold, policy)| Side { codecs, preference, extras, hold, policy },
    )
}

fn negotiation(host: u8, side: &Side) -> Negotiation {
    let mut local = LocalMedia::new([192, 0, 2, host].into(), 4_000, u64::from(host));
    local.codecs = side.codecs.as_slice().into();
    local.preference = side.preference;
    [local.dtmf, local.comfort_noise, local.rtcp_mux] = side.extras;
    let suites = [Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80];
    Negotiation::new(local).with_hold(side.hold).with_srtp(side.policy, &suites, &mut random)
}

/// Different with every call.
fn random() -> u64 {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(0) });
    NEXT.set(NEXT.get() + 1);
    NEXT.get()
}

fn parse(sdp: &[u8]) -> SessionDescription {
    SessionDescription::parse(sdp).expect("our own description")
}

/// The formats of the line that carries audio, by name; our other lines have port 0.
fn formats(sdp: &[u8]) -> Vec<String> {
    let description = parse(sdp);
    let Some(media) = description.media().find(|media| media.port != 0) else { return Vec::new() };
    media
        .payload_types()
        .map(|number| {
            let named = media.encodings().find(|(bound, _)| *bound == number);
            let format = match named {
                Some((_, encoding)) => MediaFormat::from_encoding(encoding),
                None => MediaFormat::from_static_payload_type(number),
            };
            format.expect("a format that we know").to_string()
        })
        .collect()
}

/// What a number stands for in an m-line, as its writer sees it: by the first `rtpmap`, else by its static number.
fn meaning(media: &Media<'_>, number: u8) -> Option<MediaFormat> {
    match media.encodings().find(|(bound, _)| *bound == number) {
        Some((_, encoding)) => MediaFormat::from_encoding(encoding),
        None => MediaFormat::from_static_payload_type(number),
    }
}

/// What each number of an m-line stands for, in its order; unknown ones are left out.
fn meanings(media: &Media<'_>) -> Vec<(u8, MediaFormat)> {
    media.payload_types().filter_map(|number| Some((number, meaning(media, number)?))).collect()
}

/// What is in force follows from the peer's m-line and ours: their address, numbers that they named with what they said
/// that these stand for, formats that both have, a direction that both allow, and keys of lines that both wrote.
fn follows(
    agreed: &Agreed,
    (description, theirs): (&SessionDescription, &Media<'_>),
    (own, ours): (&SessionDescription, &Media<'_>),
) -> Result<(), TestCaseError> {
    let (named, offered) = (meanings(theirs), meanings(ours));
    let both = |format: MediaFormat| {
        named.iter().any(|(_, theirs)| *theirs == format) && offered.iter().any(|(_, ours)| *ours == format)
    };
    let audio = MediaFormat::Audio(agreed.codec);
    prop_assert!(named.contains(&(agreed.payload_type, audio)) && both(audio), "{:?}", agreed);
    if let Some(number) = agreed.dtmf_payload_type {
        let event = MediaFormat::TelephoneEvent { clock_rate: agreed.dtmf_clock_rate };
        prop_assert!(named.contains(&(number, event)) && both(event), "{:?}", agreed);
    }
    if let Some(number) = agreed.comfort_noise_payload_type {
        let noise = MediaFormat::ComfortNoise;
        prop_assert!(named.contains(&(number, noise)) && both(noise), "{:?}", agreed);
    }
    for told in offered {
        prop_assert!(agreed.receive.contains(&told), "{:?} of {:?}", told, agreed.receive);
    }
    let allowed = description.direction(theirs).reversed().and(own.direction(ours));
    prop_assert_eq!(agreed.direction.and(allowed), agreed.direction);
    if agreed.remote_valid {
        let named = description.connection(theirs).and_then(|connection| connection.ip());
        prop_assert_eq!(Some(agreed.remote_rtp.ip()), named);
        prop_assert_eq!(agreed.remote_rtp.port(), theirs.port);
    }
    let muxes = |media: &Media<'_>| media.attributes().any(|attribute| attribute.name == "rtcp-mux");
    prop_assert_eq!(agreed.rtcp_mux, muxes(theirs) && muxes(ours));
    if let Some(srtp) = &agreed.srtp {
        let lines = |media: &Media<'_>| Crypto::parse_lines(media.attributes_named("crypto").flatten());
        prop_assert!(lines(theirs).contains(&srtp.remote) && lines(ours).contains(&srtp.local));
        prop_assert_eq!((srtp.local.tag, srtp.local.suite), (srtp.remote.tag, srtp.remote.suite));
    }
    Ok(())
}

/// What one side has sent, and what must hold of the next.
#[derive(Debug, Default)]
struct Sent {
    version: u64,
    behind: String,
    lines: usize,
    refused: bool,
}

impl Sent {
    /// The version is one more iff the text is another, or the last was refused; offers have no fewer m-lines.
    fn check(&mut self, sdp: &[u8], offer: bool) -> Result<(), TestCaseError> {
        let text = String::from_utf8(sdp.to_vec()).expect("our own description");
        let description = parse(sdp);
        let version: u64 = description.origin().version.parse().expect("a number");
        let behind = text.split_once(&format!(" {version} IN ")).expect("an origin").1.to_owned();
        let changed = self.refused || behind != self.behind;
        prop_assert_eq!(version, self.version + u64::from(changed), "{}", text);
        let lines = description.media().count();
        prop_assert!(!offer || lines >= self.lines);
        *self = Self { version, behind, lines: self.lines.max(lines), refused: false };
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// This side wishes for hold, or not.
    Desire { bob: bool, held: bool },
    /// This side offers; the other answers.
    Exchange { bob: bool },
    /// This side offers; the other refuses.
    Refused { bob: bool },
    /// Both offer at once and take back.
    Glare,
    /// This side moves.
    Relocate { bob: bool, port: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<(bool, bool)>().prop_map(|(bob, held)| Step::Desire { bob, held }),
        4 => any::<bool>().prop_map(|bob| Step::Exchange { bob }),
        1 => any::<bool>().prop_map(|bob| Step::Refused { bob }),
        1 => Just(Step::Glare),
        1 => (any::<bool>(), 1_000..1_004u16).prop_map(|(bob, port)| Step::Relocate { bob, port }),
    ]
}

struct Pair {
    sides: [Negotiation; 2],
    sent: [Sent; 2],
}

impl Pair {
    /// One offer of a side; false when the policies do not meet.
    fn exchange(&mut self, from: usize) -> Result<bool, TestCaseError> {
        let to = 1 - from;
        let offer = self.sides[from].offer();
        self.sent[from].check(&offer, true)?;
        match self.sides[to].offered(&offer) {
            Ok(()) => {}
            Err(SdpError::NoAudio | SdpError::NoCommonCrypto) => {
                self.refuse(from);
                return Ok(false);
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        let answer = self.sides[to].answer();
        self.sent[to].check(&answer, false)?;
        let offered = formats(&offer);
        for format in formats(&answer) {
            prop_assert!(offered.contains(&format), "{} was not offered", format);
        }
        prop_assert_eq!(self.sides[from].answered(&answer), Ok(()));
        self.mirrored()?;
        Ok(true)
    }

    fn refuse(&mut self, side: usize) {
        self.sides[side].rollback();
        self.sent[side].refused = true;
    }

    /// Both sides have the same in force, each seen from its own side.
    fn mirrored(&self) -> Result<(), TestCaseError> {
        let [ours, theirs] = [0, 1].map(|side| self.sides[side].in_force().expect("answered"));
        prop_assert_eq!(ours.direction, theirs.direction.reversed());
        for (one, other) in [(ours, theirs), (theirs, ours)] {
            prop_assert_eq!(one.codec, other.codec);
            prop_assert_eq!(one.remote_rtp, other.local);
            prop_assert_eq!(one.rtcp_mux, other.rtcp_mux);
            prop_assert_eq!(one.rtcp_mux, one.remote_rtcp == one.remote_rtp);
            prop_assert_eq!(other.format(one.payload_type), Some(MediaFormat::Audio(one.codec)));
            prop_assert_eq!(one.dtmf_payload_type.is_some(), other.dtmf_payload_type.is_some());
            if let Some(number) = one.dtmf_payload_type {
                let event = MediaFormat::TelephoneEvent { clock_rate: one.dtmf_clock_rate };
                prop_assert_eq!(other.format(number), Some(event));
            }
            prop_assert_eq!(one.comfort_noise_payload_type, other.comfort_noise_payload_type);
            let keys =
                |agreed: &Agreed| agreed.srtp.clone().map(|srtp| (srtp.local.clone(), srtp.remote.clone()));
            prop_assert_eq!(keys(one), keys(other).map(|(local, remote)| (remote, local)));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Two of us, whatever each brings, in any order of wishes, offers, refusals and moves: the same in force on both
    /// sides after each answer, and in the end what the wishes say.
    #[test]
    fn offer_and_answer_converge(sides in [side(), side()], steps in vec(step(), 0..24)) {
        // covers: TR-210, TR-211, TR-217
        let mut pair = Pair {
            sides: [negotiation(1, &sides[0]), negotiation(2, &sides[1])],
            sent: Default::default(),
        };
        if !pair.exchange(0)? {
            prop_assert!(sides.iter().any(|side| side.policy == SrtpPolicy::Required));
            prop_assert!(sides.iter().any(|side| side.policy == SrtpPolicy::Off));
            return Ok(());
        }
        let secured = pair.sides[0].in_force().is_some_and(|agreed| agreed.srtp.is_some());
        prop_assert_eq!(secured, sides.iter().all(|side| side.policy != SrtpPolicy::Off));
        for step in steps {
            let before = [0, 1].map(|side| pair.sides[side].in_force().cloned());
            match step {
                Step::Desire { bob, held } => pair.sides[usize::from(bob)].desire(held),
                Step::Exchange { bob } => {
                    prop_assert!(pair.exchange(usize::from(bob))?);
                    continue;
                }
                Step::Refused { bob } => {
                    let offer = pair.sides[usize::from(bob)].offer();
                    pair.sent[usize::from(bob)].check(&offer, true)?;
                    prop_assert_eq!(pair.sides[usize::from(!bob)].offered(&offer), Ok(()));
                    pair.sides[usize::from(!bob)].rollback();
                    pair.refuse(usize::from(bob));
                }
                Step::Glare => for side in 0..2 {
                    let offer = pair.sides[side].offer();
                    pair.sent[side].check(&offer, true)?;
                    pair.refuse(side);
                },
                Step::Relocate { bob, port } => {
                    let address = [198, 51, 100, 1 + u8::from(bob)].into();
                    pair.sides[usize::from(bob)].relocate(address, port, &mut random);
                }
            }
            // Only an answer changes what is in force.
            prop_assert_eq!(before, [0, 1].map(|side| pair.sides[side].in_force().cloned()));
        }
        for side in [0, 1] {
            prop_assert!(pair.exchange(side)?);
        }
        for (ours, theirs) in [(0, 1), (1, 0)] {
            let (one, other) = (&pair.sides[ours], &pair.sides[theirs]);
            let sends = !one.desired_hold() || sides[ours].hold == HoldDirection::SendOnly;
            let agreed = one.in_force().expect("answered");
            prop_assert_eq!(agreed.direction.sends(), sends && !other.desired_hold());
            prop_assert_eq!(one.local_hold(), one.desired_hold());
            prop_assert_eq!(one.remote_hold(), other.desired_hold());
            prop_assert_eq!(agreed.srtp.is_some(), secured);
        }
        // Then all is said: the next exchange has the same versions and changes nothing.
        let before = [0, 1].map(|side| pair.sides[side].in_force().cloned());
        prop_assert!(pair.exchange(1)?);
        prop_assert_eq!(before, [0, 1].map(|side| pair.sides[side].in_force().cloned()));
    }

    /// Whatever the peer offers or answers: no panic, our descriptions parse, lines never become fewer, versions never
    /// fall, nothing is sent where nothing may be sent, nothing is answered that was not offered, and what was secured
    /// stays so.
    #[test]
    fn negotiation_survives_any_peer(
        side in side(),
        turns in vec((nearly_sdp(), any::<bool>(), any::<bool>(), any::<bool>()), 1..6),
    ) {
        // covers: TR-216, TR-223, TM-105
        let mut ours = negotiation(1, &side);
        let mut history = Sent::default();
        let mut secured = side.policy == SrtpPolicy::Required;
        for (sdp, offering, held, rollback) in turns {
            ours.desire(held);
            if offering {
                let offer = ours.offer();
                history.check(&offer, true)?;
                let answered = ours.answered(&sdp).is_ok();
                prop_assert_eq!(ours.offer_pending(), !answered);
                if answered {
                    let (offer, answer) = (parse(&offer), SessionDescription::parse(&sdp).expect("taken"));
                    let agreed = ours.in_force().expect("answered");
                    let (line, theirs) = offer.media().zip(answer.media()).find(|(line, _)| line.port != 0).expect("audio");
                    if agreed.rejected() {
                        prop_assert!(theirs.port == 0 || theirs.kind != line.kind, "{:?}", theirs);
                        prop_assert!(!agreed.remote_valid);
                        prop_assert_eq!(agreed.direction, Direction::Inactive);
                    } else {
                        follows(agreed, (&answer, &theirs), (&offer, &line))?;
                    }
                }
            } else if ours.offered(&sdp).is_ok() && !rollback {
                let answer = ours.answer();
                history.check(&answer, false)?;
                let in_force = ours.in_force().cloned();
                let (offer, answer) = (SessionDescription::parse(&sdp).expect("taken"), parse(&answer));
                prop_assert_eq!(answer.media().count(), offer.media().count());
                for (ours, theirs) in answer.media().zip(offer.media()) {
                    prop_assert_eq!((ours.kind, ours.protocol), (theirs.kind, theirs.protocol));
                    prop_assert!(ours.port == 0 || theirs.port != 0);
                    if ours.port != 0 {
                        let allowed = offer.direction(&theirs).reversed();
                        prop_assert_eq!(answer.direction(&ours), answer.direction(&ours).and(allowed));
                        // Each format that is answered was offered, with the number that it was offered with.
                        let offered = meanings(&theirs);
                        for answered in meanings(&ours) {
                            prop_assert!(offered.contains(&answered), "{:?} of {:?}", answered, offered);
                        }
                        prop_assert_eq!(meanings(&ours).len(), ours.formats().count());
                        let agreed = in_force.as_ref().expect("answered");
                        follows(agreed, (&offer, &theirs), (&answer, &ours))?;
                    }
                }
            }
            if rollback {
                history.refused |= ours.offer_pending();
                ours.rollback();
            }
            if let Some(agreed) = ours.in_force() {
                prop_assert!(!agreed.remote_valid || !agreed.remote_rtp.ip().is_unspecified());
                prop_assert!(!agreed.remote_valid || agreed.remote_rtp.port() != 0);
                prop_assert!((10..=60).contains(&agreed.ptime_ms));
                prop_assert!(!(agreed.held && agreed.direction.receives()));
                prop_assert!(side.codecs.contains(&agreed.codec));
                prop_assert!(agreed.receive.len() <= 128);
                prop_assert!(!secured || agreed.srtp.is_some());
                secured |= agreed.srtp.is_some();
            }
        }
        prop_assert!(ours.in_force().is_none_or(|agreed| agreed.direction != Direction::SendRecv || !agreed.held));
    }
}
