//! The settings of a set of streams.

use std::time::Duration;

use crate::codec::{Codec, SampleRate};
use crate::emodel::EModelProfile;
use crate::latch::LatchPolicy;
use crate::playout::PlayoutSettings;
use crate::quality::QualityThresholds;
use crate::source::{Player, Source};
use crate::wav::Wav;

/// Names what a party on our hold gets to hear where the direction lets us send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HoldAudio {
    /// No packets.
    #[default]
    Nothing,
    /// A sine of this frequency.
    Tone {
        /// The frequency in hertz.
        hz: u16,
    },
    /// A recording, in a loop or once.
    Wav(Wav),
}

impl HoldAudio {
    pub(super) fn player(&self) -> Option<Player> {
        match self {
            Self::Nothing => None,
            Self::Tone { hz } => Some(Player::new(Source::Tone { hz: *hz })),
            Self::Wav(wav) => Some(Player::new(Source::Wav(wav.clone()))),
        }
    }
}

/// Holds the settings of a set of streams.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamsConfig {
    /// The minimum RTCP interval; RFC 3550 §6.2 asks for 5 s, tests and demonstrations may take less.
    pub rtcp_interval: Duration,
    /// The canonical name in our reports; at most 255 bytes are sent. Where it is empty, 96 random bits are drawn for all
    /// streams (RFC 7022 §4.2).
    pub cname: String,
    /// A stream without RTP for this long is silent.
    pub silent_after: Duration,
    /// A stream whose RTP has nothing to hear for this long is soundless; `None` tells nothing, because people listen too.
    pub soundless_after: Option<Duration>,
    /// Blocks of audio below this root mean square (of 16-bit samples) are silence.
    pub silence_level: f64,
    /// Whether devices have an ear, which finds the tones and the silences in what they hear
    /// ([`super::Streams::hearing`]). It costs some 6 kB a device, and more time than all else in a frame that is heard.
    pub ears: bool,
    /// What a party on our hold hears, unless its stream has audio of its own.
    pub hold_audio: HoldAudio,
    /// Frames are sent at moments that are so far apart, 100 µs to 20 ms; streams are spread over them. The fewer moments,
    /// the fewer wake-ups; the more, the fewer packets wait for others that are due at the same one.
    pub frame_grid: Duration,
    /// The numbers of the E-model for narrow-band codecs.
    pub emodel: EModelProfile,
    /// The numbers of the E-model for wide-band codecs.
    pub emodel_wideband: EModelProfile,
    /// When a stream counts as degraded, and when as recovered.
    pub thresholds: QualityThresholds,
    /// How long packets wait before they are heard.
    pub playout: PlayoutSettings,
    /// Whether a peer's address may be learned from its packets (SEC-40).
    pub latch: LatchPolicy,
    /// The RTP packets of a stream that are sent to addresses from which nothing came, other than that of the peer's
    /// signalling; `None` for no limit. A description can name
    /// somebody who wants no packets (SEC-44), but some peers only listen, and send no reports either.
    pub unconfirmed_packets: Option<u64>,
    /// Whether reports have the voice metrics of RFC 3611.
    pub xr: bool,
    /// Whether digits are looked for in the audio as well, for peers without telephone events.
    pub find_tones: bool,
    /// The most streams at a time.
    pub max_streams: usize,
    /// The most devices at a time.
    pub max_devices: usize,
}

impl Default for StreamsConfig {
    /// 5 s RTCP interval, silence after 2 s or below -54 dBFS, no ears, no hold audio, frames on quarters of a millisecond, 4,096 streams and devices.
    fn default() -> Self {
        Self {
            rtcp_interval: Duration::from_secs(5),
            cname: String::new(),
            silent_after: Duration::from_secs(2),
            soundless_after: None,
            silence_level: 64.0,
            ears: false,
            hold_audio: HoldAudio::Nothing,
            frame_grid: Duration::from_micros(250),
            emodel: EModelProfile::G711_PLC,
            emodel_wideband: EModelProfile::G722,
            thresholds: QualityThresholds::default(),
            playout: PlayoutSettings { start: Duration::from_millis(20), ..PlayoutSettings::default() },
            latch: LatchPolicy::Negotiated,
            unconfirmed_packets: None,
            xr: false,
            find_tones: false,
            max_streams: 4_096,
            max_devices: 4_096,
        }
    }
}

impl StreamsConfig {
    /// Returns the numbers of the E-model for a codec.
    pub fn profile(&self, codec: Codec) -> EModelProfile {
        match codec.sample_rate() {
            SampleRate::Hz8000 => self.emodel,
            _ => self.emodel_wideband,
        }
    }
}
