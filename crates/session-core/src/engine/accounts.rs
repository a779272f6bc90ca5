//! The agent's accounts: what is asked of their registrations, and what these tell.

use std::collections::btree_map::Entry;

use dialog_core::{
    Account, DialogCommand, Registered, RegistrationCommand, RegistrationEvent, RegistrationId,
};
use sip_message::NameAddrBuf;
use smallvec::SmallVec;

use super::{CommandId, Engine, Reply, Tap};
use crate::{error::RegistrationError, event::EventKind};

/// Commands that may wait for one registration: a program that asks more often is told to wait.
const MAX_WAITERS: usize = 16;

/// What can be asked about accounts.
#[derive(Debug)]
pub enum AccountCommand {
    /// Registers; replied with [`Reply::Registration`] at once.
    Register(Box<Account>),
    /// Waits until the binding stands or a REGISTER came to nothing: [`Reply::Registered`].
    Await(RegistrationId),
    /// Waits until it is over: [`Reply::Done`] where it was taken back, an error where it was refused for good.
    AwaitEnd(RegistrationId),
    /// Registers anew now.
    Refresh(RegistrationId),
    /// Takes the binding back; replied when the registrar has answered or was given up on.
    Unregister(RegistrationId),
    /// Lists them: [`Reply::Registrations`].
    List,
}

/// An account that is registered or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrationInfo {
    /// The registration.
    pub registration: RegistrationId,
    /// Its address of record.
    pub account: String,
    /// The binding as it was granted last; `None` while none stands.
    pub registered: Option<Registered>,
}

/// A registration as the engine keeps it.
#[derive(Debug)]
pub(super) struct Registration {
    identity: NameAddrBuf,
    registered: Option<Registered>,
    /// Commands that wait for the next outcome.
    waiters: SmallVec<[CommandId; 1]>,
    /// Commands that have asked for the end.
    enders: SmallVec<[CommandId; 1]>,
    /// Commands that wait for the end, whoever wants it.
    watchers: SmallVec<[CommandId; 1]>,
}

impl Registration {
    pub(super) fn waiting(&self) -> usize {
        self.waiters.len() + self.enders.len() + self.watchers.len()
    }

    fn info(&self, registration: RegistrationId) -> RegistrationInfo {
        let account = self.identity.uri.to_string();
        RegistrationInfo { registration, account, registered: self.registered.clone() }
    }
}

impl<T: Tap> Engine<T> {
    pub(super) fn account_command(&mut self, id: CommandId, command: AccountCommand) {
        match command {
            AccountCommand::Register(account) => {
                let result = self.register(account);
                self.reply(id, result.map(Reply::Registration).map_err(Into::into));
            }
            AccountCommand::Await(registration) => {
                let known = self.registrations.get(&registration);
                match known.map(|known| (known.registered.is_some(), known.info(registration))) {
                    Some((true, info)) => self.reply(id, Ok(Reply::Registered(Box::new(info)))),
                    Some((false, _)) => self.wait_for_registration(id, registration, |it| &mut it.waiters),
                    None => self.reply(id, Err(RegistrationError::Unknown.into())),
                }
            }
            AccountCommand::AwaitEnd(registration) => {
                self.wait_for_registration(id, registration, |it| &mut it.watchers);
            }
            AccountCommand::Refresh(registration) => {
                if self.registrations.contains_key(&registration) {
                    self.ask_registration(registration, RegistrationCommand::Refresh);
                    self.reply(id, Ok(Reply::Done));
                } else {
                    self.reply(id, Err(RegistrationError::Unknown.into()));
                }
            }
            AccountCommand::Unregister(registration) => {
                let ending = self.registrations.get(&registration).is_some_and(|it| !it.enders.is_empty());
                self.wait_for_registration(id, registration, |it| &mut it.enders);
                if !ending {
                    self.ask_registration(registration, RegistrationCommand::Unregister);
                }
            }
            AccountCommand::List => {
                let infos = self.registrations.iter().map(|(id, known)| known.info(*id)).collect();
                self.reply(id, Ok(Reply::Registrations(infos)));
            }
        }
    }

    fn register(&mut self, account: Box<Account>) -> Result<RegistrationId, RegistrationError> {
        if self.stopping {
            return Err(RegistrationError::Closed);
        }
        if let Some(fault) = account.fault() {
            return Err(RegistrationError::Account(fault));
        }
        let registration = self.surroundings.ids.mint();
        let known = Registration {
            identity: account.aor.clone(),
            registered: None,
            waiters: SmallVec::new(),
            enders: SmallVec::new(),
            watchers: SmallVec::new(),
        };
        self.registrations.insert(registration, known);
        self.ask_registration(registration, RegistrationCommand::Register(account));
        Ok(registration)
    }

    fn wait_for_registration(
        &mut self,
        id: CommandId,
        registration: RegistrationId,
        queue: impl FnOnce(&mut Registration) -> &mut SmallVec<[CommandId; 1]>,
    ) {
        let error = match self.registrations.entry(registration) {
            Entry::Occupied(known) => {
                let queue = queue(known.into_mut());
                if queue.len() < MAX_WAITERS {
                    return queue.push(id);
                }
                RegistrationError::Busy
            }
            Entry::Vacant(_) => RegistrationError::Unknown,
        };
        self.reply(id, Err(error.into()));
    }

    fn ask_registration(&mut self, registration: RegistrationId, command: RegistrationCommand) {
        self.ask_dialog(DialogCommand::Registration(registration, command));
    }

    /// Takes every binding back, because the engine is about to be stopped.
    pub(super) fn unregister_all(&mut self) {
        let all: Vec<RegistrationId> = self.registrations.keys().copied().collect();
        for registration in all {
            self.ask_registration(registration, RegistrationCommand::Unregister);
        }
    }

    pub(super) fn registration_event(&mut self, registration: RegistrationId, event: &RegistrationEvent) {
        let Some(known) = self.registrations.get_mut(&registration) else { return };
        let account = known.identity.uri.to_string();
        match event {
            RegistrationEvent::Registered(registered) => {
                known.registered = Some((**registered).clone());
                let (info, waiters) = (known.info(registration), std::mem::take(&mut known.waiters));
                let registered = registered.clone();
                self.tell(None, None, EventKind::RegistrationActive { registration, account, registered });
                for id in waiters {
                    self.reply(id, Ok(Reply::Registered(Box::new(info.clone()))));
                }
            }
            RegistrationEvent::Failed { failure, retry_after } => {
                let (failure, retry_after) = (*failure, *retry_after);
                let waiters = std::mem::take(&mut known.waiters);
                let kind = EventKind::RegistrationFailed { registration, account, failure, retry_after };
                self.tell(None, None, kind);
                let error = RegistrationError::Failed { failure, retry_after };
                for id in waiters {
                    self.reply(id, Err(error.into()));
                }
                if retry_after.is_none() {
                    self.registration_over(registration, Err(error));
                }
            }
            RegistrationEvent::Lapsed => {
                known.registered = None;
                self.tell(None, None, EventKind::RegistrationLapsed { registration, account });
            }
            RegistrationEvent::FlowLost => {
                known.registered = None;
                self.tell(None, None, EventKind::RegistrationFlowLost { registration, account });
            }
            RegistrationEvent::Unregistered { confirmed } => {
                let confirmed = *confirmed;
                self.tell(None, None, EventKind::RegistrationEnded { registration, account, confirmed });
                self.registration_over(registration, Ok(()));
            }
            // Asked twice for the same end.
            RegistrationEvent::Misused(misuse) => {
                tracing::debug!(?misuse, "a registration command did not fit");
            }
        }
    }

    fn registration_over(&mut self, registration: RegistrationId, end: Result<(), RegistrationError>) {
        let Some(known) = self.registrations.remove(&registration) else { return };
        for id in known.waiters {
            self.reply(id, Err(RegistrationError::Ended.into()));
        }
        for id in known.enders {
            self.reply(id, Ok(Reply::Done));
        }
        for id in known.watchers {
            self.reply(id, end.map(|()| Reply::Done).map_err(Into::into));
        }
    }

    /// Ends what is still registered without waiting for the registrars.
    pub(super) fn abandon_registrations(&mut self) {
        let all: Vec<RegistrationId> = self.registrations.keys().copied().collect();
        for registration in all {
            self.registration_event(registration, &RegistrationEvent::Unregistered { confirmed: false });
        }
    }

    /// Who a call is from, by its registration, and the user part of its Contact.
    pub(super) fn identity_of(&self, registration: Option<RegistrationId>) -> NameAddrBuf {
        let known = registration.and_then(|registration| self.registrations.get(&registration));
        known.map_or_else(|| self.config.identity.clone(), |known| known.identity.clone())
    }

    /// The registration by which a call goes out: the one that is named, or else the first there is.
    pub(super) fn registration_for(
        &self,
        named: Option<RegistrationId>,
    ) -> Result<Option<RegistrationId>, RegistrationError> {
        match named {
            Some(named) if self.registrations.contains_key(&named) => Ok(Some(named)),
            Some(_) => Err(RegistrationError::Unknown),
            None => Ok(self.registrations.keys().next().copied()),
        }
    }
}
