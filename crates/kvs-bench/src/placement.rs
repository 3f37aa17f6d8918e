//! How evenly the ring places buckets, and how much moves when it changes.
#![expect(clippy::print_stdout, reason = "the output of a command")]

use clap::Args;
use comfy_table::{CellAlignment, Table};
use kvs_rng::hash::Hashing;
use kvs_rng::layout::figures;
use kvs_rng::layout::{Quorum, VIRTUAL_NODES_DEFAULT};

use crate::Result;

const NODES: [u32; 5] = [3, 5, 10, 30, 100];
const QUORUM: Quorum = Quorum { n: 3, w: 2, r: 2 };
/// What none of the figures is to be above.
const GOAL: f64 = 1.10;

/// How to show it.
#[derive(Args)]
pub(crate) struct Settings {
    /// Prints JSON lines instead of a table.
    #[arg(long)]
    json: bool,
}

/// Plans rings of 1024 buckets and 3 replicas, nodes joining one by one, and prints their figures.
pub(crate) fn run(settings: &Settings) -> Result {
    let measured = figures::measure(&NODES, Hashing::default(), VIRTUAL_NODES_DEFAULT, QUORUM)?;
    if settings.json {
        for figures in measured {
            println!("{}", serde_json::to_string(&figures)?);
        }
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header([
        "nodes",
        "fullest node / mean",
        "most primaries / mean",
        "moved by a join / least",
        "moved by a leave / least",
        "goal",
    ]);
    for figures in measured {
        let ratios = [figures.load, figures.primaries, figures.join, figures.leave, GOAL];
        let ratios = ratios.map(|ratio| format!("{ratio:.3}"));
        table.add_row(std::iter::once(figures.nodes.to_string()).chain(ratios));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    Ok(())
}
