//! Puts, gets and batches: 16-byte keys, 100-byte values.

use std::ops::Range;

use kvs::{Backend, Batch, Dba, Key};
use tokio::runtime::Runtime;

use super::open;
use crate::Result;
use crate::measure::in_turns;
use crate::raw::{self, Engine, Pair, Raw};
use crate::report::Report;

const BATCH: u64 = 100;

/// Measures puts, gets and batches of `n` keys.
pub(super) fn measure(runtime: &Runtime, backend: Backend, n: u64, report: &mut Report) -> Result {
    let (raw_folder, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let raw = raw::open(Engine::under(backend), raw_folder.path())?;
    let kvs = open(runtime, backend, folder.path())?;
    let records = kvs.records();

    let (theirs, ours) =
        in_turns(n, |keys| load_raw(&*raw, keys), |keys| load(runtime, &*records, keys))?;
    report.compare("put", ("raw put", theirs), ours, Some(0.85));

    let get_raw = |keys: Range<u64>| {
        keys.map(|i| raw.get(&key(shuffled(i, n)))).sum::<Result<usize>>().map(drop)
    };
    let get = |keys: Range<u64>| {
        runtime.block_on(async {
            for i in keys {
                records.get(&Key::from(key(shuffled(i, n)).as_slice())).await?;
            }
            Ok(())
        })
    };
    let (theirs, ours) = in_turns(n, get_raw, get)?;
    report.compare("get", ("raw get", theirs), ours, Some(0.85));

    // Sixteen bytes in all, as partition and clustering key: a batch stays in one partition.
    let batch_raw = |batches: Range<u64>| {
        batches.into_iter().try_for_each(|batch| {
            let partition = (batch + n).to_be_bytes();
            let pairs = (0..BATCH).map(|row| -> Pair {
                ([partition, row.to_be_bytes()].concat(), value(row).to_vec())
            });
            raw.batch(&pairs.collect::<Vec<_>>())
        })
    };
    let batch = |batches: Range<u64>| {
        runtime.block_on(async {
            for batch in batches {
                let partition = (batch + n).to_be_bytes();
                let rows = (0..BATCH)
                    .fold(Batch::new(), |rows, row| rows.put(row.to_be_bytes(), value(row)));
                records.write(&partition, rows).await?;
            }
            Ok(())
        })
    };
    let (theirs, ours) = in_turns(n / BATCH, batch_raw, batch)?;
    report.compare("batches of 100", ("raw batch", theirs), ours, Some(0.9));
    Ok(())
}

/// Puts keys into a bare engine.
pub(super) fn load_raw(raw: &dyn Raw, keys: Range<u64>) -> Result {
    keys.into_iter().try_for_each(|i| raw.put(&key(i), &value(i)))
}

/// Puts keys into a store.
pub(super) fn load(runtime: &Runtime, records: &dyn Dba, keys: Range<u64>) -> Result {
    runtime.block_on(async {
        for i in keys {
            records.put(&Key::from(key(i).as_slice()), value(i).to_vec()).await?;
        }
        Ok(())
    })
}

/// Sixteen bytes, spread over the key space, without zeros in front.
fn key(i: u64) -> Vec<u8> {
    let spread = mixed(i);
    [spread.to_be_bytes(), mixed(spread).to_be_bytes()].concat()
}

fn value(i: u64) -> [u8; 100] {
    let mut value = [0; 100];
    for (n, byte) in value.iter_mut().enumerate() {
        // Half of it random: neither nothing nor everything can be compressed.
        *byte = if n < 50 { (mixed(i + n as u64) & 0xFF) as u8 } else { b'.' };
    }
    value
}

/// The `i`-th of `0..n` in some other order.
pub(super) fn shuffled(i: u64, n: u64) -> u64 {
    mixed(i) % n
}

/// The finaliser of SplitMix64: a permutation of the numbers.
fn mixed(i: u64) -> u64 {
    let z = i.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
