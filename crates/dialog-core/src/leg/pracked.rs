//! What comes of our PRACK (RFC 3262 §3, RFC 5057 §4.1).

use sip_message::{Method, StatusCode};
use transaction_core::TxFailure;

use crate::{
    boundary::leg::{By, EndCause, EndReason},
    dialog::Dialog,
    pending::EarlyId,
    scope::{Scope, scope_of},
    step::Step,
};

use super::Leg;

impl Dialog {
    /// Our PRACK has its final response. A 481 says only that no reliable response waits for it (RFC 3262 §3), so that the
    /// call goes on; what else ends a usage ends the fork, or the call.
    pub(crate) fn prack_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        early: Option<EarlyId>,
        status: StatusCode,
    ) {
        self.prack_over();
        if status.is_success() || status == StatusCode::CALL_DOES_NOT_EXIST {
            return;
        }
        match scope_of(Method::Prack, status) {
            Scope::Transaction if status == StatusCode::REQUEST_TIMEOUT => {
                self.prack_lost(step, early, By::Network);
            }
            Scope::Transaction => {}
            Scope::Usage | Scope::Dialog => {
                if self.prack_lost(step, early, By::Remote) {
                    self.lose_usages(step, status);
                }
            }
        }
    }

    /// Our PRACK got no answer. Where it could not go, the reliable response comes again.
    pub(crate) fn prack_failed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        early: Option<EarlyId>,
        failure: TxFailure,
    ) {
        self.prack_over();
        if failure == TxFailure::Timeout {
            self.prack_lost(step, early, By::Network);
        }
    }

    fn prack_over(&mut self) {
        self.pracks = self.pracks.saturating_sub(1);
    }

    /// Returns whether the fork or the call is over by it.
    fn prack_lost(&mut self, step: &mut Step<'_, '_, '_>, early: Option<EarlyId>, by: By) -> bool {
        match (&self.leg, early) {
            (Some(Leg::Placing(placing)), Some(fork)) if !placing.is_cancelled() => {
                self.fork_lost(step, fork, false);
                true
            }
            (Some(Leg::Up(_)), None) => {
                self.close(step, EndCause::new(by, EndReason::Gone), None);
                true
            }
            // The call is being ended, or its 2xx was faster and shows that the peer has the dialog; a fork that was not kept
            // has no other usages.
            (Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None, _) => false,
        }
    }
}
