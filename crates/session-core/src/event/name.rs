//! Events by name.

use media_core::quality::QualityChange;
use transfer::OutcomeKind;

use super::{EventKind, SessionEvent};

impl SessionEvent {
    /// The event's name in logs and in `--json` output.
    pub fn name(&self) -> &'static str {
        match &self.kind {
            EventKind::IncomingCall { .. } => "incoming_call",
            EventKind::RegistrationActive { .. } => "registration_active",
            EventKind::RegistrationFailed { .. } => "registration_failed",
            EventKind::RegistrationLapsed { .. } => "registration_lapsed",
            EventKind::RegistrationFlowLost { .. } => "registration_flow_lost",
            EventKind::RegistrationEnded { .. } => "registration_ended",
            EventKind::Calling { .. } => "calling",
            EventKind::Ringing { .. } => "ringing",
            EventKind::Established { .. } => "established",
            EventKind::HoldChanged { .. } => "hold_changed",
            EventKind::CallEnded { .. } => "call_ended",
            EventKind::TransferRequested { .. } => "transfer_requested",
            EventKind::TransferInitiated { .. } => "transfer_initiated",
            EventKind::TransferConsulting { .. } => "transfer_consulting",
            EventKind::ConsultRinging { .. } => "consult_ringing",
            EventKind::TransferKindChanged { .. } => "transfer_kind_changed",
            EventKind::ConsultAnswered => "consult_answered",
            EventKind::ConsultFailed { .. } => "consult_failed",
            EventKind::NotifyTimeout => "notify_timeout",
            EventKind::SubscriptionEnded { .. } => "subscription_ended",
            EventKind::ConsultSwapped { .. } => "consult_swapped",
            EventKind::TargetAccepted { .. } => "target_accepted",
            EventKind::TargetDeclined { .. } => "target_declined",
            EventKind::PrimaryLost => "primary_lost",
            EventKind::ReferSent => "refer_sent",
            EventKind::TransferAccepted { .. } => "transfer_accepted",
            EventKind::TransferAwaitingApproval => "transfer_awaiting_approval",
            EventKind::TransferProgress { .. } => "transfer_progress",
            EventKind::TransferBridging => "transfer_bridging",
            EventKind::TransferRecovering => "transfer_recovering",
            EventKind::TransferConnected { .. } => "transfer_connected",
            EventKind::TransferRecalling { .. } => "transfer_recalling",
            EventKind::Replaced { .. } => "replaced",
            EventKind::ReplaceRefused { .. } => "replace_refused",
            EventKind::ReplaceUnacknowledged { .. } => "replace_unacknowledged",
            EventKind::TransferEnded(outcome) => match outcome.kind {
                OutcomeKind::Succeeded => "transfer_succeeded",
                OutcomeKind::AcceptedWithoutProgress => "transfer_accepted_without_progress",
                OutcomeKind::Bridged => "transfer_bridged",
                OutcomeKind::Failed => "transfer_failed",
                OutcomeKind::Recovered => "transfer_recovered",
                OutcomeKind::Cancelled => "transfer_cancelled",
                OutcomeKind::TimedOut => "transfer_timed_out",
                OutcomeKind::PeerHungUp => "transfer_peer_hung_up",
            },
            EventKind::TransferStageRefused(_) => "transfer_stage_refused",
            EventKind::MediaFlowing => "media_flowing",
            EventKind::MediaSilent => "media_silent",
            EventKind::MediaSoundless => "media_soundless",
            EventKind::MediaSoundAgain { .. } => "media_sound_again",
            EventKind::MediaKeyExpired { .. } => "media_key_expired",
            EventKind::MediaQualityChanged { change: QualityChange::Degraded { .. }, .. } => "media_degraded",
            EventKind::MediaQualityChanged { change: QualityChange::Recovered { .. }, .. } => {
                "media_recovered"
            }
            EventKind::MediaSwitched { .. } => "media_switched",
            EventKind::MediaQuality(_) => "media_quality",
            EventKind::MediaSummary(_) => "media_summary",
            EventKind::Digit { .. } => "digit",
            EventKind::MediaFailed { .. } => "media_failed",
            EventKind::MediaStateChanged { .. } => "media_state",
            EventKind::MediaMonitored(_) => "media_monitored",
            EventKind::AudioReplaced => "audio_replaced",
            EventKind::SourceEnded => "source_ended",
            EventKind::RecordingEnded { .. } => "recording_ended",
            EventKind::ConnectionEnded { .. } => "connection_ended",
            EventKind::Message(_) => "message",
        }
    }
}
