//! SDP offer/answer, RTP and RTCP streams, quality; RTP sockets behind the `io` feature.
#![doc = include_str!("../README.md")]

mod codec;
pub mod comfort_noise;
mod direction;
mod dtmf;
pub mod emodel;
pub mod g711;
mod hearing;
#[cfg(feature = "io")]
pub mod io;
mod negotiation;
pub mod reception;
mod resample;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
mod source;
mod spectrum;
pub mod srtp;
mod streams;
mod tick;

pub use codec::{Codec, DecodeError, Decoder, Encoder, MAX_PACKET_MS, SampleRate};
pub use direction::Direction;
pub use emodel::EModelProfile;
pub use hearing::{Hearing, MAX_CHANGES};
#[cfg(feature = "io")]
pub use io::{PortPair, Pump, PumpConfig, PumpError, PumpHandle};
pub use negotiation::{
    Agreed, AgreedSrtp, CodecPreference, HoldDirection, LocalMedia, MediaFormat, Negotiation, SrtpPolicy,
};
pub use resample::Resampler;
pub use sdp::{SdpError, SessionDescription};
pub use source::Source;
pub use streams::{
    DeviceId, HoldAudio, Op, PacketKind, QualityKind, QualityReport, StreamCommand, StreamEvent,
    StreamFailure, StreamId, StreamOutput, StreamSnapshot, StreamSummary, Streams, StreamsConfig,
};
pub use tick::{Cx, Tick};
