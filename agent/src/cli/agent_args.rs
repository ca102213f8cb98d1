//! What can be asked of a running agent.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::backend::{Access, Remark};

#[derive(Subcommand, Debug)]
pub(super) enum FindingsCommand {
    /// Have a running agent close a finding: it was looked into and is over
    #[command(after_long_help = CLOSE_HELP)]
    Close(RemarkArgs),
    /// Have a running agent mark a finding as known: it stays open
    #[command(after_long_help = ACK_HELP)]
    Ack(RemarkArgs),
}

#[derive(Args, Debug)]
pub(super) struct RemarkArgs {
    /// The finding, by its id
    #[arg(value_parser = finding_id)]
    id: String,
    /// Who says so: a person's name
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why, in a line; it goes on record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    pub(super) agent: AgentArgs,
}

impl RemarkArgs {
    pub(super) fn remark(&self) -> Remark {
        Remark { id: self.id.clone(), by: self.by.clone(), reason: self.reason.clone() }
    }
}

#[derive(Args, Debug)]
pub(super) struct DrillArgs {
    /// Who says so: a person's name
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    #[command(flatten)]
    pub(super) agent: AgentArgs,
}

/// What every command that asks a running agent takes.
#[derive(Args, Debug)]
pub(super) struct AgentArgs {
    /// Where the agent listens, as in http://127.0.0.1:10420 [env: SEGWATCH_URL]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Who asks, where the agent has users [env: SEGWATCH_USER]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The file that holds that user's password [env: SEGWATCH_PASSWORD_FILE]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// For https: the authorities (PEM) that vouch for the agent, in place of the system's [env: SEGWATCH_CA_FILE]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl AgentArgs {
    /// What is not said here, the environment may say.
    pub(super) fn access(&self, environment: Access) -> Access {
        Access {
            url: self.url.clone().or(environment.url),
            user: self.user.clone().or(environment.user),
            password_file: self.password_file.clone().or(environment.password_file),
            ca_file: self.ca_file.clone().or(environment.ca_file),
        }
    }
}

/// Nothing that could lead elsewhere in a URL.
fn finding_id(text: &str) -> Result<String, String> {
    let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_id { Ok(text.to_owned()) } else { Err("say an id as `segwatch findings` shows it".to_owned()) }
}

const CLOSE_HELP: &str = "\
Examples:
  segwatch findings close 3fa2c41d09b87e65 --by 'Ann Holm' --reason 'port moved to VLAN 110' --user ann --password-file ~/.segwatch-password
  With SEGWATCH_URL, SEGWATCH_USER and SEGWATCH_PASSWORD_FILE set:
    segwatch findings close 3fa2c41d09b87e65 --by 'Ann Holm' --reason 'port moved to VLAN 110'

Without --url, the agent is that of this machine, http://127.0.0.1:10420. It takes this from a user of its
--web.config.file only. If it is seen again, it pages again.

Exit codes: 2 trouble (usage, no answer, a refusal: nothing was closed), 0 closed";

const ACK_HELP: &str = "\
Examples:
  segwatch findings ack 3fa2c41d09b87e65 --by 'Ann Holm' --reason 'ticket 4711' --user ann --password-file ~/.segwatch-password
  With SEGWATCH_URL, SEGWATCH_USER and SEGWATCH_PASSWORD_FILE set:
    segwatch findings ack 3fa2c41d09b87e65 --by 'Ann Holm' --reason 'ticket 4711'

Without --url, the agent is that of this machine, http://127.0.0.1:10420. It takes this from a user of its
--web.config.file only.

Exit codes: 2 trouble (usage, no answer, a refusal), 0 otherwise";

pub(super) const DRILL_HELP: &str = "\
Examples:
  segwatch drill --by 'Ann Holm' --user ann --password-file ~/.segwatch-password
  segwatch drill --by 'Ann Holm' --url https://herlev.example:10420 --ca-file region-ca.pem --user ann --password-file ~/.segwatch-password

A drill is a finding that pages for real and says that it is a drill; it ends by itself, or with `segwatch findings close`.
Without --url, the agent is that of this machine, http://127.0.0.1:10420. It takes this from a user of its
--web.config.file only.

Exit codes: 2 trouble (usage, no answer, a refusal: no drill was raised), 0 otherwise";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_nowhere_else() {
        assert!(finding_id("3fa2c41d09b87e65").is_ok());
        for bad in ["", "a/b", "..", "a?b", "a%2fb", "a b", "é", &"a".repeat(65)] {
            assert!(finding_id(bad).is_err(), "{bad}");
        }
    }
}
