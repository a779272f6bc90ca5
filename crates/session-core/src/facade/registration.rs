//! A registration as a user of the stack holds it.

use dialog_core::{Account, RegistrationId};

use super::session_manager::SessionManager;
use crate::{
    driver::Answered,
    engine::{AccountCommand, Command, CommandError, RegistrationInfo, Reply},
    error::RegistrationError,
};

/// An account that is registered or is to be. Dropping it changes nothing; [`Registration::unregister`] ends it.
#[derive(Debug, Clone)]
pub struct Registration {
    manager: SessionManager,
    id: RegistrationId,
}

impl Registration {
    /// Its id, as events and [`CallOptions::registration`](crate::CallOptions) name it.
    pub const fn id(&self) -> RegistrationId {
        self.id
    }

    /// Waits until the binding stands, or a REGISTER came to nothing; at once where it stands already.
    pub async fn active(&self) -> Result<RegistrationInfo, RegistrationError> {
        match self.manager.account(AccountCommand::Await(self.id)).await? {
            Answered::Reply(Reply::Registered(info)) => Ok(*info),
            _ => Err(RegistrationError::Closed),
        }
    }

    /// Waits until it is over: `Ok` once it was taken back, [`RegistrationError::Failed`] when it was refused for good, the
    /// first time or at a refresh.
    pub async fn ended(&self) -> Result<(), RegistrationError> {
        self.manager.account(AccountCommand::AwaitEnd(self.id)).await.map(drop)
    }

    /// Registers anew now: after a change of the network, say.
    pub async fn refresh(&self) -> Result<(), RegistrationError> {
        self.manager.account(AccountCommand::Refresh(self.id)).await.map(drop)
    }

    /// Takes the binding back. Returns when the registrar has answered or was given up on.
    pub async fn unregister(&self) -> Result<(), RegistrationError> {
        self.manager.unregister(&self.id).await
    }
}

impl SessionManager {
    /// Registers an account, and keeps it registered until it is taken back or refused for good. Returns once the engine
    /// has taken it on; [`Registration::active`] waits for the registrar.
    pub async fn register(&self, account: Account) -> Result<Registration, RegistrationError> {
        match self.account(AccountCommand::Register(Box::new(account))).await? {
            Answered::Reply(Reply::Registration(id)) => Ok(Registration { manager: self.clone(), id }),
            _ => Err(RegistrationError::Closed),
        }
    }

    /// Takes a binding back, as [`Registration::unregister`] does.
    pub async fn unregister(&self, registration: &RegistrationId) -> Result<(), RegistrationError> {
        self.account(AccountCommand::Unregister(*registration)).await.map(drop)
    }

    /// A handle to a live registration; for the accounts of [`Builder::account`](crate::Builder::account), say.
    pub fn registration(&self, registration: &RegistrationId) -> Registration {
        Registration { manager: self.clone(), id: *registration }
    }

    /// Lists live registrations, in the order in which they were asked for.
    pub async fn registrations(&self) -> Result<Vec<RegistrationInfo>, RegistrationError> {
        match self.account(AccountCommand::List).await? {
            Answered::Reply(Reply::Registrations(registrations)) => Ok(registrations),
            _ => Err(RegistrationError::Closed),
        }
    }

    async fn account(&self, command: AccountCommand) -> Result<Answered, RegistrationError> {
        self.ask(Command::Account(command)).await.map_err(|error| match error {
            CommandError::Registration(error) => error,
            CommandError::Session(_) | CommandError::Transfer(_) => RegistrationError::Closed,
        })
    }
}
