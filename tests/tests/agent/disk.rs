//! A disk of its own: an ext4 file system in a file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted image; unmounted when dropped.
pub(crate) struct Disk {
    pub(crate) image: PathBuf,
    pub(crate) mount: PathBuf,
}

impl Disk {
    /// A new one below a folder; `None`, after having said so, where this machine cannot have it.
    pub(crate) fn new(folder: &Path) -> Option<Disk> {
        let image = folder.join("disk-0.img");
        let file = fs::File::create(&image).expect("a file");
        file.set_len(24 << 20).expect("a sparse file");
        let made = run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image));
        match made.and_then(|()| Disk::mount(image, folder.join("disk-0"))) {
            Ok(disk) => Some(disk),
            Err(why) => {
                assert!(std::env::var_os("SEGWATCH_LAB").is_none_or(|lab| lab != "required"), "no disk: {why}");
                println!("SKIPPED, no disk: {why}");
                None
            }
        }
    }

    fn mount(image: PathBuf, mount: PathBuf) -> Result<Disk, String> {
        fs::create_dir_all(&mount).map_err(|error| error.to_string())?;
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&mount))?;
        Ok(Disk { image, mount })
    }

    /// Fills it to the last byte; what is returned is the file that does.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.mount.join("filler");
        let mut file = fs::File::create(&path).expect("a file");
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        // Full also of what the kernel has not placed yet.
        let _ = file.sync_all();
        path
    }

    /// Hangs whoever writes to it, until what is returned is dropped.
    pub(crate) fn freeze(&self) -> Frozen<'_> {
        run(Command::new("fsfreeze").arg("-f").arg(&self.mount)).expect("it can be frozen");
        Frozen(self)
    }

    /// The disk as it would be found after a power cut at this moment: what the kernel still holds is not in it.
    pub(crate) fn after_power_cut(&self, folder: &Path, number: u32) -> Disk {
        let image = folder.join(format!("disk-{number}.img"));
        run(Command::new("cp").arg("--sparse=always").arg(&self.image).arg(&image)).expect("a copy");
        Disk::mount(image, folder.join(format!("disk-{number}"))).expect("the copy can be mounted")
    }
}

/// A disk that answers nobody.
pub(crate) struct Frozen<'d>(&'d Disk);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        run(Command::new("fsfreeze").arg("-u").arg(&self.0.mount)).expect("it thaws");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process that was killed lets go of its files at once; lazily, in case that one was not.
        let _ = run(Command::new("umount").arg("--lazy").arg(&self.mount));
        let _ = fs::remove_file(&self.image);
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
