//! The bytes of a layout.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn tiny() -> Layout {
    let member = |number: u8, zone: &str, weight| Member {
        zone: zone.to_owned(),
        weight,
        ..Member::new(
            NodeId::from_bytes([number; 16]),
            format!("n{number}"),
            ([127, 0, 0, number], 4343).into(),
        )
    };
    let first = member(1, "a", 100);
    let hashing = Hashing::new(32, 4).unwrap();
    let cluster = ClusterId::from_bytes([9; 16]);
    let layout = Layout::found(cluster, "tiny", hashing, 8, quorum("2,2,1"), first).unwrap();
    let layout = layout.apply(&Change::Join(member(2, "b", 100))).unwrap();
    let layout = layout.apply(&Change::Join(member(3, "b", 200))).unwrap();
    let third = Member { address: "[::1]:4343".parse().unwrap(), ..member(3, "b", 200) };
    layout.apply(&Change::Update(third)).unwrap()
}

/// The first version of the bytes: what is stored so is read for ever.
#[test]
fn old_bytes_are_read() {
    let bytes = hex(include_str!("layout.v1.hex"));
    assert_eq!(Layout::decode(&bytes), Ok(tiny()));
    assert_eq!(tiny().encode(), bytes);
    assert_eq!(tiny().digest(), xxhash_rust::xxh3::xxh3_64(&bytes));
}

/// What a node of another release proposes is understood: a variant keeps its number.
#[test]
fn changes_keep_their_bytes() {
    let id = NodeId::from_bytes([3; 16]);
    let address = ([127, 0, 0, 3], 4343).into();
    let member = Member::new(id, "n3", address);
    // The length of the id, the id, name, address, zone, weight.
    let described = format!("10{}02{}00{}{}0064", "03".repeat(16), "6e33", "7f000003", "f721");
    let old = NodeId::from_bytes([9; 16]);
    for (change, bytes) in [
        (Change::Join(member.clone()), format!("00{described}")),
        (Change::Update(member.clone()), format!("01{described}")),
        (Change::Leave(old), format!("0210{}", "09".repeat(16))),
        (Change::SetQuorum(quorum("3,2,1")), "03030201".to_owned()),
        (Change::Replace { old, member }, format!("0410{}{described}", "09".repeat(16))),
    ] {
        assert_eq!(postcard::to_allocvec(&change).unwrap(), hex(&bytes), "{change:?}");
        assert_eq!(postcard::from_bytes::<Change>(&hex(&bytes)).unwrap(), change);
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let bytes = digits.as_bytes().chunks(2);
    bytes.map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 16).unwrap()).collect()
}

#[test]
fn what_is_no_layout_is_refused() {
    let bytes = tiny().encode();
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    let longer = [&bytes[..], &[0]].concat();
    // The bytes end with the places of the last bucket; the postcard of a table can't say why.
    let last = bytes.len() - 1;
    let cases = [
        (Vec::new(), "empty"),
        (with(0, 7), "unknown codec tag 0x07"),
        (with(1, 2), "schema version 2, this program knows 1"),
        (longer, "1 bytes are left over"),
        (bytes[..last].to_vec(), "Hit the end"),
        (with(last, 3), "not a layout"),
        (with(last, bytes[last - 1]), "not a layout"),
    ];
    for (bytes, expected) in cases {
        let error = Layout::decode(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("not a layout") && error.contains(expected), "{error}");
    }
    for length in 0..last {
        assert!(Layout::decode(&bytes[..length]).is_err());
    }
}

proptest! {
    #[test]
    fn altered_bytes_are_refused_or_a_layout(at: Index, byte: u8, rest: Vec<u8>, cut: bool) {
        let mut bytes = tiny().encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
            bytes.extend(rest);
        }
        if let Ok(layout) = Layout::decode(&bytes) {
            sound(&layout);
        }
    }
}

#[test]
fn a_table_that_does_not_go_with_the_members_is_refused() {
    let other = Table::single(NodeId::from_bytes([8; 16]), 4);
    let mut broken = [tiny(), tiny(), tiny(), tiny()];
    broken[0].table = other;
    broken[1].table = ring(8, 2, &[node(1), node(2), node(3)]).table;
    broken[2].quorum = quorum("3,2,2");
    broken[3].members.pop_first();
    for layout in broken {
        let error = Layout::decode(&layout.encode()).unwrap_err().to_string();
        assert!(error.contains("its table doesn't go with"), "{error}");
    }
}
