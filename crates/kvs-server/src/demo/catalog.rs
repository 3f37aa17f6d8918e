//! Which teams and tables there are, as sorted sets.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use kvs::entities::Executor;
use kvs::{Result, SortedSet};

use super::season::Season;

/// The sets `teams` and `tables`.
pub(crate) struct Catalog {
    pub(crate) teams: SortedSet<String>,
    pub(crate) tables: SortedSet<(String, Season)>,
}

impl Catalog {
    pub(crate) fn of(entities: &Executor) -> Self {
        Self { teams: entities.sorted("teams"), tables: entities.sorted("tables") }
    }

    /// The seasons of a division, the oldest first.
    pub(crate) async fn seasons(&self, division: &str) -> Result<Vec<Season>> {
        let of = |season| (division.to_owned(), season);
        let tables = self.tables.range(of(Season::FIRST)..=of(Season::LAST));
        Ok(tables.map_ok(|(_, season)| season).try_collect().await?)
    }

    /// All divisions.
    pub(crate) async fn divisions(&self) -> Result<BTreeSet<String>> {
        let tables = self.tables.flatten();
        Ok(tables.map_ok(|(division, _)| division).try_collect().await?)
    }
}

/// The three of `names` that are most like `name`, for a message.
pub(crate) fn nearest(name: &str, names: impl IntoIterator<Item = String>) -> String {
    let wanted = name.to_lowercase();
    let mut names: Vec<_> = names
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let likeness = strsim::jaro_winkler(&wanted, &lower);
            // Whole thousandths, so that they can be ordered.
            (Reverse((lower.contains(&wanted), (likeness * 1e3) as u32)), name)
        })
        .collect();
    names.sort();
    let nearest: Vec<_> = names.into_iter().take(3).map(|(_, name)| name).collect();
    nearest.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let teams = ["Arsenal", "Chelsea", "Leicester City", "Manchester City", "Levante"];
        for (typed, first) in [
            ("Lester", "Le"),
            ("leicester", "Leicester City"),
            ("City", "Manchester City, Leicester City, "),
            ("Arsenl", "Arsenal"),
            ("manchster", "Manchester City"),
        ] {
            let nearest = nearest(typed, teams.map(str::to_owned));
            assert!(nearest.starts_with(first), "{typed}: {nearest}");
            assert_eq!(nearest.split(", ").count(), 3);
        }
        assert_eq!(nearest("x", []), "");
    }
}
