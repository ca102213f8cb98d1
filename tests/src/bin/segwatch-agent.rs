//! The program itself, for tests that need it as a process of its own.

fn main() -> std::process::ExitCode {
    segwatch::cli::main()
}
