//! Registrations: REGISTER until the binding stands, its refresh, and its end (RFC 3261 §10, 3327, 3608, 5626, 5627).

pub(crate) mod binding;
pub(crate) mod config;
pub(crate) mod machine;
mod pace;
pub(crate) mod registering;
pub(crate) mod using;
mod ways;

use std::{collections::BTreeMap, net::SocketAddr};

use sip_message::Message;
use sip_transport::{Cx, FlowId, Hops, Inbound, Origin, Out, RouteError};
use transaction_core::TxFailure;

use crate::{
    boundary::{
        DialogOutput,
        leg::Misuse,
        registration::{
            Account, RegistrationCommand, RegistrationEvent, RegistrationFailure, RegistrationId,
        },
    },
    contact::OurContact,
    dialogs::Dialogs,
    step::Step,
    timer::RegistrationTimer,
};

use self::{registering::Registration, using::Outgoing};

/// All registrations; at most [`RegistrationConfig::accounts`](config::RegistrationConfig::accounts).
#[derive(Debug, Default)]
pub(crate) struct Registrations(BTreeMap<RegistrationId, Registration>);

/// For which account a call came in, and what it takes from it.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) registration: RegistrationId,
    pub(crate) contact: OurContact,
}

/// A flow that is kept for a registration: a connection, or a UDP socket with a remote (RFC 5626 §2.1).
type Kept = (FlowId, SocketAddr);

/// The registrations other than the one that acts.
pub(crate) struct Others<'r>(&'r BTreeMap<RegistrationId, Registration>);

impl Others<'_> {
    /// Whether another one needs that flow.
    fn keeps(&self, kept: Kept) -> bool {
        self.0.values().any(|other| other.kept == Some(kept))
    }

    /// Whether another binding of the same account and instance stands (RFC 5626 §4.5).
    fn stands(&self, one: &Registration) -> bool {
        self.0.values().any(|other| {
            other.is_bound()
                && one.account.instance.is_some()
                && other.account.instance == one.account.instance
                && other.account.aor.uri.equivalent(&one.account.aor.uri)
        })
    }
}

impl Registrations {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a request of this account takes from it; `None` if it is over.
    pub(crate) fn outgoing(&self, id: RegistrationId) -> Option<Outgoing> {
        self.0.get(&id).map(Registration::outgoing)
    }

    /// A REGISTER went out again with this number.
    pub(crate) fn renumbered(&mut self, id: RegistrationId, number: u32) {
        if let Some(registration) = self.0.get_mut(&id) {
            registration.renumbered(number);
        }
    }

    /// For whom a request came in: by its Request-URI, which is a GRUU, our Contact or the address of record, or by the
    /// flow that is kept for an account.
    pub(crate) fn called(&self, inbound: &Inbound) -> Option<Called> {
        let uri = inbound.message.request_target().ok()?;
        let fits = self.0.values().filter_map(|it| it.called(&uri, &inbound.origin));
        fits.max_by_key(|(fit, _)| *fit).map(|(_, called)| called)
    }
}

impl Dialogs {
    fn registering<'s, 'c, 'o>(
        &'s mut self,
        cx: &'s mut Cx<'c>,
        out: &'s mut Out<'o, DialogOutput>,
    ) -> (Step<'s, 'c, 'o>, &'s mut BTreeMap<RegistrationId, Registration>) {
        let Self { config, capabilities, pending, registrations, .. } = self;
        (Step { cx, out, config, capabilities, pending }, &mut registrations.0)
    }

    /// Lets a registration act, and removes it if it is over; `false` if there is none.
    fn with_registration(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        out: &mut Out<'_, DialogOutput>,
        act: impl FnOnce(&mut Registration, &mut Step<'_, '_, '_>, &Others<'_>),
    ) -> bool {
        let (mut step, table) = self.registering(cx, out);
        let Some(mut registration) = table.remove(&id) else { return false };
        act(&mut registration, &mut step, &Others(table));
        if registration.is_over() {
            step.pending.answers.forget(step.cx.guard, registration.call_id());
        } else {
            table.insert(id, registration);
        }
        true
    }

    pub(crate) fn registration_command(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        command: RegistrationCommand,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let known = match command {
            RegistrationCommand::Register(account) => {
                self.register(cx, id, account, out);
                true
            }
            RegistrationCommand::Refresh => self.with_registration(cx, id, out, Registration::refresh),
            RegistrationCommand::Unregister => self.with_registration(cx, id, out, Registration::unregister),
        };
        if !known {
            self.step(cx, out).0.registration(id, RegistrationEvent::Misused(Misuse::Unknown));
        }
    }

    fn register(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        account: Box<Account>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let full = self.registrations.len() >= self.config.registration.accounts;
        let (mut step, table) = self.registering(cx, out);
        if let Some(registration) = table.get(&id) {
            return registration.misused(&mut step);
        }
        let failure = match account.fault() {
            Some(fault) => RegistrationFailure::Account(fault),
            None if full => {
                step.pending.counters.registrations_refused += 1;
                RegistrationFailure::Overload
            }
            None => {
                table.insert(id, Registration::begin(&mut step, id, account));
                return;
            }
        };
        step.registration(id, RegistrationEvent::Failed { failure, retry_after: None });
    }

    pub(crate) fn registration_routed(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        result: Result<Hops, RouteError>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.with_registration(cx, id, out, |it, step, others| it.routed(step, others, result));
    }

    pub(crate) fn registration_response(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        origin: &Origin,
        message: &Message,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.with_registration(cx, id, out, |it, step, others| it.response(step, others, origin, message));
    }

    pub(crate) fn registration_failed(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        failure: TxFailure,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.with_registration(cx, id, out, |it, step, others| it.failed(step, others, failure));
    }

    pub(crate) fn registration_expired(
        &mut self,
        cx: &mut Cx<'_>,
        id: RegistrationId,
        timer: RegistrationTimer,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.with_registration(cx, id, out, |it, step, others| it.expired(step, others, timer));
    }

    /// The next request of a dialog on this flow gets a new one (TR-202), and its registrations at once.
    pub(crate) fn flow_ended(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, DialogOutput>) {
        for dialog in self.dialogs.values_mut() {
            if dialog.state.flow == Some(flow) {
                dialog.state.flow = None;
            }
        }
        self.registrations_lost(cx, flow, None, out);
    }

    /// Every registration of this flow looks for another one; of a UDP socket, those that are kept by that remote.
    pub(crate) fn registrations_lost(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        remote: Option<SocketAddr>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let ids: Vec<RegistrationId> = self.registrations.0.keys().copied().collect();
        for id in ids {
            self.with_registration(cx, id, out, |it, step, others| it.flow_lost(step, others, flow, remote));
        }
    }
}
