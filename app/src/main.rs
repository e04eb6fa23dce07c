//! The program `kmip-app`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmip_app::cli::main()
}
