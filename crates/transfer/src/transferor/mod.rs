//! A transfer that we ask for: turns what happens into events of [`machine`], and lets `carry` do what that decides.

mod action;
mod application;
mod bridging;
mod carry;
mod event;
mod kind;
mod machine;
pub(crate) mod manual;
mod naming;
mod outcome;
mod subscription;
#[cfg(test)]
mod tests;
mod wording;

use std::time::Duration;

use dialog_core::{LegEvent, LegId, SubscriptionEvent, SubscriptionId};
use sip_message::{NameAddrBuf, StatusCode, SubReason, UriBuf};
use sip_transport::{Out, Tick};

use self::{
    action::{Action, Side, Tell},
    event::{Answer, CallEnd, Consult, Event, Reoffer},
    machine::{Alive, Facts, Held, May, Plan, State, Step, step},
    manual::Waiting,
    naming::Naming,
};
use crate::{
    AttendedOptions, Completion, Decline, Fallback, Hold, HoldPolicy, ReferOptions, Role, TransferEventKind,
    TransferId, TransferInfo, TransferKind, TransferOutput, TransferTimerName,
    legs::{Leg, Stage},
    retrying::{asked_to_wait, retry_after},
    surroundings::Surroundings,
    timers::Armed,
};

/// One transfer of ours.
#[derive(Debug)]
pub(crate) struct Transferor {
    id: TransferId,
    leg: LegId,
    target: UriBuf,
    referred_by: Option<NameAddrBuf>,
    hold: Hold,
    options: ReferOptions,
    state: State,
    facts: Facts,
    consultation: Option<Consultation>,
    /// Whether it was completed before the target answered.
    early: bool,
    /// Which kind it is, as was last told.
    kind: TransferKind,
    /// What is done when the party cannot be moved, where it differs from the policy.
    fallback: Option<Fallback>,
    /// Why the target did not take the party over, where that ended the transfer.
    declined: Option<Decline>,
    /// The call that the user's audio is on, where the transfer moves it.
    audio: Option<Side>,
    /// The subscription of the last REFER.
    subscription: Option<SubscriptionId>,
    /// Whether that subscription is one of its own, made by a SUBSCRIBE.
    followed: bool,
    /// What the last NOTIFY gave as the reason of `terminated`.
    ended_for: Option<SubReason>,
    /// Whether that subscription was ended from here, or its REFER withdrawn.
    unsubscribed: bool,
    /// What was last told of the progress; repetitions are not told.
    told: Option<Tell>,
    last_code: Option<StatusCode>,
    /// When whoever refused last wants to be asked again.
    retry_after: Option<Duration>,
    started: Tick,
    /// When the last REFER was asked for.
    referred: Tick,
    /// When the call was first asked to be taken back; all tries share one limit.
    resumed: Option<Tick>,
    /// Where the application does the steps: what was heard and waits for it.
    waiting: Option<Box<Waiting>>,
    armed: Armed,
}

/// The call to a target that is asked first.
#[derive(Debug)]
struct Consultation {
    leg: LegId,
    was_up: bool,
    naming: Naming,
    /// Sends the REFER whatever the peers say of Replaces.
    force: bool,
}

/// What every transfer of ours is asked with.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: TransferId,
    pub(crate) leg: LegId,
    pub(crate) target: UriBuf,
    pub(crate) hold: Hold,
    pub(crate) options: ReferOptions,
    pub(crate) referred_by: Option<NameAddrBuf>,
}

impl Transferor {
    /// A blind transfer.
    pub(crate) fn blind(asked: Asked, started: Tick) -> Self {
        Self::new(asked, Plan::Blind, None, started)
    }

    /// A transfer whose target is asked first, in a call that is to be placed.
    pub(crate) fn consult(
        asked: Asked,
        consultation: LegId,
        options: AttendedOptions,
        completion: Completion,
        started: Tick,
    ) -> Self {
        let mut new = Self::new(asked, Plan::Consult, Some((consultation, options)), started);
        new.audio = Some(Side::Primary);
        new.facts.on_answer = completion == Completion::OnAnswer;
        new
    }

    /// A transfer between two calls that are up.
    pub(crate) fn attended(
        asked: Asked,
        consultation: LegId,
        consultation_held: bool,
        options: AttendedOptions,
        started: Tick,
    ) -> Self {
        let mut new = Self::new(asked, Plan::Attended, Some((consultation, options)), started);
        if consultation_held {
            new.facts.consultation_held = Held::Application;
        }
        new.consultation.iter_mut().for_each(|consultation| consultation.was_up = true);
        new
    }

    fn new(asked: Asked, plan: Plan, with: Option<(LegId, AttendedOptions)>, started: Tick) -> Self {
        let held = match asked.hold {
            Hold::First | Hold::Done | Hold::No => Held::Nobody,
            Hold::Already => Held::Application,
        };
        let (consultation, protect, fallback) = match with {
            Some((leg, AttendedOptions { refer_to, protect_target, force, fallback })) => (
                Some(Consultation { leg, was_up: false, naming: Naming::new(refer_to), force }),
                protect_target,
                fallback.or(asked.options.fallback),
            ),
            None => (None, false, asked.options.fallback),
        };
        let facts = Facts {
            plan,
            held,
            consultation_held: Held::Nobody,
            alive: Alive { primary: true, consultation: false },
            protect,
            bridged: false,
            on_answer: false,
            retried: false,
            resumes: 0,
            restores: 0,
            accepted: None,
            detached: false,
            may: May::NOTHING,
        };
        Self {
            id: asked.id,
            leg: asked.leg,
            target: asked.target,
            referred_by: asked.referred_by,
            hold: asked.hold,
            options: asked.options,
            state: State::Idle,
            facts,
            kind: match plan {
                Plan::Blind => TransferKind::Blind,
                Plan::Consult | Plan::Attended if protect => TransferKind::ProtectedTarget,
                Plan::Consult | Plan::Attended => TransferKind::Attended,
            },
            early: false,
            consultation,
            fallback,
            declined: None,
            audio: None,
            subscription: None,
            followed: false,
            ended_for: None,
            unsubscribed: false,
            told: None,
            last_code: None,
            retry_after: None,
            started,
            referred: started,
            resumed: None,
            waiting: None,
            armed: Armed::default(),
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub(crate) fn info(&self) -> TransferInfo {
        TransferInfo {
            id: self.id,
            role: Role::Transferor,
            leg: self.leg,
            new_leg: None,
            consultation: self.consultation.as_ref().map(|consultation| consultation.leg),
            kind: self.kind,
            target: self.target.clone(),
            state: self.state.name(self.facts.plan),
            last_code: self.last_code,
            by_hand: self.waiting.is_some(),
            started: self.started,
        }
    }

    /// Begins: tells so, then holds, asks the target or sends the REFER.
    pub(crate) fn begin(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.tell(TransferEventKind::Initiated { target: self.target.clone(), kind: self.kind }, out);
        self.drive(Event::Begin(self.hold), around, out);
    }

    /// Takes an event of one of the calls; `false` if it means nothing to the transfer.
    pub(crate) fn leg_event(
        &mut self,
        leg: LegId,
        event: &LegEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let side = if leg == self.leg { Side::Primary } else { Side::Consultation };
        let event = match event {
            LegEvent::Reoffered(result) => Event::Reoffer(side, Reoffer::of(*result)),
            LegEvent::Closing => Event::Call(side, CallEnd::Closing),
            LegEvent::Ended(cause) => match &self.consultation {
                Some(consultation) if side == Side::Consultation && !consultation.was_up => {
                    self.retry_after = retry_after(cause);
                    Event::Consult(Consult::failed(cause))
                }
                Some(_) | None => Event::Call(side, CallEnd::of(cause)),
            },
            LegEvent::Provisional { status: StatusCode::EARLY_DIALOG_TERMINATED, .. } => return true,
            LegEvent::Provisional { status, .. } if side == Side::Consultation => {
                Event::Consult(Consult::Ringing(*status))
            }
            LegEvent::Up(_) if side == Side::Consultation => {
                self.consultation.iter_mut().for_each(|consultation| consultation.was_up = true);
                Event::Consult(Consult::Up)
            }
            // A REFER that the leg does not take is refused in the step in which it was asked for; a later misuse is
            // somebody else's.
            LegEvent::Misused(_)
                if side == self.facts.referred()
                    && self.referred == around.cx.now
                    && matches!(self.state, State::ReferPending(None)) =>
            {
                Event::Answer(Answer::Misused)
            }
            LegEvent::Incoming(_)
            | LegEvent::Described { .. }
            | LegEvent::NeedDescription { .. }
            | LegEvent::RolledBack
            | LegEvent::Reopened
            | LegEvent::Provisional { .. }
            | LegEvent::Up(_)
            | LegEvent::Changed
            | LegEvent::Acknowledged
            | LegEvent::Misused(_) => return true,
        };
        self.drive(event, around, out)
    }

    /// Takes an event of the subscription.
    pub(crate) fn subscription_event(
        &mut self,
        event: &SubscriptionEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        if let SubscriptionEvent::EventsAt(at) = event {
            return self.follow(at, around, out);
        }
        if let SubscriptionEvent::Answered(answer) = event {
            self.retry_after = asked_to_wait(*answer);
        }
        let told = event;
        self.note_subscription(told, out);
        // The answer to a SUBSCRIBE says nothing of the REFER, and one that is refused ends the subscription.
        if self.followed && matches!(told, SubscriptionEvent::Answered(_)) {
            return true;
        }
        let Some(event) = Event::of_subscription(told) else {
            return false;
        };
        match event {
            Event::Notify(report) => self.last_code = report.code().or(self.last_code),
            Event::Answer(answer) => {
                self.last_code = answer.code().or(self.last_code);
                if let Answer::Accepted(status) = answer {
                    self.facts.accepted.get_or_insert(status);
                }
            }
            Event::Begin(_)
            | Event::Reoffer(..)
            | Event::Consult(_)
            | Event::Subscription(_)
            | Event::Call(..)
            | Event::Complete
            | Event::Swap
            | Event::Cancel
            | Event::Joined(_)
            | Event::Timer(_) => {}
        }
        if self.keep(event, told, out) {
            self.serve(around, out);
            return true;
        }
        self.drive(event, around, out)
    }

    pub(crate) fn expire(
        &mut self,
        name: TransferTimerName,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        match Event::of_timer(name) {
            Some(event) if self.armed.expired(name) => self.drive(event, around, out),
            Some(_) | None => false,
        }
    }

    fn drive(
        &mut self,
        event: Event,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let over = event.ends();
        let told = self.is_overtaken_by(event, over, around) && self.catch_up(over, around, out);
        self.advance(event, over, around, out) || told
    }

    /// Tells the machine an event; `over` is the call that counts as over besides.
    fn advance(
        &mut self,
        event: Event,
        over: Option<Side>,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        self.look(around, over);
        let step = step(self.state, event, self.facts);
        self.take(step, over, around, out)
    }

    fn take(
        &mut self,
        step: Option<Step>,
        over: Option<Side>,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let Some(Step { next, actions }) = step else {
            return false;
        };
        self.state = next;
        self.armed.keep(next.timers(), self.id, out);
        let mut sent = true;
        for action in actions {
            match action {
                Action::Refer => sent = self.refer(around, out),
                action => self.act(action, around, out),
            }
        }
        if self.is_over() {
            self.release(around, out);
        }
        if !sent {
            self.advance(Event::Answer(Answer::Misused), over, around, out);
        }
        // What waits is for a REFER that is under way.
        if !self.state.waits() {
            self.catch_up(over, around, out);
        }
        true
    }

    /// Sees how the calls are and what is permitted; the call that the present event ends counts as over.
    fn look(&mut self, around: &Surroundings<'_, '_>, over: Option<Side>) {
        let policy = &around.policy.attended;
        let alive = |leg: LegId| around.legs.get(leg).is_some_and(|leg| leg.stage != Stage::Closing);
        self.facts.alive = Alive {
            primary: alive(self.leg) && over != Some(Side::Primary),
            consultation: self.consultation.as_ref().is_some_and(|with| alive(with.leg))
                && over != Some(Side::Consultation),
        };
        let supports =
            |leg: LegId| policy.replaces && around.legs.get(leg).is_some_and(|leg| leg.peer.replaces);
        let with = self.consultation.as_ref();
        let named = if self.facts.protect { Some(self.leg) } else { with.map(|with| with.leg) };
        let named_by = with.map(|with| with.leg);
        self.facts.bridged |= named_by.is_some() && around.legs.partner(self.leg) == named_by;
        let referred = self.leg_of(self.facts.referred());
        let falls_back = self.fallback.unwrap_or(around.policy.fallback) == Fallback::Bridge;
        self.facts.may = May {
            go_on: around.policy.hold_failure == HoldPolicy::GoOn,
            // Who is bridged goes on talking until the other side ends it.
            hold_consultation: policy.hold_consultation && !self.facts.bridged,
            refer: around.legs.get(referred).is_some_and(Leg::takes_refer),
            bridge: falls_back
                && !self.facts.bridged
                && (self.facts.plan != Plan::Blind || self.can_call(around)),
            replaces: with.is_some_and(|with| with.force) || named.is_some_and(supports),
            reroute: self.facts.alive.consultation
                && !self.facts.protect
                && policy.retry
                && with.is_some_and(|with| with.naming.has_other(with.leg, around)),
            reverse: policy.reverse_roles
                && !self.facts.protect
                && self.facts.alive.consultation
                && with.is_some_and(|with| with.force || supports(self.leg))
                && with.and_then(|with| around.legs.get(with.leg)).is_some_and(Leg::takes_refer),
            semi_attended: policy.semi_attended,
            without_replaces: policy.without_replaces,
            bye: around.policy.bye,
            bye_at_once: around.policy.bye_pause().is_zero(),
        };
    }

    /// The leg of a side; the first call's where there is no other.
    fn leg_of(&self, side: Side) -> LegId {
        match (side, &self.consultation) {
            (Side::Consultation, Some(consultation)) => consultation.leg,
            (Side::Primary | Side::Consultation, _) => self.leg,
        }
    }
}
