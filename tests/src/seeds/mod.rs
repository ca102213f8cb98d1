//! Small inputs from which the fuzzers start.

mod decode;
mod engine;

pub use decode::decode;
pub use engine::engine;

/// Seeds by name.
pub type Seeds = Vec<(&'static str, Vec<u8>)>;

/// Each fuzz target with its seeds.
pub fn all() -> [(&'static str, Seeds); 2] {
    [("decode", decode()), ("engine", engine())]
}
