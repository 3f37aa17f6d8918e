//! `kvs ring`: what a server tells about its ring, and the way out when a majority of its voters is lost.

use comfy_table::CellAlignment::{Left, Right};
use kvs::cluster;
use serde::Deserialize;
use serde_json::json;

use crate::cli::RingCommand;
use crate::client::{ClientError, ConnectArgs};
use crate::error::{Failure, Result};
use crate::output::Output;
use crate::place::Place;
use crate::ring_status::{MemberRole, MemberState, MemberStatus, RingStatus};
use crate::store::StoreArgs;

pub(crate) async fn run(command: RingCommand, place: &Place, out: &mut Output) -> Result {
    match command {
        RingCommand::Status => status(&place.connect, out).await,
        RingCommand::RecoverVoters { majority_is_lost_for_good } => {
            recover_voters(&place.store, majority_is_lost_for_good, out).await
        }
    }
}

async fn recover_voters(store: &StoreArgs, is_sure: bool, out: &mut Output) -> Result {
    let dir = store.dir();
    let node = cluster::stopped_node(dir, &store.options()).await?;
    let (id, layout) = (node.id(), node.layout());
    let (version, members) = (layout.version(), layout.members().len());
    let name = layout.member(id).map_or("", |member| member.name.as_str());
    let held = format!(
        "{} holds node {name} ({id}) of the cluster {} ({}), and version {version} of its layout, \
         with {members} members",
        dir.display(),
        layout.name(),
        layout.cluster()
    );
    if !is_sure {
        return Err(Failure::Refused(format!(
            "{held}. Nothing was changed. If a majority of the voters is lost for good, and no other \
             node that is left has a higher version, add --majority-is-lost-for-good: this node will \
             be the only voter then, and the lost ones must never be started again on their old \
             folders"
        )));
    }
    node.force_voters().await.map_err(kvs::Error::from)?;
    out.line(
        format!(
            "{held}.\nIt is the only voter on the layout now. Start it first, then the other nodes \
             that are left: they get their votes back as they meet it.\nNever start the lost voters \
             again on their old folders. Changes of the layout that only they knew are gone."
        ),
        &json!({ "node": id.to_string(), "layout_version": version, "members": members }),
    )
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
