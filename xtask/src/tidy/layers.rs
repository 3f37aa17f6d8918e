//! The layers: which crate may use which. The one place where they are written down.

/// A crate and its place.
pub(super) struct Layer {
    pub(super) name: &'static str,
    /// What it holds, in a line.
    pub(super) holds: &'static str,
    /// The crates it may use.
    pub(super) may_use: &'static [&'static str],
    /// Crates it may use only as optional dependencies, each with the feature that
    /// alone may switch it on.
    pub(super) behind: &'static [(&'static str, &'static str)],
}

/// Where this table is.
pub(super) const PATH: &str = "xtask/src/tidy/layers.rs";

/// From the bottom to the top: a row names only rows above it on the page.
pub(super) const LAYERS: &[Layer] = &[
    Layer {
        name: "kvs-core",
        holds: "keys and limits, the `Dba` contract and its conformance suite, the backends, \
                codec and schema versions, entities, chunked files, clock and randomness seams",
        may_use: &[],
        behind: &[],
    },
    Layer {
        name: "kvs-rng",
        holds: "the ring: placement, membership, transport, replica store, quorums, repair, \
                rebalancing, dump, the logs of entities",
        may_use: &["kvs-core"],
        behind: &[],
    },
    Layer {
        name: "kvs-feed",
        holds: "typed feeds over any store",
        may_use: &["kvs-core"],
        behind: &[],
    },
    Layer {
        name: "kvs-sort",
        holds: "typed sorted sets and leaderboards over any store",
        may_use: &["kvs-core"],
        behind: &[],
    },
    Layer {
        name: "kvs-search",
        holds: "full-text indexes and queries over typed records, kept in any store",
        may_use: &["kvs-core"],
        behind: &[],
    },
    Layer {
        name: "kvs-sharding",
        holds: "one owner per entity: routing, mailboxes, hand-over",
        may_use: &["kvs-core"],
        behind: &[("kvs-rng", "cluster")],
    },
    Layer {
        name: "kvs-consistency",
        holds: "feed, sorted-set, search and compare-and-set commands, run one at a time \
                for each entity",
        may_use: &["kvs-core", "kvs-feed", "kvs-sort", "kvs-search", "kvs-sharding"],
        behind: &[],
    },
    Layer {
        name: "kvs",
        holds: "the facade: one type to open a store with, typed handles, save and load",
        may_use: &[
            "kvs-core",
            "kvs-rng",
            "kvs-feed",
            "kvs-sort",
            "kvs-search",
            "kvs-sharding",
            "kvs-consistency",
        ],
        behind: &[],
    },
    Layer {
        name: "kvs-bench",
        holds: "benchmarks",
        may_use: &[
            "kvs-core",
            "kvs-rng",
            "kvs-feed",
            "kvs-sort",
            "kvs-search",
            "kvs-sharding",
            "kvs-consistency",
            "kvs",
        ],
        behind: &[],
    },
    Layer {
        name: "kvs-server",
        holds: "the program `kvs`: server and command line",
        may_use: &["kvs"],
        behind: &[],
    },
    Layer {
        name: "kvs-check",
        holds: "checks of recorded histories: linearizability of entities, order within sessions",
        may_use: &[],
        behind: &[],
    },
    Layer {
        name: "kvs-sim",
        holds: "whole clusters in one thread from one seed, under faults; the program `kvs-sim`",
        may_use: &[
            "kvs-core",
            "kvs-rng",
            "kvs-feed",
            "kvs-sharding",
            "kvs-consistency",
            "kvs-check",
        ],
        behind: &[],
    },
    Layer {
        name: "kvs-model",
        holds: "the logs' protocol, explored state by state; the program `kvs-model`",
        may_use: &["kvs-rng"],
        behind: &[],
    },
    Layer {
        name: "kvs-tests",
        holds: "tests across crates and processes",
        may_use: &[
            "kvs-core",
            "kvs-rng",
            "kvs-feed",
            "kvs-sort",
            "kvs-search",
            "kvs-sharding",
            "kvs-consistency",
            "kvs",
            "kvs-bench",
            "kvs-server",
            "kvs-check",
            "kvs-sim",
            "kvs-model",
        ],
        behind: &[],
    },
    Layer { name: "xtask", holds: "the chores of the project", may_use: &[], behind: &[] },
];

impl Layer {
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        LAYERS.iter().find(|layer| layer.name == name)
    }

    /// How high it stands: one above the highest crate it may use.
    pub(super) fn level(&self) -> usize {
        self.below().filter_map(Self::of).map(|layer| layer.level() + 1).max().unwrap_or(0)
    }

    /// Every crate it may use, if only behind a feature.
    pub(super) fn below(&self) -> impl Iterator<Item = &'static str> {
        self.may_use.iter().copied().chain(self.behind.iter().map(|(name, _)| *name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_only_rows_above_them() {
        for (index, layer) in LAYERS.iter().enumerate() {
            let above: Vec<_> = LAYERS.iter().take(index).map(|layer| layer.name).collect();
            for name in layer.below() {
                assert!(above.contains(&name), "{} may not use {name}", layer.name);
            }
            assert!(!above.contains(&layer.name), "{} is there twice", layer.name);
        }
    }

    #[test]
    fn levels_rise_with_use() {
        let level = |name| Layer::of(name).unwrap().level();
        assert_eq!(level("kvs-core"), 0);
        assert_eq!(level("kvs-feed"), level("kvs-rng"));
        assert!(level("kvs-rng") < level("kvs-sharding"));
        assert!(level("kvs-consistency") < level("kvs"));
        assert!(level("kvs") < level("kvs-server"));
    }
}
