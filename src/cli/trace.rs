//! `assize trace`: one person's and one friend's first minute on a server, step by step: what was sent,
//! what came back, what it was taken for, and where it differs from the spec.

use crate::cli::server::embedded;
use crate::cli::{Colour, Failure, display, load};
use crate::engine::TargetChoice;
use crate::engine::stage::{self, Keep, Line, Mark, Play, Site, Unplayed};
use crate::metric::quantity;
use crate::outcome::Exit;
use crate::plan::first_minute::{FirstMinute, first_minute};
use crate::report::Look;
use crate::report::words::Tone;
use crate::spec::Spec;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::LocalSet;

const EXAMPLES: &str = "\
Examples:
  assize trace --spec mine --target http://127.0.0.1:3000   is this spec that server's?
  assize trace --spec callback-ack                          the embedded server, to see how it looks

`→` was sent, `←` came; beneath it stands what it was taken for. `✗` is what does not fit, and where.
A step that is not over within `--patience` is told as such, and the next one begins.

Exit codes: 0 all of it fits; 1 something does not; 64 and 65 mistakes; 69 no server.";

/// The arguments of `trace`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The server's spec: a path, or a name in `specs/`.
    #[arg(long, value_name = "SPEC")]
    pub spec: String,
    /// The server; without it, the embedded one.
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// How long a step may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub patience: u64,
}

/// Plays the first minute and prints it.
///
/// # Errors
/// The spec has mistakes, or the target cannot be tried.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let patience = Duration::from_secs(args.patience);
    let mut spec = load::spec(&args.spec)?.value;
    // Nobody waits for retries here: what is not answered is to be seen at once.
    spec.contract.ack_timeout = patience;
    spec.contract.retries.clear();
    let minute = first_minute(&spec);
    let target = match &args.target {
        Some(url) => TargetChoice::Running(vec![url.clone()]),
        None => embedded(&[], NonZeroU32::MIN)?,
    };
    let name = spec.name.clone();
    let (lines, why) = play(spec, &target, &minute, patience)?;
    let look = display::stdout(colour);
    let (text, misfits) = render(&name, &minute.titles, &lines, why.as_deref(), look);
    display::print(&text)?;
    Ok(if misfits == 0 { Exit::Held } else { Exit::PropertyFailed })
}

/// What went over the wire, and why it ended before the first step, if it did.
fn play(
    spec: Spec,
    target: &TargetChoice,
    minute: &FirstMinute,
    patience: Duration,
) -> Result<(Vec<Line>, Option<String>), Failure> {
    let spec = Arc::new(spec);
    let script = Arc::new(minute.script.clone());
    let play = Play { number: 0, script, patience: Some(patience), people: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(error.to_string()))?;
    LocalSet::new().block_on(&runtime, async {
        let opened = Site::open(target, &spec, None, crate::cli::run::run_number()).await;
        let (target, site) = opened.map_err(|why| Failure::unreachable(why.what).hint(why.hint))?;
        let played = stage::play(&site, &play, None, Keep::Meanings).await;
        target.stop().await;
        match played {
            Ok(played) => Ok((played.trace, None)),
            Err(Unplayed::SetUp(why, lines)) => Ok((lines, Some(why))),
            Err(Unplayed::Panicked) => Err(Failure::internal("a client panicked")),
        }
    })
}

/// The trace as text, and how many steps did not go as the spec says.
fn render(
    spec: &str,
    titles: &[String],
    lines: &[Line],
    why: Option<&str>,
    look: Look,
) -> (String, usize) {
    let mut steps: Vec<(String, Vec<&Line>)> =
        vec![("ann makes a conversation of both".to_owned(), Vec::new())];
    for line in lines {
        match line.mark {
            Mark::Step(number) => {
                let title = titles.get(number).cloned().unwrap_or_default();
                steps.push((title, Vec::new()));
            }
            _ => steps.last_mut().expect("never empty").1.push(line),
        }
    }
    let mut out = format!("the first minute by `{spec}`\n");
    let mut misfits = usize::from(why.is_some());
    for (index, (title, lines)) in steps.iter().enumerate() {
        let fits = !lines.iter().any(|line| is_misfit(line)) && (index > 0 || why.is_none());
        let sign = if fits { look.paint(Tone::Good, "✓") } else { look.paint(Tone::Bad, "✗") };
        misfits += usize::from(!fits && (index > 0 || why.is_none()));
        let _ = write!(out, "\n{sign} {}\n", look.bold(title));
        for line in lines {
            out.push_str(&shown(line, look));
        }
        if let (0, Some(why)) = (index, why) {
            let _ = writeln!(out, "    {} {why}", look.paint(Tone::Bad, "✗"));
        }
    }
    let _ = match misfits {
        0 => writeln!(out, "\nall {} steps went as the spec says", steps.len()),
        1 => writeln!(out, "\n1 step did not go as the spec says"),
        many => writeln!(out, "\n{many} steps did not go as the spec says"),
    };
    (out, misfits)
}

/// What the spec does not mention is no contradiction of it.
fn is_misfit(line: &Line) -> bool {
    match line.mark {
        Mark::Stuck => true,
        Mark::Differs => !line.text.starts_with("no event of the spec"),
        Mark::Packet(sign) => sign == "×",
        Mark::Means | Mark::Step(_) => false,
    }
}

fn shown(line: &Line, look: Look) -> String {
    let at = look.paint(Tone::Quiet, &format!("{} s", quantity::instant(line.at)));
    match line.mark {
        Mark::Packet(sign) => {
            format!("  {at}  {} {sign} {}\n", line.who, look.wrap(&line.text, 18))
        }
        Mark::Means => format!("                  = {}\n", look.wrap(&line.text, 20)),
        Mark::Differs => {
            let sign = if is_misfit(line) { look.paint(Tone::Bad, "✗") } else { "·".to_owned() };
            format!("                  {sign} {}\n", look.wrap(&line.text, 20))
        }
        Mark::Stuck => format!(
            "  {at}  {}\n",
            look.paint(Tone::Bad, "✗ not over in time: what the step waits for did not come")
        ),
        Mark::Step(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(mark: Mark, text: &str) -> Line {
        Line { at: 1_000_000, who: "ann".into(), mark, text: text.into() }
    }

    #[test]
    fn a_step_with_something_that_differs_is_marked_and_counted() {
        let titles = ["ann comes", "ann says something"].map(str::to_owned);
        let lines = [
            line(Mark::Step(0), ""),
            line(Mark::Packet("·"), "connected"),
            line(Mark::Differs, "no event of the spec; what it does not mention is passed over"),
            line(Mark::Step(1), ""),
            line(Mark::Packet("→"), "42[1]"),
            line(Mark::Stuck, ""),
        ];
        let (text, misfits) = render("mine", &titles, &lines, None, Look::PLAIN);
        assert_eq!(misfits, 1, "{text}");
        assert!(text.contains("✓ ann comes") && text.contains("✗ ann says something"), "{text}");
        let (text, misfits) = render("mine", &titles, &[], Some("refused"), Look::PLAIN);
        assert_eq!(misfits, 1);
        assert!(text.contains("✗ ann makes a conversation of both\n    ✗ refused"), "{text}");
    }
}
