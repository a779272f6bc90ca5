//! The user's audio in a transfer, where the streams are asked and may refuse.

use media_core::{Op, StreamCommand, StreamFailure};
use session_core::{
    EventKind, MediaFailure, SessionId, Source, TransferId,
    engine::{AudioCommand, Command, EngineConfig, MediaCommand, StreamAnswer},
};
use sip_message::Method;

use crate::bench::{Bench, Peer};

/// A call with Alice and one with Carol, who is asked about it and has answered.
struct Asked {
    bench: Bench,
    call: SessionId,
    consultation: SessionId,
    transfer: TransferId,
}

fn asked(set: impl FnOnce(&mut EngineConfig)) -> Asked {
    let mut bench = Bench::with(set, 40);
    let (mut alice, carol) = (Peer::new("alice", 2), Peer::new("carol", 3));
    let call = bench.up(&mut alice);
    let target = "sip:carol@192.0.2.3".parse().expect("a URI");
    let (options, completion) =
        (session_core::AttendedOptions::default(), session_core::Completion::OnCommand);
    bench.ask(Command::Consult { session: call, target, options, completion });
    if let Some(hold) = bench
        .sent
        .iter()
        .rev()
        .find(|(to, message)| *to == alice.address && message.method() == Some(Method::Invite))
    {
        let hold = hold.1.clone();
        bench.answer(&alice, &hold, 200, Some("recvonly"));
    }
    let invite = bench.last(&carol, Method::Invite);
    bench.answer(&carol, &invite, 200, Some("sendrecv"));
    let events = bench.events();
    let answered = events.iter().find(|event| matches!(event.kind, EventKind::ConsultAnswered));
    let answered = answered.expect("the consultation is answered");
    let transfer = answered.transfer.expect("of the transfer");
    let up = events.iter().find(|event| matches!(event.kind, EventKind::Established { .. }));
    let consultation = up.and_then(|event| event.session).expect("the consultation is up");
    Asked { bench, call, consultation, transfer }
}

/// Whether the user's audio is on a call.
fn has_audio(bench: &mut Bench, session: SessionId) -> bool {
    bench.ask(Command::Audio(AudioCommand::Play { session, source: Source::Silence }));
    bench.replies.last().expect("a reply").1
}

/// The op of the last command that `pick` knows.
fn op(bench: &Bench, pick: impl Fn(&StreamCommand) -> Option<Op>) -> Op {
    bench.asked.iter().rev().find_map(pick).expect("the streams were asked")
}

fn replace(command: &StreamCommand) -> Option<Op> {
    if let StreamCommand::Replace { op, .. } = command { Some(*op) } else { None }
}

#[test]
fn audio_that_the_streams_refuse_to_move_stays_where_it_was() {
    let Asked { mut bench, call, consultation, .. } = asked(|_| {});
    assert_eq!(
        (has_audio(&mut bench, call), has_audio(&mut bench, consultation)),
        (false, true),
        "{:?}",
        bench.order
    );
    let op = op(&bench, replace);
    bench.answered(StreamAnswer::Failed(op, StreamFailure::NoDevice));
    assert_eq!((has_audio(&mut bench, call), has_audio(&mut bench, consultation)), (true, false));
    let told = bench.events().into_iter().any(|event| {
        let refused = MediaFailure::Streams(StreamFailure::NoDevice);
        event.session == Some(consultation)
            && matches!(event.kind, EventKind::MediaFailed { failure } if failure == refused)
    });
    assert!(told);
    bench.ask(Command::HangUpAll);
    bench.nothing_is_left();
}

#[test]
fn audio_of_its_own_that_the_streams_refuse_is_closed() {
    for refused in [false, true] {
        let Asked { mut bench, call, consultation, .. } = asked(|_| {});
        // The audio is gone with the call that had it; the caller comes back to audio of their own.
        bench.ask(Command::HangUp { session: consultation });
        let attach = |command: &StreamCommand| {
            if let StreamCommand::Attach { op, .. } = command { Some(*op) } else { None }
        };
        let opened = bench.asked.iter().rev().find_map(|command| match command {
            StreamCommand::OpenDevice { device, .. } => Some(*device),
            _ => None,
        });
        let op = op(&bench, attach);
        assert!(has_audio(&mut bench, call));
        if refused {
            bench.answered(StreamAnswer::Failed(op, StreamFailure::UnknownStream));
            assert!(!has_audio(&mut bench, call));
            let closed = bench.asked.iter().any(
                |command| matches!(command, StreamCommand::CloseDevice { device } if Some(*device) == opened),
            );
            assert!(closed, "{:?}", bench.order);
            let told = bench.events().into_iter().any(|event| {
                let refused = MediaFailure::Streams(StreamFailure::UnknownStream);
                event.session == Some(call)
                    && matches!(event.kind, EventKind::MediaFailed { failure } if failure == refused)
            });
            assert!(told);
        } else {
            bench.answered(StreamAnswer::Applied(op));
            assert!(has_audio(&mut bench, call));
            assert_eq!(bench.count(|kind| matches!(kind, EventKind::MediaFailed { .. })), 0);
        }
        bench.ask(Command::HangUpAll);
        bench.nothing_is_left();
    }
}

#[test]
fn a_call_is_prepared_when_its_keys_are_released_whether_it_is_held_or_not() {
    for holds in [false, true] {
        let Asked { mut bench, consultation, transfer, .. } =
            asked(|config| config.hold_before_transfer = holds);
        bench.order.clear();
        let replies = bench.replies.len();
        bench.ask(Command::Media(MediaCommand::Prepare { session: consultation, transfer }));
        assert_eq!(bench.order[0], "Prepare", "{:?}", bench.order);
        assert_eq!(bench.replies.len(), replies, "the streams, or the other side, have to answer");
        let prepare = |command: &StreamCommand| {
            if let StreamCommand::Prepare { op, .. } = command { Some(*op) } else { None }
        };
        let op = op(&bench, prepare);
        bench.answered(StreamAnswer::Applied(op));
        if holds {
            let carol = Peer::new("carol", 3);
            let hold = bench.last(&carol, Method::Invite);
            bench.answer(&carol, &hold, 200, Some("recvonly"));
        }
        assert!(bench.replies.len() == replies + 1 && bench.replies[replies].1, "{holds}");
        bench.ask(Command::HangUpAll);
        bench.nothing_is_left();
    }
}

#[test]
fn a_call_whose_keys_cannot_be_released_is_not_prepared() {
    let Asked { mut bench, consultation, transfer, .. } = asked(|config| config.hold_before_transfer = false);
    let replies = bench.replies.len();
    bench.ask(Command::Media(MediaCommand::Prepare { session: consultation, transfer }));
    let prepare = |command: &StreamCommand| {
        if let StreamCommand::Prepare { op, .. } = command { Some(*op) } else { None }
    };
    let op = op(&bench, prepare);
    bench.answered(StreamAnswer::Failed(op, StreamFailure::UnknownStream));
    assert!(bench.replies.len() == replies + 1 && !bench.replies[replies].1);
    assert!(has_audio(&mut bench, consultation), "nothing else changes");
}
