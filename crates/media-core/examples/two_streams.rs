//! Two user agents in virtual time: they talk, one holds the other, they talk again. Prints what each ear hears.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use media_core::{
    Cx, DeviceId, LocalMedia, Negotiation, Op, PacketKind, Source, StreamCommand, StreamId, StreamOutput,
    Streams, StreamsConfig, Tick,
};

const STREAM: StreamId = StreamId(1);
const DEVICE: DeviceId = DeviceId(1);
const UNIX: Duration = Duration::from_secs(1_700_000_000);

struct Party {
    name: &'static str,
    negotiation: Negotiation,
    streams: Streams,
    rtp: SocketAddr,
}

impl Party {
    fn new(name: &'static str, host: u8) -> Self {
        let local = LocalMedia::new([192, 0, 2, host].into(), 4_000, u64::from(host));
        let rtp = SocketAddr::new(local.address, local.port);
        let streams = Streams::new(StreamsConfig { ears: true, ..StreamsConfig::default() });
        Self { name, negotiation: Negotiation::new(local), streams, rtp }
    }
}

struct World {
    now: Tick,
    seed: u64,
    parties: [Party; 2],
}

impl World {
    /// Runs one step of a party; its packets arrive at the other one at once.
    fn step(
        &mut self,
        party: usize,
        step: &mut dyn FnMut(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>),
    ) {
        let mut out = Vec::new();
        let seed = &mut self.seed;
        let mut random = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *seed
        };
        let mut cx = Cx { now: self.now, unix: UNIX + self.now.since(Tick::default()), random: &mut random };
        step(&mut self.parties[party].streams, &mut cx, &mut out);
        for output in out {
            match output {
                StreamOutput::Send { kind, packet, .. } => {
                    let mut source = self.parties[party].rtp;
                    if kind == PacketKind::Rtcp {
                        source.set_port(source.port() + 1);
                    }
                    self.step(1 - party, &mut |streams, cx, out| {
                        streams.packet(cx, STREAM, kind, source, &packet, out);
                    });
                }
                StreamOutput::Event(event) => {
                    println!("{} {}: {event:?}", self.now, self.parties[party].name);
                }
                StreamOutput::Failed { op, failure } => println!("{op} failed: {failure}"),
                StreamOutput::Applied { .. } | StreamOutput::Recorded { .. } => {}
            }
        }
    }

    fn command(&mut self, party: usize, command: &StreamCommand) {
        self.step(party, &mut |streams, cx, out| streams.command(cx, command.clone(), out));
    }

    /// The first party offers, the second answers, both apply.
    fn negotiate(&mut self, held: bool) -> Result<(), Box<dyn Error>> {
        let [alice, bob] = &mut self.parties;
        alice.negotiation.desire(held);
        bob.negotiation.offered(&alice.negotiation.offer())?;
        alice.negotiation.answered(&bob.negotiation.answer())?;
        for party in 0..2 {
            let agreed = self.parties[party].negotiation.in_force().ok_or("nothing agreed")?.clone();
            self.command(party, &StreamCommand::Apply { op: Op(1), stream: STREAM, agreed });
        }
        Ok(())
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.parties.iter().filter_map(|party| party.streams.next_deadline()).min()
            && next <= end
        {
            self.now = self.now.max(next);
            for party in 0..2 {
                self.step(party, &mut Streams::tick);
            }
        }
        self.now = end;
    }

    fn tell(&self, what: &str) {
        println!("--- {what}");
        for party in &self.parties {
            let heard = party.streams.hearing_at(DEVICE, self.now).and_then(|hearing| hearing.tone);
            match heard {
                Some(hz) => println!("{} {} hears {hz} Hz", self.now, party.name),
                None => println!("{} {} hears nothing", self.now, party.name),
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut world =
        World { now: Tick::default(), seed: 1, parties: [Party::new("alice", 1), Party::new("bob", 2)] };
    for (party, hz) in [(0, 440), (1, 1_000)] {
        world.command(party, &StreamCommand::OpenDevice { device: DEVICE, source: Source::Tone { hz } });
        world.command(party, &StreamCommand::Open { op: Op(0), stream: STREAM, device: Some(DEVICE) });
    }
    world.negotiate(false)?;
    world.run(Duration::from_secs(6));
    world.tell("talking");
    world.negotiate(true)?;
    world.run(Duration::from_secs(10));
    world.tell("alice holds bob");
    world.negotiate(false)?;
    world.run(Duration::from_secs(2));
    world.tell("talking again");
    for party in 0..2 {
        world.command(party, &StreamCommand::Close { op: Op(2), stream: STREAM });
    }
    Ok(())
}
