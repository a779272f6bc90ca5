//! The timers of a transfer, and which of them run.

use sip_transport::{Out, TimerOp};

use crate::{TransferId, TransferOutput};

/// A timer of one transfer, by its name in the catalogue (§2.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferTimer {
    /// The transfer.
    pub transfer: TransferId,
    /// Which.
    pub name: TransferTimerName,
}

/// The timers of the transfer roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransferTimerName {
    /// T-GUARD: from the REFER to the outcome.
    Guard,
    /// T-FINAL: from the transferee's BYE to its last NOTIFY.
    Final,
    /// T-TEE-WD: from our success report to the transferor's BYE.
    Watchdog,
    /// The longest wait for a decision.
    Decision,
    /// The delay before a REFER that met 491 or a busy peer is sent once more, or a refused resumption is asked for again.
    Retry,
    /// T-HOLD: the hold before the REFER was not settled by the leg's own limit.
    Hold,
    /// T-RESUME: the resumption was not settled by the leg's own limit.
    Resume,
    /// T-CONSULT: the consultation call neither began nor ended by its own limit.
    Consult,
    /// The longest time that a target is asked for.
    Talk,
    /// T-BYE1: the delay before our BYE after a success, or the wait for the peer's.
    Bye,
    /// T-BYE: the end of the call after a success was not heard of.
    Closing,
    /// T-RING: the new call neither began nor ended by its own limit.
    Ring,
    /// T-CANCEL: the end of the cancelled new call was not heard of.
    Cancel,
    /// The last report was neither delivered nor given up on.
    Delivery,
}

/// Every timer.
const ALL: [TransferTimerName; 14] = [
    TransferTimerName::Guard,
    TransferTimerName::Final,
    TransferTimerName::Watchdog,
    TransferTimerName::Decision,
    TransferTimerName::Retry,
    TransferTimerName::Hold,
    TransferTimerName::Resume,
    TransferTimerName::Consult,
    TransferTimerName::Talk,
    TransferTimerName::Bye,
    TransferTimerName::Closing,
    TransferTimerName::Ring,
    TransferTimerName::Cancel,
    TransferTimerName::Delivery,
];

/// The timers of one transfer that are armed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Armed(u16);

impl Armed {
    const fn bit(name: TransferTimerName) -> u16 {
        1 << name as u16
    }

    pub(crate) fn arm(
        &mut self,
        transfer: TransferId,
        name: TransferTimerName,
        after: std::time::Duration,
        out: &mut Out<'_, TransferOutput>,
    ) {
        self.0 |= Self::bit(name);
        out.push(TransferOutput::Timer(TimerOp::Arm(TransferTimer { transfer, name }, after)));
    }

    /// Takes down that a timer has run out; `false` if it was not armed: it was disarmed while its expiry was on the
    /// way.
    pub(crate) fn expired(&mut self, name: TransferTimerName) -> bool {
        let armed = self.0 & Self::bit(name) != 0;
        self.0 &= !Self::bit(name);
        armed
    }

    /// Disarms every timer that is not wanted any more.
    pub(crate) fn keep(
        &mut self,
        wanted: &[TransferTimerName],
        transfer: TransferId,
        out: &mut Out<'_, TransferOutput>,
    ) {
        for name in ALL {
            if self.0 & Self::bit(name) != 0 && !wanted.contains(&name) {
                self.0 &= !Self::bit(name);
                out.push(TransferOutput::Timer(TimerOp::Disarm(TransferTimer { transfer, name })));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sip_transport::Outbox;

    use super::*;

    #[test]
    fn every_timer_has_a_bit_of_its_own() {
        let bits = ALL.iter().fold(0u16, |bits, name| bits | Armed::bit(*name));
        assert_eq!(bits.count_ones() as usize, ALL.len());
    }

    #[test]
    fn a_timer_runs_out_once_and_not_after_it_was_disarmed() {
        let mut armed = Armed::default();
        let mut outbox = Outbox::default();
        let transfer = TransferId::from(1);
        for name in [TransferTimerName::Guard, TransferTimerName::Final, TransferTimerName::Bye] {
            armed.arm(transfer, name, Duration::ZERO, &mut outbox.out());
            assert!(matches!(outbox.pop(), Some(TransferOutput::Timer(TimerOp::Arm(..)))));
        }
        assert!(!armed.expired(TransferTimerName::Retry), "it was never armed");
        assert!(armed.expired(TransferTimerName::Guard));
        assert!(!armed.expired(TransferTimerName::Guard), "once");
        armed.keep(&[TransferTimerName::Bye], transfer, &mut outbox.out());
        let disarmed = TransferTimer { transfer, name: TransferTimerName::Final };
        assert!(matches!(outbox.pop(), Some(TransferOutput::Timer(TimerOp::Disarm(it))) if it == disarmed));
        assert!(outbox.pop().is_none(), "the others run or are over");
        assert!(!armed.expired(TransferTimerName::Final));
        assert!(armed.expired(TransferTimerName::Bye));
    }
}
