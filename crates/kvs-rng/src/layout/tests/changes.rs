//! What a change does, and which are refused.

use super::*;

#[track_caller]
fn refused(layout: &Layout, change: &Change, expected: &str) {
    let error = layout.apply(change).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_layout_begins_with_one_node_that_holds_everything() {
    let layout = found(64, quorum("3,2,2"), node(1));
    assert_eq!((layout.version(), layout.copies()), (1, 1));
    assert_eq!(layout.replicas(layout.bucket_of(b"any")), [node(1).id]);
    let share = Share { primaries: 64, replicas: 64 };
    assert_eq!(layout.shares(), BTreeMap::from([(node(1).id, share)]));
}

#[test]
fn what_can_be_no_layout_is_not_founded() {
    let found = |name: &str, virtual_nodes, quorum: &str, first| {
        let quorum = quorum.parse().unwrap();
        let cluster = ClusterId::from_bytes([1; 16]);
        Layout::found(cluster, name, Hashing::default(), virtual_nodes, quorum, first)
            .unwrap_err()
            .to_string()
    };
    assert!(found("", 128, "1,1,1", node(1)).contains("1 to 255 bytes"));
    assert!(found("c", 0, "1,1,1", node(1)).contains("outside of 1 to 1024"));
    assert!(found("c", 1025, "1,1,1", node(1)).contains("1025 virtual nodes"));
    assert!(found("c", 128, "3,4,1", node(1)).contains("W must be 1 to N"));
    assert!(found("c", 128, "1,1,1", member(1, "", 0)).contains("weight must be 1 to 1000"));
}

#[test]
fn members_that_make_no_sense_are_refused() {
    let layout = found(64, quorum("1,1,1"), node(1));
    let at = |address: &str| Member { address: address.parse().unwrap(), ..node(2) };
    let cases = [
        (member(2, "", 1001), "weight must be 1 to 1000"),
        (member(2, &"z".repeat(256), 100), "zone may have at most 255 bytes"),
        (Member { name: String::new(), ..node(2) }, "name must have 1 to 255 bytes"),
        (Member { name: "n".repeat(256), ..node(2) }, "name must have 1 to 255 bytes"),
        (at("0.0.0.0:4343"), "none that others could connect to"),
        (at("127.0.0.1:0"), "none that others could connect to"),
        (at("[fe80::1%3]:4343"), "has a scope"),
        (Member { address: node(1).address, ..node(2) }, "it is the address of node"),
    ];
    for (member, expected) in cases {
        refused(&layout, &Change::Join(member), expected);
    }
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let layout = ring(64, 1, &[node(1), node(2)]);
    refused(&layout, &Change::Join(node(1)), "is already a member, at 127.0.0.1:4001");
    let moved = Member { address: node(3).address, ..node(1) };
    refused(&layout, &Change::Join(moved), "is already a member");
    refused(&layout, &Change::Update(node(1)), "already so");
    refused(&layout, &Change::Update(node(3)), "is not a member");
    let taken = Member { address: node(2).address, ..node(1) };
    let expected = format!("it is the address of node {}", node(2).id);
    refused(&layout, &Change::Update(taken), &expected);
    refused(&layout, &Change::Leave(node(3).id), "is not a member");
    refused(&layout, &Change::SetQuorum(layout.quorum()), "already so");
    refused(&layout, &Change::SetQuorum(quorum("3,4,1")), "W must be 1 to N");
    let place = |old: u8, member: Member| Change::Replace { old: node(old).id, member };
    let at_1 = |number: u8| Member { address: node(1).address, ..node(number) };
    refused(&layout, &place(3, at_1(4)), "is not a member");
    refused(&layout, &place(1, node(4)), "its address is 127.0.0.1:4004, not 127.0.0.1:4001");
    refused(&layout, &place(1, at_1(2)), "is already a member, at 127.0.0.1:4002");
    let zoned = Member { zone: "east".to_owned(), ..at_1(4) };
    refused(&layout, &place(1, zoned), r#"its zone is "east", not """#);
    refused(&layout, &place(1, Member { weight: 50, ..at_1(4) }), "its weight is 50, not 100");
    let alone = layout.apply(&Change::Leave(node(1).id)).unwrap();
    refused(&alone, &Change::Leave(node(2).id), "is the last one and can't leave");
}

#[test]
fn a_new_name_or_address_moves_nothing() {
    let layout = ring(64, 2, &[node(1), node(2), node(3)]);
    let address = "10.1.2.3:4343".parse().unwrap();
    let other = Member { name: "other".to_owned(), address, ..node(2) };
    let next = layout.apply(&Change::Update(other.clone())).unwrap();
    assert_eq!(next.version(), layout.version() + 1);
    assert_eq!(next.member(other.id), Some(&other));
    assert_eq!(next.table(), layout.table());
    assert_ne!(next.digest(), layout.digest());
}

#[test]
fn who_takes_the_place_of_another_takes_its_buckets_and_no_others() {
    let layout = ring(64, 2, &[node(1), node(2), node(3)]);
    let new = Member { address: node(2).address, ..node(4) };
    let change = Change::Replace { old: node(2).id, member: new.clone() };
    let next = layout.apply(&change).unwrap();
    check(&next);
    assert_eq!(next.version(), layout.version() + 1);
    assert_eq!(next.member(new.id), Some(&new));
    assert_eq!(next.member(node(2).id), None);
    for (before, after) in layout.table().lists().zip(next.table().lists()) {
        let place = |id: &NodeId| if *id == node(2).id { new.id } else { *id };
        assert_eq!(after, before.iter().map(place).collect::<Vec<_>>());
    }
    // Alone it is no different.
    let alone = found(64, quorum("1,1,1"), node(2));
    assert_eq!(alone.apply(&change).unwrap().replicas(Bucket(0)), [new.id]);
}

#[test]
fn nodes_share_every_bucket_until_there_are_more_than_n() {
    let mut layout = found(64, quorum("3,2,2"), node(1));
    for number in 2..=4 {
        layout = layout.apply(&Change::Join(node(number))).unwrap();
        check(&layout);
        assert_eq!(layout.copies(), usize::from(number.min(3)));
    }
    let fewer = layout.apply(&Change::Leave(node(1).id)).unwrap();
    let fewer = fewer.apply(&Change::Leave(node(2).id)).unwrap();
    check(&fewer);
    assert_eq!(fewer.copies(), 2);
}
