//! What an engine says that is left: nothing that is kept for a transfer or a recording is forgotten.

use media_core::StreamEvent;
use session_core::{
    EventKind, RecordLayout, RecordingFailure, RecordingId,
    engine::{AudioCommand, Command},
};

use crate::bench::{Bench, Peer};

#[test]
fn a_live_transfer_and_a_recording_are_left_until_they_end() {
    let mut bench = Bench::new();
    let mut alice = Peer::new("alice", 2);
    let session = bench.up(&mut alice);
    let recording = RecordingId(5);
    bench.ask(Command::Audio(AudioCommand::Record { session, recording, layout: RecordLayout::Mono }));
    let target = "sip:carol@192.0.2.3".parse().expect("a URI");
    bench.ask(Command::Blind { session, target });
    let left = bench.engine.leftovers();
    assert_eq!((left.coordinations, left.recordings), (1, 1));

    bench.ask(Command::HangUp { session });
    let bye = bench.last(&alice, sip_message::Method::Bye);
    bench.answer(&alice, &bye, 200, None);
    bench.run(std::time::Duration::from_mins(5));
    let left = bench.engine.leftovers();
    assert_eq!((left.transfers, left.coordinations, left.recordings), (0, 0, 1));

    let result = Err(RecordingFailure::Full);
    let ended = StreamEvent::RecordingEnded { recording, result };
    bench.hear(ended);
    assert_eq!(bench.engine.leftovers().recordings, 0);
    let told = bench
        .count(|kind| matches!(kind, EventKind::RecordingEnded { result: Err(RecordingFailure::Full), .. }));
    assert_eq!(told, 1);
}
