//! The patchcord engine, driver and facade: everything a user agent that moves calls needs.
//!
#![doc = include_str!("../README.md")]

/// The snippets of the guide's chapter about transfer are tested here.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/src/transfer.md")]
mod guide {}

mod describe;
mod driver;
pub mod engine;
mod error;
mod event;
mod facade;
pub mod report;
mod stage;

pub use describe::{
    cause_code, describe_cause, describe_outcome, describe_subscription, learned_name, outcome_name,
    printable, subscription_end_name,
};
pub use driver::{Capture, CaptureReport, EventCounters, Impairment};
pub use error::{
    MediaError, NetworkError, RecoveryAction, RegistrationError, ReofferFailure, SessionError, SessionState,
    StartError, TransferError, TransferFailure,
};
pub use event::{EventKind, SessionEvent, SessionId, TracedMessage};
pub use facade::{
    Builder, Consultation, EventFilter, EventsError, Incoming, IncomingCall, IncomingQueue, IncomingTransfer,
    Refer, Registration, Session, SessionManager, SessionMediaInfo, Transfer, TransferNotify, TransferType,
    WarmTransfer,
};
pub use report::TransferReport;
pub use stage::{StageError, TransferStage};

pub use dialog_core::{
    Account, AccountFault, Authentication, By, Credential, EndCause, EndReason, ExplicitSubscriptions,
    Keyring, KeyringFull, Registered, RegistrationFailure, RegistrationId, Reliability, Secret,
    SessionTimers, SubscriptionEnd, Users,
};
pub use engine::{
    Acceptance, AudioConfig, CallHandling, CallOptions, DecidedBy, HoldBy, HoldState, MediaFailure,
    MediaMode, MonitorSummary, ReferTo, RegistrationInfo, SessionInfo, SessionMediaState, TransferInfo,
    TransferKind, WarmOptions,
};
pub use event_bus::{Delivery, Overflow, Priority, SubscribeError, Subscriber};
pub use media_core::{
    Codec, CodecPreference, ContinuityMarks, Direction, Hearing, HoldAudio, QualityKind, QualityReport,
    RecordLayout, RecordingFailure, RecordingId, SampleRate, Source, SrtpPolicy, StreamSnapshot,
    StreamSummary, Wav,
    dtmf::Event as DtmfEvent,
    io::{ApplicationAudio, WavError, load_wav},
    quality::{Metric, QualityChange},
    srtp::Suite,
};
pub use sip_message as message;
pub use sip_message::{StatusCode, SubReason, UriBuf};
#[cfg(feature = "dns")]
pub use sip_transport::io::{DnsConfig, DnsResolver, DnsSetupError};
pub use sip_transport::{
    AliasPolicy, CloseCause, Config as TransportConfig, Transport,
    io::{Dscp, Resolver, StaticResolver, SystemResolver, tls},
};
pub use transaction_core::Timing;
pub use transfer::{
    AttendedOptions, AttendedPolicy, BadUserToUser, ByeOwner, CallerIdentity, Completion, Decision, Decline,
    DiversionHeader, Failure, Fallback, HoldPolicy, LearnedFrom, Network, Outcome, OutcomeKind, PeerProfile,
    Rate, ReferDecision, ReferOptions, ReferPlacement, ReferPolicy, ReferSubscription, ReferTarget,
    ReferredBy, ReferredByCopy, ReferredPolicy, ReplacesAuthorizer, ReportDetail, ReportHeader, Rights, Role,
    SemiAttendedPolicy, TelTarget, TransferHandling, TransferId, TransferPolicy, TransferProgress,
    TransferRefusal, UserToUser, WithoutReplaces,
};
