//! The folder of a run: `reports/<time>-<scenario>-<spec>/`, and `reports/latest` pointing to it.
//!
//! A file is there whole or not at all: it is written under another name first. What the disk
//! refuses is a value that says what, where and why; nothing here prints or ends the process.

use crate::report::stamp;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The link to the newest run's folder.
pub const LATEST: &str = "latest";

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    name: String,
}

/// What could not be done with a folder or file, and why.
#[derive(Debug)]
pub struct FolderError {
    /// What was tried: `create`, `write`, `link`.
    pub doing: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the system said.
    pub reason: io::Error,
}

impl Folder {
    /// Creates a new folder under `root` for a run that started at `started`.
    ///
    /// # Errors
    /// `root` or the folder cannot be created.
    pub fn create(
        root: &Path,
        started: SystemTime,
        scenario: &str,
        spec: &str,
    ) -> Result<Self, FolderError> {
        fs::create_dir_all(root).map_err(|reason| FolderError::new("create", root, reason))?;
        let stem = format!("{}-{}-{}", stamp::sortable(started), plain(scenario), plain(spec));
        for number in 1.. {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let path = root.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    let root = root.to_owned();
                    return Ok(Self { root, name });
                }
                Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists => {}
                Err(reason) => return Err(FolderError::new("create", &path, reason)),
            }
        }
        unreachable!("some number is free")
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.name)
    }

    /// Writes one file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written; what there was of it is gone.
    pub fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), FolderError> {
        whole(&self.path().join(name), &self.path().join(format!(".{name}.partial")), fill)
    }

    /// Writes some files. One that fails does not keep the others from being written.
    ///
    /// # Errors
    /// What could not be written, file by file.
    pub fn write_reports(
        &self,
        files: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(), Vec<FolderError>> {
        let write = |(name, text): (&str, String)| {
            self.write(name, |out| out.write_all(text.as_bytes())).err()
        };
        let errors: Vec<FolderError> = files.into_iter().filter_map(write).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Makes `latest` point here, in one step.
    ///
    /// # Errors
    /// The link cannot be made, for example because `latest` is a real folder.
    pub fn publish(&self) -> Result<(), FolderError> {
        let latest = self.root.join(LATEST);
        let next = self.root.join(format!(".{LATEST}-{}", self.name));
        let linked =
            std::os::unix::fs::symlink(&self.name, &next).and_then(|()| fs::rename(&next, &latest));
        linked.map_err(|reason| {
            let _ = fs::remove_file(&next);
            FolderError::new("link", &latest, reason)
        })
    }
}

/// Writes one file somewhere else, whole or not at all. Two who do so at once do not mix: the file is
/// what the later one wrote.
///
/// # Errors
/// The file cannot be written; what was there before still is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    whole(path, &partial, |out| out.write_all(bytes))
}

fn whole(
    path: &Path,
    partial: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FolderError> {
    let written = File::create(partial).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        fs::rename(partial, path)
    });
    written.map_err(|reason| {
        // If it cannot be removed either, the first reason is still the one to tell.
        let _ = fs::remove_file(partial);
        FolderError::new("write", path, reason)
    })
}

impl FolderError {
    fn new(doing: &'static str, path: &Path, reason: io::Error) -> Self {
        let path = path.to_owned();
        Self { doing, path, reason }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, path, reason } = self;
        write!(f, "cannot {doing} `{}`: {reason}", path.display())
    }
}

impl std::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.reason)
    }
}

/// A name without anything that a path or a shell would take for its own.
fn plain(name: &str) -> String {
    let plain = |char: char| match char {
        char if char.is_ascii_alphanumeric() || "._-".contains(char) => char,
        _ => '-',
    };
    let name: String = name.chars().map(plain).take(60).collect();
    name.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn create(root: &Path) -> Folder {
        let started = UNIX_EPOCH + Duration::from_secs(86_399);
        Folder::create(root, started, "first look/../x", "callback-ack").unwrap()
    }

    #[test]
    fn names_sort_are_plain_and_unique() {
        let root = tempfile::tempdir().unwrap();
        let names = [(); 2].map(|()| create(root.path()).name);
        assert_eq!(names[0], "19700101-235959-first-look-..-x-callback-ack");
        assert_eq!(names[1], format!("{}-2", names[0]));
    }

    #[test]
    fn latest_moves_from_run_to_run() {
        let root = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let folder = create(root.path());
            folder.publish().unwrap();
            let target = fs::read_link(root.path().join(LATEST)).unwrap();
            assert_eq!(target, PathBuf::from(&folder.name));
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
    }

    #[test]
    fn runs_that_start_at_once_have_a_folder_each() {
        let root = tempfile::tempdir().unwrap();
        let names: Vec<String> = std::thread::scope(|scope| {
            let run = || {
                let folder = create(root.path());
                folder.write("report.txt", |out| out.write_all(folder.name.as_bytes())).unwrap();
                folder.publish().unwrap();
                folder.name
            };
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        for name in &names {
            let text = fs::read_to_string(root.path().join(name).join("report.txt")).unwrap();
            assert_eq!(text, *name);
        }
        let latest = fs::read_to_string(root.path().join(LATEST).join("report.txt")).unwrap();
        assert!(names.contains(&latest));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 9, "nothing is left over");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("baseline.json");
        write_whole(&path, b"old").unwrap();
        let partial = root.path().join(format!(".baseline.json.{}.partial", std::process::id()));
        std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
        let error = write_whole(&path, b"new").unwrap_err();
        assert_eq!(error.reason.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn latest_that_is_a_folder_is_left_alone_and_told() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(LATEST)).unwrap();
        let told = create(root.path()).publish().unwrap_err().to_string();
        assert!(told.starts_with("cannot link `"), "{told}");
        assert!(told.contains("/latest`: "), "{told}");
    }

    #[test]
    fn a_root_that_is_a_file_is_told() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("reports");
        fs::write(&file, "").unwrap();
        let error = Folder::create(&file, UNIX_EPOCH, "a", "b").unwrap_err();
        assert_eq!((error.doing, &error.path), ("create", &file));
    }

    #[test]
    fn a_full_disk_leaves_no_half_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = create(root.path());
        let partial = folder.path().join(".latency.hlog.partial");
        std::os::unix::fs::symlink("/dev/full", partial).unwrap();
        let error = folder.write("latency.hlog", |out| out.write_all(b"x")).unwrap_err();
        assert_eq!(error.reason.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
