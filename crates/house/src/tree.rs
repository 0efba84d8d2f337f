//! The files of this tree: what git tracks, and what it would if asked.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "without the tree there is nothing to hold the rules over"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the tree.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path from the root of the tree, with `/` between the parts.
    pub path: String,
    /// What it holds; bytes that are no UTF-8 are replaced.
    pub text: String,
}

impl File {
    /// A file that need not exist.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// The root of the tree.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or_else(|error| panic!("{} is gone: {error}", root.display()))
}

/// Every file that git tracks or does not ignore, but for those of others, below `vendor/`.
pub fn files() -> Vec<File> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("git lists the files of the tree, and cannot be run: {error}"));
    let complaint = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "git lists the files of the tree; run this in a git checkout: {complaint}");
    let mut files: Vec<_> = String::from_utf8_lossy(&listed.stdout)
        .split_terminator('\0')
        .filter(|path| !path.starts_with("vendor/"))
        // What is listed and not there is about to be removed, or a link to somewhere else.
        .filter_map(|path| Some((path, fs::read(root().join(path)).ok()?)))
        .map(|(path, bytes)| File::new(path, &String::from_utf8_lossy(&bytes)))
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    files
}

/// The text of one file that a rule needs.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("a rule of the house needs {path}: {error}"))
}
