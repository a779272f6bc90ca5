//! Our wishes for a new offer (TR-225): their one home, whichever request carries the offer.
//!
//! A wish says that another session is wanted than the one that is agreed; which one, the offer says when it is made. So
//! wishes that wait are one wish, and at most one waits while the offer of another is under way.

use std::time::Duration;

use sip_transport::Tick;

use crate::{
    boundary::leg::{LegEvent, Misuse, ReofferError},
    dialog::Dialog,
    step::Step,
    timer::LegTimer,
};

use super::Leg;

/// A wish for a new offer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Until when it may take.
    pub(crate) deadline: Tick,
    /// How often its request was refused with what passes, or the way of it has failed.
    pub(crate) retries: u8,
    /// Whether it is the layer's own, so that its outcome is not told.
    quiet: bool,
}

/// The wishes of one dialog.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// The one that no offer was made for yet.
    open: Option<Wish>,
    /// The one whose offer is under way. While there is none all the same, an offer is under way whose wish has run out of
    /// time: it was answered then, and what comes of the offer is not its outcome any more.
    carried: Option<Wish>,
    /// Whether the delay runs that a refusal or the failure of a way has asked for; the open one waits for its end.
    backing_off: bool,
}

impl Wish {
    fn new(deadline: Tick) -> Self {
        Self { deadline, retries: 0, quiet: false }
    }

    fn quiet(deadline: Tick) -> Self {
        Self { quiet: true, ..Self::new(deadline) }
    }

    /// The two as one.
    fn and(self, other: Self) -> Self {
        Self {
            deadline: self.deadline.max(other.deadline),
            retries: self.retries.max(other.retries),
            quiet: self.quiet && other.quiet,
        }
    }
}

impl Wishes {
    fn add(&mut self, wish: Wish) {
        self.open = Some(self.open.map_or(wish, |open| open.and(wish)));
    }

    fn take_back(&mut self) {
        if let Some(wish) = self.carried.take() {
            self.add(wish);
        }
    }
}

impl Dialog {
    /// The application wishes for a new offer.
    pub(crate) fn reoffer(&mut self, step: &mut Step<'_, '_, '_>, limit: Duration) {
        if self.up().is_none() && !self.may_offer_early() {
            return self.misused(step, Misuse::State);
        }
        self.wishes.get_or_insert_default().add(Wish::new(step.after(limit)));
        self.resume_wish(step);
    }

    /// Makes an offer that nobody has asked for, in a confirmed call. One that waits, or that an INVITE carries, does.
    pub(crate) fn offer_quietly(&mut self, step: &mut Step<'_, '_, '_>, deadline: Tick) {
        if self.up().is_some() {
            self.wish_quietly(deadline);
            self.resume_wish(step);
        }
    }

    pub(crate) fn wish_quietly(&mut self, deadline: Tick) {
        if !self.is_wish_carried() || self.is_update_offering() {
            self.wishes.get_or_insert_default().open.get_or_insert(Wish::quiet(deadline));
        }
    }

    /// Sees to the wishes that there are.
    pub(crate) fn resume_wish(&mut self, step: &mut Step<'_, '_, '_>) {
        self.watch_wishes(step);
        self.offer_wish(step);
    }

    /// Begins the request for the wish that waits, if nothing is in its way.
    pub(crate) fn offer_wish(&mut self, step: &mut Step<'_, '_, '_>) {
        match &self.leg {
            Some(Leg::Up(_)) => self.try_reoffer(step),
            Some(Leg::Placing(_) | Leg::Answering(_)) => self.try_update(step),
            Some(Leg::Ending(_)) | None => {}
        }
    }

    /// Whether there is a wish that an offer may be made for now.
    pub(crate) fn is_offer_wanted(&self) -> bool {
        self.wishes.as_ref().is_some_and(|wishes| wishes.open.is_some() && !wishes.backing_off)
    }

    /// Whether the offer under way is still wished for.
    pub(crate) fn is_wish_carried(&self) -> bool {
        self.wishes.as_ref().is_some_and(|wishes| wishes.carried.is_some())
    }

    /// The wish whose offer is under way.
    pub(crate) fn carried_wish(&mut self) -> Option<&mut Wish> {
        self.wishes.as_mut()?.carried.as_mut()
    }

    /// The offer for the wish that waits is made now.
    pub(crate) fn carry_wish(&mut self) {
        if let Some(wishes) = &mut self.wishes {
            wishes.carried = wishes.open.take();
        }
    }

    /// The offer under way has come to an end, and with it its wish.
    pub(crate) fn answer_wish(&mut self, step: &mut Step<'_, '_, '_>, result: Result<(), ReofferError>) {
        let wish = self.wishes.as_mut().and_then(|wishes| wishes.carried.take());
        self.tell_wish(step, wish, result);
    }

    /// The offer under way came to nothing, and its wish waits for the next one, for some time or none.
    pub(crate) fn take_back_wish(&mut self, step: &mut Step<'_, '_, '_>, delay: Option<Duration>) {
        let Some(wishes) = &mut self.wishes else { return };
        wishes.take_back();
        wishes.backing_off = delay.is_some() && wishes.open.is_some();
        match delay {
            Some(delay) if wishes.backing_off => self.arm(step, LegTimer::Glare, delay),
            Some(_) | None => self.disarm(step, LegTimer::Glare),
        }
        self.watch_wishes(step);
    }

    /// The delay is over.
    pub(crate) fn glare_over(&mut self, step: &mut Step<'_, '_, '_>) {
        if let Some(wishes) = &mut self.wishes {
            wishes.backing_off = false;
        }
        self.offer_wish(step);
    }

    /// The limit of a wish. An INVITE that is in flight is cancelled; should it be accepted all the same, its answer is passed
    /// on as [`LegEvent::Described`], and so is that of an UPDATE, but the wish is answered now and only once.
    pub(crate) fn wish_expired(&mut self, step: &mut Step<'_, '_, '_>) {
        let now = step.cx.now;
        let certain = self.is_offer_certain();
        let Some(wishes) = &mut self.wishes else { return };
        let open = wishes.open.take_if(|wish| wish.deadline <= now);
        let carried = wishes.carried.take_if(|wish| wish.deadline <= now && !certain);
        if open.is_some() {
            wishes.backing_off = false;
            self.disarm(step, LegTimer::Glare);
        }
        if open.or(carried).is_some() {
            self.withdraw_update();
            self.withdraw_invite(step, carried.is_some());
        }
        for wish in [carried, open] {
            self.tell_wish(step, wish, Err(ReofferError::TimedOut));
        }
        self.watch_wishes(step);
        self.proceed(step);
    }

    /// The leg ends, and no wish can be fulfilled any more.
    pub(crate) fn give_up_wishes(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(wishes) = self.wishes.take() else { return };
        for wish in [wishes.carried, wishes.open] {
            self.tell_wish(step, wish, Err(ReofferError::Ended));
        }
    }

    /// Arms the limit of the wish that runs out first. Once only the ACK of an accepted INVITE is missing, its wish has none.
    pub(crate) fn watch_wishes(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(wishes) = self.wishes.as_deref() else { return self.disarm(step, LegTimer::Reoffer) };
        let carried = wishes.carried.filter(|_| !self.is_offer_certain());
        let first = [wishes.open, carried].into_iter().flatten().map(|wish| wish.deadline).min();
        if wishes.open.or(wishes.carried).is_none() {
            self.wishes = None;
        }
        match first {
            Some(deadline) => self.arm(step, LegTimer::Reoffer, deadline.since(step.cx.now)),
            None => self.disarm(step, LegTimer::Reoffer),
        }
    }

    fn tell_wish(&self, step: &mut Step<'_, '_, '_>, wish: Option<Wish>, result: Result<(), ReofferError>) {
        if wish.is_some_and(|wish| !wish.quiet) {
            self.tell(step, LegEvent::Reoffered(result));
        }
    }
}
