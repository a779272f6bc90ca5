//! SDP offer/answer, RTP and RTCP streams, quality; RTP sockets behind the `io` feature.
#![doc = include_str!("../README.md")]

mod codec;
pub mod collision;
pub mod comfort_noise;
mod direction;
pub mod dtmf;
pub mod emodel;
pub mod g711;
mod hearing;
#[cfg(feature = "io")]
pub mod io;
pub mod latch;
pub mod mixer;
mod negotiation;
pub mod playout;
pub mod quality;
mod rate_change;
pub mod reception;
mod resample;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
mod sink;
mod source;
mod spectrum;
pub mod srtp;
pub mod ssrc_guard;
mod streams;
mod tick;
pub mod wav;

pub use codec::{Codec, DecodeError, Decoder, Encoder, MAX_PACKET_MS, SampleRate};
pub use direction::Direction;
pub use emodel::EModelProfile;
pub use hearing::{Hearing, MAX_CHANGES};
#[cfg(feature = "io")]
pub use io::{PortPair, Pump, PumpConfig, PumpError, PumpHandle};
pub use negotiation::{
    Agreed, AgreedSrtp, CodecPreference, HoldDirection, LocalMedia, MediaFormat, Negotiation, SrtpPolicy,
    refusal,
};
pub use resample::Resampler;
pub use sdp::{SdpError, SessionDescription};
pub use sink::{MAX_HEARD_MS, RecordLayout, RecordedBlock};
pub use source::{MAX_SPEECH_MS, Source};
pub use streams::{
    ContinuityMarks, DeviceId, DeviceSnapshot, HoldAudio, MAX_MIXED_STREAMS, Op, PacketKind, QualityKind,
    QualityReport, RecordingFailure, RecordingId, StreamCommand, StreamEvent, StreamFailure, StreamId,
    StreamOutput, StreamSnapshot, StreamSummary, Streams, StreamsConfig,
};
pub use tick::{Cx, Tick};
pub use wav::Wav;
