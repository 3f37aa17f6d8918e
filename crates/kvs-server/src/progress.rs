//! Progress of long work: a bar on the standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Rows,
    Entries,
    Records,
}

/// A bar that is drawn in a terminal and not in a pipe, unless it is `hidden`. It vanishes with its
/// last handle.
pub(crate) fn bar(hidden: bool, what: &'static str, unit: Unit, total: Option<u64>) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match (unit, total) {
        (Unit::Bytes, Some(_)) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        (Unit::Bytes, None) => "{msg} {spinner} {bytes} {bytes_per_sec}",
        (Unit::Rows, Some(_)) => "{msg} {wide_bar} {human_pos}/{human_len} rows {eta}",
        (Unit::Rows, None) => "{msg} {spinner} {human_pos} rows",
        (Unit::Entries, _) => "{msg} {wide_bar} {human_pos}/{human_len} entries {eta}",
        (Unit::Records, _) => "{msg} {wide_bar} {human_pos}/{human_len} records {eta}",
    };
    bar.set_message(what);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
