//! The `maibo` command.

use std::process::ExitCode;

/// Years of small allocations by threads that come and go: see `docs/proof/soak.md` for what the system's did.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    maibo::cli::main()
}
