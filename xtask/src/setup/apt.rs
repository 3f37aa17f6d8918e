//! Installing packages on Debian and its like, without ever asking for a password.

use std::process::Command;

use crate::sh::{self, Result};

/// `apt-get`, callable with the rights it needs.
pub(crate) struct Apt {
    /// What stands in front of the command.
    prefix: &'static [&'static str],
}

impl Apt {
    /// `None` where there is no `apt-get`, or no right to use it.
    pub(crate) fn find() -> Option<Self> {
        sh::ask(Command::new("apt-get").arg("--version"))?;
        if sh::ask(Command::new("id").arg("-u"))? == "0" {
            return Some(Self { prefix: &["env"] });
        }
        sh::ask(Command::new("sudo").args(["-n", "true"]))?;
        Some(Self { prefix: &["sudo", "-n", "env"] })
    }

    /// Installs packages by name.
    pub(crate) fn install(&self, packages: &[&str]) -> Result {
        // An old list may do as well as a new one, and if not the installation says so.
        if let Err(sh::Error::Message(why)) = sh::run(&mut self.command(&["update"])) {
            eprintln!("warning: {why}");
        }
        sh::run(self.command(&["install", "-y", "--no-install-recommends"]).args(packages))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut words = self.prefix.iter().chain(&["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        let mut command = Command::new(words.next().unwrap_or(&"env"));
        command.args(words).args(args);
        command
    }
}
