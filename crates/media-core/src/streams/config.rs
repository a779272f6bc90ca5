//! The settings of a set of streams.

use std::time::Duration;

use crate::emodel::EModelProfile;
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
    /// The canonical name in our reports; at most 255 bytes are sent.
    pub cname: String,
    /// A stream without RTP for this long is silent.
    pub silent_after: Duration,
    /// Blocks of audio below this root mean square (of 16-bit samples) are silence to an ear.
    pub silence_level: f64,
    /// What a party on our hold hears, unless its stream has audio of its own.
    pub hold_audio: HoldAudio,
    /// The pace of frames begins at a multiple of this, so that streams which are due at about the same time are due
    /// together.
    pub frame_grid: Duration,
    /// The numbers of the E-model.
    pub emodel: EModelProfile,
    /// What the playout adds to the one-way delay; nothing while packets are played at arrival.
    pub playout_delay: Duration,
    /// The most streams at a time.
    pub max_streams: usize,
    /// The most devices at a time.
    pub max_devices: usize,
}

impl Default for StreamsConfig {
    /// 5 s RTCP interval, silence after 2 s or below -54 dBFS, no hold audio, frames on whole milliseconds, 4,096 streams and devices.
    fn default() -> Self {
        Self {
            rtcp_interval: Duration::from_secs(5),
            cname: "patchcord".to_owned(),
            silent_after: Duration::from_secs(2),
            silence_level: 64.0,
            hold_audio: HoldAudio::Nothing,
            frame_grid: Duration::from_millis(1),
            emodel: EModelProfile::G711,
            playout_delay: Duration::ZERO,
            max_streams: 4_096,
            max_devices: 4_096,
        }
    }
}
