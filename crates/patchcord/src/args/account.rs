//! As whom we register and call.

use clap::Args;
use session_core::UriBuf;

use super::values;

/// The account; without one we are nobody in particular and register nowhere.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AccountArgs {
    /// Register this address of record, sip:USER@DOMAIN, and call as it
    #[arg(long, value_name = "URI", value_parser = values::record)]
    pub(crate) account: Option<UriBuf>,
    /// The user name for passwords [default: the account's]
    #[arg(long, value_name = "NAME", requires = "account")]
    pub(crate) auth_user: Option<String>,
    /// The environment variable that holds the password: it is never given on the command line
    #[arg(long, value_name = "VAR", requires = "account")]
    pub(crate) password_env: Option<String>,
    /// Register here [default: sip:DOMAIN of the account]; up to four, tried in turn
    #[arg(long, value_name = "URI", requires = "account", value_parser = values::server_uri)]
    pub(crate) registrar: Vec<UriBuf>,
    /// Register and call by this outbound proxy; up to four, tried in turn
    #[arg(long, value_name = "URI", requires = "account", value_parser = values::server_uri)]
    pub(crate) proxy: Vec<UriBuf>,
    /// This phone, as a URN that stays the same: urn:uuid:...; the registrar may then give it a GRUU
    #[arg(long, value_name = "URN", requires = "account", value_parser = values::instance)]
    pub(crate) instance: Option<Box<str>>,
    /// Ask to be reached by the flow that we register over (RFC 5626), for phones behind a NAT
    #[arg(long, requires = "instance")]
    pub(crate) outbound: bool,
}
