//! What can be asked for at the command line. The comments are the program's help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::client::ConnectArgs;
use crate::demo::season::Season;
use crate::serve::{Period, ServeOptions};
use crate::store::StoreArgs;

/// Feeds, sorted sets, leaderboards, records and files, kept in a folder.
#[derive(Debug, Parser)]
#[command(
    name = "kvs",
    version,
    after_help = "Commands work on the embedded store in --data-dir, or with --connect on a server, \
                  except file,\ndump and compact.\nTexts are UTF-8. In place of a value or path `-` is the standard input or output, \
                  as it is.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 not found."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    #[command(flatten)]
    pub(crate) connect: ConnectArgs,

    /// Answers and errors as JSON, one value a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the record KEY
    ///
    /// Reads what `kvs put` and applications store as typed text. What `RING.PUT` and `kvs load`
    /// store are bytes as they are: those need --raw.
    Get {
        /// Up to 1,024 bytes
        key: String,
        /// Writes the stored bytes as they are, with no line end
        #[arg(long)]
        raw: bool,
    },
    /// Sets the record KEY
    ///
    /// Stores the text in the encoding of typed records, on a server as in an embedded store;
    /// `RING.GET` gives the encoded bytes. With --raw the text itself is stored.
    Put {
        /// Up to 1,024 bytes
        key: String,
        /// Up to 16 MiB; - for the standard input
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Stores the text as it is, as `RING.PUT` does
        #[arg(long)]
        raw: bool,
    },
    /// Removes the record KEY
    Delete {
        /// Up to 1,024 bytes
        key: String,
    },
    /// Numbered entries, newest first
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Distinct values in order
    #[command(subcommand)]
    Sorted(SortedCommand),
    /// Members by score, with ranks
    #[command(subcommand)]
    Leaderboard(LeaderboardCommand),
    /// Files of any size, in directories
    #[command(subcommand)]
    File(FileCommand),
    /// The whole store in one zip file
    #[command(subcommand)]
    Dump(DumpCommand),
    /// Gives back the room of what was removed or overwritten
    Compact,
    /// Loads 6,508 football matches into a server, one record each
    ///
    /// The record of a match is JSON, as it is; `kvs get --raw` and `RING.GET` read it. Its key:
    ///
    /// match/<division>/<season>/<date>/<home team>-<away team>
    ///
    /// A record counts as loaded once the server has acknowledged it. What isn't acknowledged
    /// (UNAVAILABLE, UNKNOWN, a lost connection) is put again, at the next --connect address, until
    /// --patience is over: putting the same record twice is harmless. The first record that can't
    /// be put ends the load, with exit code 1. Loading again is harmless, too.
    #[command(verbatim_doc_comment)]
    Load(LoadArgs),
    /// What a server tells about its ring; the way out when a majority of its voters is lost
    #[command(subcommand)]
    Ring(RingCommand),
    /// Serves the store to Redis clients and over HTTP, until SIGTERM or Ctrl-C
    ///
    /// What isn't said by a flag is taken from the environment (KVS_RESP_ADDR for --resp-addr), then
    /// from the TOML file of --config (resp-addr = "127.0.0.1:6380"), then from the defaults.
    Serve(Box<ServeOptions>),
    /// Four years of football: loads 6,508 matches and shows what a store is good for
    ///
    /// Loads matches into the store, if they aren't there yet, and shows the newest matches of a
    /// team, a league table, and the team's rank and neighbours in it.
    ///
    /// The matches of each team and of each division are a feed: team/<team>, division/<division>.
    /// Each table is a leaderboard, table/<division>/<season>. Its scores have the order of the
    /// table: 81.50320068 is 81 points (3 a win, 1 a draw), then 5,000 + goal difference in four
    /// digits, then goals scored in four. What some leagues do beyond that is left out: comparing
    /// the matches between two teams first, and taking points off. Seasons begin in July.
    #[command(verbatim_doc_comment)]
    Demo(DemoArgs),
}

impl Command {
    /// Its name, as it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get",
            Self::Put { .. } => "put",
            Self::Delete { .. } => "delete",
            Self::Feed(_) => "feed",
            Self::Sorted(_) => "sorted",
            Self::Leaderboard(_) => "leaderboard",
            Self::File(_) => "file",
            Self::Dump(_) => "dump",
            Self::Compact => "compact",
            Self::Load(_) => "load",
            Self::Ring(_) => "ring",
            Self::Serve(_) => "serve",
            Self::Demo(_) => "demo",
        }
    }
}

/// What to load, and how.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Matches to load, as JSON: `[{date, division, home_team, away_team, home_score,
    /// away_score}, …]` [default: those in this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// How many connections load at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) clients: u16,
    /// How long to try for each record, as in 60s or 500ms
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub(crate) patience: Period,
    /// Reads every record back afterwards and compares
    #[arg(long)]
    pub(crate) verify: bool,
    /// Writes the keys of acknowledged records to this file, one a line, as they come
    #[arg(long, value_name = "FILE")]
    pub(crate) acknowledged: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RingCommand {
    /// Prints the ring and its members, as the server sees them
    ///
    /// The share is the part of all replicas that a member holds; hints are writes that the server
    /// keeps for it until it is back. With --json: what the server says, as it is.
    Status,
    /// DANGER: makes the stopped node in --data-dir the only voter on the layout
    ///
    /// For one node only, and only when a majority of the voters is lost for good: never when they
    /// are merely down or out of reach. Changes of the layout that this node has not heard of are
    /// lost, and the lost voters must never be started again on their old folders. The other nodes
    /// that are left follow as soon as they meet this one. Records are not touched. Without
    /// --majority-is-lost-for-good it only shows what the folder holds.
    RecoverVoters {
        /// That you know that a majority of the voters will never come back
        #[arg(long)]
        majority_is_lost_for_good: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Adds VALUE as the newest entry and prints its number
    Add {
        /// The feed
        id: String,
        /// Up to 16 MiB; - for the standard input
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Prints all entries, newest first, each with its number
    All {
        /// The feed
        id: String,
        /// Begins with this entry
        #[arg(long, value_name = "EID")]
        from: Option<u64>,
        /// Prints no more than this many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Prints the entry EID
    Get {
        /// The feed
        id: String,
        /// The entry's number
        eid: u64,
    },
    /// Prints the newest entry
    Head {
        /// The feed
        id: String,
    },
    /// Prints the next older entry after EID
    Next {
        /// The feed
        id: String,
        /// An entry's number
        eid: u64,
    },
    /// Prints the next newer entry before EID
    Prev {
        /// The feed
        id: String,
        /// An entry's number
        eid: u64,
    },
    /// Prints how many entries there are
    Len {
        /// The feed
        id: String,
    },
    /// Removes the entry EID
    Remove {
        /// The feed
        id: String,
        /// The entry's number
        eid: u64,
    },
    /// Removes all entries older than EID and prints how many
    RemoveAfter {
        /// The feed
        id: String,
        /// An entry's number
        eid: u64,
    },
    /// Removes all entries and prints how many
    Clear {
        /// The feed
        id: String,
    },
    /// Deletes what removed entries left behind and prints how many
    Cleanup {
        /// The feed
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SortedCommand {
    /// Adds VALUE; nothing changes if it is there
    Insert {
        /// The sorted set
        id: String,
        /// Up to 1 KiB; - for the standard input
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Removes VALUE
    Remove {
        /// The sorted set
        id: String,
        /// The value; - for the standard input
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Prints all values in order
    Flatten {
        /// The sorted set
        id: String,
        /// Prints no more than this many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// From the highest down
        #[arg(long)]
        descending: bool,
    },
    /// Prints how many values there are
    Len {
        /// The sorted set
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaderboardCommand {
    /// Sets a member's score
    Set {
        /// The leaderboard
        id: String,
        /// Up to 1 KiB
        member: String,
        /// A finite number
        #[arg(allow_negative_numbers = true)]
        score: f64,
    },
    /// Adds to a member's score, 0 if it has none, and prints the sum
    Add {
        /// The leaderboard
        id: String,
        /// Up to 1 KiB
        member: String,
        /// A finite number
        #[arg(allow_negative_numbers = true)]
        delta: f64,
    },
    /// Prints the best
    Top {
        /// The leaderboard
        id: String,
        /// How many
        #[arg(short, default_value_t = 10)]
        n: usize,
    },
    /// Prints a member's rank, 1 for the best
    Rank {
        /// The leaderboard
        id: String,
        /// The member
        member: String,
    },
    /// Prints a member with those next to it
    Around {
        /// The leaderboard
        id: String,
        /// The member
        member: String,
        /// How many above and how many below
        #[arg(short, default_value_t = 2)]
        n: usize,
    },
    /// Removes a member
    Remove {
        /// The leaderboard
        id: String,
        /// The member
        member: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// Stores PATH as the file NAME, in place of the one that is there
    Put {
        /// The directory in the store
        dir: String,
        /// The file in the store
        name: String,
        /// Where to read the bytes; - for the standard input
        path: PathBuf,
    },
    /// Adds the bytes of PATH to the end of the file NAME
    Append {
        /// The directory in the store
        dir: String,
        /// The file in the store
        name: String,
        /// Where to read the bytes; - for the standard input
        path: PathBuf,
    },
    /// Writes the bytes of the file NAME, as they are
    Get {
        /// The directory in the store
        dir: String,
        /// The file in the store
        name: String,
        /// Where to, instead of the standard output
        #[arg(short, long, value_name = "PATH")]
        output: Option<PathBuf>,
    },
    /// Prints the names and sizes of files
    Ls {
        /// The directory in the store
        dir: String,
        /// Only names that begin with this
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Prints what is known of a file
    Stat {
        /// The directory in the store
        dir: String,
        /// The file in the store
        name: String,
    },
    /// Removes a file and its bytes
    Rm {
        /// The directory in the store
        dir: String,
        /// The file in the store
        name: String,
    },
    /// Deletes what replaced files and broken uploads left behind
    Cleanup {
        /// The directory in the store
        dir: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DumpCommand {
    /// Saves the whole store to the zip file PATH
    Save {
        /// Replaced, if it is there, once the new one is whole
        path: PathBuf,
    },
    /// Loads the zip file PATH, over what is in the store
    Load {
        /// Checked whole before anything is loaded
        path: PathBuf,
    },
}

/// Which matches to load, and what to show of them.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Whose matches and rank to show [default: who leads the table]
    #[arg(long)]
    pub(crate) team: Option<String>,

    /// Whose table to show [default: the team's, or English Premier League]
    #[arg(long)]
    pub(crate) division: Option<String>,

    /// Which season's, as in 2015/16, 2015-16 or 2015 [default: the newest, or 2015/16]
    #[arg(long)]
    pub(crate) season: Option<Season>,

    /// Matches to load, as JSON: `[{date, division, home_team, away_team, home_score,
    /// away_score}, …]` [default: those in this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}
