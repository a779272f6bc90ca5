//! The engine's side of media: ports, offers and answers in the step, and what the RTP streams are asked.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use dialog_core::{DialogCommand, LegCommand, Turn};
use media_core::{
    DeviceId, LocalMedia, Negotiation, Op, SdpError, StreamCommand, StreamEvent, StreamFailure,
};
use sip_message::StatusCode;

use super::{
    Engine, EngineTimer, Output, StreamAnswer, StreamRequest, Tap,
    config::MediaMode,
    coordination::Awaited,
    media_boundary::MediaFailure,
    session::{OpenOffer, StreamState},
};
use crate::{
    error::SessionState,
    event::{EventKind, SessionId},
};

/// Bound ports that are kept ready: a burst of calls must not wait for the sockets.
const PORTS_READY: usize = 32;
/// Ports asked for at once when fewer than half of [`PORTS_READY`] are left.
const PORTS_BLOCK: usize = 32;

/// Ports that may be bound beyond those in use.
pub(crate) const PORTS_AHEAD: usize = PORTS_READY / 2 + PORTS_BLOCK;
/// Bits of an op that count; the others are the session's number. An op is answered long before they come round.
const OP_BITS: u32 = 20;
/// How long a freed port rests before it can be had again, with a little to spare.
const PORT_REST: Duration = Duration::from_millis(5_200);

/// The RTP ports that are ready for calls.
#[derive(Debug)]
pub(super) struct Ports {
    mode: MediaMode,
    ready: VecDeque<u16>,
    asked: bool,
    in_use: usize,
    /// Without media: the last port that was named.
    named: u16,
}

impl Ports {
    pub(super) fn new(mode: MediaMode) -> Self {
        Self { mode, ready: VecDeque::new(), asked: false, in_use: 0, named: 0 }
    }

    pub(super) fn add(&mut self, ports: &[u16]) {
        // None to be had: asking again at once would get the same answer.
        self.asked = ports.is_empty();
        self.ready.extend(ports);
    }

    /// How many more are wanted now; each shortage is told once.
    pub(super) fn wanted(&mut self) -> Option<usize> {
        let short = self.mode == MediaMode::On && !self.asked && self.ready.len() < PORTS_READY / 2;
        self.asked |= short;
        short.then_some(PORTS_BLOCK)
    }

    /// Ports that were given back can be had again.
    pub(super) fn rested(&mut self) {
        self.asked = false;
    }

    pub(super) fn take(&mut self) -> Option<u16> {
        let port = match self.mode {
            MediaMode::On => self.ready.pop_front()?,
            MediaMode::Off => {
                // Named in SDP, never bound: any even port of the dynamic range.
                self.named =
                    if self.named < 49_152 || self.named >= 65_534 { 49_152 } else { self.named + 2 };
                self.named
            }
        };
        self.in_use += 1;
        Some(port)
    }

    /// A port is not used any more; whether more were wanted than there are, so that it is to be asked for again
    /// after its rest.
    pub(super) fn give_back(&mut self) -> bool {
        self.in_use -= 1;
        self.asked
    }

    pub(super) fn in_use(&self) -> usize {
        self.in_use
    }
}

/// The status that refuses a description: 400 where it is malformed, 488 where it is fine and not acceptable here.
pub(super) fn description_status(error: SdpError) -> StatusCode {
    StatusCode::new(error.status()).unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE)
}

impl<T: Tap> Engine<T> {
    /// Gives a session its port and its negotiation, or brings that to another address of ours, which wants other keys
    /// (TM-101); `false` when there is no port.
    pub(super) fn prepare_media(&mut self, id: SessionId, local: IpAddr) -> bool {
        let address = self.config.media_address.unwrap_or(local);
        let version = self.surroundings.random.next_u64() >> 2;
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        // Keys come from the same source as the tags of dialogs, which is the operating system's in production.
        let random = &mut self.surroundings.random;
        if let Some(negotiation) = &mut session.negotiation {
            negotiation.relocate(address, session.port, &mut || random.next_u64());
            return true;
        }
        let Some(port) = self.ports.take() else { return false };
        session.port = port;
        let audio = &self.config.audio;
        let mut media = LocalMedia::new(address, port, version);
        media.codecs.clone_from(&audio.codecs);
        media.preference = audio.preference;
        media.comfort_noise = audio.comfort_noise;
        media.rtcp_mux = audio.rtcp_mux;
        let negotiation =
            Negotiation::new(media).with_srtp(audio.srtp, &audio.suites, &mut || random.next_u64());
        session.negotiation = Some(negotiation);
        self.tell_media_state(id);
        true
    }

    /// A description of theirs.
    pub(super) fn described(&mut self, id: SessionId, turn: Turn, body: &[u8]) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(negotiation) = &mut session.negotiation else { return };
        match turn {
            Turn::Offer => session.offer = negotiation.offered(body).map_err(description_status),
            Turn::Answer => {
                if matches!(session.open, OpenOffer::Early) {
                    session.open = OpenOffer::Answered(Box::new(negotiation.clone()));
                }
                match negotiation.answered(body) {
                    Ok(()) => {
                        self.apply_media(id);
                        self.tell_hold(id);
                        self.mend_hold(id);
                    }
                    Err(error) => {
                        negotiation.rollback();
                        let leg = session.leg;
                        // What was in force before stays in force.
                        if negotiation.in_force().is_none() {
                            session.media.failure = Some(MediaFailure::Description);
                        }
                        self.tell(
                            Some(id),
                            None,
                            EventKind::MediaFailed { failure: MediaFailure::Description },
                        );
                        self.tell_media_state(id);
                        self.ask_leg(leg, LegCommand::Unacceptable { status: description_status(error) });
                    }
                }
            }
        }
    }

    /// An answer that came after its wish was given up can put in force what nobody wishes for any more, and nothing would
    /// lead out of it (invariant 4 of the catalogue's §2.7): then what is wished for is offered again.
    pub(super) fn mend_hold(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let unwished = session
            .negotiation
            .as_ref()
            .is_some_and(|negotiation| negotiation.local_hold() != negotiation.desired_hold());
        if unwished && session.wishes.is_empty() && session.state == SessionState::Established {
            let (leg, limit) = (session.leg, self.config.hold_limit);
            self.ask_leg(leg, LegCommand::Reoffer { limit });
        }
    }

    /// A description of ours is wanted.
    pub(super) fn describe(&mut self, id: SessionId, turn: Turn, local: SocketAddr, remotes: &[SocketAddr]) {
        let Some(session) = self.sessions.get(&id) else { return };
        let leg = session.leg;
        // A name can resolve to what policy forbids (SEC-04); one forbidden address of several is enough, because any may
        // be tried.
        let forbidden = session.referred
            && session.negotiation.is_none()
            && !remotes.iter().all(|remote| self.transfers.permits(leg, *remote));
        // A call that is over for the user, and only waits for its last report, takes no new session.
        let over = session.stream == StreamState::Closed;
        if forbidden {
            // So that the referrer is told why.
            self.transfers.barred(leg);
        }
        let body = if forbidden || over || !self.prepare_media(id, local.ip()) {
            Err(StatusCode::NOT_ACCEPTABLE_HERE)
        } else {
            self.signalled_from(id, remotes);
            self.description(id, turn)
        };
        // A refused offer changes nothing at the streams, either.
        let answered = turn == Turn::Answer && body.is_ok();
        self.ask_leg(leg, LegCommand::Describe { body });
        if answered {
            self.apply_media(id);
        }
    }

    /// Where the peer's signalling is, for the streams to compare with where it wants media (SEC-44).
    fn signalled_from(&mut self, id: SessionId, remotes: &[SocketAddr]) {
        let session = self.sessions.get_mut(&id);
        if let Some(negotiation) = session.and_then(|session| session.negotiation.as_mut()) {
            negotiation.signalled_from(remotes.iter().map(SocketAddr::ip));
        }
    }

    /// Our description, or the status that refuses theirs.
    fn description(&mut self, id: SessionId, turn: Turn) -> Result<Bytes, StatusCode> {
        let session = self.sessions.get_mut(&id).ok_or(StatusCode::SERVER_INTERNAL_ERROR)?;
        let negotiation = session.negotiation.as_mut().ok_or(StatusCode::SERVER_INTERNAL_ERROR)?;
        match turn {
            Turn::Offer => {
                let body = negotiation.offer();
                session.cover_wishes();
                Ok(body.into())
            }
            Turn::Answer => session.offer.map(|()| negotiation.answer().into()),
        }
    }

    /// Brings the streams to what is in force.
    pub(super) fn apply_media(&mut self, id: SessionId) {
        if self.config.media == MediaMode::Off {
            self.tell_media_state(id);
            return;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(agreed) = session.negotiation.as_ref().and_then(Negotiation::in_force).cloned() else {
            return;
        };
        if session.stream == StreamState::Closed {
            return;
        }
        let (stream, port, device) = (session.stream_id(), session.port, session.device);
        if session.stream == StreamState::Unopened {
            session.stream = StreamState::Open;
            let source = session.source.clone();
            self.outputs.push_back(Output::Stream(StreamRequest::OpenPort { stream, port }));
            if let Some(device) = device {
                self.stream(StreamCommand::OpenDevice { device, source });
            }
            let op = self.op(id);
            self.stream(StreamCommand::Open { op, stream, device });
        }
        let op = self.op(id);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.media.applying = Some(op);
            session.media.failure = None;
        }
        self.stream(StreamCommand::Apply { op, stream, agreed });
        self.tell_media_state(id);
    }

    /// Tells the state of a call's media where it is another one than was told last.
    pub(super) fn tell_media_state(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let state = session.media_state();
        if std::mem::replace(&mut session.media.told, state) != state {
            let transfer = session.media.monitored_by;
            self.tell(Some(id), transfer, EventKind::MediaStateChanged { state });
        }
    }

    /// Moves the user's audio from one call to another, in place of what that has. Where the first has none any more, because it ended while the
    /// other rang, or the other has no stream yet, because it still rings or our offer waits for the answer, the other
    /// gets audio of its own.
    pub(super) fn move_media(&mut self, from: SessionId, to: SessionId) {
        let Some(target) = self.stream_of(to) else {
            let waiting = self.sessions.get_mut(&to).filter(|to| to.stream == StreamState::Unopened);
            if let Some(session) = waiting {
                session.device.get_or_insert(Self::own_device(to));
            }
            return;
        };
        let moved =
            self.stream_of(from).zip(self.sessions.get_mut(&from).and_then(|session| session.device.take()));
        let Some(session) = self.sessions.get_mut(&to) else { return };
        match moved {
            Some((source, device)) => {
                let displaced = session.device.replace(device);
                let op = self.op(to);
                self.switches.insert(op, Awaited::Switch { command: None, from, to, displaced });
                self.stream(StreamCommand::Replace { op, from: source, to: target });
            }
            None if session.device.is_none() => {
                let (device, source) = (Self::own_device(to), session.source.clone());
                session.device = Some(device);
                self.stream(StreamCommand::OpenDevice { device, source });
                let op = self.op(to);
                self.switches.insert(op, Awaited::Attachment { session: to });
                self.stream(StreamCommand::Attach { op, stream: target, device });
            }
            None => {}
        }
    }

    /// Stops a call's media for good.
    pub(super) fn close_media(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let state = std::mem::replace(&mut session.stream, StreamState::Closed);
        let (stream, device, port) =
            (session.stream_id(), session.device.take(), std::mem::take(&mut session.port));
        session.media.applying = None;
        if state == StreamState::Open {
            let op = self.op(id);
            self.stream(StreamCommand::Close { op, stream });
            if let Some(device) = device {
                self.stream(StreamCommand::CloseDevice { device });
            }
        } else if port != 0 && self.config.media == MediaMode::On {
            self.outputs.push_back(Output::ReleasePort(port));
        }
        self.forget_switches(id);
        self.forget_pairs(id);
        if port != 0 && self.ports.give_back() {
            self.timers.arm(self.surroundings.now, EngineTimer::Ports, PORT_REST);
        }
    }

    /// The stream of a call, where it is open.
    pub(super) fn stream_of(&self, id: SessionId) -> Option<media_core::StreamId> {
        self.sessions
            .get(&id)
            .filter(|session| session.stream == StreamState::Open)
            .map(|session| session.stream_id())
    }

    /// Takes what the streams answer and tell.
    pub(super) fn stream_answer(&mut self, answer: StreamAnswer) {
        let (stream, kind) = match answer {
            StreamAnswer::Applied(op) => return self.stream_followed(op),
            StreamAnswer::Failed(op, failure) => return self.stream_refused(op, failure),
            StreamAnswer::Event(event) => match event {
                StreamEvent::Flowing { stream, .. } => (stream, EventKind::MediaFlowing),
                StreamEvent::Silent { stream, .. } => (stream, EventKind::MediaSilent),
                StreamEvent::Soundless { stream, .. } => (stream, EventKind::MediaSoundless),
                StreamEvent::SoundAgain { stream, gap } => (stream, EventKind::MediaSoundAgain { gap }),
                StreamEvent::KeyExpired { stream, sending } => {
                    (stream, EventKind::MediaKeyExpired { sending })
                }
                StreamEvent::Digit { stream, digit, duration_ms } => {
                    let duration = Duration::from_millis(u64::from(duration_ms));
                    (stream, EventKind::Digit { digit, duration })
                }
                StreamEvent::Quality(report) => (report.stream, EventKind::MediaQuality(report)),
                StreamEvent::QualityChanged { stream, kind, change, .. } => {
                    (stream, EventKind::MediaQualityChanged { measured: kind, change })
                }
                StreamEvent::Displaced { stream, .. } => (stream, EventKind::AudioReplaced),
                StreamEvent::Summary(summary) => (summary.stream, EventKind::MediaSummary(summary)),
                StreamEvent::Moved { from, to, gap } => {
                    (from, EventKind::MediaSwitched { to: SessionId::from(to.0), gap })
                }
                StreamEvent::SourceEnded { .. } | StreamEvent::RecordingEnded { .. } => {
                    if let Some((session, kind)) = self.audio_event(&event) {
                        let ended = matches!(kind, EventKind::SourceEnded);
                        self.tell(Some(session), None, kind);
                        if ended {
                            self.warm_briefed(session);
                        }
                    }
                    return;
                }
            },
        };
        let session = SessionId::from(stream.0);
        let mut transfer = None;
        if let EventKind::MediaQuality(report) = &kind {
            transfer = self.measured(session, report);
        }
        let digit = if let EventKind::Digit { digit, .. } = kind { Some(digit) } else { None };
        let flows = match &kind {
            EventKind::MediaFlowing => Some(true),
            EventKind::MediaSilent => Some(false),
            _ => None,
        };
        self.tell(Some(session), transfer, kind);
        if let Some(digit) = digit {
            self.warm_digit(session, digit);
        }
        if let Some(flows) = flows {
            if let Some(session) = self.sessions.get_mut(&session) {
                session.media.flowing = flows;
            }
            self.tell_media_state(session);
        }
    }

    fn stream_followed(&mut self, op: Op) {
        if self.switched(op, Ok(())) || self.joined(op, Ok(())) || self.audio_answered(op, Ok(())) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(&Self::session_of(op))
            && session.media.applying == Some(op)
        {
            session.media.applying = None;
        }
    }

    fn stream_refused(&mut self, op: Op, failure: StreamFailure) {
        if self.switched(op, Err(failure))
            || self.joined(op, Err(failure))
            || self.audio_answered(op, Err(failure))
        {
            return;
        }
        let id = Self::session_of(op);
        let failure = MediaFailure::Streams(failure);
        if let Some(session) = self.sessions.get_mut(&id)
            && session.media.applying == Some(op)
        {
            session.media.applying = None;
            session.media.failure = Some(failure);
        }
        self.tell(Some(id), None, EventKind::MediaFailed { failure });
        self.tell_media_state(id);
    }

    /// A device of its own for a call.
    pub(super) fn own_device(id: SessionId) -> DeviceId {
        DeviceId(id.number())
    }

    pub(super) fn hang_up_leg(&mut self, leg: dialog_core::LegId) {
        self.ask_leg(leg, LegCommand::HangUp { reason: None });
    }

    pub(super) fn ask_leg(&mut self, leg: dialog_core::LegId, command: LegCommand) {
        self.ask_dialog(DialogCommand::Leg(leg, command));
    }

    pub(super) fn ask_dialog(&mut self, command: DialogCommand) {
        self.dialogs.command(&mut self.surroundings.cx(), command, &mut self.from_dialogs.out());
    }

    pub(super) fn stream(&mut self, command: StreamCommand) {
        self.outputs.push_back(Output::Stream(StreamRequest::Command(command)));
    }

    /// An op that names its session, so that a failure finds it: the session's number and a fresh one.
    pub(super) fn op(&mut self, session: SessionId) -> Op {
        self.stream_ops = self.stream_ops.wrapping_add(1);
        Op(session.number() << OP_BITS | u64::from(self.stream_ops) & ((1 << OP_BITS) - 1))
    }

    fn session_of(op: Op) -> SessionId {
        SessionId::from(op.0 >> OP_BITS)
    }
}
