//! The `maibo` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    maibo::cli::main()
}
