//! `kvs ring`: what a server tells about its ring.

use comfy_table::CellAlignment::{Left, Right};
use serde::Deserialize;

use crate::cli::RingCommand;
use crate::client::{ClientError, ConnectArgs};
use crate::error::Result;
use crate::output::Output;
use crate::ring_status::{MemberRole, MemberState, MemberStatus, RingStatus};

pub(crate) async fn run(command: RingCommand, connect: &ConnectArgs, out: &mut Output) -> Result {
    match command {
        RingCommand::Status => status(connect, out).await,
    }
}

async fn status(connect: &ConnectArgs, out: &mut Output) -> Result {
    let server = connect.open_one().await?.ok_or(ClientError::Nowhere)?;
    let json = server.ring_status().await?;
    if out.is_json() {
        return out.json(&json);
    }
    let mut status = RingStatus::deserialize(&json)
        .map_err(|error| server.strange(false, format!("{error}; --json shows it")))?;
    status.members.sort_by(|a, b| a.name.cmp(&b.name));
    out.columns(None, [Left, Left], about(&status))?;
    out.plain("")?;
    let header =
        ["NAME", "ID", "ADDRESS", "ZONE", "WEIGHT", "STATE", "ROLE", "BUCKETS", "SHARE", "HINTS"];
    let alignments = [Left, Left, Left, Left, Right, Left, Left, Right, Right, Right];
    out.columns(Some(header), alignments, status.members.iter().map(row))
}

/// What there is to say of the ring as a whole.
fn about(status: &RingStatus) -> Vec<[String; 2]> {
    let quorum = status.quorum;
    let cluster = match (&status.cluster_name, &status.cluster_id) {
        (Some(name), Some(id)) => Some(format!("{name} ({id})")),
        (name, id) => name.clone().or(id.clone()),
    };
    let layout = status.layout_version.map(|version| format!("version {version}"));
    let lines = [
        ("cluster", cluster),
        ("layout", layout),
        ("buckets", status.buckets.map(|buckets| buckets.to_string())),
        ("quorum", Some(format!("{},{},{} (N,W,R)", quorum.n, quorum.w, quorum.r))),
        ("state", Some(status.state.name().to_owned())),
    ];
    lines.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).collect()
}

fn row(member: &MemberStatus) -> [String; 10] {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
    [
        text(Some(&member.name)),
        text(member.id.as_deref()),
        text(member.address.as_deref()),
        text(Some(&member.zone)),
        number(member.weight),
        text(member.state.map(MemberState::name)),
        text(member.role.map(MemberRole::name)),
        number(member.buckets),
        member.share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share)),
        number(member.hints),
    ]
}

fn number(number: Option<impl ToString>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}
