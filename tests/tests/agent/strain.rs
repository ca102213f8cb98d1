//! System calls of one thread of the agent that fail or take long, by strace.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::eventually;
use crate::site::Site;

/// How a disk fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Full,
    ReadOnly,
    Slow,
    NoSync,
}

impl Fault {
    pub(crate) const ALL: [Fault; 4] = [Fault::Full, Fault::ReadOnly, Fault::Slow, Fault::NoSync];

    /// What strace is told to inject.
    fn injected(self) -> &'static str {
        match self {
            Fault::Full => "write:error=ENOSPC",
            Fault::ReadOnly => "openat,write,fsync,fdatasync,ftruncate,rename,unlink,mkdir:error=EROFS",
            // Longer than what is waited for.
            Fault::Slow => "write,fsync,fdatasync:delay_enter=3000000",
            Fault::NoSync => "fsync,fdatasync:error=EIO",
        }
    }
}

/// While it is there, a thread's calls do as told.
pub(crate) struct Strain(Child);

impl Strain {
    /// A fault of the thread of this name.
    pub(crate) fn of(site: &Site, thread: &str, fault: Fault) -> Strain {
        Strain::injecting(site, thread, fault.injected())
    }

    pub(crate) fn injecting(site: &Site, thread: &str, inject: &str) -> Strain {
        let tid = tid(site, thread);
        let calls = inject.split(':').next().expect("calls");
        let mut strace = Command::new("strace");
        strace.args(["-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")]);
        let strace = strace.args(["-p", &tid]).stderr(Stdio::null()).spawn().expect("strace starts");
        let strain = Strain(strace);
        eventually("strace has hold of it", || {
            let status = fs::read_to_string(format!("/proc/{tid}/status")).expect("a thread");
            (!status.contains("TracerPid:\t0\n")).then_some(())
        });
        strain
    }
}

impl Drop for Strain {
    fn drop(&mut self) {
        // Asked to end, it lets go of the process.
        let asked = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

fn tid(site: &Site, thread: &str) -> String {
    let pid = site.child.as_ref().expect("it runs").id();
    eventually(thread, || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
        tasks.filter_map(Result::ok).find_map(|task| {
            let name = fs::read_to_string(task.path().join("comm")).ok()?;
            (name.trim_end() == thread).then(|| task.file_name().to_string_lossy().into_owned())
        })
    })
}
