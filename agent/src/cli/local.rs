//! The backend of the program itself: configuration and captures from files.

use std::path::Path;

use super::backend::{Backend, ConfigSummary, FlowSink, Outcome, Progress, Request};

/// Reads from files and standard input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Backend for Local {
    fn replay(
        &self,
        _request: &Request,
        _flows: Option<&mut FlowSink<'_>>,
        _progress: &mut Progress<'_>,
    ) -> Result<Outcome, Vec<String>> {
        Err(vec!["this build reads no captures".to_owned()])
    }

    fn config_check(&self, _file: &Path) -> Result<ConfigSummary, Vec<String>> {
        Err(vec!["this build reads no configuration".to_owned()])
    }

    fn config_show(&self, _file: &Path) -> Result<String, Vec<String>> {
        Err(vec!["this build reads no configuration".to_owned()])
    }

    fn config_schema(&self) -> String {
        String::new()
    }
}
