//! Whom we let in.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The users that callers have to be; without any nobody is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct CallersArgs {
    /// Ask callers who they are, by digest: a file with USER:PASSWORD a line
    ///
    /// Empty lines and lines that begin with # are passed over. Who is none of them gets 401.
    #[arg(long, verbatim_doc_comment, value_name = "FILE", requires = "realm")]
    pub(crate) users: Option<PathBuf>,
    /// The realm in which they are users, which peers look their password up by
    #[arg(long, value_name = "NAME", requires = "users")]
    pub(crate) realm: Option<String>,
    /// Who is asked
    #[arg(long, value_enum, value_name = "WHOM", requires = "users", default_value_t = Challenge::Calls)]
    pub(crate) challenge: Challenge,
}

/// Which requests have to show who sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Challenge {
    /// Whoever calls, and whoever moves a call
    Calls,
    /// Only who moves a call: REFER, and INVITE with Replaces
    Transfers,
}
