//! What is known about makers and their devices besides MAC prefixes: the data files together.

use super::advisory::Advisories;
use super::cloud::CloudNames;
use super::marks::Marks;

/// The data files.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// Marks of makers.
    pub marks: Marks,
    /// Names of clouds.
    pub clouds: CloudNames,
    /// Advisories.
    pub advisories: Advisories,
}

impl Knowledge {
    /// What segwatch was built with.
    pub fn builtin() -> Self {
        Knowledge { marks: Marks::builtin(), clouds: CloudNames::builtin(), advisories: Advisories::builtin() }
    }
}
