//! The folder of the plans that failed: read, written, and found by the names of their cases.
//!
//! One defect, which is one property broken in one way on one spec, has one file, with the smallest plan that
//! shows it. A plan with a name is its author's: nothing here writes over it.

use crate::cli::{Failure, display, files, load};
use crate::explore::extent;
use crate::plan::saved::{REGRESSIONS, Saved, SpecMark};
use crate::report::folder::write_whole;
use crate::source;
use std::path::{Path, PathBuf};

/// All plans of the folder, with their files.
///
/// # Errors
/// The folder cannot be read, one of its plans has mistakes, or two have one name.
pub fn all(folder: &Path) -> Result<Vec<(String, Saved)>, Failure> {
    let files = files::yaml(folder).map_err(|error| {
        Failure::bad_input(format!("cannot read folder `{}`: {error}", folder.display()))
    })?;
    let mut plans: Vec<(String, Saved)> = Vec::new();
    for path in files {
        let file = path.display().to_string();
        let plan = load::plan(&file)?;
        let case = plan.case(&file);
        if let Some((other, _)) = plans.iter().find(|(file, plan)| plan.case(file) == case) {
            return Err(Failure::bad_input(format!("`{other}` and `{file}` are both `{case}`"))
                .hint("give one of them another `name`"));
        }
        plans.push((file, plan));
    }
    Ok(plans)
}

/// The plans of the folder that are written for this spec; that some are of other versions of it is said.
///
/// # Errors
/// As of [`all`].
pub fn of_spec(folder: &Path, mark: &SpecMark) -> Result<Vec<(String, Saved)>, Failure> {
    let mut plans = all(folder)?;
    plans.retain(|(_, plan)| plan.spec.name == mark.name);
    let older = plans.iter().filter(|(_, plan)| plan.differs(mark).is_some()).count();
    if older > 0 {
        display::say(format_args!(
            "note: `{}` has changed since {older} of the {} plans of the corpus were saved",
            mark.name,
            plans.len()
        ));
    }
    Ok(plans)
}

/// Those of the plans that these names of cases mean; without a name, all.
///
/// # Errors
/// There is no case of one of the names.
pub fn named(plans: Vec<(String, Saved)>, names: &[&str]) -> Result<Vec<(String, Saved)>, Failure> {
    let cases: Vec<String> = plans.iter().map(|(file, plan)| plan.case(file)).collect();
    for name in names {
        if *name != REGRESSIONS && !cases.iter().any(|case| case == name) {
            let failure = Failure::usage(format!("the corpus has no case `{name}` of this spec"));
            return Err(match source::suggestion(name, cases.iter().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`assize list cases` names them all"),
            });
        }
    }
    let wanted =
        |case: &str| names.is_empty() || names.iter().any(|n| [REGRESSIONS, case].contains(n));
    let plans = plans.into_iter().zip(cases);
    Ok(plans.filter(|(_, case)| wanted(case)).map(|(plan, _)| plan).collect())
}

/// The file that is meant: a path, a name in the usual folder, or the case of a plan that lies there.
///
/// # Errors
/// As of [`all`], where a case is named.
pub fn find(name: &str) -> Result<PathBuf, Failure> {
    let path = files::resolve(files::REGRESSIONS, name);
    if path.exists() || !name.starts_with(&format!("{REGRESSIONS}/")) {
        return Ok(path);
    }
    let plans = named(all(Path::new(files::REGRESSIONS))?, &[name])?;
    Ok(plans.first().map_or(path, |(file, _)| PathBuf::from(file)))
}

/// Saves a plan that has just failed; where it is. `file` is where it was saved before, if it was. Another plan
/// of the same defect that is there did not fail now, or it would be known: this one is saved beside it.
pub fn keep(folder: &Path, plan: &Saved, file: &str) -> String {
    match (file.is_empty(), read(Path::new(file))) {
        (false, Some(there)) if there.name.is_some() => file.to_owned(),
        (false, _) => write(Path::new(file), plan),
        (true, _) => write(&beside(folder, plan, None), plan),
    }
}

/// Saves a plan unless a smaller one of the same defect is there; where the smaller one is.
pub fn keep_smallest(folder: &Path, plan: &Saved) -> String {
    let first = folder.join(plan.file_name());
    match read(&first) {
        Some(there) if extent(&there.script) <= extent(&plan.script) => first.display().to_string(),
        there => write(&beside(folder, plan, there.as_ref()), plan),
    }
}

/// Where a plan goes: the file of its defect, or one beside it if a plan stands there that may not be lost. `less`
/// is one that may.
fn beside(folder: &Path, plan: &Saved, less: Option<&Saved>) -> PathBuf {
    let first = plan.file_name();
    let stem = first.trim_end_matches(".yaml");
    let others = (2..).map(|number| folder.join(format!("{stem}-{number}.yaml")));
    let first = folder.join(&first);
    if !first.exists() || less.is_some_and(|less| less.name.is_none()) {
        return first;
    }
    let mut others = others.filter(|path| read(path).is_none_or(|there| there.name.is_none()));
    others.next().expect("there is no end of numbers")
}

fn read(path: &Path) -> Option<Saved> {
    path.is_file().then(|| load::plan(&path.display().to_string()).ok()).flatten()
}

/// Writes it; what cannot be written is said.
fn write(path: &Path, plan: &Saved) -> String {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written =
        std::fs::create_dir_all(folder).map_err(|error| error.to_string()).and_then(|()| {
            write_whole(path, plan.to_string().as_bytes()).map_err(|error| error.to_string())
        });
    match written {
        Ok(()) => path.display().to_string(),
        Err(error) => {
            display::say(format_args!("warning: the plan is not saved: {error}\n{plan}"));
            String::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "assize: 1\nbreaks: idempotency\nseen: two ids\nspec: mine\nscript: |\n";

    fn plan(script: &str) -> Saved {
        let lines: String = script.lines().map(|line| format!("  {line}\n")).collect();
        crate::plan::saved::load("plan", &format!("{PLAN}{lines}"), &["idempotency"]).unwrap()
    }

    fn stems(folder: &Path) -> Vec<String> {
        let plans = all(folder).unwrap_or_else(|failure| panic!("{failure}"));
        plans.iter().map(|(file, plan)| plan.case(file)).collect()
    }

    #[test]
    fn of_plans_of_one_defect_the_smallest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (large, small) =
            (plan("people: ann, bob\nann send a\nrest"), plan("people: ann, bob\nrest"));
        let first = keep_smallest(folder, &large);
        assert_eq!(keep_smallest(folder, &small), first);
        assert_eq!(keep_smallest(folder, &large), first, "it is larger");
        assert_eq!(load::plan(&first).unwrap_or_else(|failure| panic!("{failure}")), small);
        assert_eq!(stems(folder), ["regressions/mine-idempotency-two-ids"]);
    }

    #[test]
    fn what_fails_now_is_not_lost_for_what_does_not_and_a_name_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let passes = plan("people: ann, bob\nrest");
        let fails = plan("people: ann, bob\nann send a\nrest");
        let first = keep(folder, &passes, "");
        let second = keep(folder, &fails, "");
        assert_ne!(first, second);
        assert_eq!(keep(folder, &passes, &second), second, "it is the same one, made smaller");
        let named = Saved { name: Some("two-ids".into()), ..fails.clone() };
        write(Path::new(&second), &named);
        assert_eq!(keep(folder, &passes, &second), second);
        assert_eq!(read(Path::new(&second)), Some(named));
        assert!(keep(folder, &fails, "").ends_with("two-ids-3.yaml"));
        let cases = stems(folder);
        assert!(cases.contains(&"regressions/two-ids".to_owned()), "{cases:?}");
    }

    #[test]
    fn two_plans_of_one_name_are_refused_and_a_name_that_nothing_has_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let named = Saved { name: Some("once".into()), ..plan("people: ann, bob\nrest") };
        write(&folder.join("a.yaml"), &named);
        let plans = all(folder).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(named_of(plans.clone(), "regressions/once"), Ok(1));
        assert_eq!(named_of(plans.clone(), REGRESSIONS), Ok(1));
        let told = named_of(plans, "regressions/onec").unwrap_err();
        assert!(told.contains("did you mean `regressions/once`?"), "{told}");
        write(&folder.join("b.yaml"), &named);
        assert!(all(folder).is_err_and(|failure| failure.to_string().contains("another `name`")));
    }

    fn named_of(plans: Vec<(String, Saved)>, name: &str) -> Result<usize, String> {
        named(plans, &[name]).map(|plans| plans.len()).map_err(|failure| failure.to_string())
    }
}
