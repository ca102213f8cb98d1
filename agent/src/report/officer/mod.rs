//! The security officer's report: which cameras there are, what was seen of them, and which may remain.
//!
//! What it says is put together once ([`SiteReport`]), composed in a language as parts without any markup, and written
//! as HTML or Markdown; JSON and CSV are for programs and have no language. The same input gives the same bytes: its
//! only times are those of the packets.

mod camera;
mod cards;
mod compose;
mod csv;
mod decision;
mod document;
mod html;
mod markdown;
mod phrases;
mod site;
mod terms;
#[cfg(test)]
mod tests;
mod words;

pub use camera::Hours;
pub use csv::report_csv;
pub use html::report_html;
pub use markdown::report_markdown;
pub use site::{SiteReport, Subject};
pub use words::Language;
