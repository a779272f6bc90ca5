//! Two negotiations in any order of wishes, offers, refusals and moves, with descriptions that were changed on their way:
//! no panic; what arrives unchanged is agreed alike on both sides; versions never fall; m-lines never become fewer; what
//! was secured is never in clear again, and another address of ours has another key.
#![no_main]

use std::net::SocketAddr;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use media_core::srtp::{KeyMaterial, Suite};
use media_core::{
    Agreed, Codec, CodecPreference, Direction, HoldDirection, LocalMedia, MediaFormat, Negotiation,
    SessionDescription, SrtpPolicy,
};

#[derive(Arbitrary, Debug)]
struct Side {
    codecs: Vec<u8>,
    ours: bool,
    dtmf: bool,
    comfort_noise: bool,
    rtcp_mux: bool,
    inactive: bool,
    policy: u8,
}

/// Bytes of a description are replaced on its way.
#[derive(Arbitrary, Debug)]
struct Change {
    at: u16,
    remove: u8,
    insert: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Desire { second: bool, held: bool },
    Direction { second: bool, sends: bool, receives: bool },
    Exchange { second: bool, offer: Vec<Change>, answer: Vec<Change> },
    Offered { second: bool, sdp: Vec<u8> },
    Answer { second: bool },
    Rollback { second: bool },
    Relocate { second: bool, port: u16 },
}

/// Different with every call (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

struct Party {
    negotiation: Negotiation,
    random: Random,
    version: u64,
    lines: usize,
    secured: bool,
    /// Our address and our key as they were in force last.
    key: Option<(SocketAddr, KeyMaterial)>,
}

impl Party {
    fn new(host: u8, side: &Side) -> Self {
        let mut local = LocalMedia::new([192, 0, 2, host].into(), 4_000, u64::from(host));
        local.codecs =
            side.codecs.iter().take(8).map(|&index| Codec::PREFERENCE[usize::from(index) % 5]).collect();
        local.preference = if side.ours { CodecPreference::Ours } else { CodecPreference::Theirs };
        (local.dtmf, local.comfort_noise, local.rtcp_mux) = (side.dtmf, side.comfort_noise, side.rtcp_mux);
        let policy =
            [SrtpPolicy::Off, SrtpPolicy::Optional, SrtpPolicy::Required][usize::from(side.policy) % 3];
        let hold = if side.inactive { HoldDirection::Inactive } else { HoldDirection::SendOnly };
        let mut random = Random(u64::from(host));
        let negotiation =
            Negotiation::new(local).with_hold(hold).with_srtp(policy, &Suite::ALL, &mut || random.next());
        let secured = policy == SrtpPolicy::Required;
        Self { negotiation, random, version: 0, lines: 0, secured, key: None }
    }

    fn sent(&mut self, sdp: &[u8], offer: bool) {
        let description = SessionDescription::parse(sdp).expect("our own description");
        let version = description.origin().version.parse().expect("our own version");
        assert!(version >= self.version);
        let lines = description.media().count();
        assert!(!offer || lines >= self.lines);
        (self.version, self.lines) = (version, self.lines.max(lines));
    }

    fn check(&mut self) {
        if let Some(agreed) = self.negotiation.in_force() {
            assert!(!self.secured || agreed.srtp.is_some());
            assert!((10..=60).contains(&agreed.ptime_ms) && agreed.receive.len() <= 128);
            assert!(!agreed.remote_valid || agreed.remote_rtp.port() != 0);
            self.secured |= agreed.srtp.is_some();
            if let Some(srtp) = &agreed.srtp {
                let key = (agreed.local, srtp.local.keys[0].material.clone());
                if let Some((local, before)) = self.key.replace(key.clone()) {
                    assert!(local == key.0 || before != key.1);
                }
            }
        }
    }
}

fn changed(sdp: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut sdp = sdp.to_vec();
    for change in changes.iter().take(4) {
        let from = usize::from(change.at) % (sdp.len() + 1);
        let to = (from + usize::from(change.remove)).min(sdp.len());
        sdp.splice(from..to, change.insert.iter().copied().take(200));
    }
    sdp
}

fuzz_target!(|input: ([Side; 2], Vec<Step>)| {
    let (sides, steps) = input;
    let mut parties = [Party::new(1, &sides[0]), Party::new(2, &sides[1])];
    for step in steps.iter().take(32) {
        match step {
            Step::Desire { second, held } => parties[usize::from(*second)].negotiation.desire(*held),
            Step::Direction { second, sends, receives } => {
                parties[usize::from(*second)].negotiation.set_direction(Direction::of(*sends, *receives));
            }
            Step::Exchange { second, offer, answer } => {
                let (from, to) = (usize::from(*second), usize::from(!*second));
                let sent = parties[from].negotiation.offer();
                parties[from].sent(&sent, true);
                if parties[to].negotiation.offered(&changed(&sent, offer)).is_err() {
                    parties[from].negotiation.rollback();
                    continue;
                }
                let back = parties[to].negotiation.answer();
                parties[to].sent(&back, false);
                parties[to].check();
                if parties[from].negotiation.answered(&changed(&back, answer)).is_err() {
                    // What was answered unchanged fails only where the session has diverged before.
                    parties[from].negotiation.rollback();
                    continue;
                }
                if offer.is_empty() && answer.is_empty() {
                    let [one, other] =
                        [0, 1].map(|side| parties[side].negotiation.in_force().expect("answered"));
                    assert_eq!(one.rejected(), other.rejected());
                    if !one.rejected() {
                        assert_eq!((one.codec, one.direction), (other.codec, other.direction.reversed()));
                        assert_eq!(other.format(one.payload_type), Some(MediaFormat::Audio(one.codec)));
                        let keys =
                            |agreed: &Agreed| agreed.srtp.clone().map(|srtp| (srtp.local, srtp.remote));
                        assert_eq!(keys(one), keys(other).map(|(local, remote)| (remote, local)));
                    }
                }
            }
            Step::Offered { second, sdp } => {
                let _ = parties[usize::from(*second)].negotiation.offered(sdp);
            }
            Step::Answer { second } => {
                let party = &mut parties[usize::from(*second)];
                let answer = party.negotiation.answer();
                if !answer.is_empty() {
                    party.sent(&answer, false);
                }
            }
            Step::Rollback { second } => parties[usize::from(*second)].negotiation.rollback(),
            Step::Relocate { second, port } => {
                let address = [198, 51, 100, 1].into();
                let Party { negotiation, random, .. } = &mut parties[usize::from(*second)];
                negotiation.relocate(address, 1_024 + *port % 8, &mut || random.next());
            }
        }
        parties.iter_mut().for_each(Party::check);
    }
});
