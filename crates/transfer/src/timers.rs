//! Which timers of a transfer run.

use sip_transport::{Out, TimerOp};

use crate::{TransferId, TransferOutput, TransferTimer, TransferTimerName};

/// Every timer.
const ALL: [TransferTimerName; 11] = [
    TransferTimerName::Guard,
    TransferTimerName::Final,
    TransferTimerName::Watchdog,
    TransferTimerName::Decision,
    TransferTimerName::Retry,
    TransferTimerName::Hold,
    TransferTimerName::Resume,
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
    use super::*;

    #[test]
    fn every_timer_has_a_bit_of_its_own() {
        let bits = ALL.iter().fold(0u16, |bits, name| bits | Armed::bit(*name));
        assert_eq!(bits.count_ones() as usize, ALL.len());
    }
}
