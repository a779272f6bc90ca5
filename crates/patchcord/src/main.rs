//! The `patchcord` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    patchcord::main()
}
