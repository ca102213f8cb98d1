//! What is known about makers and their devices besides MAC prefixes: the data files together.

use std::sync::{Arc, LazyLock};

use super::advisory::Advisories;
use super::cloud::CloudNames;
use super::exploit::Signatures;
use super::marks::{BadData, Marks};

/// The data files.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// Marks of makers.
    pub marks: Marks,
    /// Names of clouds.
    pub clouds: CloudNames,
    /// Advisories.
    pub advisories: Advisories,
    /// Signatures of attacks.
    pub signatures: Signatures,
}

impl Knowledge {
    /// Takes each data file that `file` has for its name, and what segwatch was built with in place of the others.
    pub fn read(file: impl Fn(&str) -> Result<Option<String>, String>) -> Result<Self, String> {
        fn parsed<T>(
            name: &str,
            text: Option<String>,
            parse: impl Fn(&str) -> Result<T, BadData>,
            builtin: impl Fn() -> T,
        ) -> Result<T, String> {
            let Some(text) = text else { return Ok(builtin()) };
            parse(&text).map_err(|error| format!("{name}, {error}"))
        }
        let [marks, clouds, advisories, signatures] =
            ["marks.csv", "cloud-names.csv", "advisories.csv", "signatures.csv"];
        Ok(Knowledge {
            marks: parsed(marks, file(marks)?, Marks::parse, Marks::builtin)?,
            clouds: parsed(clouds, file(clouds)?, CloudNames::parse, CloudNames::builtin)?,
            advisories: parsed(advisories, file(advisories)?, Advisories::parse, Advisories::builtin)?,
            signatures: parsed(signatures, file(signatures)?, Signatures::parse, Signatures::builtin)?,
        })
    }

    /// What segwatch was built with: a constant, made once, because reading the tables takes longer than judging a small
    /// capture.
    pub fn shared() -> Arc<Self> {
        static BUILTIN: LazyLock<Arc<Knowledge>> = LazyLock::new(|| Arc::new(Knowledge::builtin()));
        BUILTIN.clone()
    }

    /// What segwatch was built with.
    pub fn builtin() -> Self {
        Knowledge {
            marks: Marks::builtin(),
            clouds: CloudNames::builtin(),
            advisories: Advisories::builtin(),
            signatures: Signatures::builtin(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_copy_takes_the_place_of_one_file() {
        let newer = "suffix,vendor,purpose,confidence\nnew.example,,a new cloud,high\n";
        let file = |name: &str| Ok((name == "cloud-names.csv").then(|| newer.to_owned()));
        let read = Knowledge::read(file).expect("a sound file");
        assert!(read.clouds.find("eu.new.example").is_some() && read.clouds.find("hik-connect.com").is_none());
        assert_eq!(read.marks.vendors().count(), Marks::builtin().vendors().count());
        let bad = Knowledge::read(|_| Ok(Some("suffix\n".to_owned()))).map(|_| ());
        assert_eq!(bad, Err("marks.csv, line 1: there is no column `where`".to_owned()));
    }
}
