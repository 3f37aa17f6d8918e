//! A run of numbered batches in which any loss and any half can be seen.
//!
//! Entry *n* sets each of the [`COPIES`] rows `copy/…` to *n*, adds the row `entry/n`, and deletes
//! the row of the entry [`KEPT`] before it. So after entry *n* all copies say *n*, and the entries
//! above *n* − [`KEPT`] are there, up to *n*, each with its own value.

use kvs_core::{Batch, Dba, DbaError, Result, Scan};

use crate::payload;

/// How many rows say the number of the last entry.
pub const COPIES: u64 = 5;
/// How many entries are kept.
pub const KEPT: u64 = 100;

const PARTITION: &[u8] = b"journal";
const COPY: u8 = 1;
const ENTRY: u8 = 2;

fn clustering(kind: u8, number: u64) -> Vec<u8> {
    [&[kind], number.to_be_bytes().as_slice()].concat()
}

/// The value of an entry: sometimes small, sometimes large.
fn value(number: u64) -> Vec<u8> {
    payload::of(number, 10 << (number % 12))
}

/// Writes entry `number`, in one batch.
pub async fn write(dba: &dyn Dba, number: u64) -> Result<()> {
    let mut batch = Batch::new().put(clustering(ENTRY, number), value(number));
    for copy in 0..COPIES {
        batch = batch.put(clustering(COPY, copy), number.to_be_bytes());
    }
    if let Some(old) = number.checked_sub(KEPT) {
        batch = batch.delete(clustering(ENTRY, old));
    }
    dba.write(PARTITION, batch).await
}

/// Reads the journal, checks that it is whole, and gives the number of its last entry, 0 if it has
/// none.
pub async fn check(dba: &dyn Dba) -> Result<u64> {
    let wrong = |detail: String| DbaError::decode("journal", detail);
    let mut expected = Vec::new();
    let copies = dba.scan(PARTITION, &Scan::prefix([COPY])).await?;
    let Some(first) = copies.first() else {
        let entries = dba.scan(PARTITION, &Scan::all()).await?.len();
        return if entries == 0 { Ok(0) } else { Err(wrong(format!("{entries} entries only"))) };
    };
    let last = first.value.try_into().map(u64::from_be_bytes);
    let last = last.map_err(|error| wrong(error.to_string()))?;
    expected.extend((0..COPIES).map(|copy| (clustering(COPY, copy), last.to_be_bytes().to_vec())));
    let entries = (last.saturating_sub(KEPT) + 1..=last).map(|n| (clustering(ENTRY, n), value(n)));
    expected.extend(entries);

    let found = dba.scan(PARTITION, &Scan::all().limit(1_000)).await?;
    let found: Vec<_> =
        found.rows().map(|row| (row.clustering.to_vec(), row.value.to_vec())).collect();
    if found == expected {
        return Ok(last);
    }
    let keys =
        |rows: &[(Vec<u8>, Vec<u8>)]| rows.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    Err(wrong(match (keys(&found), keys(&expected)) {
        (found, expected) if found != expected => {
            format!("after entry {last} it has {found:?}, not {expected:?}")
        }
        _ => format!("after entry {last} some rows have values that were never written"),
    }))
}
