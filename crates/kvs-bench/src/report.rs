//! What was measured, as a table or as JSON lines.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a command")]

use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::measure::Speed;

/// One measurement.
#[derive(Serialize)]
pub(crate) struct Line {
    engine: String,
    what: String,
    unit: &'static str,
    /// What ours is compared with, and its figure.
    reference: Option<(String, f64)>,
    ours: f64,
    ratio: Option<f64>,
    /// The ratio that is to be reached.
    target: Option<f64>,
}

/// Collects measurements of one engine and prints them.
pub(crate) struct Report {
    engine: String,
    json: bool,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new(engine: &str, json: bool) -> Self {
        Self { engine: engine.to_owned(), json, lines: Vec::new() }
    }

    /// Our speed against another's, and the ratio that is to be reached.
    pub(crate) fn compare(
        &mut self,
        what: &str,
        (reference, theirs): (&str, Speed),
        ours: Speed,
        target: Option<f64>,
    ) {
        let reference = Some((reference.to_owned(), theirs.per_second()));
        self.add(what, "operations/s", reference, ours.per_second(), target);
    }

    /// A speed of ours alone.
    pub(crate) fn speed(&mut self, what: &str, ours: Speed) {
        self.add(what, "operations/s", None, ours.per_second(), None);
    }

    /// Memory, in bytes.
    pub(crate) fn memory(&mut self, what: &str, raw: u64, ours: u64) {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        self.add(what, "MiB", Some(("raw".to_owned(), mib(raw))), mib(ours), None);
    }

    /// Any figure.
    pub(crate) fn add(
        &mut self,
        what: &str,
        unit: &'static str,
        reference: Option<(String, f64)>,
        ours: f64,
        target: Option<f64>,
    ) {
        let ratio = reference.as_ref().map(|(_, theirs)| ours / theirs);
        let (engine, what) = (self.engine.clone(), what.to_owned());
        let line = Line { engine, what, unit, reference, ours, ratio, target };
        if self.json {
            match serde_json::to_string(&line) {
                Ok(json) => println!("{json}"),
                Err(error) => fail(&error),
            }
        } else {
            eprintln!("{}: {} done", line.engine, line.what);
        }
        self.lines.push(line);
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        if self.json {
            return;
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header([&self.engine, "unit", "compared with", "theirs", "kvs", "ratio", "goal"]);
        for line in &self.lines {
            let number = |number: Option<f64>, digits: usize| {
                number.map_or_else(String::new, |number| format!("{number:.digits$}"))
            };
            let (name, theirs) = line.reference.clone().unzip();
            table.add_row([
                line.what.clone(),
                line.unit.to_owned(),
                name.unwrap_or_default(),
                number(theirs, 0),
                number(Some(line.ours), 0),
                number(line.ratio, 2),
                number(line.target, 2),
            ]);
        }
        for column in table.column_iter_mut().skip(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}\n");
    }
}

/// Says what went wrong.
pub(crate) fn fail(error: &dyn std::error::Error) {
    eprintln!("kvs-bench: {error}");
}
