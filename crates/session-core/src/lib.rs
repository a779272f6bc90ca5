//! The patchcord engine, driver and facade: everything a user agent that moves calls needs.
//!
#![doc = include_str!("../README.md")]

mod describe;
mod driver;
pub mod engine;
mod error;
mod event;
mod facade;

pub use describe::{cause_code, describe_cause, describe_outcome, learned_name, outcome_name};
pub use driver::{Capture, CaptureReport};
pub use error::{
    MediaError, RecoveryAction, RegistrationError, ReofferFailure, SessionError, SessionState, StartError,
    TransferError,
};
pub use event::{EventKind, SessionEvent, SessionId, TracedMessage};
pub use facade::{
    Builder, Consultation, EventFilter, EventsError, Incoming, IncomingCall, IncomingQueue, IncomingTransfer,
    Registration, Session, SessionManager, SessionMediaInfo, Transfer, TransferType, WarmTransfer,
};

pub use dialog_core::{
    Account, AccountFault, Authentication, By, Credential, EndCause, EndReason, Keyring, KeyringFull,
    Registered, RegistrationFailure, RegistrationId, Reliability, Secret, SessionTimers, Users,
};
pub use engine::{
    Acceptance, AudioConfig, CallOptions, DecidedBy, HoldBy, HoldState, MediaFailure, MediaMode,
    MonitorSummary, RegistrationInfo, SessionInfo, SessionMediaState, TransferInfo, WarmOptions,
};
pub use event_bus::{Delivery, Overflow, Priority, SubscribeError, Subscriber};
pub use media_core::{
    Codec, CodecPreference, Direction, Hearing, HoldAudio, QualityKind, QualityReport, RecordLayout,
    RecordingFailure, RecordingId, SampleRate, Source, SrtpPolicy, StreamSnapshot, StreamSummary, Wav,
    dtmf::Event as DtmfEvent,
    io::{ApplicationAudio, WavError, load_wav},
    quality::{Metric, QualityChange},
    srtp::Suite,
};
pub use sip_message as message;
pub use sip_message::{StatusCode, UriBuf};
#[cfg(feature = "dns")]
pub use sip_transport::io::{DnsConfig, DnsResolver, DnsSetupError};
pub use sip_transport::{
    AliasPolicy, CloseCause, Config as TransportConfig, Transport,
    io::{Dscp, Resolver, StaticResolver, SystemResolver, tls},
};
pub use transaction_core::Timing;
pub use transfer::{
    AttendedOptions, AttendedPolicy, Completion, Decision, Decline, Failure, Fallback, LearnedFrom, Network,
    Outcome, OutcomeKind, ReferPolicy, ReferTarget, ReplacesAuthorizer, Role, SemiAttended, TransferId,
    TransferPolicy, TransferRefusal, WithoutReplaces,
};
