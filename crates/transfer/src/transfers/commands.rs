//! The commands of the application: checked, then answered by `Accepted` or `Refused`.

use dialog_core::{LegId, may_refuse_refer};
use sip_message::{Scheme, UriBuf};
use sip_transport::{Cx, Out};

use super::{Transfer, Transfers};
use crate::{
    AttendedOptions, Decision, Fallback, ReferOptions, TransferCommand, TransferHandling, TransferId,
    TransferOutput, TransferRefusal,
    legs::{Leg, Stage},
    surroundings::Surroundings,
    transferor::{Asked, Transferor},
};

impl Transfers {
    /// Takes a command of the application; answered by exactly one [`TransferOutput::Accepted`] or
    /// [`TransferOutput::Refused`].
    pub fn command(&mut self, cx: &mut Cx<'_>, command: TransferCommand, out: &mut Out<'_, TransferOutput>) {
        let (transfer, result) = match command {
            TransferCommand::Blind { transfer, leg, target, hold, referred_by, options } => {
                let result = self.check(transfer, leg, &target, &options);
                if result.is_ok() {
                    let asked = Asked { id: transfer, leg, target, hold, options, referred_by };
                    let new = Transferor::blind(asked, cx.now);
                    self.begin_ours(cx, transfer, &[leg], new, out);
                }
                (transfer, result)
            }
            TransferCommand::Attended {
                transfer,
                leg,
                consultation,
                hold,
                consultation_held,
                referred_by,
                options,
                refer,
            } => {
                let result = self.check_attended(transfer, leg, consultation, options, &refer);
                let result = result.map(|target| {
                    let asked = Asked { id: transfer, leg, target, hold, options: refer, referred_by };
                    let new = Transferor::attended(asked, consultation, consultation_held, options, cx.now);
                    self.begin_ours(cx, transfer, &[leg, consultation], new, out);
                });
                (transfer, result)
            }
            TransferCommand::Consult {
                transfer,
                leg,
                consultation,
                target,
                hold,
                referred_by,
                options,
                refer,
                completion,
            } => {
                let result = self.check_consult(transfer, leg, consultation, &target, (options, &refer));
                if result.is_ok() {
                    let asked = Asked { id: transfer, leg, target, hold, options: refer, referred_by };
                    let new = Transferor::consult(asked, consultation, options, completion, cx.now);
                    self.begin_ours(cx, transfer, &[leg], new, out);
                }
                (transfer, result)
            }
            TransferCommand::Complete { transfer, fallback } => {
                let result = self.ours(
                    cx,
                    transfer,
                    out,
                    |transfer, around| transfer.check_complete(fallback, around),
                    Transferor::complete,
                );
                (transfer, result)
            }
            TransferCommand::Swap { transfer } => {
                let result =
                    self.ours(cx, transfer, out, |transfer, _| transfer.check_swap(), Transferor::swap);
                (transfer, result)
            }
            // Column "detach" of table 2.1 (TR-165, TR-180). Of a transfer asked of us there is nothing to let go of: the new
            // call is ours.
            TransferCommand::Detach { transfer } => {
                let result =
                    self.ours(cx, transfer, out, |transfer, _| transfer.check_detach(), Transferor::detach);
                (transfer, result)
            }
            TransferCommand::Cancel { transfer } => (transfer, self.cancel(cx, transfer, out)),
            TransferCommand::Decline { transfer, reason } => {
                let result = self.ours(
                    cx,
                    transfer,
                    out,
                    |transfer, _| transfer.check_decline(),
                    |transfer, around, out| transfer.decline(reason, around, out),
                );
                (transfer, result)
            }
            TransferCommand::Decide { transfer, decision } => {
                (transfer, self.decide(cx, transfer, decision, out))
            }
            TransferCommand::Step { transfer, step } => {
                (transfer, self.step_by_hand(cx, transfer, step, out))
            }
        };
        if let Err(error) = result {
            out.push(TransferOutput::Refused { transfer, error });
        }
    }

    /// The checks that every transfer of ours has to pass.
    fn check(
        &self,
        transfer: TransferId,
        leg: LegId,
        target: &UriBuf,
        options: &ReferOptions,
    ) -> Result<(), TransferRefusal> {
        let leg = self.check_call(transfer, leg)?;
        check_target(target)?;
        let bridges = self.falls_back(options.fallback) && target.as_uri().scheme() != Scheme::Tel;
        if !leg.takes_refer() && !bridges {
            return Err(TransferRefusal::PeerCannot);
        }
        options.check(Some(leg))?;
        options.written(target, leg)?;
        if self.is_full() {
            return Err(TransferRefusal::Full);
        }
        Ok(())
    }

    /// Whether a transfer that cannot be made becomes a bridge.
    fn falls_back(&self, fallback: Option<Fallback>) -> bool {
        fallback.unwrap_or(self.policy.fallback) == Fallback::Bridge
    }

    /// A call that can take part in a new transfer.
    fn check_call(&self, transfer: TransferId, leg: LegId) -> Result<&Leg, TransferRefusal> {
        if self.under_way.contains_key(&transfer) {
            return Err(self.wrong_state(transfer, NEW_ID));
        }
        let leg = self.legs.get(leg).ok_or(TransferRefusal::UnknownLeg)?;
        if leg.stage != Stage::Up {
            return Err(TransferRefusal::NotEstablished);
        }
        match leg.moved_by {
            Some(mover) => Err(self.wrong_state(mover, "Idle")),
            None => Ok(leg),
        }
    }

    /// Refuses what is not possible in a transfer's present state.
    fn wrong_state(&self, transfer: TransferId, wanted: &'static str) -> TransferRefusal {
        let state = self.state(transfer).unwrap_or("Ended");
        TransferRefusal::WrongState { state, wanted }
    }

    /// Gives the target's address.
    fn check_attended(
        &self,
        transfer: TransferId,
        leg: LegId,
        consultation: LegId,
        options: AttendedOptions,
        refer: &ReferOptions,
    ) -> Result<UriBuf, TransferRefusal> {
        if leg == consultation {
            return Err(TransferRefusal::SameCall);
        }
        let (primary, asked) = (self.check_call(transfer, leg)?, self.check_call(transfer, consultation)?);
        let (referred, named) = if options.protect_target { (asked, primary) } else { (primary, asked) };
        // What is bridged already is handed over or stays so.
        let bridges =
            self.falls_back(options.fallback.or(refer.fallback)) && primary.bridged != Some(consultation);
        if !referred.takes_refer() && !bridges {
            return Err(TransferRefusal::PeerCannot);
        }
        let supports = self.policy.attended.replaces && named.peer.replaces;
        if !supports && !options.force && !bridges {
            return Err(TransferRefusal::NoReplaces);
        }
        refer.check(Some(referred))?;
        if self.is_full() {
            return Err(TransferRefusal::Full);
        }
        asked.record.clone().ok_or(TransferRefusal::NotEstablished)
    }

    fn check_consult(
        &self,
        transfer: TransferId,
        leg: LegId,
        consultation: LegId,
        target: &UriBuf,
        (options, refer): (AttendedOptions, &ReferOptions),
    ) -> Result<(), TransferRefusal> {
        let primary = self.check_call(transfer, leg)?;
        check_target(target)?;
        // A `tel` URI is no address that could be called from here.
        if target.as_uri().scheme() == Scheme::Tel {
            return Err(TransferRefusal::Scheme);
        }
        if !options.protect_target
            && !primary.takes_refer()
            && !self.falls_back(options.fallback.or(refer.fallback))
        {
            return Err(TransferRefusal::PeerCannot);
        }
        refer.check((!options.protect_target).then_some(primary))?;
        if self.legs.get(consultation).is_some() {
            return Err(TransferRefusal::WrongState { state: "InCall", wanted: NEW_ID });
        }
        if self.is_full() || self.legs.is_full(self.policy.legs) {
            return Err(TransferRefusal::Full);
        }
        Ok(())
    }

    fn begin_ours(
        &mut self,
        cx: &mut Cx<'_>,
        id: TransferId,
        legs: &[LegId],
        new: Transferor,
        out: &mut Out<'_, TransferOutput>,
    ) {
        out.push(TransferOutput::Accepted { transfer: id });
        let manual = legs.first().is_some_and(|leg| self.handling_of(*leg) == TransferHandling::Manual);
        let new = if manual { new.by_hand() } else { new };
        for leg in legs {
            if let Some(entry) = self.legs.get_mut(*leg) {
                entry.moved_by = Some(id);
            }
        }
        self.under_way.insert(id, Transfer::Ours(Box::new(new)));
        self.with(cx, id, |transfer, around| {
            if let Transfer::Ours(transfer) = transfer {
                transfer.begin(around, out);
            }
            true
        });
    }

    /// Follows a command about a transfer of ours, if that is possible in its state.
    fn ours(
        &mut self,
        cx: &mut Cx<'_>,
        id: TransferId,
        out: &mut Out<'_, TransferOutput>,
        check: impl FnOnce(&mut Transferor, &Surroundings<'_, '_>) -> Result<(), TransferRefusal>,
        follow: impl FnOnce(&mut Transferor, &mut Surroundings<'_, '_>, &mut Out<'_, TransferOutput>),
    ) -> Result<(), TransferRefusal> {
        let mut result = Err(TransferRefusal::UnknownTransfer);
        if self.under_way.contains_key(&id) {
            self.with(cx, id, |transfer, around| {
                result = match transfer {
                    Transfer::Ours(transfer) => check(transfer, around).map(|()| {
                        out.push(TransferOutput::Accepted { transfer: id });
                        follow(transfer, around, out);
                    }),
                    Transfer::Asked(transfer) => {
                        let (state, wanted) = (transfer.state_name(), "a transfer of ours");
                        Err(TransferRefusal::WrongState { state, wanted })
                    }
                };
                true
            });
        }
        result
    }

    /// What is being given up already, or taken back, is given up: whoever cancels it waits for its end.
    fn cancel(
        &mut self,
        cx: &mut Cx<'_>,
        id: TransferId,
        out: &mut Out<'_, TransferOutput>,
    ) -> Result<(), TransferRefusal> {
        let (possible, wanted) = match self.under_way.get(&id).ok_or(TransferRefusal::UnknownTransfer)? {
            Transfer::Ours(transfer) => {
                (transfer.can_cancel() || transfer.is_given_up(), "a call that can be taken back")
            }
            Transfer::Asked(transfer) => {
                (transfer.can_cancel() || transfer.is_given_up(), "a new call that can be given up")
            }
        };
        if !possible {
            return Err(self.wrong_state(id, wanted));
        }
        out.push(TransferOutput::Accepted { transfer: id });
        self.with(cx, id, |transfer, around| {
            match transfer {
                // What is given up already has no row for it.
                Transfer::Ours(transfer) => transfer.cancel(around, out),
                Transfer::Asked(transfer) if transfer.is_given_up() => {}
                Transfer::Asked(transfer) => transfer.cancel(around, out),
            }
            true
        });
        Ok(())
    }

    fn decide(
        &mut self,
        cx: &mut Cx<'_>,
        id: TransferId,
        decision: Decision,
        out: &mut Out<'_, TransferOutput>,
    ) -> Result<(), TransferRefusal> {
        match self.under_way.get(&id).ok_or(TransferRefusal::UnknownTransfer)? {
            Transfer::Asked(transfer) if transfer.is_pending() => {}
            Transfer::Asked(_) | Transfer::Ours(_) => {
                return Err(self.wrong_state(id, "Unanswered or Deciding"));
            }
        }
        if matches!(decision, Decision::RejectWith(status) if !may_refuse_refer(status)) {
            return Err(TransferRefusal::Status);
        }
        out.push(TransferOutput::Accepted { transfer: id });
        self.with(cx, id, |transfer, around| {
            if let Transfer::Asked(transfer) = transfer {
                transfer.decide(decision, around, out);
            }
            true
        });
        Ok(())
    }
}

/// What a transfer or call that begins needs: whoever asks mints its id.
const NEW_ID: &str = "an id that is not in use";

/// Where a party can be sent (decision D8).
fn check_target(target: &UriBuf) -> Result<(), TransferRefusal> {
    let target = target.as_uri();
    match target.scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => {}
        Scheme::Other => return Err(TransferRefusal::Scheme),
    }
    if target.has_headers() || target.param("method").is_some() {
        return Err(TransferRefusal::TargetForm);
    }
    Ok(())
}
