//! `assize init`: a commented spec for a server of one's own, from a few questions.
//!
//! Every question has an answer already, in the spec's own notation, so that answering teaches the
//! language. What a question is and what its answer becomes stands in [`draft`]; what is right is
//! said by the linter, which reads the file before it is written.

mod draft;

use crate::cli::{Failure, display, files};
use crate::conform;
use crate::outcome::Exit;
use crate::property;
use crate::source;
use crate::spec;
use draft::{Answers, Carrier, QUESTIONS, Question};
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  assize init mine                             asks, and writes specs/mine.yaml
  assize init mine --yes                       takes the answers that stand in brackets
  assize init mine --events websocket --yes    a server of JSON frames
  assize init mine --yes --set 'ids=uuid' --set 'join=emit: [subscribe, $conversation]'
  assize init mine --questions                 what is asked, and what it begins with

Answers are pieces of the spec: `$text`, `$key` and the like are holes, which the harness fills when
it sends and reads when it receives; docs/spec-language.md lists them. `-` leaves a part out.
Then: `assize lint`, `assize trace --spec mine --target URL`, `assize conform --spec mine --quick --target URL`.";

/// The arguments of `init`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The server's name; the file is `specs/NAME.yaml`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What carries the events.
    #[arg(long, value_enum)]
    pub events: Option<Carrier>,
    /// An answer that is not asked for, such as `ids=uuid`; can be repeated.
    #[arg(long = "set", value_name = "QUESTION=ANSWER")]
    pub set: Vec<String>,
    /// Asks nothing: what is not set is as it stands in brackets.
    #[arg(long, short)]
    pub yes: bool,
    /// Prints the questions and the answers that they begin with, and writes nothing.
    #[arg(long)]
    pub questions: bool,
    /// Another file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Writes over a file that is there.
    #[arg(long)]
    pub force: bool,
}

/// Asks, and writes the spec.
///
/// # Errors
/// An answer makes no spec, there is such a file already, or it cannot be written.
pub fn execute(args: &Args) -> Result<Exit, Failure> {
    check_name(&args.name)?;
    let file = args.out.clone().unwrap_or_else(|| files::resolve(files::SPECS, &args.name));
    let to_stdout = file.as_os_str() == "-";
    if !args.questions && !to_stdout && file.exists() && !args.force {
        return Err(Failure::usage(format!("`{}` is there already", file.display()))
            .hint("choose another name, or write over it with `--force`"));
    }
    let set = settings(&args.set)?;
    let asks = !args.yes && !args.questions && io::stdin().is_terminal();
    let carrier = match args.events {
        Some(carrier) => carrier,
        None if asks => ask_carrier()?,
        None => Carrier::SocketIo,
    };
    if args.questions {
        display::print(&overview(carrier))?;
        return Ok(Exit::Held);
    }
    let mut answers = Answers::new(&args.name, carrier);
    for question in QUESTIONS {
        let begins = question.begins(&answers);
        let answer = match set.iter().find(|(id, _)| *id == question.id) {
            Some((_, answer)) => answer.clone(),
            None if asks => ask(question, &begins)?,
            None => begins,
        };
        if answer == "-" && !question.optional {
            return Err(
                Failure::usage(format!("`{}` cannot be left out", question.id)).hint(question.asks)
            );
        }
        answers.take(question.id, answer);
    }
    let text = draft::write(&answers);
    let shown = file.display().to_string();
    let warnings = check(&shown, &text)?;
    if to_stdout {
        display::print(&text)?;
    } else {
        store(&file, &text)?;
        display::say(format_args!("wrote {shown}{warnings}\n\n{}", next_steps(&args.name)));
    }
    Ok(Exit::Held)
}

fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(());
    }
    Err(Failure::usage(format!("`{name}` is no name of a spec"))
        .hint("small letters, digits and hyphens, such as `my-chat`"))
}

fn settings(set: &[String]) -> Result<Vec<(&'static str, String)>, Failure> {
    let pairs = set.iter().map(|setting| {
        let (id, answer) = setting.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`--set {setting}` has no `=`"))
                .hint("such as `--set ids=uuid`; `--questions` lists what can be set")
        })?;
        let known = || QUESTIONS.iter().map(|question| question.id);
        match known().find(|known| *known == id.trim()) {
            Some(id) => Ok((id, answer.trim().to_owned())),
            None => {
                let near = source::suggestion(id, known()).map_or_else(
                    || "`--questions` lists them".to_owned(),
                    |near| format!("did you mean `{near}`? `--questions` lists them"),
                );
                Err(Failure::usage(format!("there is no question `{id}`")).hint(near))
            }
        }
    });
    pairs.collect()
}

fn overview(carrier: Carrier) -> String {
    let mut answers = Answers::new("NAME", carrier);
    let mut out = String::new();
    for question in QUESTIONS {
        let begins = question.begins(&answers);
        let optional = if question.optional { " (`-` leaves it out)" } else { "" };
        out.push_str(&format!("{}{optional}\n  {}\n  [{begins}]\n\n", question.id, question.asks));
        answers.take(question.id, begins);
    }
    out
}

fn ask_carrier() -> Result<Carrier, Failure> {
    loop {
        let answer = prompt(
            "What carries the events: `socket.io`, `websocket` (JSON frames)? [socket.io] ",
        )?;
        match answer.as_str() {
            "" | "socket.io" => return Ok(Carrier::SocketIo),
            "websocket" => return Ok(Carrier::WebSocket),
            other => display::say(format_args!("`{other}` is neither of them")),
        }
    }
}

fn ask(question: &Question, begins: &str) -> Result<String, Failure> {
    let answer = prompt(&format!("\n{}\n  [{begins}] ", question.asks))?;
    Ok(if answer.is_empty() { begins.to_owned() } else { answer })
}

fn prompt(text: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::internal(format!("cannot ask: {error}"));
    let mut out = io::stderr().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(failed)?;
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line).map_err(failed)? {
        0 => Err(Failure::usage("the questions were not answered")
            .hint("`--yes` takes the answers that stand in brackets")),
        _ => Ok(line.trim().to_owned()),
    }
}

/// What the linter warns of, in words; its mistakes are a failure.
fn check(file: &str, text: &str) -> Result<String, Failure> {
    match spec::load(file, text, &property::ids()) {
        Ok(loaded) => {
            let mut warnings = conform::check_known(file, text, &loaded.spec);
            warnings.extend(loaded.warnings);
            Ok(match warnings.is_empty() {
                true => String::new(),
                false => format!("\n\n{}", source::render(&warnings)),
            })
        }
        Err(mistakes) => {
            let pictures = source::render(&mistakes);
            Err(Failure::bad_input(format!("these answers make no spec\n\n{pictures}"))
                .hint("nothing was written; answer otherwise, with `--set` or by hand"))
        }
    }
}

fn store(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text));
    written
        .map_err(|error| Failure::internal(format!("cannot write `{}`: {error}", file.display())))
}

fn next_steps(name: &str) -> String {
    format!(
        "Next:\n  \
         assize lint                                          is it a spec?\n  \
         assize trace --spec {name} --target http://host:3000   is it this server's? the first minute, step by step\n  \
         assize conform --spec {name} --quick --target http://host:3000   the verdicts\n\n\
         docs/add-your-server.md goes all the way."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafted(carrier: Carrier, set: &[(&'static str, &str)]) -> String {
        let mut answers = Answers::new("mine", carrier);
        for question in QUESTIONS {
            let begins = question.begins(&answers);
            let set = set.iter().find(|(id, _)| *id == question.id);
            answers.take(question.id, set.map_or(begins, |(_, answer)| (*answer).to_owned()));
        }
        draft::write(&answers)
    }

    #[test]
    fn what_stands_in_brackets_is_a_spec_without_a_warning() {
        for carrier in [Carrier::SocketIo, Carrier::WebSocket] {
            let text = drafted(carrier, &[]);
            let warnings = check("mine.yaml", &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
            assert_eq!(warnings, "", "{text}");
        }
    }

    #[test]
    fn what_is_left_out_leaves_a_spec() {
        let optional: Vec<(&'static str, &str)> =
            QUESTIONS.iter().filter(|one| one.optional).map(|one| (one.id, "-")).collect();
        assert!(optional.len() > 3);
        let text = drafted(Carrier::SocketIo, &optional);
        assert!(check("mine.yaml", &text).is_ok(), "{text}");
        assert!(!text.contains("typing-start"), "{text}");
    }

    #[test]
    fn a_server_without_tokens_is_told_who_comes() {
        let text = drafted(Carrier::SocketIo, &[("token", "auth: { nick: $user }")]);
        assert!(check("mine.yaml", &text).is_ok(), "{text}");
        assert!(text.contains("  auth: { nick: $user }\n") && !text.contains("jwt"), "{text}");
    }

    #[test]
    fn an_answer_that_is_none_is_shown_where_it_stands() {
        let text = drafted(Carrier::SocketIo, &[("send", "emit: [say, $txt]")]);
        let failure = check("mine.yaml", &text).unwrap_err().to_string();
        assert!(failure.contains("txt") && failure.contains("mine.yaml:"), "{failure}");
    }

    #[test]
    fn names_and_settings_are_checked() {
        assert!(check_name("my-chat-2").is_ok());
        assert!(check_name("My Chat").is_err() && check_name("").is_err());
        let near = settings(&["tokn=none".into()]).unwrap_err().to_string();
        assert!(near.contains("`token`"), "{near}");
        assert!(settings(&["ids".into()]).is_err());
    }
}
