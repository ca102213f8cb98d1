//! Every file of `bad-config/` with the exact message that it gets: `NAME.yaml` beside `NAME.txt`.
//! `SEGWATCH_UPDATE=1` rewrites the messages; read them in the diff.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch::config;

fn bad_files() -> Vec<PathBuf> {
    let entries = fs::read_dir("bad-config").expect("tests run in their own folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn messages(path: &Path) -> String {
    let (verdict, problems) = match config::load(path) {
        Ok(loaded) => ("loads", loaded.lints),
        Err(problems) => ("refused", problems),
    };
    assert!(!problems.is_empty(), "{} has nothing wrong with it", path.display());
    let lint = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lint-"));
    assert_eq!(verdict == "loads", lint, "{}: {problems:#?}", path.display());
    problems.iter().map(|problem| format!("{problem}\n\n")).collect()
}

#[test]
fn every_bad_file_gets_its_message() {
    let update = std::env::var_os("SEGWATCH_UPDATE").is_some();
    let files = bad_files();
    assert!(files.len() >= 40, "only {} bad files", files.len());
    for path in files {
        let got = messages(&path);
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &got).expect("the golden file can be written");
        }
        let want = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(got, want, "{}", path.display());
    }
}
