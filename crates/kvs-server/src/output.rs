//! Answers: lines of text, or with `--json` lines of JSON.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::error::{Failure, Result};

/// Where answers go.
pub(crate) struct Output {
    json: bool,
    out: BufWriter<Box<dyn Write>>,
}

impl Output {
    /// The standard output.
    pub(crate) fn new(json: bool) -> Self {
        Self::to(io::stdout().lock(), json)
    }

    /// Something else.
    pub(crate) fn to(out: impl Write + 'static, json: bool) -> Self {
        Self { json, out: BufWriter::new(Box::new(out)) }
    }

    /// Whether answers are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an answer, or one of a list, in a line.
    pub(crate) fn line(&mut self, plain: impl Display, json: &impl Serialize) -> Result {
        if self.json { self.json(json) } else { self.plain(plain) }
    }

    /// Prints what is of use to machines only.
    pub(crate) fn quiet(&mut self, json: &impl Serialize) -> Result {
        if self.json { self.json(json) } else { Ok(()) }
    }

    /// Prints a line of text.
    pub(crate) fn plain(&mut self, text: impl Display) -> Result {
        writeln!(self.out, "{text}").map_err(Failure::Output)
    }

    /// Prints a value as a line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result {
        let written = serde_json::to_writer(&mut self.out, value).map_err(io::Error::from);
        written.and_then(|()| writeln!(self.out)).map_err(Failure::Output)
    }

    /// Prints rows as aligned columns of text, or nothing if there are no rows.
    pub(crate) fn columns<const N: usize>(
        &mut self,
        header: Option<[&str; N]>,
        alignments: [CellAlignment; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Result {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).add_rows(rows);
        if table.is_empty() {
            return Ok(());
        }
        if let Some(header) = header {
            table.set_header(header);
        }
        for (column, alignment) in table.column_iter_mut().zip(alignments) {
            column.set_padding((0, 2));
            column.set_cell_alignment(alignment);
        }
        self.plain(table.trim_fmt())
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result {
        self.out.write_all(bytes).map_err(Failure::Output)
    }

    /// Writes what was printed so far.
    pub(crate) fn flush(&mut self) -> Result {
        self.out.flush().map_err(Failure::Output)
    }

    /// Sees to it that all is written.
    pub(crate) fn finish(mut self) -> Result {
        self.flush()
    }
}
