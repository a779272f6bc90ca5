//! Calls between two sets of streams in virtual time, without sockets.

use std::net::SocketAddr;
use std::ops::AddAssign;
use std::time::Duration;

use bytes::Bytes;
use media_core::srtp::sdes::Crypto;
use media_core::srtp::{KeyMaterial, Suite};
use media_core::{
    Agreed, AgreedSrtp, Codec, Cx, DeviceId, Direction, Op, PacketKind, SampleRate, Source, StreamCommand,
    StreamId, StreamOutput, Streams, StreamsConfig, Tick, Wav,
};

use super::Case;
use crate::seed::Seed;

/// The bytes of an RTP packet with 20 ms of PCMU in clear.
pub const UNPROTECTED_BYTES: usize = 172;
/// The time of one frame.
const FRAME: Duration = Duration::from_millis(20);
/// Frames before a case begins: every buffer has its size by then, and the playout its delay.
const WARM_UP: usize = 200;

/// What every device says: a second that sounds like speech to whoever measures it, over and over.
pub fn speech() -> Source {
    Source::Wav(Wav::new(super::frames::second(SampleRate::Hz8000), SampleRate::Hz8000))
}

/// Names how packets are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Clear,
    /// AES-128 in counter mode with HMAC-SHA1, 80 bits.
    CounterMode,
    /// AES-128 in Galois/counter mode.
    Galois,
}

impl Protection {
    /// Every one, by the name it has in cases.
    pub const NAMES: [(&'static str, Self); 3] =
        [("clear", Self::Clear), ("cm", Self::CounterMode), ("gcm", Self::Galois)];

    /// Returns the one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, protection)| protection)
    }

    fn suite(self) -> Option<Suite> {
        match self {
            Self::Clear => None,
            Self::CounterMode => Some(Suite::AesCm128HmacSha1_80),
            Self::Galois => Some(Suite::AeadAes128Gcm),
        }
    }

    /// Returns the bytes of a packet with 20 ms of PCMU.
    pub fn packet_bytes(self) -> usize {
        UNPROTECTED_BYTES + self.suite().map_or(0, Suite::rtp_tag_bytes)
    }

    /// Returns what two sides agree on, as the first of them sees it: its keys are made of `ours`, the other's of `theirs`.
    pub fn agreed(self, local: SocketAddr, remote: SocketAddr, [ours, theirs]: [u8; 2]) -> Agreed {
        let mut agreed = Agreed::plain(local, remote, Codec::Pcmu);
        agreed.srtp = self.suite().and_then(|suite| {
            let line = |byte: u8| {
                let bytes: Vec<u8> = (0..suite.material_bytes()).map(|place| byte ^ place as u8).collect();
                KeyMaterial::new(suite, &bytes).ok().map(|material| Crypto::new(1, material))
            };
            Some(Box::new(AgreedSrtp { local: line(ours)?, remote: line(theirs)? }))
        });
        agreed
    }
}

/// Two sets of streams, of which each stream of the one talks to the same of the other.
#[derive(Debug)]
pub struct Calls {
    sides: Vec<Streams>,
    count: u64,
    now: Tick,
    random: Seed,
    out: Vec<StreamOutput>,
    /// What is on its way to the other side, and which side sent it.
    wire: Vec<(usize, StreamId, PacketKind, Bytes)>,
    packet_bytes: usize,
}

/// What a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// RTP packets that were sent, of the length that they should have.
    pub sent: u64,
    /// Anything else that was sent or told, but for RTCP: a refused command, a packet of another length.
    pub surprises: u64,
}

impl Calls {
    /// Opens so many calls between two sides, or with `answered` false so many streams that send to nobody.
    pub fn new(
        count: u64,
        protection: Protection,
        answered: bool,
        direction: Direction,
        source: &Source,
    ) -> Option<Self> {
        let sides = if answered { 2 } else { 1 };
        let config = StreamsConfig {
            max_streams: count as usize,
            max_devices: count as usize,
            ..StreamsConfig::default()
        };
        let mut calls = Self {
            sides: (0..sides).map(|_| Streams::new(config.clone())).collect(),
            count,
            now: Tick(1_000_000),
            random: Seed::new(1, 0),
            out: Vec::new(),
            wire: Vec::new(),
            packet_bytes: protection.packet_bytes(),
        };
        let mut opened = Turn::default();
        for (side, number) in (0..sides).flat_map(|side| (1..=count).map(move |number| (side, number))) {
            let (stream, device, op) = (StreamId(number), DeviceId(number), Op(number));
            let keys = if side == 0 { [1, 2] } else { [2, 1] };
            let mut agreed = protection.agreed(address(side, number), address(1 - side, number), keys);
            agreed.direction = if side == 0 { direction } else { direction.reversed() };
            for command in [
                StreamCommand::OpenDevice { device, source: source.clone() },
                StreamCommand::Open { op, stream, device: Some(device) },
                StreamCommand::Apply { op, stream, agreed },
            ] {
                opened += calls.step(side, |streams, cx, out| streams.command(cx, command, out));
            }
            // The streams begin one after the other, as calls do.
            if number % count.div_ceil(20) == 0 {
                calls.now += Duration::from_millis(1);
            }
        }
        (opened.surprises == 0).then_some(calls)
    }

    /// Lets 20 ms pass: every stream sends a frame, and hears one.
    pub fn turn(&mut self) -> Turn {
        let mut turn = Turn::default();
        let end = self.now + FRAME;
        while let Some(next) =
            self.sides.iter().filter_map(Streams::next_deadline).min().filter(|next| *next <= end)
        {
            self.now = self.now.max(next);
            for side in 0..self.sides.len() {
                turn += self.step(side, Streams::tick);
            }
            let mut wire = std::mem::take(&mut self.wire);
            for (from, stream, kind, packet) in wire.drain(..) {
                let (to, source) = (1 - from, source(from, stream, kind));
                turn += self.step(to, |streams, cx, out| {
                    streams.packet(cx, stream, kind, source, &packet, out);
                });
            }
            self.wire = wire;
        }
        self.now = end;
        turn
    }

    /// Returns the number of calls.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sets of streams.
    pub fn sides(&self) -> &[Streams] {
        &self.sides
    }

    fn step(
        &mut self,
        side: usize,
        step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>),
    ) -> Turn {
        let mut turn = Turn::default();
        let random = &mut self.random;
        let unix = Duration::from_secs(1_700_000_000) + self.now.since(Tick::default());
        let mut cx = Cx { now: self.now, unix, random: &mut || random.draw() };
        let Some(streams) = self.sides.get_mut(side) else { return turn };
        step(streams, &mut cx, &mut self.out);
        for output in self.out.drain(..) {
            match output {
                StreamOutput::Send { stream, kind, packet, .. } => {
                    match kind {
                        PacketKind::Rtp if packet.len() == self.packet_bytes => turn.sent += 1,
                        PacketKind::Rtp => turn.surprises += 1,
                        PacketKind::Rtcp => {}
                    }
                    self.wire.push((side, stream, kind, packet));
                }
                StreamOutput::Applied { .. } | StreamOutput::Event(_) => {}
                StreamOutput::Failed { .. } | StreamOutput::Recorded { .. } => turn.surprises += 1,
            }
        }
        turn
    }
}

impl AddAssign for Turn {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.surprises += other.surprises;
    }
}

/// Where a side's stream has its RTP.
fn address(side: usize, number: u64) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + side as u8], 10_000 + 2 * number as u16))
}

fn source(side: usize, stream: StreamId, kind: PacketKind) -> SocketAddr {
    let mut address = address(side, stream.0);
    address.set_port(address.port() + u16::from(kind == PacketKind::Rtcp));
    address
}

/// One frame that is sent, and with `heard` received and played, too.
pub(super) fn case(protection: Protection, heard: bool, source: &Source) -> Option<Case> {
    let mut calls = Calls::new(1, protection, heard, Direction::SendOnly, source)?;
    for _ in 0..WARM_UP {
        calls.turn();
    }
    if let Some(hearer) = calls.sides().get(1) {
        let snapshot = hearer.snapshot(StreamId(1))?;
        if snapshot.received + 1 < WARM_UP as u64 || snapshot.lost != 0 || snapshot.late != 0 {
            return None;
        }
    }
    Some(Box::new(move || calls.turn() == Turn { sent: 1, surprises: 0 }))
}
