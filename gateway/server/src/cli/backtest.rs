//! `maibo backtest`: what rules would have told, before they are in force.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use maibo_core::place::Domain;
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;

use crate::Chain;
use crate::backtest::defaults::{self, Defaults};
use crate::backtest::mapping::Mapping;
use crate::backtest::report::{Parts, report};
use crate::backtest::{LoadError, RunError, Tape, run, source, text};
use crate::live::words;

/// Arguments of `maibo backtest`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Rule packs: a directory of *.toml, or one file.
    #[arg(long, value_name = "DIR")]
    rules: PathBuf,
    /// Rule packs to hold them against.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Device catalogue (CSV).
    #[arg(long, value_name = "FILE", required_unless_present = "device_defaults", conflicts_with = "device_defaults")]
    catalogue: Option<PathBuf>,
    /// Make a catalogue of the devices in the data, all alike.
    #[arg(long, requires = "kind", requires = "domain")]
    device_defaults: bool,
    /// With --device-defaults: what every device is.
    #[arg(long, requires = "device_defaults")]
    kind: Option<String>,
    /// With --device-defaults: municipal, traffic, ecology, health, safety or emergency.
    #[arg(long, requires = "device_defaults", value_parser = domain)]
    domain: Option<Domain>,
    /// With --device-defaults: where every device stands.
    #[arg(long, requires = "device_defaults", value_name = "CODE", default_value = "110000")]
    place: String,
    /// With --device-defaults: how often every device reports, such as 1h; without it, as often as the data say.
    #[arg(long, requires = "device_defaults", value_name = "LENGTH")]
    interval: Option<String>,
    /// Recorded data: a data directory, or .csv, .jsonl, .ndjson (each also .gz).
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// How to read the columns of tables (TOML).
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// When events began that are known to have been, one RFC 3339 time a line.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Operators on shift.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    operators: u32,
    /// How to answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Only data from this time on: RFC 3339 or milliseconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only data before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
}

/// How to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// The report that the API gives, with all episodes.
    Json,
}

fn time(text: &str) -> Result<Timestamp, String> {
    words::parse_time(text).ok_or_else(|| "must be RFC 3339 or milliseconds since 1970".to_owned())
}

fn domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).ok_or_else(|| format!("is not one of {}", Domain::ALL.map(Domain::as_str).join(", ")))
}

/// Why there is no report.
enum Failure {
    Load(LoadError),
    Run(RunError),
    Out(std::io::Error),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// Runs the command.
pub(super) fn backtest(arguments: &Arguments) -> u8 {
    match answer(arguments) {
        Ok(()) => 0,
        Err(Failure::Load(LoadError::Data(problems))) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            65
        }
        Err(Failure::Load(error)) => {
            eprintln!("{}", Chain(&error));
            error.exit_code()
        }
        Err(Failure::Run(error)) => {
            eprintln!("{}", Chain(&error));
            match error {
                RunError::Backtest(maibo_core::backtest::BacktestError::TooManyEpisodes) => 65,
                _ => 70,
            }
        }
        // Whoever read the answer has left.
        Err(Failure::Out(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(Failure::Out(error)) => {
            eprintln!("write the report: {error}");
            74
        }
    }
}

fn answer(arguments: &Arguments) -> Result<(), Failure> {
    let rules = rules(&arguments.rules)?;
    let against = arguments.against.as_deref().map(self::rules).transpose()?;
    let mapping = arguments.mapping.as_deref().map(mapping).transpose()?;
    let truth = arguments.truth.as_deref().map(truth).transpose()?;
    let mut catalogue = arguments.catalogue.as_deref().map(read_catalogue).transpose()?;
    let mut tape = Tape::new(arguments.from, arguments.to);
    source::load(&arguments.data, mapping.as_ref(), &mut tape)?;
    if tape.is_empty() {
        let mut problems = vec!["there is no reading in the data (and between --from and --to)".to_owned()];
        problems.extend(tape.data().bad_samples.iter().map(|b| format!("{}:{}: {}", b.file, b.line, b.problem)));
        return Err(LoadError::Data(problems).into());
    }
    if let (Some(kind), Some(domain)) = (&arguments.kind, arguments.domain) {
        let (place, interval) = (arguments.place.clone(), arguments.interval.clone());
        let made = defaults::catalogue(&tape, &Defaults { kind: kind.clone(), domain, place, interval });
        catalogue = Some(made.map_err(|p| problems("--device-defaults", &p))?.1);
    }
    let catalogue = Arc::new(catalogue.unwrap_or_default());
    let one = |rules: &Arc<RuleSet>| run(rules, &catalogue, &tape, || false).map_err(Failure::Run);
    let (outcome, took) = one(&rules)?;
    let before = against.as_ref().map(&one).transpose()?;
    let report = report(Parts {
        run: (&rules, &outcome),
        against: against.as_deref().zip(before.as_ref().map(|(outcome, _)| outcome)),
        data: tape.data(),
        took,
        operators: arguments.operators,
        truth: truth.as_deref(),
        listed: usize::MAX,
    });
    let answer = match arguments.format {
        Format::Text => text::text(&report),
        // Numbers and texts: this cannot fail to serialize.
        Format::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
    };
    std::io::stdout().write_all(answer.as_bytes()).map_err(Failure::Out)
}

fn problems(path: &str, found: &[maibo_core::rule::Problem]) -> LoadError {
    LoadError::Data(found.iter().map(|p| format!("{path}: {p}")).collect())
}

fn read(path: &Path) -> Result<String, LoadError> {
    let io = |source| LoadError::Io { path: path.display().to_string(), source };
    std::fs::read_to_string(path).map_err(io)
}

fn rules(path: &Path) -> Result<Arc<RuleSet>, LoadError> {
    let io = |source| LoadError::Io { path: path.display().to_string(), source };
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(io)?.map(|e| e.map(|e| e.path())).collect();
        files = entries.map_err(io)?;
        files.retain(|p| p.extension().is_some_and(|x| x == "toml"));
        files.sort();
    }
    let mut packs = Vec::new();
    for file in &files {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        packs.push((name, read(file)?));
    }
    let shown = path.display().to_string();
    let set = crate::versions::compile_rules(&packs).map_err(|p| problems(&shown, &p))?;
    if set.rules.is_empty() {
        return Err(LoadError::data(format_args!("{shown}: holds no rule")));
    }
    Ok(Arc::new(set))
}

fn read_catalogue(path: &Path) -> Result<Catalogue, LoadError> {
    Catalogue::parse(&read(path)?).map_err(|p| problems(&path.display().to_string(), &p))
}

fn mapping(path: &Path) -> Result<Mapping, LoadError> {
    let prefixed = |p: Vec<String>| p.iter().map(|p| format!("{}: {p}", path.display())).collect();
    Mapping::parse(&read(path)?).map_err(|p| LoadError::Data(prefixed(p)))
}

fn truth(path: &Path) -> Result<Vec<Timestamp>, LoadError> {
    let text = read(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let bad = |n: usize| LoadError::data(format_args!("{}:{}: is no RFC 3339 time", path.display(), n + 1));
    lines.map(|(n, line)| words::parse_time(line.trim()).ok_or_else(|| bad(n))).collect()
}
