//! What is parsed.

use std::path::PathBuf;

use clap::Args;

/// `patchcord parse`.
#[derive(Debug, Args)]
pub(crate) struct ParseArgs {
    /// Files with one raw message each
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Accepted for symmetry: the output is always JSON
    #[arg(long)]
    pub(crate) json: bool,
}
