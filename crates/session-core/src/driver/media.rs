//! The pump's two ends: what the engine asks of the RTP streams, and what they answer.

use std::time::Instant;

use media_core::{StreamCommand, StreamOutput};

use super::Driver;
use crate::engine::{Input, StreamAnswer, StreamRequest};

impl Driver {
    pub(super) fn stream_outputs(&mut self, first: Option<StreamOutput>) {
        let Some(first) = first else {
            self.stream_answers = None;
            self.closing.clear();
            return;
        };
        let mut next = Some(first);
        while let Some(output) = next {
            let answer = match output {
                StreamOutput::Applied { op } => {
                    self.closing.remove(&op);
                    StreamAnswer::Applied(op)
                }
                StreamOutput::Failed { op, failure } => {
                    self.closing.remove(&op);
                    StreamAnswer::Failed(op, failure)
                }
                StreamOutput::Event(event) => StreamAnswer::Event(event),
                // The pump sends packets and writes recordings itself.
                StreamOutput::Send { .. } | StreamOutput::Recorded { .. } => return,
            };
            self.engine.handle(Instant::now(), Input::Stream(answer));
            next = self.stream_answers.as_mut().and_then(|answers| answers.try_recv().ok());
        }
    }

    /// Gives the pump what it has room for, in order; the rest waits for the next turn. It is bounded by the calls.
    pub(super) fn ask_streams(&mut self) {
        let Some(pump) = &self.pump else {
            self.unsent.clear();
            return;
        };
        while pump.has_room() {
            let Some(request) = self.unsent.pop_front() else { return };
            let result = match request {
                StreamRequest::OpenPort { stream, port } => {
                    self.ports.remove(&port).map_or(Ok(()), |pair| pump.open(stream, pair))
                }
                StreamRequest::Command(command) => {
                    let closes =
                        if let StreamCommand::Close { op, .. } = &command { Some(*op) } else { None };
                    let result = pump.command(command);
                    if result.is_ok() {
                        self.closing.extend(closes);
                    }
                    result
                }
            };
            if let Err(error) = result {
                tracing::error!(%error, "the media pump takes no commands");
            }
        }
    }

    pub(super) fn more_ports(&mut self, wanted: usize) {
        let Some(pump) = &self.pump else { return };
        let mut ports = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            match pump.reserve() {
                Ok(pair) => {
                    ports.push(pair.rtp);
                    self.ports.insert(pair.rtp, pair);
                }
                Err(error) => {
                    tracing::warn!(%error, "no more RTP ports");
                    break;
                }
            }
        }
        self.engine.handle(Instant::now(), Input::Ports(ports));
    }
}
