//! Where specs, scenarios and runs lie: a path as it is, or a name in the usual folder.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of the specs.
pub const SPECS: &str = "specs";
/// The folder of the scenarios.
pub const SCENARIOS: &str = "scenarios";
/// The folder of the plans that failed.
pub const REGRESSIONS: &str = "scenarios/regressions";
/// The folder of the report folders.
pub const REPORTS: &str = "reports";

/// The file that `name` means: a path, or a name without ending in `folder`.
#[must_use]
pub fn resolve(folder: &str, name: &str) -> PathBuf {
    let is_name = !name.contains('/') && Path::new(name).extension().is_none();
    if is_name { Path::new(folder).join(format!("{name}.yaml")) } else { PathBuf::from(name) }
}

/// The YAML files of a folder, sorted; none if there is no such folder.
///
/// # Errors
/// The folder cannot be read.
pub fn yaml(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("yaml")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lies_in_its_folder_and_a_path_where_it_says() {
        let resolved = |name| resolve(SPECS, name);
        assert_eq!(resolved("callback-ack"), Path::new("specs/callback-ack.yaml"));
        assert_eq!(resolved("mine.yaml"), Path::new("mine.yaml"));
        assert_eq!(resolved("./callback-ack"), Path::new("./callback-ack"));
    }

    #[test]
    fn only_yaml_is_listed_and_no_folder_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yaml", "README.md"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = yaml(folder.path()).unwrap();
        let names: Vec<_> = files.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["a.yaml", "b.yaml"]);
        assert!(yaml(&folder.path().join("none")).unwrap().is_empty());
    }
}
