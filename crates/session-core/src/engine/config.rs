//! How an engine is set up.

use std::{net::IpAddr, sync::Arc, time::Duration};

use dialog_core::{
    Authentication, ExplicitSubscriptions, Keyring, ReferAcceptance, Reliability, SessionTimers,
};
use media_core::{Codec, CodecPreference, HoldAudio, SrtpPolicy, srtp::Suite};
use sip_message::NameAddrBuf;
use transaction_core::Timing;
use transfer::{PeerProfile, ReferOptions, TransferPolicy};

use super::session::UNDECIDED;

/// Whether calls have RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MediaMode {
    /// They do.
    #[default]
    On,
    /// Sessions are negotiated, but no RTP port is bound and no RTP is sent: for signalling servers.
    Off,
}

/// Who decides about a call that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CallHandling {
    /// The application: each is delivered to it.
    #[default]
    Decided,
    /// Nobody: each is answered as soon as it comes, without ringing, and the application hears of it by its events. For servers
    /// that take every call: no decision has to find its way to another thread and back.
    AnsweredAtOnce,
}

/// What calls bring into their session descriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct AudioConfig {
    /// The codecs, most wanted first.
    pub codecs: Arc<[Codec]>,
    /// Whose order of codecs counts in an answer of ours.
    pub preference: CodecPreference,
    /// Whether comfort noise (RFC 3389) is offered and answered.
    pub comfort_noise: bool,
    /// Whether RTP and RTCP on one port (RFC 5761) is offered and answered.
    pub rtcp_mux: bool,
    /// Whether calls may or must be secured by SRTP with keys from the descriptions (RFC 4568).
    pub srtp: SrtpPolicy,
    /// The suites for that, most wanted first.
    pub suites: Vec<Suite>,
    /// What a party hears while we hold it, unless its call has audio of its own.
    pub hold_audio: HoldAudio,
    /// Whether it is measured what users hear: tones, levels, silences. It costs some 6 kB a call, and time.
    pub ears: bool,
    /// Whether the address of a peer behind a NAT is learned from its packets, within the bounds of SEC-40 and SEC-41: in
    /// clear only one of the host that signals or was negotiated, under SRTP only from packets that are authentic.
    pub learn_addresses: bool,
    /// Whether digits are looked for in the audio as well, for peers without telephone events. It costs time with each frame.
    pub find_tones: bool,
    /// Whether our RTCP has the voice metrics of RFC 3611.
    pub voice_metrics: bool,
    /// After how long without anything to hear in the packets that come [`EventKind::MediaSoundless`] is told; `None` tells
    /// nothing, because people listen, too.
    ///
    /// [`EventKind::MediaSoundless`]: crate::EventKind::MediaSoundless
    pub soundless_after: Option<Duration>,
    /// The RTP packets that are sent to a host which neither signals nor has sent anything (SEC-44): [`UNCONFIRMED_PACKETS`]
    /// by default. `None` for no limit, where peers only listen, elsewhere than where they signal, and send no reports.
    pub unconfirmed_packets: Option<u64>,
}

/// Half a minute of packets. A peer whose media is elsewhere has sent RTP or its first report long before.
pub const UNCONFIRMED_PACKETS: u64 = 1_500;

impl Default for AudioConfig {
    /// PCMU and PCMA in the clear, nothing to hear on hold, no ears; only negotiated addresses count, and no more than
    /// [`UNCONFIRMED_PACKETS`] go where nobody answers.
    fn default() -> Self {
        Self {
            codecs: Codec::ALL.into(),
            preference: CodecPreference::default(),
            comfort_noise: false,
            rtcp_mux: false,
            srtp: SrtpPolicy::Off,
            suites: vec![Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32],
            hold_audio: HoldAudio::Nothing,
            ears: false,
            learn_addresses: false,
            find_tones: false,
            voice_metrics: false,
            soundless_after: None,
            unconfirmed_packets: Some(UNCONFIRMED_PACKETS),
        }
    }
}

/// The engine's configuration.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Our From.
    pub identity: NameAddrBuf,
    /// The user part of our Contacts.
    pub contact_user: Option<Arc<str>>,
    /// The address in our SDP; the signalling's own address where `None`.
    pub media_address: Option<IpAddr>,
    /// Whether calls have RTP.
    pub media: MediaMode,
    /// What calls bring into their session descriptions.
    pub audio: AudioConfig,
    /// What calls send by default.
    pub source: media_core::Source,
    /// How long a call of ours rings by default.
    pub ring_limit: Duration,
    /// Calls at once; a further incoming one is refused with 486.
    pub max_calls: usize,
    /// Who decides about a call that comes in.
    pub calls: CallHandling,
    /// The transfer policy.
    pub policy: TransferPolicy,
    /// How a REFER is sent, where a command does not say.
    pub refer: ReferOptions,
    /// What is known of the peers; set by [`EngineConfig::apply`].
    pub profile: PeerProfile,
    /// Whether a call is held before it is transferred (TR-161).
    pub hold_before_transfer: bool,
    /// How long a hold or resume may take, 491 retries included.
    pub hold_limit: Duration,
    /// The base timers.
    pub timing: Timing,
    /// Connections, their limits and times, and where requests go.
    pub transport: sip_transport::Config,
    /// User-Agent and Server.
    pub user_agent: Option<Arc<str>>,
    /// With what challenges are answered.
    pub keys: Keyring,
    /// Who has to prove who it is; `None` asks nobody.
    pub authentication: Option<Authentication>,
    /// When provisional responses are reliable (RFC 3262).
    pub reliability: Reliability,
    /// Whether sessions are timed (RFC 4028).
    pub session_timers: SessionTimers,
    /// The 2xx that accepts a REFER (decision D1).
    pub refer_acceptance: ReferAcceptance,
    /// Whether a REFER of others may require an explicit subscription, and how many there may be (RFC 7614); `None` answers 420.
    pub explicit_subscriptions: Option<ExplicitSubscriptions>,
    /// Whether every SIP message becomes an event.
    pub trace: bool,
}

impl EngineConfig {
    /// The defaults for an identity.
    pub fn new(identity: NameAddrBuf) -> Self {
        Self {
            contact_user: identity.uri.as_uri().user().map(Arc::from),
            identity,
            media_address: None,
            media: MediaMode::On,
            audio: AudioConfig::default(),
            source: media_core::Source::Silence,
            ring_limit: Duration::from_mins(1),
            max_calls: 1024,
            calls: CallHandling::default(),
            policy: TransferPolicy::default(),
            refer: ReferOptions::default(),
            profile: PeerProfile::default(),
            hold_before_transfer: true,
            hold_limit: Duration::from_secs(10),
            timing: Timing::default(),
            transport: sip_transport::Config::default(),
            user_agent: Some(Arc::from(concat!("patchcord/", env!("CARGO_PKG_VERSION")))),
            keys: Keyring::new(),
            authentication: None,
            reliability: Reliability::default(),
            session_timers: SessionTimers::default(),
            refer_acceptance: ReferAcceptance::default(),
            explicit_subscriptions: Some(ExplicitSubscriptions::default()),
            trace: false,
        }
    }
}

/// How much longer than any limit of a call's own the transaction layer waits for a response to its INVITE: the call's limit
/// fires first, and says why.
const SILENCE_MARGIN: Duration = Duration::from_mins(1);

impl EngineConfig {
    /// The transaction layer's part of it.
    pub(super) fn of_transactions(&self) -> transaction_core::Config {
        let defaults = transaction_core::Config::default();
        let longest = self.ring_limit.max(UNDECIDED).saturating_add(SILENCE_MARGIN);
        transaction_core::Config { timing: self.timing, silence: defaults.silence.max(longest), ..defaults }
    }

    /// The transfer layer's part of it: the layer below is to be heard first, whatever its timing.
    pub(super) fn of_transfers(&self) -> TransferPolicy {
        TransferPolicy { transaction: self.timing.timeout(), ..self.policy.clone() }
    }

    /// Has transfers done as peers of this kind need it: sets what the profile says of REFER, hold and policy.
    pub fn apply(&mut self, profile: PeerProfile) {
        self.refer = profile.refer_options();
        self.hold_before_transfer = profile.hold_first;
        profile.apply(&mut self.policy);
        self.profile = profile;
    }
}
