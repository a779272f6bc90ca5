//! The account of the command line: its credentials, and its registration.

use session_core::{
    Account, Builder, Credential, Keyring, Registration, RegistrationError, Secret, SessionManager,
};

use crate::args::AccountArgs;
use crate::exit::Failure;
use crate::stop::Stop;

/// The one flow that is registered over (RFC 5626 §4.2.1).
const REG_ID: u32 = 1;

/// Calls are from the account, and challenges are answered with its password.
pub(crate) fn configure(builder: Builder, args: &AccountArgs) -> Result<Builder, Failure> {
    let Some(record) = &args.account else { return Ok(builder) };
    let builder = builder.identity(record.as_str());
    let Some(variable) = &args.password_env else { return Ok(builder) };
    let password = std::env::var(variable).map_err(|_| {
        Failure::usage(format!("--password-env {variable}: there is no such environment variable"))
    })?;
    let user = args.auth_user.as_deref().or_else(|| record.as_uri().user()).unwrap_or_default();
    let mut keys = Keyring::new();
    keys.add(Credential::of_account(record.clone(), user, Secret::password(password)))
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(builder.keys(keys))
}

/// Begins to register, if there is an account.
pub(crate) async fn register(
    manager: &SessionManager,
    args: &AccountArgs,
) -> Result<Option<Registration>, Failure> {
    let Some(record) = &args.account else { return Ok(None) };
    let unusable = |error: String| Failure::usage(format!("the account cannot be used: {error}"));
    let mut account = Account::new(record.clone().into()).map_err(|error| unusable(error.to_string()))?;
    if !args.registrar.is_empty() {
        account.registrars.clone_from(&args.registrar);
    }
    account.proxies.clone_from(&args.proxy);
    account.instance.clone_from(&args.instance);
    account.reg_id = args.outbound.then_some(REG_ID);
    manager.register(account).await.map(Some).map_err(|error| match error {
        RegistrationError::Account(fault) => unusable(fault.to_string()),
        error => failure(args, &error),
    })
}

/// Registers before a call is placed: without a binding there is no use in trying.
pub(crate) async fn registered(
    manager: &SessionManager,
    args: &AccountArgs,
    stop: &Stop,
) -> Result<(), Failure> {
    let Some(registration) = register(manager, args).await? else { return Ok(()) };
    tokio::select! {
        active = registration.active() => active.map(drop).map_err(|error| failure(args, &error)),
        () = stop.wanted() => Err(Failure::failed("interrupted before the registrar answered")),
    }
}

/// Waits until a registration is refused for good, at first or later. What may pass is tried again by itself, and the events
/// tell of it.
pub(crate) async fn refused(registration: Option<&Registration>, args: &AccountArgs) -> Failure {
    let Some(registration) = registration else { return std::future::pending().await };
    match registration.ended().await {
        // Taken back, because the program ends.
        Ok(()) => std::future::pending().await,
        Err(error) => failure(args, &error),
    }
}

fn failure(args: &AccountArgs, error: &RegistrationError) -> Failure {
    let account = args.account.as_ref().map(ToString::to_string).unwrap_or_default();
    Failure::failed(format!("{account} is not registered: {error}"))
}

#[cfg(test)]
mod tests;
