//! What a load measured.

use std::time::Duration;

use crate::report::Report;

/// Requests, and how long each took.
#[derive(Clone, Default)]
pub(super) struct Figures {
    pub(super) latencies: Vec<Duration>,
    pub(super) took: Duration,
}

impl Figures {
    pub(super) fn join(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.took += other.took;
    }

    pub(super) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// The latency in milliseconds that `part` of the requests stayed within.
    fn percentile(sorted: &[Duration], part: f64) -> f64 {
        let index = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Adds the figures of all sides under one load to the report, compared with etcd's if it took part.
pub(super) fn report<'a>(
    report: &mut Report,
    what: &str,
    goal: impl Fn(&str) -> Option<f64>,
    sides: impl Iterator<Item = (&'a str, Figures)>,
) {
    let mut sides: Vec<_> = sides.collect();
    for (_, figures) in &mut sides {
        figures.latencies.sort_unstable();
    }
    let etcd = sides.iter().find(|(name, _)| *name == ETCD).map(|(_, figures)| figures.clone());
    for (name, figures) in &sides {
        let what = format!("{what}, {name}");
        let reference = |value: fn(&Figures) -> f64| {
            let etcd = etcd.as_ref().filter(|_| *name != ETCD)?;
            Some((ETCD.to_owned(), value(etcd)))
        };
        let speed = reference(Figures::per_second);
        report.add(&what, "operations/s", speed, figures.per_second(), goal(name));
        let p50 = |it: &Figures| Figures::percentile(&it.latencies, 0.5);
        let p99 = |it: &Figures| Figures::percentile(&it.latencies, 0.99);
        report.add(&format!("{what}, p50"), "ms", reference(p50), p50(figures), None);
        report.add(&format!("{what}, p99"), "ms", reference(p99), p99(figures), None);
    }
}

/// The side that others are compared with.
pub(super) const ETCD: &str = "etcd";
