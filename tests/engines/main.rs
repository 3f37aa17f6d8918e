//! Every engine under the store: the contract, the data folder, damage, crashes, full disks.

#![cfg(test)]

/// Makes a test of each engine that has a folder, as `function::engine`.
macro_rules! each_engine {
    (@$function:ident: $($name:ident $engine:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            super::$function(kvs_tests::Engine::$engine).await;
        }
    )*};
    ($($function:ident),* $(,)?) => {$(
        mod $function {
            each_engine!(@$function: fs Fs, rocksdb RocksDb, fjall Fjall, leveldb LevelDb);
        }
    )*};
}

mod contents;
mod contract;
mod crash;
mod damage;
mod disk_full;
mod expiry;
mod folders;
mod reopening;
mod snapshots;
