//! Writes the synthetic captures (`demo FILE`, `hospital FOLDER`, `load FOLDER [small|video|flows]…`) and the fuzzers' seeds (`seeds FOLDER`).

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::process::ExitCode;

use segwatch_tests::pcap::{ETHERNET, PcapWriter};
use segwatch_tests::{demo, hospital, load, pcap, seeds};

const SMALL_PACKETS: u64 = 10_000_000;
const VIDEO_PACKETS: u64 = 1_800_000;
const FLOWS: u64 = 1_000_000;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["demo", file] => fs::write(file, pcap::pcap(&demo::frames()))?,
        ["hospital", folder] => {
            let folder = Path::new(folder);
            fs::create_dir_all(folder)?;
            fs::write(folder.join("hospital.yaml"), hospital::policy())?;
            fs::write(folder.join("hospital.pcap"), pcap::pcap(&hospital::frames()))?;
        }
        ["seeds", folder] => write_seeds(Path::new(folder))?,
        ["load", folder] => write_load(Path::new(folder), &["small", "video", "flows"])?,
        ["load", folder, names @ ..] => write_load(Path::new(folder), names)?,
        _ => return Ok(usage()),
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "a tool for developers, not the product")]
fn usage() -> ExitCode {
    eprintln!("usage: make-captures demo FILE | hospital FOLDER | seeds FOLDER | load FOLDER [small|video|flows]...");
    ExitCode::from(2)
}

fn write_seeds(folder: &Path) -> io::Result<()> {
    seeds::all().iter().try_for_each(|(target, seeds)| {
        fs::create_dir_all(folder.join(target))?;
        seeds.iter().try_for_each(|(name, seed)| fs::write(folder.join(target).join(name), seed))
    })
}

fn write_load(folder: &Path, names: &[&str]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("zones.yaml"), load::zones_yaml())?;
    for name in names {
        // Under another name until it is whole: an interrupted run leaves no half capture to be measured.
        let partial = folder.join(format!("{name}.partial"));
        let mut out = PcapWriter::new(BufWriter::with_capacity(1 << 20, File::create(&partial)?), ETHERNET)?;
        let write = &mut |at, frame: &[u8]| out.write(at, frame);
        match *name {
            "small" => load::small(write, SMALL_PACKETS)?,
            "video" => load::video(write, VIDEO_PACKETS)?,
            "flows" => load::flows(write, FLOWS)?,
            other => return Err(io::Error::other(format!("no capture is called {other}"))),
        }
        out.finish()?;
        fs::rename(&partial, folder.join(format!("{name}.pcap")))?;
    }
    Ok(())
}
