//! The command `segwatch`; everything it does is in the library.

fn main() -> std::process::ExitCode {
    segwatch::cli::main()
}
